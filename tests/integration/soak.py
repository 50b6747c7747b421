"""Kills a migration over and over, by SIGKILL, at random moments of its work,
and resumes it each time with the same command.  scripts/soak runs it; a short
version is test_soak.py.

Each migration has a target of its own; in the end that must equal what an
undisturbed run made: documents byte for byte, options, indexes, the objects'
bytes and headers.  What the resumed runs repeated is what they say themselves
("resumed" in the summary), and each has to stay within the bound: one partition
per worker, and what cannot be cut into partitions."""

import os
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

for folder in ("tests/integration", "tests/reference", "fixtures/app", "bench"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / folder))

import dataset                                                  # noqa: E402
import make_app                                                 # noqa: E402
from bson import encode                                         # noqa: E402
from harness import expect, look, raw                           # noqa: E402
from harness.ferry import Ferry                                 # noqa: E402

JOBS = 2
FILE_WORKERS = 8
PART_DOCS, PART_BYTES = 65536, 64 << 20
PHASES = ("start", "files", "copy", "indexes", "verify")


def in_order(pieces):
    h = sha256()
    for piece in pieces:
        h.update(piece)
    return h.hexdigest()


@dataclass
class Size:
    orders: int             # of 1.1 KB; 65,536 are a partition
    small: int              # documents of 40 bytes
    stream: int             # documents in the capped and the time-series one
    large: int              # bytes of the file that goes in parts
    bwlimit: str


FULL = Size(150_000, 300_000, 20_000, 80 << 20, "160MiB")
SHORT = Size(15_000, 70_000, 2_000, 66 << 20, "500MiB")


class Source:
    """The fixture app enlarged, and its uploads with a large file."""

    def __init__(self, server, folder, size):
        self.server, self.db, self.size = server, "soak-from", size
        self.folder = folder / "uploads"
        make_app.load(server.uri(), self.db)
        db = server.client()[self.db]
        dataset.fill(db["orders"], size.orders)
        raw.insert(db["ticks"], [encode({"_id": n, "v": n % 97})
                                 for n in range(size.small)])
        db["ticks"].create_index("v")
        db.create_collection("ring", capped=True, size=64 << 20)
        raw.insert(db["ring"], [encode({"_id": -n, "n": n})
                                for n in range(size.stream)])
        db.create_collection("temps", timeseries={"timeField": "at",
                                                  "metaField": "m"})
        db["temps"].insert_many([
            {"at": datetime.fromtimestamp(1_700_000_000 + n), "m": n % 7, "v": n}
            for n in range(size.stream)])
        make_app.uploads(self.folder)
        (self.folder / "large.bin").write_bytes(
            random.Random("large").randbytes(size.large))
        self.documents = sum(db[n].count_documents({}) for n in expect.names(db))
        self.streams = sum(db[i["name"]].estimated_document_count()
                           for i in db.list_collections()
                           if i["type"] == "timeseries"
                           or i["options"].get("capped"))


class Move:
    """One migration: a database, a bucket and a state of its own."""

    def __init__(self, source, target, s3_server, folder, name):
        self.ferry = Ferry(folder)
        self.source, self.target, self.name = source, target, name
        self.bucket = s3_server.make_bucket(name)
        self.s3 = s3_server.client()
        rule = "=".join(dataset.RULE)
        self.args = ["migrate", "--json", "--jobs", JOBS, "--rewrite", rule,
                     "--bwlimit", source.size.bwlimit, "--log-format", "json",
                     "--files", f"{source.folder}=s3://{self.bucket}/f"]
        self.env = {"SPACEFERRY_FROM": source.server.uri(source.db),
                    "SPACEFERRY_TO": target.uri(name), **s3_server.aws_env()}

    def start(self):
        return self.ferry.start(*self.args, env=self.env)

    def contents(self):
        """What has to be equal, in a form that compares with ==."""
        db = self.target.client()[self.name]
        stored = {n: expect.stored(db[n]).tally for n in expect.names(db)
                  if db[n].options().get("timeseries")}
        hashes = {k: v for k, v in look.db_hash(self.target.client(),
                                                self.name).items()
                  if k != "md5" and not k.startswith("system.")}
        capped = {n: in_order(raw.read(db[n]))
                  for n in expect.names(db) if db[n].options().get("capped")}
        objects = {key: self._object(key)
                   for key in look.listing(self.s3, self.bucket)}
        return {"series": stored, "hashes": hashes, "capped": capped,
                "metadata": look.metadata(self.target.client(), self.name),
                "objects": objects,
                "unfinished": look.uploads_in_progress(self.s3, self.bucket)}

    def _object(self, key):
        body, reply = look.get_object(self.s3, self.bucket, key)
        return (in_order([body]),
                *(reply.get(h) for h in ("ContentType", "CacheControl",
                                         "ContentDisposition", "ETag")))

    def inserts(self):
        """How many inserts the target has been asked for, by its own count."""
        status = self.target.client().admin.command("serverStatus")
        return status["opcounters"]["insert"]

    def close(self):
        self.ferry.close()
        self.target.client().drop_database(self.name)
        for key in look.listing(self.s3, self.bucket):
            self.s3.delete_object(Bucket=self.bucket, Key=key)


