"""A repository of backups in a folder, read a second time: from docs/FORMAT.md
alone, with age(1) and zstd(1) for what they do, everything else by hand.  Whatever
is not as the text says raises Bad.

    python tests/reference/repository.py REPOSITORY [IDENTITIES]

proves all snapshots.  repository_cut.py cuts as the text says, and
repository_write.py writes a repository.
"""

import hashlib
import hmac
import json
import re
import subprocess
import sys
from pathlib import Path

import bson_walk
import docdigest

LARGEST_BLOB = 16793600
LARGEST_OBJECT = 17055744
HEX64 = "[0-9a-f]{64}"
BLOB_LINE = re.compile(rf'\["({HEX64})",([1-9][0-9]*),"({HEX64})"(,"detail")?\]')


class Bad(Exception):
    """Not as docs/FORMAT.md says."""


def need(true, *what):
    if not true:
        raise Bad(*what)


def derive(key, label, data=b"", end=b"\0"):
    return hmac.digest(key, label.encode() + end + data, "sha256")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def run(args, data):
    r = subprocess.run(args, input=data, capture_output=True)
    need(r.returncode == 0, args[0], r.stderr.decode(errors="replace"))
    return r.stdout


def blob_name(naming_key, contents):
    if not naming_key:
        return sha256(contents)
    return hmac.digest(derive(naming_key, "spaceferry blob name"), contents,
                       "sha256").hex()


class List:
    """A list of blobs: a snapshot, or a note of progress."""

    def __init__(self, data, kind):
        need(data.endswith(b"\n") and len(data) <= 256 << 20, kind, "not whole")
        first, *middle, last = data[:-1].split(b"\n")
        need(max(len(first), len(last)) <= 65536, kind, "a long head or end")
        self.head, end = json.loads(first), json.loads(last)["end"]
        need(self.head["format"] == f"spaceferry {kind}", kind, self.head)
        need(self.head["version"] == 1, kind, "version")
        need(sha256(data[:-len(last) - 1]) == end["sha256"], kind, "digest")
        self.blobs, self.details, self.stored = {}, [], 0
        data = set()
        for line in middle:
            m = BLOB_LINE.fullmatch(line.decode())
            need(m, kind, line)
            name, stored, digest, detail = m.groups()
            need(detail or not self.details, kind, "data behind details")
            need(int(stored) <= LARGEST_OBJECT, kind, line)
            need(detail or name not in data, kind, name, "twice")
            data.add(name)
            self.blobs[name] = int(stored), digest
            self.stored += int(stored)
            if detail:
                self.details.append(name)
        need(end["blobs"] == len(middle) and end["stored"] == self.stored,
             kind, "counts")


class Repository:
    def __init__(self, folder, identities=None):
        self.folder, self.identities = Path(folder), identities
        self.config = json.loads((self.folder / "config").read_bytes())
        need(self.config["format"] == "spaceferry repository", self.config)
        need(self.config["version"] == 1, self.config)
        need(re.fullmatch("[0-9a-f]{32}", self.config["id"]), self.config)
        self.encrypted = self.config["encrypted"]

    def decrypt(self, data):
        return run(["age", "-d", "-i", str(self.identities)], data)

    def naming_key(self, key_id):
        if not self.encrypted:
            need(key_id == "", key_id)
            return b""
        text = self.decrypt((self.folder / "keys" / f"{key_id}.age").read_bytes())
        m = re.fullmatch(rb"spaceferry naming key ([0-9a-f]{64})\n", text)
        need(m, "keys", key_id)
        key = bytes.fromhex(m[1].decode())
        need(sha256(key)[:16] == key_id, "keys", key_id)
        return key

    def path(self, name):
        return (self.folder / "data" / name[:2] /
                (name + (".zst.age" if self.encrypted else ".zst")))

    def blob(self, name, naming_key):
        """The contents, proven."""
        data = self.path(name).read_bytes()
        if self.encrypted:
            data = self.decrypt(data)
        contents = run(["zstd", "-dc"], data)
        need(0 < len(contents) <= LARGEST_BLOB, name, "size")
        need(blob_name(naming_key, contents) == name, name, "contents")
        return contents

    def lists(self, folder, kind):
        for path in sorted((self.folder / folder).glob("*.jsonl")):
            yield path, List(path.read_bytes(), kind)

    def snapshots(self):
        """Oldest first."""
        out = []
        for path, held in self.lists("snapshots", "snapshot"):
            time = held.head["time"]
            need(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time), time)
            need(re.fullmatch("[0-9a-f]{8}", held.head["id"]), held.head)
            need(path.stem == f"{re.sub('[-:]', '', time)}-{held.head['id']}",
                 path, held.head)
            out.append(Snapshot(self, held))
        return out


