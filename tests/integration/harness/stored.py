"""What restore and its like start from: a server with collections of every kind
and two folders of files, and repositories that hold them.

    shop = stored.Shop(server, folder)      # filled, and backed up
    r = shop.run("restore", "--to", uri)    # with --repo and --identity
    assert stored.documents(db, name) == shop.documents[name]
"""

import datetime
import hashlib
import json
import random
import shutil

from bson import Binary, Decimal128, Int64, MinKey, Regex, Timestamp, encode

from . import look, raw, seeded
from .ferry import Ferry
from .vault import Vault, age_key

N_USERS = 9000
N_ITEMS = 70_000        # two partitions
URL = "https://old.example"
T0 = datetime.datetime(2024, 1, 1)


def users():
    rng = random.Random("users")
    for n in range(N_USERS):
        yield {"_id": n, "name": f"User {n}", "n": Int64(n), "tags": ["a", "b", "c"][:n % 4],
               "at": T0 + datetime.timedelta(hours=n), "page": f"{URL}/u/{n}",
               "address": {"city": f"c{n % 10}", "lines": [{"no": n % 5}, {"no": n % 7}]},
               "pad": rng.randbytes(200)}


def ask():
    """Documents that queries tell apart."""
    return [encode(d) for d in (
        {"_id": 1, "a": 1, "b": {"c": [1, 2, {"d": 5}]}}, {"_id": 2, "a": [1, 2, 3]},
        {"_id": 3, "a": "x", "t": T0}, {"_id": 4, "a": None}, {"_id": 5},
        {"_id": 6, "a": float("nan")}, {"_id": 7, "a": Decimal128("1.0"), "s": "Hello World"},
        {"_id": 8, "$a": 1, "$set": {"x": 1}, "a.b": 3}, {"_id": 9, "a": {"b": 4, "$c": 1}},
        {"_id": 10, "r": Regex("^a"), "ts": Timestamp(1, 1), "m": MinKey(), "bin": Binary(b"1", 5)},
        {"_id": 11, "a": [[1, 2], [3]]}, {"_id": 12, "a": [{"b": 1}, {"b": 4}]},
        {"_id": {"x": 1, "y": 2}, "a": 1}, {"_id": 14, "a": True, "s": "hello"},
        {"_id": 15, "a": Int64(2**53 + 1)}, {"_id": 16, "a": []}, {"_id": 17, "a": "$b", "b": "$b"},
    )] + [
        # The same name twice: the first one counts.
        b"\x1c\0\0\0\x10_id\0\x12\0\0\0\x10a\0\x01\0\0\0\x10a\0\x02\0\0\0\0"]


def fill(client, db, other):
    d = client[db]
    d["users"].insert_many(users())
    d["users"].create_index([("n", -1)], unique=True, name="by n")
    d["users"].create_index("address.city", partialFilterExpression={"n": {"$gt": 5}})
    raw.insert(d["items"], [encode({"_id": n, "x": n % 100}) for n in range(N_ITEMS)])
    seeded.odd(d["odd"])
    raw.insert(d["ask"], ask())
    raw.insert(d["large"], [encode({"_id": n, "b": bytes(5 << 20)}) for n in range(2)])
    d.create_collection("log", capped=True, size=1 << 20)
    raw.insert(d["log"], [encode({"_id": -n, "n": n}) for n in range(300)])
    d.create_collection("metrics", timeseries={"timeField": "at", "metaField": "m"})
    d["metrics"].insert_many([{"at": T0 + datetime.timedelta(seconds=n), "m": n % 7, "v": n}
                              for n in range(500)])
    d.create_collection("strict", validator={"a": {"$type": "int"}})
    d.create_collection("french", collation={"locale": "fr", "strength": 1})
    d["french"].insert_many([{"_id": "É"}, {"_id": "z", "w": "été"}, {"_id": "y", "w": "x"}])
    client[other]["things"].insert_many([{"_id": n, "text": "t" * 100} for n in range(200)])