def where(move):
    """What a run that was killed was doing, by what is on the target: it works
    in the order of PHASES."""
    db = move.target.client()[move.name]
    names = set(db.list_collection_names())
    if "orders" not in names:
        return "start"
    files = len(look.listing(move.s3, move.bucket))
    if files < sum(1 for p in move.source.folder.rglob("*") if p.is_file()):
        return "files"
    here = move.source.server.client()[move.source.db]
    for name in ("orders", "ticks", "ring", "temps"):
        if db[name].count_documents({}) < here[name].count_documents({}):
            return "copy"
    built = all(plain_indexes(here[n]) <= plain_indexes(db[n])
                for n in expect.names(here))
    return "verify" if built else "indexes"


def plain_indexes(collection):
    """Those that let nothing expire: the others come last of all."""
    return {name for name, index in collection.index_information().items()
            if "expireAfterSeconds" not in index}


@dataclass
class Tally:
    """What all the kills together came to."""

    kills: int = 0
    runs: int = 0
    phases: Counter = field(default_factory=Counter)
    documents: int = 0          # repeated, in all
    bytes: int = 0
    files: int = 0
    most_documents: int = 0     # repeated by one run
    most_files: int = 0
    again: int = 0              # inserts beyond the documents there are
    seconds: float = 0

    def add(self, resumed):
        self.documents += resumed["documents"]
        self.bytes += resumed["bytes"] + resumed["file_bytes"]
        self.files += resumed["files"]
        self.most_documents = max(self.most_documents, resumed["documents"])
        self.most_files = max(self.most_files, resumed["files"])


def check_bound(resumed, source):
    """One partition per worker; streams are moved anew as a whole."""
    assert resumed["documents"] <= JOBS * PART_DOCS + source.streams, resumed
    assert resumed["bytes"] <= JOBS * PART_BYTES + 200 * source.streams, resumed
    assert resumed["files"] <= FILE_WORKERS, resumed


def finish(run, source, tally):
    """A run that reached its end."""
    result = run.wait()
    done = result.rc == 2 and "already moved" in \
        result.summary["errors"][0]["hint"]
    assert result.rc == 0 or done, result
    if not done and "resumed" in result.summary:
        check_bound(result.summary["resumed"], source)
        tally.add(result.summary["resumed"])


def startup(n, step):
    """A resumed run reads catalogs and listings again before it goes on."""
    return step + (0.35 if n else 0)


def one_move(move, moments, tally, say):
    """Killed at these moments of the work, as if it went on between them."""
    last = 0
    for n, moment in enumerate(moments):
        run = move.start()
        tally.runs += 1
        time.sleep(startup(n, moment - last))
        last = moment
        if run.process.poll() is not None:      # sooner done than expected
            return finish(run, move.source, tally)
        run.kill()
        killed = run.wait()
        assert killed.rc == -9, killed
        phase = where(move)
        tally.kills += 1
        tally.phases[phase] += 1
        say(f"{move.name}: kill {tally.kills} at {moment:.2f} s of the work: {phase}")
    tally.runs += 1
    finish(move.start(), move.source, tally)


def soak(new_move, kills, per_move, seed, say=print):
    """kills SIGKILLs, per_move to each migration.  Returns the Tally."""
    rng, tally, began = random.Random(seed), Tally(), time.monotonic()
    undisturbed = new_move("undisturbed")
    source = undisturbed.source
    result = undisturbed.start().wait()
    assert result.rc == 0, result
    seconds = result.summary["elapsed_seconds"]
    want = undisturbed.contents()
    say(f"seed {seed}; undisturbed: {seconds:.1f} s")
    n = 0
    while tally.kills < kills:
        n += 1
        move = new_move(f"soak-{n}")
        count = min(per_move, kills - tally.kills)
        moments = sorted(rng.uniform(0, seconds) for _ in range(count))
        before = move.inserts()
        one_move(move, moments, tally, say)
        again = move.inserts() - before - source.documents
        # Of the runs that were killed nobody hears, but the server counts.
        assert again <= (count + 1) * (JOBS * PART_DOCS + source.streams), again
        tally.again += again
        found = move.contents()
        for what in want:
            assert found[what] == want[what], (seed, move.name, what)
        move.close()
    undisturbed.close()
    tally.seconds = time.monotonic() - began
    return tally


def report(tally):
    phases = ", ".join(f"{p} {tally.phases[p]}" for p in PHASES)
    return (f"{tally.kills} kills in {tally.runs} runs, {tally.seconds:.0f} s: "
            f"{phases}.  The runs that came to their end repeated "
            f"{tally.documents:,} documents and {tally.files} files "
            f"({tally.bytes / 1048576:.1f} MiB), one at most "
            f"{tally.most_documents:,} documents and {tally.most_files} files; "
            f"by the target's count all runs together inserted "
            f"{tally.again:,} documents more than once.  Every target is equal "
            "to the undisturbed one.")


def main():
    from harness.mongod import Mongod, ReplicaSet
    from harness.s3 import Versitygw
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(os.environ.get("SPACEFERRY_TEST_SEED", time.time_ns() % 10 ** 6))
    with tempfile.TemporaryDirectory(prefix="spaceferry-soak-") as work:
        work = Path(work)
        with Mongod(work / "s") as s, ReplicaSet(work / "t", auth=True) as t, \
                Versitygw(work / "s3") as s3:
            source = Source(s, work, FULL if kills >= 50 else SHORT)
            tally = soak(lambda name: Move(source, t, s3, work / name, name),
                         kills, 5, seed,
                         lambda line: print(line, flush=True))
    print(report(tally))


if __name__ == "__main__":
    main()
