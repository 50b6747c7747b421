"""export and import against mongodump and mongorestore, through one file and
through a folder, plain and compressed: by turns in one run, on this machine.

What each writes the other reads: documents (a sum of SHA-256 over their bytes,
read by pymongo), options and indexes must be those of the source, and the peak
memory must stay within --memory + 32 MiB + 4 times the largest document for each
worker.  Ours also reads back what it wrote, and compares.
"""

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

import dataset
import measure
from harness import look, raw
from harness.mongod import Mongod, ReplicaSet

MIB = measure.MIB
DB = "shop"
JOBS = 2
MEMORY = 64 * MIB
LARGEST = 8 * MIB
N_LARGEST = 3
BOUND = MEMORY + 32 * MIB + 4 * LARGEST * JOBS
OPTIONS = ["--json", "--quiet", "--jobs", str(JOBS), "--memory", str(MEMORY)]
# form: our options, mongodump's, mongorestore's
FORMS = {
    "archive": (["--archive", "{}/a"], ["--archive={}/a"], ["--archive={}/a"]),
    "archive, gzip": (["--archive", "{}/a.gz"], ["--archive={}/a.gz", "--gzip"],
                      ["--archive={}/a.gz", "--gzip"]),
    "archive, zstd": (["--archive", "{}/a.zst"], None, None),
    "folder": (["--dir", "{}/d"], ["--out={}/d"], ["{}/d"]),
    "folder, gzip": (["--dir", "{}/d", "--compress", "gzip"], ["--out={}/d", "--gzip"],
                     ["--gzip", "{}/d"]),
}


def say(text):
    print(f"archives: {text}", file=sys.stderr, flush=True)


def fill(db, size):
    """About so many bytes of orders, a few large documents, other kinds of
    collections beside them."""
    dataset.fill(db["orders"], size // 1100)
    raw.insert(db["large"], [
        b"".join([(LARGEST).to_bytes(4, "little"), b"\x10_id\0", n.to_bytes(4, "little"),
                  b"\x05b\0", (LARGEST - 22).to_bytes(4, "little"), b"\0",
                  bytes(LARGEST - 22), b"\0"]) for n in range(N_LARGEST)])
    db.create_collection("log", capped=True, size=1 << 20)
    raw.insert(db["log"], list(dataset.documents(500)))
    db.create_collection("strict", validator={"a": {"$type": "int"}},
                         collation={"locale": "fr"})
    db["strict"].create_index("a", unique=True)
    db.create_collection("paid", viewOn="orders",
                         pipeline=[{"$match": {"status": "paid"}}])


def content(client, db=DB):
    """{collection: (documents, sum)}, and the metadata."""
    found = {}
    for name in client[db].list_collection_names(filter={"type": "collection"}):
        if name.startswith("system."):
            continue
        n = total = 0
        for batch in client[db][name].find_raw_batches():
            for document in raw.split(batch):
                n += 1
                total += int.from_bytes(hashlib.sha256(document).digest(), "big")
        found[name] = n, total % (1 << 256)
    return found, look.metadata(client, db)


def clean(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


class Archives:
    def __init__(self, source, target, folder):
        self.source, self.target, self.folder = source, target, folder
        self.want = content(source.client())
        self.peak = 0
        self.empty()

    def empty(self):
        self.target.client().drop_database(DB)
        self.target.client().admin.command("fsync")

    def check(self, who):
        assert content(self.target.client()) == self.want, f"{who}: not the same"

    def ours(self, command, options, where):
        env = {"SPACEFERRY_FROM": self.source.uri(DB)} if command == "export" else \
            {"SPACEFERRY_TO": self.target.uri()}
        done = measure.run([measure.spaceferry(), command, *OPTIONS,
                            *(o.format(where) for o in options)],
                           env={**env, "XDG_STATE_HOME": str(self.folder / "state")})
        summary = json.loads(done.out.splitlines()[-1])
        assert summary["ok"], summary
        self.peak = max(self.peak, done.peaks[0])
        assert done.peaks[0] <= BOUND, f"{command}: {done.peaks[0] / MIB:.0f} MiB"
        return done

    def theirs(self, tool, options, where):
        uri = self.source.uri(DB) if tool == "mongodump" else self.target.uri()
        return measure.run([measure.peer(tool), "--quiet", f"--uri={uri}",
                            *(o.format(where) for o in options)])

    def go(self, form):
        """Both ways; returns [(what, ours, theirs)]."""
        ours, dump, restore = FORMS[form]
        a, b = self.folder / "ours", self.folder / "theirs"
        clean(a)
        clean(b)
        out = self.ours("export", ours, a)
        if dump is None:
            self.empty()
            back = self.ours("import", ours, a)
            self.check("import")
            return [("export", out, None), ("import", back, None)]
        out2 = self.theirs("mongodump", dump, b)
        self.empty()
        back = self.ours("import", ours[:2], b)
        self.check("import of mongodump's")
        self.empty()
        back2 = self.theirs("mongorestore", restore, a)
        self.check("mongorestore of ours")
        return [("export", out, out2), ("import", back, back2)]


def main():
    size = int(sys.argv[1]) * 1_000_000 if len(sys.argv) > 1 else 1_000_000_000
    forms = sys.argv[2:] or list(FORMS)
    measure.peer("mongodump"), measure.peer("mongorestore")
    Mongod.cache_gb = "1"
    folder = Path(tempfile.mkdtemp(prefix="spaceferry-archives-"))
    rows = []
    try:
        with Mongod(folder / "source") as source, \
                ReplicaSet(folder / "target", auth=True) as target:
            fill(source.client()[DB], size)
            archives = Archives(source, target, folder)
            say(f"{archives.want[0]['orders'][0]} documents of 1.1 KB, {N_LARGEST} of "
                f"{LARGEST / MIB:.0f} MiB, {len(archives.want[1])} collections")
            for form in forms:
                for what, a, b in archives.go(form):
                    rows.append((form, what, a, b))
                    say(f"{form}, {what}: {a.seconds:.1f} s" +
                        (f" against {b.seconds:.1f} s" if b else ""))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{'form':<14} {'what':<7} {'spaceferry':>20}  {'mongodump, mongorestore':>24}  ratio")
    for form, what, a, b in rows:
        line = f"{form:<14} {what:<7} {a.seconds:>8.1f} s {measure.memory(a.peaks):>9}"
        if b:
            line += f"  {b.seconds:>12.1f} s {measure.memory(b.peaks):>9}" \
                f"  {b.seconds / a.seconds:>5.2f}"
        print(line)
    print(f"all equal; peak {archives.peak / MIB:.0f} MiB, at most {BOUND / MIB:.0f}")


if __name__ == "__main__":
    main()