def documents(db, name):
    """{raw _id: bytes}, a time-series' buckets as they are."""
    return {raw.id_of(d): d for batch in db[name].find_raw_batches() for d in raw.split(batch)}


def stored_names(db):
    infos = list(db.list_collections())
    series = {i["name"] for i in infos if i["type"] == "timeseries"}
    return sorted(i["name"] for i in infos if i["type"] == "collection"
                  and i["name"] not in series and i["name"] != "system.views")


def contents(client, db):
    """Everything of a database: documents as bytes, options, indexes, views."""
    return ({n: documents(client[db], n) for n in stored_names(client[db])},
            look.metadata(client, db))


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes()
            for p in sorted(folder.rglob("*")) if p.is_file()}


def sealed_again(text):
    """A clear part of a snapshot that was changed, with the digest at its end made
    right: what whoever holds the store can do."""
    lines = text.splitlines(keepends=True)
    end = json.loads(lines[-1])
    blobs = [b for b in map(json.loads, lines[1:-1])]
    end["end"].update(blobs=len(blobs), stored=sum(b[1] for b in blobs),
                      sha256=hashlib.sha256("".join(lines[:-1]).encode()).hexdigest())
    return "".join(lines[:-1]) + json.dumps(end, separators=(",", ":")) + "\n"


class Shop:
    """db and other are databases of server; up and docs folders of files; sealed
    and plain repositories of all of it."""

    def __init__(self, server, folder, name):
        folder.mkdir()
        self.folder, self.server = folder, server
        self.db, self.other = name, f"{name}-2"
        self.ferry = Ferry(folder / "home")
        self.identity, self.recipient = age_key(folder)
        self.up, self.docs = folder / "up", folder / "docs"
        rng = random.Random("files")
        for n in range(12):
            path = self.up / f"d{n % 3}" / f"photo {n}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(rng.randbytes(rng.randrange(1, 60_000)))
        (self.up / "film.bin").write_bytes(rng.randbytes(5 << 20))
        self.docs.mkdir()
        (self.docs / "read me.txt").write_text(f"see {URL}/help\n")
        self.drop()
        fill(server.client(), self.db, self.other)
        self.contents = {db: contents(server.client(), db) for db in (self.db, self.other)}
        self.sealed = self.backup("sealed", "--recipient", self.recipient)
        self.plain = self.backup("plain")

    def backup(self, repo, *args):
        r = self.ferry("backup", "--json", "--repo", self.folder / repo, "--db", self.db,
                       "--db", self.other, "--files", self.up, "--files", self.docs, *args,
                       env={"SPACEFERRY_FROM": self.server.uri()})
        assert r.rc == 0, r
        return Vault(self.folder / repo, self.identity if args else None)

    def copy(self, to):
        """Of the plain one, to be damaged."""
        shutil.copytree(self.plain.folder, to)
        return Vault(to)

    def run(self, command, *args, vault=None, rc=0, start=False, **more):
        vault = vault or self.sealed
        who = ["--identity", vault.identity] if vault.identity else []
        args = [command, "--json", "--repo", vault.folder, *who, *args]
        if start:
            return self.ferry.start(*args, **more)
        r = self.ferry(*args, **more)
        assert r.rc == rc, r
        return r

    def renames(self, to):
        return ["--rename", f"{self.db}.*={to}.*", "--rename", f"{self.other}.*={to}-2.*"]

    def runs(self, vault, name):
        """The paths of the blobs of one collection's documents, in their order."""
        (snapshot,) = vault.snapshots()
        found, at = [], None
        for line in vault.details(snapshot):
            if "collection" in line:
                at = line["collection"]["ns"]
            elif "run" in line and at == f"{self.db}.{name}":
                found += (vault.folder / "data").glob(f"*/{line['run'][0]}.*")
        return found

    def drop(self):
        for db in (self.db, self.other):
            self.server.client().drop_database(db)

    def close(self):
        self.ferry.close()
        self.drop()
