"""Backups, prunes, restores and checks of one repository at once, killed by SIGKILL
and stopped by SIGSTOP at random moments.  scripts/soak races runs it; a short
version is test_race_backup.py.

What is stopped finds, when it goes on, that its lock lapsed meanwhile and that
others were at work: its clock is set forward, and its lock made one that lapses at
once, so that nobody waits a minute.  Whatever happens, check finds nothing and every
snapshot that is listed holds what its source held."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import raw                                         # noqa: E402
from harness.ferry import Ferry                                 # noqa: E402
from harness.vault import age_key                               # noqa: E402

# CLOCK_BOOTTIME, by which locks lapse, so many seconds later as a file says.
CLOCK = """
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts), fd;
	char text[16] = "";
	if (rc == 0 && id == CLOCK_BOOTTIME &&
	    (fd = open(getenv("CLOCK_FILE"), O_RDONLY)) >= 0) {
		if (read(fd, text, sizeof(text) - 1) > 0)
			ts->tv_sec += atol(text);
		close(fd);
	}
	return rc;
}
"""
FILES, PAGES, POOL = 40, 300, 4
LAPSE_S = 70


class Shop:
    """Files, and a database where there is a server, that go back and forth
    between a few contents: what a prune removes is soon wanted again."""

    def __init__(self, name, folder, server, seed):
        self.name, self.folder, self.server = name, folder / name, server
        self.rng = random.Random(f"{name}/{seed}")
        self.folder.mkdir(parents=True)
        self.pool = [[self.rng.randbytes(self.rng.randrange(1, 30_000)) for _ in range(POOL)]
                     for _ in range(FILES)]
        for n in range(FILES):
            (self.folder / f"{n}.bin").write_bytes(self.pool[n][0])
        if server:
            self.pages().insert_many({"_id": n, "html": "x" * 9000} for n in range(PAGES))

    def pages(self):
        return self.server.client()[f"race-{self.name}"]["pages"]

    def change(self):
        for n in self.rng.sample(range(FILES), 12):
            (self.folder / f"{n}.bin").write_bytes(self.rng.choice(self.pool[n]))
        if self.server:
            low, kind = self.rng.randrange(PAGES), self.rng.randrange(POOL)
            self.pages().update_many({"_id": {"$gte": low, "$lt": low + 30}},
                                     {"$set": {"html": f"{kind}" * 9000}})

    def contents(self, folder=None, pages=None):
        files = {p.name: sha256(p.read_bytes()).hexdigest()
                 for p in (folder or self.folder).iterdir()}
        if not self.server:
            return files, None
        pages = self.pages() if pages is None else pages
        return files, sorted(sha256(d).hexdigest() for batch in pages.find_raw_batches()
                             for d in raw.split(batch))


class Folder:
    """Where the repository is, and how its locks are looked at."""

    def __init__(self, path):
        self.url, self.path, self.env = str(path), path, {}

    def locks(self):
        for path in (self.path / "locks").glob("*.json"):
            try:
                yield path, json.loads(path.read_text())
            except (FileNotFoundError, ValueError):
                pass

    def relock(self, path, text):
        path.write_text(text)

    def snapshots(self):
        return [p.name for p in (self.path / "snapshots").iterdir()]


class Bucket:
    def __init__(self, server, bucket):
        self.url, self.env = f"s3://{bucket}/race", server.aws_env()
        self.s3, self.bucket = server.client(), bucket

    def locks(self):
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="race/locks/")
        for entry in listed.get("Contents", []):
            try:
                body = self.s3.get_object(Bucket=self.bucket, Key=entry["Key"])["Body"]
                yield entry["Key"], json.loads(body.read())
            except (self.s3.exceptions.NoSuchKey, ValueError):
                pass

    def relock(self, key, text):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=text.encode())

    def snapshots(self):
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="race/snapshots/")
        return [entry["Key"] for entry in listed.get("Contents", [])]


class Race:
    def __init__(self, place, source, target, folder, seed):
        self.place, self.source, self.target, self.folder = place, source, target, folder
        self.rng = random.Random(f"race/{seed}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "clock.c").write_text("#define _GNU_SOURCE\n" + CLOCK)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "clock.so",
                        folder / "clock.c"], check=True)
        self.ferry = Ferry(folder / "home")
        self.key, self.recipient = age_key(folder)
        self.shops = {n: Shop(n, folder / "shops", s, seed)
                      for n, s in (("app", source), ("notes", None))}
        self.want = {}              # tag: what the source held
        self.lock = threading.Lock()
        self.running = {}           # pid: (what, clock file)
        self.hit = {}               # pid: what was done to it
        self.tally = Counter()
        self.over, self.go = threading.Event(), threading.Event()
        self.go.set()               # else nobody but prune begins anything
        self.faults = []

    # --- one run ---

    def start(self, what, *args, env=None):
        with self.lock:
            self.tally["runs"] += 1
            clock = self.folder / f"clock-{self.tally['runs']}"
        clock.write_text("0")
        run = self.ferry.start(
            what, "--json", "--repo", self.place.url, "--patience", "90s", *args,
            env={"LD_PRELOAD": str(self.folder / "clock.so"), "CLOCK_FILE": str(clock),
                 "ASAN_OPTIONS": "verify_asan_link_order=0:exitcode=99",
                 **self.place.env, **(env or {})})
        with self.lock:
            self.running[run.pid] = what, clock, run
        return run

    def end(self, run, *allowed):
        """What became of it: None when it was killed or lost its lock."""
        result = run.wait(400)
        with self.lock:
            what, clock, _ = self.running.pop(run.pid)
            hit = self.hit.pop(run.pid, None)
        clock.unlink()
        errors = {e["kind"] for e in (result.summary or {}).get("errors", [])}
        if hit and result.rc == -9:
            return None
        # A lock that was lost, or one that could not be had among all the others.
        if result.rc == 3 and "locked" in errors:
            assert hit or what == "prune", result
            self.tally[f"{what} locked out"] += 1
            return None
        assert result.rc == 0 or errors & {*allowed}, (hit, result)
        self.tally[what] += 1
        return result

    # --- who is at work ---

    def backups(self, name, keys):
        """Of one source; sometimes two at once, each with its own naming key."""
        shop, n, rng = self.shops[name], 0, random.Random(name)
        while not self.over.is_set():
            n += 1
            shop.change()
            now = shop.contents()
            runs = []
            for key in rng.sample(keys, rng.randint(1, len(keys))):
                tag = f"{name}-{key}-{n}"
                self.want[tag] = shop, now
                env = {"SPACEFERRY_NAMING_KEY": key * 64}
                if shop.server:
                    env["SPACEFERRY_FROM"] = shop.server.uri(f"race-{name}")
                runs.append(self.start(
                    "backup", "--files", shop.folder, "--recipient", self.recipient,
                    "--tag", tag, "--state", self.folder / f"state-{key}", env=env))
            for run in runs:
                self.end(run)
            time.sleep(rng.random())
            self.go.wait()

    def prunes(self):
        while not self.over.wait(0.3):
            self.end(self.start("prune", "--keep-last", "1"))

    def listed(self):
        result = self.ferry("snapshots", "--json", "--repo", self.place.url,
                            env=self.place.env)
        assert result.rc == 0, result
        return {s["snapshot"]: s["tags"][0] for s in result.lines[:-1]}

    def restore(self, one, tag, *allowed):
        shop, want = self.want[tag]
        out = Path(tempfile.mkdtemp(dir=self.folder))
        name = f"race-{out.name.lower().replace('_', '-')}"
        run = self.start("restore", "--identity", self.key, "--from", f"snapshot:{one}",
                         "--files", out / "f", "--state", out / "state",
                         env={"SPACEFERRY_TO": self.target.uri(name)} if shop.server else {})
        result = self.end(run, *allowed)
        if result is not None and result.rc == 0:
            client = self.target.client()
            assert shop.contents(out / "f", client[name]["pages"]) == want, (one, tag)
            self.tally["restored and equal"] += 1
        self.target.client().drop_database(name)
        shutil.rmtree(out)

    def restores(self):
        rng = random.Random("restores")
        while not self.over.wait(0.5) and self.go.wait():
            found = self.listed()
            if found:       # a prune may be faster
                self.restore(*rng.choice(sorted(found.items())), "not_found")

    def checks(self):
        while not self.over.wait(0.5) and self.go.wait():
            self.end(self.start("check", "--read-data", "--identity", self.key))

    # --- what befalls them ---

    def lapse(self, pid, clock):
        """While it is stopped: its lock lapses, and by its own clock too."""
        clock.write_text(str(LAPSE_S))
        for key, about in self.place.locks():
            if about.get("pid") == pid:
                self.place.relock(key, json.dumps({**about, "lapses_after_ms": 1}))

    def stopped_for_long(self, pid, what, clock):
        self.lapse(pid, clock)
        if what == "prune":         # others go on, and take what it would remove
            return time.sleep(self.rng.uniform(0.5, 3))
        self.go.clear()             # a prune shall find a gap
        done = self.tally["prune"]
        for _ in range(50):
            if self.tally["prune"] > done:
                break
            time.sleep(0.1)
        return None

    def strike(self):
        with self.lock:
            some = [(pid, *r) for pid, r in self.running.items()
                    if pid not in self.hit and r[2].process.poll() is None]
            if not some:
                return
            pid, what, clock, run = self.rng.choice(some)
            how = self.rng.choice(["kill", "stop", "stop", "pause"])
            self.hit[pid] = how
        self.tally[f"{how} of {what}"] += 1
        if how == "kill":
            run.kill()
            return
        run.process.send_signal(signal.SIGSTOP)
        try:
            self.wait_stopped(pid)
            if how == "stop":
                self.stopped_for_long(pid, what, clock)
            else:
                time.sleep(self.rng.random())
        finally:
            self.go.set()
            run.process.send_signal(signal.SIGCONT)

    @staticmethod
    def wait_stopped(pid):
        for _ in range(200):
            tasks = Path(f"/proc/{pid}/task").glob("*/stat")
            try:
                if all(t.read_text().rpartition(")")[2].split()[0] in "TZX" for t in tasks):
                    return
            except (FileNotFoundError, ProcessLookupError):
                pass
            time.sleep(0.01)

    def strikes(self):
        while not self.over.wait(self.rng.uniform(0.05, 0.6)):
            self.strike()

    # --- all of it ---

    def guard(self, work, *args):
        try:
            work(*args)
        except BaseException as e:      # pylint: disable=broad-except
            self.faults.append(e)
            self.over.set()

    def prove(self):
        """Nothing is at work any more."""
        self.end(self.start("check", "--read-data", "--identity", self.key))
        found = self.listed()
        assert found, "no snapshot is left"
        for one, tag in found.items():
            self.restore(one, tag)
        self.end(self.start("prune", "--keep-last", "1"))

    def race(self, seconds):
        jobs = [(self.backups, "app", "ab"), (self.backups, "notes", "a"), (self.prunes,),
                (self.prunes,), (self.restores,), (self.checks,), (self.strikes,)]
        threads = [threading.Thread(target=self.guard, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        self.over.wait(seconds)
        self.over.set()
        for thread in threads:
            thread.join()
        if self.faults:
            raise self.faults[0]
        self.prove()
        return self.tally

    def close(self):
        self.over.set()
        self.ferry.close()
        if self.source:
            self.source.client().drop_database("race-app")


def report(tally):
    return ", ".join(f"{n} {what}" for what, n in sorted(tally.items()))


def main():
    from harness.mongod import Mongod, ReplicaSet
    from harness.s3 import Versitygw
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    seed = int(os.environ.get("SPACEFERRY_TEST_SEED", random.randrange(10**6)))
    print(f"seed {seed}, {seconds} s in a folder, as many in a bucket", flush=True)
    with tempfile.TemporaryDirectory(prefix="spaceferry-race-") as work:
        work = Path(work)
        with ReplicaSet(work / "source") as source, Mongod(work / "target") as target, \
                Versitygw(work / "s3") as s3:
            s3.make_bucket("race")
            for place in Folder(work / "repo"), Bucket(s3, "race"):
                race = Race(place, source, target, work / type(place).__name__, seed)
                try:
                    print(f"{place.url}: {report(race.race(seconds))}", flush=True)
                finally:
                    race.close()


if __name__ == "__main__":
    main()
