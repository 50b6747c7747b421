"""spaceferry diff of a million documents: exactly the 25 differences that were
made, in bounded memory; and, before that, of two sides that are equal, by turns
with merely reading both sides once (bench_read: as many threads, nothing done
with what is read).

The servers are of this machine; the source's documents are rewritten.
"""

import json
import random
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import dataset
import measure
from harness import seeded
from harness.mongod import Mongod, ReplicaSet

MIB = measure.MIB
DB = "shop"
BOUND = 96 * MIB
BOUND_RATIO = 1.5
FILES = 300
THREADS = "4"


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Scene:
    def __init__(self, source, target, folder):
        self.source, self.target = source, target
        self.env = {"SPACEFERRY_FROM": source.uri(DB), "SPACEFERRY_TO": target.uri(DB)}
        self.uploads, self.moved = folder / "uploads", folder / "moved"
        self.args = ["--json", "--quiet", "--state", str(folder / "state"),
                     "--rewrite", "=".join(dataset.RULE),
                     "--files", f"{self.uploads}={self.moved}"]

    def run(self, command, status=0):
        return measure.run([measure.spaceferry(), command, *self.args], env=self.env,
                           status=status)

    def fill(self, n):
        orders = self.source.client()[DB]["orders"]
        size = dataset.fill(orders, n)
        seeded.odd(orders)
        rng = random.Random("uploads")
        for i in range(FILES):
            path = self.uploads / f"{i % 7}" / f"{i}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(rng.randbytes(rng.randrange(1, 50_000)))
        say(f"{n} documents, {size / n:.0f} bytes each, {FILES} files")
        self.run("migrate")

    def read_once(self):
        done = measure.run([str(measure.BUILD / "bench" / "bench_read"),
                            self.source.uri(), self.target.uri(), f"{DB}.orders", THREADS])
        return float(done.out.split()[0])


def equal_sides(scene, rounds):
    ratios, seconds, peaks = [], [], []
    for i in range(rounds):
        once = scene.read_once()
        done = scene.run("diff")
        assert len(done.out.splitlines()) == 1, "equal sides, but a difference is told"
        ratios.append(done.seconds / once)
        seconds.append(done.seconds)
        peaks.append(done.peaks[0])
        say(f"round {i + 1}: diff {done.seconds:.2f} s, reading once {once:.2f} s")
    print(f"equal sides: diff {statistics.median(seconds):.2f} s, "
          f"{statistics.median(ratios):.2f} times the time of reading both sides once "
          f"({min(ratios):.2f} to {max(ratios):.2f}; bound {BOUND_RATIO}), "
          f"peak {max(peaks) / MIB:.0f} MiB")
    return statistics.median(ratios) <= BOUND_RATIO and max(peaks) <= BOUND


def differences(scene, n):
    orders = scene.target.client()[DB]["orders"]
    ids = sorted(random.Random("ids").sample(range(0, n, dataset.WITH_URLS), 7))
    wanted = seeded.bend(orders, ids, scene.moved)
    done = scene.run("diff", status=1)
    lines = [json.loads(line) for line in done.out.splitlines()]
    found = seeded.told(lines[:-1])
    for key in wanted.keys() | found.keys():
        if wanted.get(key, "none") != found.get(key, "none"):
            print(f"{key}: wanted {wanted.get(key, 'none')}, found {found.get(key, 'none')}")
    ok = found == wanted and lines[-1]["ok"] is False and done.peaks[0] <= BOUND
    print(f"{len(wanted)} differences seeded, {len(found)} told, "
          f"{'exactly those' if found == wanted else 'NOT THOSE'}; {done.seconds:.2f} s, "
          f"peak {done.peaks[0] / MIB:.0f} MiB of {BOUND / MIB:.0f}")
    return ok


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    Mongod.cache_gb = "2"
    folder = Path(tempfile.mkdtemp(prefix="spaceferry-bench-"))
    try:
        with Mongod(folder / "source") as source, \
                ReplicaSet(folder / "target", auth=True) as target:
            scene = Scene(source, target, folder)
            scene.fill(n)
            scene.run("diff")                   # both sides warm
            ok = equal_sides(scene, rounds)
            ok = differences(scene, n) and ok
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
