"""Repositories to be damaged and checked: made once, copied for each case.

    @pytest.fixture(scope="module")
    def made(work, source):
        yield from checked.made(work, source)
"""

import random
import shutil
import time

from bson import encode

from . import raw
from .damage import Damage
from .ferry import Ferry
from .vault import age_key

DB = "check-shop"


def fill_files(folder):
    chance = random.Random(7)
    folder.mkdir()
    for n in range(4):
        (folder / f"{n}.txt").write_bytes(chance.randbytes(40 + 3000 * n))
    (folder / "large.bin").write_bytes(chance.randbytes(3_500_000))


def fill_documents(db):
    chance = random.Random(8)
    raw.insert(db["orders"], [encode({"_id": n, "text": chance.randbytes(900).hex()})
                              for n in range(1500)])
    raw.insert(db["users"], [encode({"_id": f"u{n}"}) for n in range(50)])
    db["users"].create_index("name")


class Made:
    """The repositories that cases copy: `sealed` with two snapshots, `plain` and
    `other` with one; made once."""

    def __init__(self, folder, server):
        self.folder, self.uri = folder, server.uri(DB)
        self.ferry = Ferry(folder / "home")
        self.identity, self.recipient = age_key(folder)
        db = server.client()[DB]
        db.client.drop_database(DB)
        fill_documents(db)
        fill_files(folder / "files")
        self.documents = {}             # {id of a snapshot: {collection: {_id: bytes}}}
        self.note(db, self.backup("sealed"))
        # Names of snapshots then sort as they were made.
        time.sleep(1.01 - time.time() % 1)
        db["orders"].update_one({"_id": 0}, {"$set": {"text": "changed"}})
        self.note(db, self.backup("sealed"))
        self.note(db, self.backup("plain", recipient=None))
        self.note(db, self.backup("other", state="other-state"))

    def note(self, db, r):
        self.documents[r.summary["snapshots"][0]["id"]] = {
            name: {raw.id_of(d): d for batch in db[name].find_raw_batches()
                   for d in raw.split(batch)} for name in ("orders", "users")}

    def backup(self, name, recipient=True, folder=None, state="state", **kwargs):
        who = ["--recipient", self.recipient] if recipient else []
        r = self.ferry("backup", "--json", "--repo", (folder or self.folder) / name,
                       "--state", self.folder / state, "--files", self.folder / "files", *who,
                       env={"SPACEFERRY_FROM": self.uri}, **kwargs)
        assert r.rc == 0, r
        return r

    def copy(self, name, to):
        shutil.copytree(self.folder / name, to / name)
        sealed = name != "plain"
        return Damage(to / name, self.identity if sealed else None,
                      self.recipient if sealed else None)


def made(work, server):
    folder = work / "check"
    folder.mkdir()
    one = Made(folder, server)
    yield one
    one.ferry.close()
    server.client().drop_database(DB)
    shutil.rmtree(folder)


class Found:
    def __init__(self, result):
        self.result, self.rc = result, result.rc
        self.all = [line for line in result.lines if "verdict" in line]

    def named(self, verdict):
        return {line["check"] for line in self.all if line["verdict"] == verdict}

    def of(self, name):
        return " | ".join(f"{x['seen']} -> {x['remedy']}" for x in self.all if x["check"] == name)

    def __repr__(self):
        return "\n".join(map(str, self.all)) + f"\n{self.result!r}"


def check(made, tmp_path):
    """Runs check of a copy, without the machine's naming key."""
    def run(vault, *args, identity=True):
        who = ["--identity", made.identity] if identity and vault.identity else []
        return Found(made.ferry("check", "--json", "--repo", vault.folder, "--state",
                                tmp_path / "state", *who, *args))
    return run


def restored_right(made, vault, tmp_path):
    """restore's exit status; whatever it delivers must be right, and if it is not the
    newest snapshot, that one is not there."""
    newest = sorted(made.folder.joinpath(vault.folder.name, "snapshots").iterdir())[-1]
    out = tmp_path / "out"
    (out / "dump").mkdir(parents=True)
    who = ["--identity", made.identity] if vault.identity else []
    r = made.ferry("restore", "--json", "--repo", vault.folder, "--state", tmp_path / "state",
                   *who, "--to", f"dump:{out}/dump", "--files", f"{out}/files")
    made.last = r
    if r.rc == 0:
        (snapshot,) = [s["id"] for s in r.summary["snapshots"]]
        if f"-{snapshot}." not in newest.name and snapshot in made.documents:
            assert not (vault.folder / "snapshots" / newest.name).exists(), r
        for name, documents in made.documents.get(snapshot, {}).items():
            data = (out / "dump" / DB / f"{name}.bson").read_bytes()
            assert {raw.id_of(d): d for d in raw.split(data)} == documents, name
    for path in (made.folder / "files").iterdir():
        there = out / "files" / path.name
        if there.exists() or r.rc == 0:
            assert there.read_bytes() == path.read_bytes(), there
    return r.rc
