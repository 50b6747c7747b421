"""spaceferry backup against `mongodump --archive --gzip`, by turns in one run:
time, size, peak memory; then what later backups of the same database add, when
nothing, the newest 1 %, and 1 % anywhere has changed; and restoring it.

Twice: pages (text in HTML, ids, dates: what web apps keep), and orders, whose text
is words drawn from thirty, which suits gzip as nothing else does.

The server, the repository (a folder, encrypted) and the programs are of this
machine.  5,000 files are backed up with the database once more at the end.
"""

import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import dataset
import measure
from harness import raw
from harness.mongod import Mongod

MIB = measure.MIB
DB = "shop"
BOUND_FASTER, BOUND_LARGER, BOUND_PEAK = 8, 1.1, 128 * MIB
BOUND_SAME, BOUND_NEWEST = 0.005, 0.05


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Scene:
    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.key = folder / "key.txt"
        subprocess.run([measure.peer("age-keygen"), "-o", self.key], check=True,
                       capture_output=True)
        self.recipient = next(line.split()[-1] for line in
                              self.key.read_text().splitlines() if "public key" in line)
        self.files = folder / "files"

    def backup(self, repo, *more, db=None):
        done = measure.run(
            [measure.spaceferry(), "backup", "--json", "--quiet", "--repo", str(repo),
             "--state", str(self.folder / "state"), "--recipient", self.recipient, *more],
            env={"SPACEFERRY_FROM": self.server.uri(db or DB)})
        done.summary = json.loads(done.out.splitlines()[-1])
        assert done.summary["ok"]
        return done

    def dump(self, path, db):
        return measure.run([measure.peer("mongodump"), "--quiet", f"--uri={self.server.uri(db)}",
                            "--gzip", f"--archive={path}"])


def size_of(path):
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def make_files(folder, n):
    rng = random.Random("files")
    block = rng.randbytes(1 << 20)
    for i in range(n):
        path = folder / f"{i % 100:02}" / f"photo {i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        at = rng.randrange(1 << 19)
        path.write_bytes(i.to_bytes(4, "big") + block[at:at + rng.randrange(1000, 100_000)])


def digest(client, db):
    """(documents, sum of SHA-256 over their bytes)."""
    n = total = 0
    for batch in client[db]["orders"].find_raw_batches():
        for document in raw.split(batch):
            n += 1
            total += int.from_bytes(hashlib.sha256(document).digest(), "big")
    return n, total % (1 << 256)


def first(scene, rounds, db):
    """Against mongodump; the last repository stays."""
    pairs, larger = [], []
    # The server has written down what it was given, and has it in memory.
    scene.server.client().admin.command("fsync")
    scene.dump(scene.folder / "dump.gz", db)
    for i in range(rounds):
        repo, dump = scene.folder / "repo", scene.folder / "dump.gz"
        shutil.rmtree(repo, ignore_errors=True)
        ours = scene.backup(repo, db=db)
        theirs = scene.dump(dump, db)
        larger.append(size_of(repo) / dump.stat().st_size)
        say(f"round {i + 1}: {size_of(repo) / MIB:.1f} MiB against "
            f"{dump.stat().st_size / MIB:.1f} MiB")
        dump.unlink()
        pairs.append((ours, theirs))
    measure.table("mongodump --archive --gzip", pairs)
    ratio = sorted(t.seconds / o.seconds for o, t in pairs)[len(pairs) // 2]
    peak = max(o.peaks[0] for o, _ in pairs)
    print(f"size: {max(larger):.2f} times that of the dump (bound {BOUND_LARGER}); "
          f"time: bound {BOUND_FASTER} times as fast; peak: bound {BOUND_PEAK / MIB:.0f} MiB")
    return ratio >= BOUND_FASTER and peak <= BOUND_PEAK and (
        max(larger) <= BOUND_LARGER or db == DB)


def change(scene, ids):
    collection = scene.server.client()[DB]["orders"]
    for at in range(0, len(ids), 1000):
        collection.update_many({"_id": {"$in": ids[at:at + 1000]}}, {"$inc": {"total": 1}})


def later(scene, n):
    """What backups add that come after the first one."""
    repo = scene.folder / "repo"
    before, ok = size_of(repo), True
    ids = [d["_id"] for d in scene.server.client()[DB]["orders"].find({}, {"_id": 1})
           .sort("_id", 1)]
    rng = random.Random("ids")
    steps = [("nothing changed", [], BOUND_SAME),
             ("the newest 1 % changed", ids[-n // 100:], BOUND_NEWEST),
             ("1 % anywhere changed", rng.sample(ids, n // 100), None)]
    for name, changed, bound in steps:
        change(scene, changed)
        at = size_of(repo)
        done = scene.backup(repo)
        added = (size_of(repo) - at) / before
        ok = ok and (bound is None or added <= bound)
        print(f"{name}: {done.seconds:.2f} s, {100 * added:.2f} % new bytes"
              + (f" (bound {100 * bound:.1f} %)" if bound else "")
              + f", peak {done.peaks[0] / MIB:.0f} MiB")
    return ok


def restore(scene, other, files):
    """With files, elsewhere, and held against the source by pymongo."""
    repo = scene.folder / "repo"
    make_files(scene.files, files)
    done = scene.backup(repo, "--files", str(scene.files))
    print(f"with {files} files more: {done.seconds:.2f} s, peak {done.peaks[0] / MIB:.0f} MiB")
    out = scene.folder / "restored"
    done = measure.run(
        [measure.spaceferry(), "restore", "--json", "--quiet", "--repo", str(repo),
         "--state", str(scene.folder / "state"), "--identity", str(scene.key),
         "--files", str(out)], env={"SPACEFERRY_TO": other.uri(DB)})
    same = digest(scene.server.client(), DB) == digest(other.client(), DB)
    names = sorted(p.relative_to(scene.files) for p in scene.files.rglob("*") if p.is_file())
    same_files = names == sorted(p.relative_to(out) for p in out.rglob("*") if p.is_file()) \
        and all((scene.files / p).read_bytes() == (out / p).read_bytes() for p in names)
    print(f"restore: {done.seconds:.2f} s, peak {done.peaks[0] / MIB:.0f} MiB, documents "
          f"{'equal' if same else 'DIFFERENT'}, files {'equal' if same_files else 'DIFFERENT'}")
    return same and same_files


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 900_000
    files = int(sys.argv[3]) if len(sys.argv) > 3 else 5000
    Mongod.cache_gb = "2"
    folder = Path(tempfile.mkdtemp(prefix="spaceferry-bench-"))
    try:
        with Mongod(folder / "source") as server, Mongod(folder / "other") as other:
            scene = Scene(server, folder)
            size = dataset.fill(server.client()[DB]["orders"], n)
            say(f"{n} documents, {size / MIB:.0f} MiB")
            db = server.client()["pages"]
            size = dataset.pages(db["pages"], n * 3 // 10)
            say(f"{n * 3 // 10} pages, {size / MIB:.0f} MiB")
            ok = first(scene, rounds, "pages")
            db.client.drop_database("pages")
            ok = first(scene, rounds, DB) and ok
            ok = later(scene, n) and ok
            ok = restore(scene, other, files) and ok
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
