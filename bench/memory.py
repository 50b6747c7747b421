"""The peak memory of every path that data takes, held against the bound.

Documents of 1.1 KB and a few of 8 MB go through each command in turn, and as
many bytes of files.  The bound is that of docs/DESIGN.md: --memory + 32 MiB + 4
times the largest document for each worker.  A path above it fails the run.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

from bson import encode
from bson.raw_bson import RawBSONDocument

import dataset
import measure
from harness.mongod import Mongod, ReplicaSet
from harness.s3 import Versitygw

MIB = measure.MIB
DB = "shop"
JOBS = 2
MEMORY = 64 * MIB
LARGEST = 8 * MIB
N_LARGEST = 4
BOUND = MEMORY + 32 * MIB + 4 * LARGEST * JOBS
OPTIONS = ["--json", "--quiet", "--jobs", str(JOBS), "--memory", str(MEMORY)]
RULE = ["--rewrite", "=".join(dataset.RULE)]


def say(text):
    print(f"memory: {text}", file=sys.stderr, flush=True)


class Paths:
    """The servers, the folders, and what every path leaves behind."""

    def __init__(self, source, target, s3, folder):
        self.source, self.target, self.s3, self.folder = source, target, s3, folder
        self.peaks = []

    def run(self, name, *command, status=0, env=None, stdin=None):
        """Runs the program once; notes its peak; its summary."""
        env = {"SPACEFERRY_FROM": self.source.uri(DB), "SPACEFERRY_TO": self.target.uri(DB),
               "XDG_STATE_HOME": str(self.folder / "state"), **(env or {})}
        done = measure.run([measure.spaceferry(), *map(str, command), *OPTIONS],
                           env={k: v for k, v in env.items() if v is not None},
                           unset=[k for k, v in env.items() if v is None],
                           status=status, stdin=stdin)
        peak = done.peaks[0]
        self.peaks.append((name, peak))
        say(f"{name}: {peak / MIB:.0f} MiB of {BOUND / MIB:.0f}, {done.seconds:.1f} s")
        lines = done.out.splitlines()
        return json.loads(lines[-1]) if lines else None

    def empty(self):
        self.target.client().drop_database(DB)
        shutil.rmtree(self.folder / "state", ignore_errors=True)

    def documents(self):
        """From server to server, in every way."""
        self.run("migrate --dry-run", "migrate", "--dry-run", *RULE)
        self.run("migrate", "migrate", *RULE)
        self.run("verify, equal", "verify", *RULE)
        orders = self.target.client()[DB]["orders"]
        orders.update_many({"status": "paid"}, {"$set": {"status": "changed"}})
        summary = self.run("verify, a quarter differs", "verify", *RULE, status=1)
        assert summary["collections"], summary
        assert sum(c["different"] for c in summary["collections"]) > 1000
        self.run("migrate --on-conflict replace", "migrate", "--on-conflict", "replace",
                 *RULE)
        self.run("migrate --on-conflict skip", "migrate", "--on-conflict", "skip", *RULE)

    def archives(self):
        """Through mongodump's formats, each way."""
        only_from, only_to = {"SPACEFERRY_TO": None}, {"SPACEFERRY_FROM": None}
        for end in ("archive", "archive.gz", "archive.zst"):
            path = self.folder / f"shop.{end}"
            self.run(f"export --archive, .{end}", "export", "--archive", path, *RULE,
                     env=only_from)
            self.empty()
            self.run(f"import --archive, .{end}", "import", "--archive", path, env=only_to)
            if end != "archive.gz":
                path.unlink()
        path = self.folder / "shop.archive.gz"
        summary = self.run("verify against an archive", "verify", "--to", f"archive:{path}",
                           *RULE, env=only_from)
        assert summary["ok"], summary
        path.unlink()
        path = self.folder / "dump"
        self.run("export --dir", "export", "--dir", path, *RULE, env=only_from)
        self.empty()
        self.run("import --dir", "import", "--dir", path, env=only_to)
        shutil.rmtree(path)

    def files(self, size):
        """From a folder to a bucket and back, and read back whole."""
        up = self.folder / "uploads"
        up.mkdir()
        chunk = bytes(range(256)) * 4096
        for n, part in enumerate((size // 2, size // 4, size // 8)):
            with open(up / f"film{n}.mp4", "wb") as f:
                for i in range(part // len(chunk)):
                    f.write(i.to_bytes(8, "little") + chunk[8:])
        for n in range(size // 8 // 100_000):
            (up / f"photo{n}.jpg").write_bytes(n.to_bytes(8, "little") * 12_500)
        env = {"SPACEFERRY_FROM": None, "SPACEFERRY_TO": None, **self.s3.aws_env()}
        pair = f"{up}=s3://memory/up"
        self.run("files to a bucket", "migrate", "--files", pair, env=env)
        self.run("verify --download", "verify", "--download", "--files", pair, env=env)
        self.run("files from a bucket", "migrate", "--files",
                 f"s3://memory/up={self.folder / 'back'}", env=env)


def fill(source, size):
    orders = source.client()[DB]["orders"]
    n = size // 1100
    total = dataset.fill(orders, n)
    large = source.client()[DB]["large"]
    for i in range(N_LARGEST):
        large.insert_one(RawBSONDocument(encode(
            {"_id": i, "page": dataset.RULE[0] + "/large", "pad": b"x" * (LARGEST - 100)})))
    say(f"{n} documents, {total / MIB:.0f} MiB, and {N_LARGEST} of {LARGEST / MIB:.0f} MiB")


def main():
    size = int(sys.argv[1]) * 1_000_000 if len(sys.argv) > 1 else 1_000_000_000
    Mongod.cache_gb = "2"
    folder = Path(tempfile.mkdtemp(prefix="spaceferry-memory-"))
    try:
        with Mongod(folder / "source") as source, \
                ReplicaSet(folder / "target", auth=True) as target, \
                Versitygw(folder / "s3") as s3:
            s3.client().create_bucket(Bucket="memory")
            fill(source, size)
            paths = Paths(source, target, s3, folder)
            paths.documents()
            paths.archives()
            paths.files(size)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    over = [name for name, peak in paths.peaks if peak > BOUND]
    print(f"{'path':<32} peak, at most {BOUND / MIB:.0f} MiB")
    for name, peak in paths.peaks:
        print(f"{name:<32} {peak / MIB:>4.0f} MiB{'  TOO MUCH' if name in over else ''}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
