"""Kills backups, prunes and restores over and over, by SIGKILL, at random moments
of their work.  scripts/soak backup runs it; a short version is test_soak_backup.py.

After each kill the repository must pass check, with all data read; a snapshot
chosen by chance must restore to what the database and the files were when it was
made; and the next run of what was killed must finish."""

import os
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

for folder in ("tests/integration", "bench"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / folder))

import dataset                                                  # noqa: E402
from bson import encode                                         # noqa: E402
from harness import look, raw                                   # noqa: E402
from harness.ferry import Ferry                                 # noqa: E402
from harness.vault import age_key                               # noqa: E402

ORDERS, FILES = 12_000, 120
KEEP = ["--keep-last", "3"]


@dataclass
class Tally:
    kills: int = 0
    missed: int = 0             # runs that had ended before they were killed
    killed: Counter = field(default_factory=Counter)
    snapshots: int = 0          # made, by runs that ended and by some that did not
    restored: int = 0
    seconds: float = 0


class Shop:
    """A database and a folder that change between the backups."""

    def __init__(self, server, folder, seed):
        self.server, self.db = server, "soak-backup"
        self.rng = random.Random(f"shop/{seed}")
        self.folder = folder / "shop-files"
        db = server.client()[self.db]
        db.client.drop_database(self.db)
        dataset.fill(db["orders"], ORDERS)
        db["pages"].create_index("slug", unique=True)
        raw.insert(db["pages"], [encode({"_id": n, "slug": f"s{n}", "html": "x" * 3000})
                                 for n in range(2000)])
        for n in range(FILES):
            self.write(n, self.rng.randrange(1, 90_000))
        self.write(FILES, 5 << 20)

    def write(self, n, size):
        path = self.folder / f"{n % 10}" / f"file {n}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.rng.randbytes(size))

    def change(self):
        db, rng = self.server.client()[self.db], self.rng
        low = rng.randrange(1900)
        db["pages"].update_many({"_id": {"$gte": low, "$lt": low + 50}},
                                {"$set": {"html": rng.randbytes(2000).hex()}})
        db["pages"].delete_one({"_id": rng.randrange(2000)})
        db["orders"].insert_one({"note": rng.randbytes(400).hex()})
        self.write(rng.randrange(FILES), rng.randrange(1, 90_000))
        (self.folder / "0" / "file 0.bin").unlink(missing_ok=True)


def contents(client, name, folder):
    """What has to be equal, in a form that compares with ==."""
    db = client[name]
    found = {}
    for collection in sorted(db.list_collection_names()):
        total = sha256()
        for document in sorted(d for batch in db[collection].find_raw_batches()
                               for d in raw.split(batch)):
            total.update(document)
        found[collection] = total.hexdigest()
    files = {str(p.relative_to(folder)): sha256(p.read_bytes()).hexdigest()
             for p in sorted(folder.rglob("*")) if p.is_file()}
    return found, look.metadata(client, name), files


class Soak:
    def __init__(self, source, target, folder, seed):
        self.rng = random.Random(f"kills/{seed}")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.target = folder, target
        self.ferry = Ferry(folder / "home")
        self.shop = Shop(source, folder, seed)
        self.key, self.recipient = age_key(folder)
        self.repo = ["--repo", str(folder / "repo"), "--json"]
        self.want = {}              # snapshot id: contents()
        self.tally = Tally()
        self.took = {}              # command: seconds of one that was left alone

    def command(self, what):
        if what == "backup":
            return ["backup", *self.repo, "--recipient", self.recipient,
                    "--files", str(self.shop.folder)]
        if what == "prune":
            return ["prune", *self.repo, *KEEP]
        return ["restore", *self.repo, "--identity", str(self.key), "--drop",
                "--files", str(self.folder / "out")]

    def env(self, what):
        if what == "backup":
            return {"SPACEFERRY_FROM": self.shop.server.uri(self.shop.db)}
        return {"SPACEFERRY_TO": self.target.uri("soak-restored")} if what == "restore" else {}

    def run(self, what, rc=0):
        begin = time.monotonic()
        result = self.ferry(*self.command(what), env=self.env(what))
        assert result.rc == rc, result
        self.took[what] = time.monotonic() - begin
        return result

    def kill(self, what):
        """Starts it and kills it; False when it had ended by then."""
        run = self.ferry.start(*self.command(what), env=self.env(what))
        time.sleep(self.rng.random() * self.took[what] * 1.05)
        ended = run.process.poll() is not None
        run.kill()
        run.wait()
        return not ended

    def note(self):
        """Snapshots that are new hold what the shop holds now."""
        listed = {s["snapshot"] for s in self.ferry("snapshots", *self.repo).lines[:-1]}
        assert listed, "no snapshot is left"
        now = contents(self.shop.server.client(), self.shop.db, self.shop.folder)
        for new in listed - set(self.want):
            self.want[new] = now
            self.tally.snapshots += 1
        self.want = {i: w for i, w in self.want.items() if i in listed}

    def prove(self, what):
        result = self.ferry("check", *self.repo, "--read-data", "--identity", str(self.key))
        assert result.rc == 0, result
        one = self.rng.choice(sorted(self.want))
        out, name = self.folder / "proof", "soak-proof"
        result = self.ferry("restore", *self.repo, "--identity", str(self.key), "--drop",
                            "--from", f"snapshot:{one}", "--files", str(out),
                            "--state", str(self.folder / "proof-state"), "--restart",
                            env={"SPACEFERRY_TO": self.target.uri(name)})
        assert result.rc == 0, (what, result)
        assert contents(self.target.client(), name, out) == self.want[one], (what, one)
        self.target.client().drop_database(name)
        for path in sorted(out.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        self.tally.restored += 1

    def step(self):
        what = self.rng.choice(["backup", "backup", "prune", "restore"])
        self.shop.change()
        if what == "prune":
            for _ in range(2):                  # something to remove
                self.run("backup")
                self.note()
                self.shop.change()
        if self.kill(what):
            self.tally.kills += 1
            self.tally.killed[what] += 1
        else:
            self.tally.missed += 1
        self.note()
        self.prove(what)
        if what == "restore":                   # the same command goes on, or is done
            result = self.ferry(*self.command(what), env=self.env(what))
            assert result.rc in (0, 2), result
        else:
            self.run(what)
        self.note()

    def soak(self, kills):
        begin = time.monotonic()
        for what in ("backup", "backup", "prune", "restore"):
            self.run(what)
            self.note()
        while self.tally.kills < kills:
            self.step()
        self.prove("the end")
        self.tally.seconds = time.monotonic() - begin
        return self.tally

    def close(self):
        self.ferry.close()
        for client, name in ((self.shop.server.client(), self.shop.db),
                             (self.target.client(), "soak-restored")):
            client.drop_database(name)


def report(tally):
    killed = ", ".join(f"{n} {what}" for what, n in sorted(tally.killed.items()))
    return (f"{tally.kills} kills ({killed}), {tally.missed} came too late; "
            f"{tally.snapshots} snapshots made, {tally.restored} restored and equal; "
            f"{tally.seconds:.0f} s")


def main():
    from harness.mongod import Mongod, ReplicaSet
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = int(os.environ.get("SPACEFERRY_TEST_SEED", random.randrange(10**6)))
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="spaceferry-soak-") as work:
        work = Path(work)
        with ReplicaSet(work / "source") as source, Mongod(work / "target") as target:
            soak = Soak(source, target, work / "soak", seed)
            try:
                print(report(soak.soak(kills)))
            finally:
                soak.close()


if __name__ == "__main__":
    main()
