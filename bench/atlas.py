"""spaceferry migrate onto a look-alike of a free Atlas cluster that slows down
who sends too many operations: how many there are, and what they cost.

Atlas does not say whether an insert of 2,000 documents is one operation of its
hundred a second or 2,000: both are tried, and no limit.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import measure
from harness.atlas import Atlas, why_not
from harness.mongod import Mongod

MODELS = [("no limit", None, False), ("an insert is one", 100, False),
          ("each document is one", 100, True)]
OPTIONS = [["--jobs", "1"], ["--jobs", "4"], ["--jobs", "4", "--memory", "256MiB"]]


def fill(source, n):
    for start in range(0, n, 10000):
        source.client()["bench"]["docs"].insert_many(
            [{"_id": i, "text": os.urandom(250).hex()}
             for i in range(start, min(n, start + 10000))])


def move(source, atlas, folder, options):
    atlas.client().drop_database(atlas.db)
    time.sleep(1.1)             # what was counted before is forgotten
    atlas.front.reset()
    state = tempfile.mkdtemp(dir=folder)
    return measure.run(
        [*atlas.enter, measure.spaceferry(), "migrate", "--json", "--quiet",
         *options, "--state", state],
        env={"SPACEFERRY_FROM": source.uri("bench"), "SPACEFERRY_TO": atlas.uri()})


def main():
    if reason := why_not():
        raise SystemExit(f"bench: {reason}")
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 200000
    folder = Path(tempfile.mkdtemp(prefix="spaceferry-bench-"))
    try:
        with Mongod(folder / "source") as source, Atlas(folder / "atlas") as atlas:
            fill(source, n)
            size = source.client()["bench"].command("dbStats")["dataSize"] / 1e6
            print(f"{n} documents, {size:.0f} MB")
            for name, atlas.front.ops, atlas.front.per_document in MODELS:
                for options in OPTIONS:
                    done = move(source, atlas, folder, options)
                    front = atlas.front
                    total = sum(front.counts.values())
                    print(f"{name:20} {' '.join(options):24} {done.seconds:6.1f} s "
                          f"{total:4} operations, {total / size:.1f} for a MB, "
                          f"{front.counts['insert']:3} inserts, "
                          f"{front.cooldowns:3} waits, {done.peaks[0] / measure.MIB:.0f} MiB", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
