"""spaceferry migrate against mongodump --archive | mongorestore --archive, by
turns in one run, between two servers of this machine.

Ours rewrites URLs in a third of the documents and verifies what arrived; theirs
does neither.  Both build the two indexes.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import dataset
import measure
from harness.mongod import Mongod, ReplicaSet

DB = "shop"
CACHE_GB = "1"


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def empty(target):
    """So that nobody pays for dropping what the other one left."""
    target.client().drop_database(DB)
    target.client().admin.command("fsync")


def ours(source, target, folder):
    state = Path(tempfile.mkdtemp(dir=folder))
    done = measure.run(
        [measure.spaceferry(), "migrate", "--json", "--quiet", "--state", str(state),
         "--rewrite", "=".join(dataset.RULE)],
        env={"SPACEFERRY_FROM": source.uri(DB), "SPACEFERRY_TO": target.uri(DB)})
    summary = json.loads(done.out.splitlines()[-1])
    (collection,) = summary["collections"]
    assert summary["ok"] and collection["source"] == collection["target"]
    assert collection["rewritten"]["documents"] * dataset.WITH_URLS >= \
        collection["source"]["count"]
    shutil.rmtree(state)
    return done


def theirs(source, target):
    return measure.run(
        [measure.peer("mongodump"), "--quiet", f"--uri={source.uri(DB)}", "--archive"],
        [measure.peer("mongorestore"), "--quiet", f"--uri={target.uri()}", "--archive",
         "--drop"])


def check(target, n):
    """What they made is whole, too."""
    collection = target.client()[DB]["orders"]
    assert collection.count_documents({}) == n
    assert len(collection.index_information()) == 3


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 300_000
    measure.peer("mongodump"), measure.peer("mongorestore")
    Mongod.cache_gb = CACHE_GB
    folder = Path(tempfile.mkdtemp(prefix="spaceferry-bench-"))
    results = []
    try:
        with Mongod(folder / "source") as source, \
                ReplicaSet(folder / "target", auth=True) as target:
            size = dataset.fill(source.client()[DB]["orders"], n)
            say(f"{n} documents, {size / n:.0f} bytes each, 2 indexes")
            empty(target)
            ours(source, target, folder)        # both sides warm
            for i in range(rounds):
                pair = {}
                for who in (("ours", "theirs") if i % 2 == 0 else ("theirs", "ours")):
                    empty(target)
                    pair[who] = ours(source, target, folder) if who == "ours" \
                        else theirs(source, target)
                    check(target, n)
                    say(f"round {i + 1}, {who}: {pair[who].seconds:.2f} s")
                results.append((pair["ours"], pair["theirs"]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    measure.table("mongodump | mongorestore", results)


if __name__ == "__main__":
    main()