class Snapshot:
    """Its details: about, collections (ns: {..., "run": [...]}) and places
    (name: {..., "file": [...]})."""

    def __init__(self, repository, held):
        self.repository, self.list, self.head = repository, held, held.head
        self.key = repository.naming_key(self.head["key"])
        self.names, self.collections, self.places = set(), {}, {}
        self.details()

    def blob(self, name):
        need(name in self.list.blobs, name, "is not in the list")
        stored, digest = self.list.blobs[name]
        data = self.repository.path(name).read_bytes()
        need(len(data) == stored and sha256(data) == digest, name, "object")
        self.names.add(name)
        return self.repository.blob(name, self.key)

    def details(self):
        text = b"".join(map(self.blob, self.list.details))
        need(text.endswith(b"\n"), "details", "not whole")
        lines = [json.loads(line) for line in text[:-1].split(b"\n")]
        need(all(len(line) == 1 for line in lines), "details", "members")
        kinds, values = zip(*(next(iter(line.items())) for line in lines))
        need(kinds[0] == "snapshot" and kinds[-1] == "end", "details", "order")
        self.about = values[0]
        for member in "id", "time":
            need(self.about[member] == self.head[member], "details", member)
        at = 1
        while at < len(lines) - 1:
            owner, kind = values[at], kinds[at]
            table, parts, name, count = {
                "collection": (self.collections, "run", "ns", "runs"),
                "place": (self.places, "file", "name", "files")}[kind]
            end = at + 1 + owner[count]
            need(kinds[at + 1:end] == (parts,) * owner[count], "details", owner)
            need(owner[name] not in table, "details", owner, "twice")
            need(kind == "place" or not self.places, "details", owner, "late")
            table[owner[name]] = {**owner, parts: list(values[at + 1:end])}
            at = end
        found = {"collections": len(self.collections), "places": len(self.places),
                 "documents": sum(c["count"] for c in self.collections.values()),
                 "files": sum(p["files"] for p in self.places.values())}
        need({k: values[-1][k] for k in found} == found, "details", values[-1])

    def documents(self, ns):
        """The documents of a collection, raw, proven."""
        collection, out = self.collections[ns], []
        for name, size, count in collection["run"]:
            contents, before = self.blob(name), len(out)
            need(len(contents) == size, ns, "bytes of a run")
            while contents:
                n = int.from_bytes(contents[:4], "little")
                out.append(contents[:n])
                list(bson_walk.elements(out[-1]))
                contents = contents[n:]
            need(len(out) - before == count > 0, ns, "documents of a run")
        need(len(out) == collection["count"], ns, "count")
        need(sum(map(len, out)) == collection["bytes"], ns, "bytes")
        need(docdigest.collection_digest(map(docdigest.document_digest, out)) ==
             collection["digest"], ns, "digest")
        return out

    def metadata(self, ns):
        return json.loads(self.collections[ns]["metadata"])

    def files(self, place):
        """{key: contents} of a place, proven."""
        held, out = self.places[place], {}
        for file in held["file"]:
            need({"", ".", ".."}.isdisjoint(file["key"].split("/")), file["key"])
            contents = b"".join(map(self.blob, file["blobs"]))
            need(len(contents) == file["size"], file["key"], "size")
            need(sha256(contents) == file["sha256"], file["key"], "digest")
            out[file["key"]] = contents
        need(len(out) == held["files"], place, "files")
        need(sum(map(len, out.values())) == held["bytes"], place, "bytes")
        return out

    def prove(self):
        for ns in self.collections:
            self.documents(ns)
        for place in self.places:
            self.files(place)
        need(self.names == set(self.list.blobs), "blobs that no detail names")


if __name__ == "__main__":
    for snapshot in Repository(*sys.argv[1:]).snapshots():
        snapshot.prove()
        print(snapshot.head["id"], snapshot.head["time"],
              f"{len(snapshot.collections)} collections",
              f"{len(snapshot.places)} places")
