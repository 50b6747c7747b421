"""Writes a repository of backups into a folder, from docs/FORMAT.md alone: the
other half of repository.py."""

import json
import os
import secrets
import socket
import time
from datetime import datetime, timezone
from pathlib import Path

import age
import docdigest
import repository_cut as cut
from repository import Repository, blob_name, derive, need, run, sha256


def put(path, data, replace=False):
    """Whole or not at all, and never over another object."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with open(part, "xb", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if replace:
        part.replace(path)
    else:
        os.link(part, path)
        part.unlink()


def line(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def list_of_blobs(head, data, details=()):
    """The bytes of a snapshot or note; data and details: (name, object)."""
    out, stored = line(head) + b"\n", 0
    for entries, mark in (data, []), (details, ["detail"]):
        for name, held in entries:
            out += line([name, len(held), sha256(held), *mark]) + b"\n"
            stored += len(held)
    end = {"blobs": len(data) + len(details), "stored": stored, "sha256": sha256(out)}
    return out + line({"end": end}) + b"\n"


def fingerprint(recipients):
    return sha256("".join(f"{r}\n" for r in sorted(set(recipients))).encode())


class Writer:
    """Makes the repository where there is none.  secret: what stands in
    SPACEFERRY_NAMING_KEY, in hex."""

    def __init__(self, folder, recipients=(), secret=None):
        self.folder, self.recipients = Path(folder), sorted(set(recipients))
        if not (self.folder / "config").exists():
            put(self.folder / "config", line(
                {"format": "spaceferry repository", "version": 1,
                 "id": secrets.token_hex(16), "encrypted": bool(recipients)}))
        self.repository = Repository(self.folder)
        need(self.repository.encrypted == bool(recipients), "recipients")
        self.key, self.key_id = b"", ""
        if recipients:
            self.make_key(secret)
        self.start()

    def make_key(self, secret):
        mark = bytes.fromhex(fingerprint(self.recipients))
        self.key = (derive(bytes.fromhex(secret), "spaceferry naming key", mark)
                    if secret else secrets.token_bytes(32))
        self.key_id = sha256(self.key)[:16]
        path = self.folder / "keys" / f"{self.key_id}.age"
        if not path.exists():
            put(path, self.encrypt(self.key_text()))

    def key_text(self):
        return f"spaceferry naming key {self.key.hex()}\n".encode()

    def key_file(self):
        """Where the machine that backs up keeps it, below the state's folder."""
        return f"keys/{self.repository.config['id']}-{fingerprint(self.recipients)[:16]}"

    def start(self):
        """A snapshot begins."""
        self.id, self.began = secrets.token_hex(4), time.time_ns()
        self.data, self.details, self.lines = {}, [], []
        self.read = self.added = self.added_blobs = 0
        self.counts = {"collections": 0, "documents": 0, "places": 0, "files": 0}

    def when(self):
        at = datetime.fromtimestamp(self.began // 10 ** 9, timezone.utc)
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def encrypt(self, data):
        """By the real age, which takes it to be random."""
        return run(["age", *(a for r in self.recipients for a in ("-r", r))], data)

    def object_of(self, contents, same=False):
        """The object of a blob; same: byte for byte what others make of this
        frame (slow)."""
        frame = run(["zstd", "-q", "-1", "-c", f"--stream-size={len(contents)}",
                     "--check"], contents)
        if not self.recipients:
            return frame
        if same:
            return age.encrypt(derive(self.key, "spaceferry age seed"),
                               self.recipients, frame)
        return self.encrypt(frame)

    def blob(self, contents):
        """Stores it if it is not there: (name, object)."""
        name = blob_name(self.key, contents)
        path = self.repository.path(name)
        if path.exists():
            return name, path.read_bytes()
        held = self.object_of(contents, same=len(contents) < 4096)
        put(path, held)
        self.added += len(held)
        self.added_blobs += 1
        return name, held

    def keep(self, contents):
        """A blob of data of this snapshot: its name."""
        name, held = self.blob(contents)
        self.data[name] = held
        return name

    def collection(self, ns, documents, metadata, kind="collection", natural=False):
        """documents: raw, in their order."""
        runs = cut.Runs(self.key).collection(documents, natural)
        digests = map(docdigest.document_digest, documents)
        size = sum(map(len, documents))
        self.lines.append({"collection": {
            "ns": ns, "type": kind, "metadata": metadata, "count": len(documents),
            "bytes": size, "digest": docdigest.collection_digest(digests),
            "runs": len(runs)}})
        for each in runs:
            contents = b"".join(each)
            self.lines.append({"run": [self.keep(contents), len(contents), len(each)]})
        self.counts["collections"] += 1
        self.counts["documents"] += len(documents)
        self.read += size

    def place(self, name, files):
        """files: {key: (contents, time in ns)}."""
        size = sum(len(contents) for contents, _ in files.values())
        self.lines.append({"place": {"name": name, "files": len(files), "bytes": size}})
        for key, (contents, mtime_ns) in files.items():
            blobs = [self.keep(c) for c in cut.chunks(contents, self.key)]
            self.lines.append({"file": {
                "key": key, "size": len(contents), "mtime_ns": mtime_ns,
                "sha256": sha256(contents), "blobs": blobs}})
        self.counts["places"] += 1
        self.counts["files"] += len(files)
        self.read += size

    def note(self, number=0):
        """A note of progress of what was stored so far."""
        head = {"format": "spaceferry progress", "version": 1, "run": self.id,
                "time": self.began // 10 ** 9}
        put(self.folder / "partial" / f"{self.id}-{number}.jsonl",
            list_of_blobs(head, [*self.data.items()]))

    def finish(self, source="", server="", consistent_at=(), files=(), tags=(),
               group="0123456789abcdef"):
        """The details, then the snapshot; its id."""
        about = {"id": self.id, "time": self.when(), "host": socket.gethostname(),
                 "tool": "the reference", "source": source, "server": server,
                 "consistent_at": list(consistent_at), "files": list(files)}
        lines = [{"snapshot": about}, *self.lines, {"end": self.counts}]
        details = [self.blob(b) for b in cut.details([*map(line, lines)])]
        head = {"format": "spaceferry snapshot", "version": 1, "id": self.id,
                "time": self.when(), "time_ns": self.began, "key": self.key_id,
                "group": group, "tags": list(tags), "read": self.read,
                "added": self.added, "added_blobs": self.added_blobs}
        name = self.when().replace("-", "").replace(":", "") + f"-{self.id}.jsonl"
        put(self.folder / "snapshots" / name,
            list_of_blobs(head, [*self.data.items()], details))
        done = self.id
        self.start()
        return done


class Lock:
    """A run's lock, of this process.  Raises Bad where another is in the way: who
    would wait asks again."""

    def __init__(self, folder, kind, command="reference", lapses_after_ms=60000):
        self.folder, self.renewals = Path(folder) / "locks", 0
        self.about = {
            "about": "a lock of a repository", "id": secrets.token_hex(4),
            "state": "held", "kind": kind, "command": command,
            "host": socket.gethostname(), "pid": os.getpid(),
            "started": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lapses_after_ms": lapses_after_ms}
        self.path = self.folder / f"{self.about['id']}.json"
        self.renew()
        kinds = [other["kind"] for other in self.others()]
        if kinds if kind == "remove" else "remove" in kinds:
            self.release()
            need(False, "locks", kinds)

    def others(self):
        """What others hold (lapsed or not)."""
        return [json.loads(p.read_bytes()) for p in self.folder.glob("*.json")
                if p != self.path and p.stat().st_size > 32]

    def renew(self):
        self.renewals += 1
        put(self.path, line({**self.about, "renewals": self.renewals}) + b"\n",
            replace=True)

    def release(self, ended=False):
        """ended: by who may not delete."""
        if ended:
            put(self.path, b'{"state":"ended"}\n', replace=True)
        else:
            self.path.unlink()
