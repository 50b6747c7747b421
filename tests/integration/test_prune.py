# build: release
"""prune: what it removes, held against the objects themselves; what it must
leave alone; who excludes whom."""

import json
import os
import random
import shutil
import socket
import subprocess
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from harness import look, summary
from harness.damage import text_of
from harness.s3 import VersitygwIam
from harness.vault import Vault, age_key

# The real time, so much later or earlier.
SHIM = """
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);
	if (rc == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += atol(getenv("CLOCK_SHIFT"));
	return rc;
}
"""
NOW = datetime.now(timezone.utc).replace(microsecond=0)
DAY = timedelta(days=1)


def named(lines):
    return {line[0] for line in lines if isinstance(line, list)}


class Case:
    """A repository in a folder, with what is run on it."""

    def __init__(self, spaceferry, tmp_path, shim):
        self.spaceferry, self.tmp, self.shim = spaceferry, tmp_path, shim
        self.repo = tmp_path / "repo"
        self.vault = Vault(self.repo)
        self.held = {}          # what each snapshot holds: {id: {key: bytes}}
        self.rng = random.Random(5)
        self.common = self.rng.randbytes(50000)

    def run(self, command, *args, rc=0, env=None, **kwargs):
        r = self.spaceferry(command, "--json", "--repo", kwargs.pop("repo", self.repo),
                            "--state", self.tmp / "state", *args,
                            env={"TZ": "UTC", **(env or {})}, **kwargs)
        assert r.rc == rc, r
        if r.summary:
            summary.check(r, command)
        return r

    def write(self, place):
        folder = self.tmp / place
        folder.mkdir(exist_ok=True)
        files = {"same": self.common, "new": self.rng.randbytes(3000),
                 "second": self.rng.randbytes(3000)}
        for name, data in files.items():
            (folder / name).write_bytes(data)
        return files

    def backup(self, at=None, place="up", tags=(), args=()):
        """A snapshot, by a clock that says at; returns its id."""
        files = self.write(place)
        env = {"LD_PRELOAD": str(self.shim), "CLOCK_SHIFT": str(int(
            (at - datetime.now(timezone.utc)).total_seconds()))} if at else None
        tags = [word for t in tags for word in ("--tag", t)]
        r = self.run("backup", "--files", self.tmp / place, *tags, *args, env=env)
        made = r.summary["snapshots"][0]["id"]
        self.held[made] = place, files
        return made

    def there(self):
        return [s[0]["id"] for s in self.vault.snapshots()]

    def blobs(self):
        return {p.name.split(".")[0] for p in (self.repo / "data").rglob("*") if p.is_file()}

    def needed(self):
        return set().union(*map(named, self.vault.snapshots()))

    def sound(self, *ids):
        """check finds nothing, and those (all that are there) restore as they were."""
        self.run("check", "--read-data")
        for one in ids or self.there():
            place, files = self.held[one]
            out = self.tmp / "out" / one
            self.run("restore", "--from", f"snapshot:{one}", "--files", out)
            assert {p.name: p.read_bytes() for p in out.iterdir()} == files

    def locks(self):
        folder = self.repo / "locks"
        return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    if shutil.which("cc") is None:
        pytest.skip("no cc to shift the clock with")
    folder = tmp_path_factory.mktemp("clock")
    (folder / "shim.c").write_text("#define _GNU_SOURCE\n" + SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "shim.so",
                    folder / "shim.c"], check=True)
    return folder / "shim.so"


@pytest.fixture
def case(spaceferry, tmp_path, shim):
    return Case(spaceferry, tmp_path, shim)


def fates(r):
    return {s["id"]: s["removed"] for s in r.summary["snapshots"]}


def totals(r):
    return [r.summary["repository"][k] for k in
            ("blobs_removed", "bytes_removed", "blobs", "bytes", "snapshots")]


# --- what goes ---

def test_what_the_policy_keeps_stays_and_works(case):
    ids = [case.backup(NOW - n * DAY / 2) for n in (200, 62, 31, 5, 4, 3, 2, 1)]
    before, all_blobs = case.vault.objects(), case.blobs()
    dry = case.run("prune", "--keep-last", "1", "--keep-daily", "2", "--keep-yearly", "1",
                   "--keep-within", "49h", "--dry-run")
    assert case.vault.objects() == before
    r = case.run("prune", "--keep-last", "1", "--keep-daily", "2", "--keep-yearly", "1",
                 "--keep-within", "49h")
    kept = {s["id"]: s["reason"] for s in r.summary["snapshots"] if not s["removed"]}
    # Half a day apart: five within 49 hours of the newest, others go.
    assert set(kept) == set(ids[3:]), r
    assert kept[ids[-1]] == "last, daily, yearly, within"
    assert all("within" in reason for reason in kept.values())
    assert case.there() == ids[3:]
    assert case.blobs() == case.needed() < all_blobs
    # The dry run said so.
    assert fates(dry) == fates(r) and totals(dry) == totals(r)
    assert [s["reason"] for s in dry.summary["snapshots"]] == \
        [s["reason"] for s in r.summary["snapshots"]]
    gone = [k for k in before if k not in case.vault.objects() and k.startswith("data/")]
    assert totals(r) == [len(gone), sum(len(before[k]) for k in gone),
                         len(case.blobs()), sum(case.vault.sizes()[k] for k in before
                                                if k in case.vault.sizes()
                                                and k.startswith("data/")), 5]
    assert case.locks() == []
    case.sound()
    again = case.run("prune", "--keep-within", "49h")
    assert not any(fates(again).values()) and totals(again)[0] == 0


def test_all_only_if_told(case):
    for n in (3, 2, 1):
        case.backup(NOW - n * DAY)
    before = case.vault.objects()
    for options in (["--keep-daily", "0"], ["--keep-hourly", "0", "--keep-yearly", "0"]):
        r = case.run("prune", *options, rc=2)
        assert "keeps none of the 3 snapshots" in r.summary["errors"][0]["message"]
        assert "--keep-last 0" in r.summary["errors"][0]["hint"]
        assert case.vault.objects() == before
    r = case.run("prune", "--keep-last", "0", "--dry-run")
    assert len(r.summary["snapshots"]) == 3 and all(fates(r).values())
    assert case.vault.objects() == before
    case.run("prune", "--keep-last", "0")
    assert set(case.vault.objects()) == {"config"}
    assert totals(case.run("prune", "--keep-last", "0")) == [0, 0, 0, 0, 0]


def test_groups_and_tags(case):
    one = [case.backup(NOW - n * DAY, "one") for n in (4, 3, 2)]
    other = [case.backup(NOW - n * DAY, "other", tags=["nightly"] if n != 3 else ["x", "nightly"])
             for n in (4, 3, 2)]
    assert not any(fates(case.run("prune")).values())   # no policy
    r = case.run("prune", "--tag", "x", "--keep-daily", "0")
    assert [i for i, gone in fates(r).items() if gone] == [other[1]]
    r = case.run("prune", "--tag", "nightly", "--keep-last", "1")
    assert [i for i, gone in fates(r).items() if gone] == [other[0]]
    r = case.run("prune", "--keep-last", "1")
    assert {i for i, gone in fates(r).items() if gone} == set(one[:2])
    assert set(case.there()) == {one[2], other[2]}
    case.sound()


def test_a_backup_prunes_its_own_group(case):
    old = [case.backup(NOW - n * DAY, "one") for n in (3, 2)]
    other = [case.backup(NOW - n * DAY, "other") for n in (3, 2)]
    r = case.run("backup", "--files", case.tmp / "one", "--keep-last", "2")
    new, gone = r.summary["snapshots"]
    assert gone["id"] == old[0] and gone["removed"] and not new.get("removed")
    assert r.summary["repository"]["blobs_removed"] > 0
    assert set(case.there()) == {old[1], new["id"], *other}
    assert case.blobs() == case.needed()
    case.sound(old[1], *other)


def test_of_the_future(case):
    """A wrong clock made it: it neither goes nor stands for the others."""
    ids = [case.backup(NOW + n * DAY) for n in (-9, -2, -1, 400)]
    r = case.run("prune", "--keep-within", "30h")
    assert [i for i, gone in fates(r).items() if gone] == [ids[0]]
    assert r.summary["snapshots"][-1]["reason"] == "future"
    assert [n["kind"] for n in r.summary["notes"]] == ["future_snapshot"]
    assert case.there() == ids[1:]
    case.run("check", "--max-age", "30h")
    r = case.run("check", "--max-age", "3h", rc=1)      # nor for new ones
    assert "yet to come" in r.stdout and ids[2] in r.stdout, r


# --- what stays ---

def orphan(case, byte):
    name = bytes([byte]).hex() * 32
    path = case.repo / "data" / name[:2] / (name + ".zst")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"nobody's")
    return name


def note(case, run, names, age):
    path = case.repo / "partial" / f"{run}-0.jsonl"
    path.parent.mkdir(exist_ok=True)
    head = {"format": "spaceferry progress", "version": 1, "run": run, "time": 1}
    path.write_bytes(text_of([head] + [[n, 8, "0" * 64] for n in names]))
    os.utime(path, (time.time() - age,) * 2)


def test_what_an_interrupted_run_noted(case):
    case.backup()
    needed = case.needed()
    nobodys, noted, old = (orphan(case, b) for b in (1, 2, 3))
    note(case, "00000001", [noted], 23 * 3600)
    note(case, "00000002", [old], 25 * 3600)
    (case.repo / "partial" / "00000003-0.jsonl").write_bytes(b"no note")
    foreign = case.repo / "data" / "README"
    foreign.write_bytes(b"somebody's")
    r = case.run("prune", "--dry-run")
    assert totals(r)[:2] == [2, 16]
    r = case.run("prune")
    assert totals(r)[:2] == [2, 16]
    assert case.blobs() - {"README"} == needed | {noted}
    assert sorted(p.name for p in (case.repo / "partial").iterdir()) == \
        ["00000001-0.jsonl", "00000003-0.jsonl"]
    assert foreign.exists()


@pytest.mark.parametrize("how", ["cut", "newer"])
def test_with_a_snapshot_that_cannot_be_read_no_blob_goes(case, how):
    ids = [case.backup(NOW - n * DAY) for n in (3, 2, 1)]
    orphan(case, 1)
    (path,) = (case.repo / "snapshots").glob(f"*-{ids[1]}.jsonl")
    if how == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    else:
        path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":9'))
    before = case.blobs()
    for options in (["--dry-run"], []):
        r = case.run("prune", "--keep-last", "1", *options, rc=1)
        assert [e["kind"] for e in r.summary["errors"]] == ["damaged"]
        assert path.name in r.summary["errors"][0]["message"]
        assert "check" in r.summary["errors"][0]["hint"]
        assert totals(r)[:2] == [0, 0]
        assert case.blobs() == before
    assert sorted(p.name.split("-")[1][:8] for p in (case.repo / "snapshots").iterdir()) == \
        sorted(ids[1:])
    assert path.exists()


def test_killed_on_the_way_the_next_one_ends_it(case):
    folder = case.tmp / "many"
    folder.mkdir()
    for n in range(1500):
        (folder / str(n)).write_bytes(case.rng.randbytes(40))
    case.run("backup", "--files", folder)
    kept = case.backup()
    total, half = len(case.blobs()), 0
    for path in (case.repo / "snapshots").iterdir():        # most is garbage now
        if kept not in path.name:
            path.unlink()
    while case.blobs() != case.needed():
        running = case.spaceferry.start("prune", "--jobs", "1", "--repo", case.repo)
        while running.process.poll() is None and len(case.blobs()) == total:
            pass
        running.kill()
        running.wait()
        total = len(case.blobs())
        half += total > len(case.needed())
        case.run("check")
    assert half > 0, "it was never killed within"
    case.run("prune")
    assert case.locks() == []
    case.sound(kept)


# --- who excludes whom ---

def lock_of(**changes):
    process = os.stat("/proc/self/ns/pid")
    return {"state": "held", "kind": "add", "command": "backup", "host": socket.gethostname(),
            "pid": os.getpid(), "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            "pidns": process.st_ino, "start": 1, "started": "2026-01-02T03:04:05Z",
            "lapses_after_ms": 60000, **changes}


def test_locks_say_whose_they_are(case):
    case.backup()
    path = case.repo / "locks" / "0123abcd.json"
    path.write_text(json.dumps(lock_of(host="elsewhere", pid=77)))
    began = time.monotonic()
    r = case.run("prune", "--patience", "1s", rc=3)
    assert time.monotonic() - began < 30
    (error,) = r.summary["errors"]
    assert error["kind"] == "locked"
    assert "backup (pid 77 on elsewhere, since 2026-01-02T03:04:05Z)" in error["message"]
    assert "60 seconds" in error["hint"]
    assert "waiting for backup (pid 77 on elsewhere" in r.stderr
    assert case.locks() == [path.name]
    # It is in nobody else's way, nor in a dry run's.
    case.backup()
    case.run("prune", "--dry-run", "--patience", "0s")
    # A backup waits for a prune.
    path.write_text(json.dumps(lock_of(host="elsewhere", kind="remove", command="prune")))
    r = case.run("backup", "--files", case.tmp / "up", "--patience", "0s", rc=3)
    assert "prune (pid" in r.summary["errors"][0]["message"]
    # One that would prune, and finds another at work, is done all the same.
    path.write_text(json.dumps(lock_of(host="elsewhere", pid=77)))
    r = case.run("backup", "--files", case.tmp / "up", "--patience", "0s",
                 "--keep-last", "1")
    (left,) = [n for n in r.summary["notes"] if n["kind"] == "not_pruned"]
    assert "pid 77" in left["message"] and len(case.there()) == 3
    # One that was of this machine, and is no more: at once, and it is swept away.
    path.write_text(json.dumps(lock_of()))
    (case.repo / "locks" / "0123abce.json").write_text('{"state":"ended"}\n')
    case.run("prune", "--patience", "0s")
    assert case.locks() == []


def test_backups_and_prunes_at_once(case):
    """Nothing is lost, whoever comes when."""
    made = {}
    for n in range(3):
        runs = []
        for place in ("one", "other"):
            files = case.write(place)
            runs.append((place, files, case.spaceferry.start(
                "backup", "--json", "--repo", case.repo, "--state", case.tmp / "state",
                "--files", case.tmp / place)))
        prunes = [case.spaceferry.start("prune", "--json", "--repo", case.repo,
                                        "--keep-last", "3") for _ in range(1 + n % 2)] \
            if n else []
        for place, files, run in runs:
            r = run.wait()
            assert r.rc == 0, r
            made[r.summary["snapshots"][0]["id"]] = place, files
        for run in prunes:
            r = run.wait()
            assert r.rc == 0, r
    case.held = made
    case.run("prune", "--keep-last", "3")
    assert len(case.there()) == 6 and set(case.there()) <= set(made)
    assert case.blobs() == case.needed()
    assert case.locks() == []
    case.sound()


# --- buckets ---

def test_in_a_bucket_with_and_without_rights(case, work):
    """backup and check need no right to delete; prune says that it does."""
    with VersitygwIam(work / "prune-iam") as iam:
        bucket, s3 = iam.make_bucket("vault"), iam.client()
        adds, reads = iam.add_user(), iam.add_user()
        iam.allow(bucket, adds, "s3:ListBucket", "s3:GetObject", "s3:PutObject")
        url = f"s3://{bucket}/backups"
        case.repo = url
        for _ in range(3):
            case.write("up")
            case.run("backup", "--files", case.tmp / "up", env=adds)
        before = look.listing(s3, bucket, "backups")
        ended = [k for k in before if "/locks/" in k]
        assert len(ended) == 3
        for key in ended:
            assert look.get_object(s3, bucket, key)[0] == b'{"state":"ended"}\n'
        r = case.run("prune", "--keep-last", "1", env=adds, rc=3)
        assert r.summary["errors"][0]["kind"] == "denied"
        assert "right to delete" in r.summary["errors"][0]["hint"]
        kept = {k: v for k, v in look.listing(s3, bucket, "backups").items()
                if "/locks/" not in k}
        assert kept == {k: v for k, v in before.items() if "/locks/" not in k}
        # Who may only read reads without a lock.
        iam.allow(bucket, reads, "s3:ListBucket", "s3:GetObject")
        r = case.run("check", "--read-data", env=reads)
        assert "reading without a lock" in r.stderr
        # By the store's clock this one has lapsed, at the first look.
        key = "backups/locks/0123abcd.json"
        s3.put_object(Bucket=bucket, Key=key,
                      Body=json.dumps(lock_of(host="elsewhere")).encode())
        r = case.run("prune", "--patience", "0s", env=iam.aws_env(), rc=3)
        assert r.summary["errors"][0]["kind"] == "locked"
        (path,) = iam.folder.rglob("0123abcd.json")
        os.utime(path, (time.time() - 70,) * 2)
        r = case.run("prune", "--patience", "0s", env=iam.aws_env())
        assert "waiting" not in r.stderr
        assert not [k for k in look.listing(s3, bucket, "backups") if "/locks/" in k]
        # Root may.
        r = case.run("prune", "--keep-last", "1", env=iam.aws_env())
        assert sum(fates(r).values()) == 2
        vault = Vault.of_bucket(s3, bucket, "backups", case.tmp / "copy")
        assert len(vault.snapshots()) == 1
        assert {k.split("/")[-1].split(".")[0] for k in vault.objects()
                if k.startswith("data/")} == named(vault.snapshots()[0])
        assert not [k for k in vault.objects() if k.startswith(("locks/", "partial/"))]
        case.run("check", "--read-data", env=reads)


# --- snapshots ---

def test_snapshots_are_listed(case, work):
    identity, recipient = age_key(work, "prune.key")
    other, _ = age_key(work, "prune-other.key")
    who = ["--recipient", recipient]
    ids = [case.backup(NOW - 2 * DAY, args=who), case.backup(tags=["a", "b"], args=who)]
    r = case.run("snapshots")
    listed = r.summary["snapshots"]
    assert [s["id"] for s in listed] == ids
    assert "files" not in listed[0]
    assert r.summary["repository"]["snapshots"] == 2
    assert r.summary["repository"]["blobs"] == len(case.blobs())
    assert [line["snapshot"] for line in r.lines if "snapshot" in line] == ids
    clear = case.vault.snapshots()[1]
    assert listed[1]["stored"] == sum(b[1] for b in clear if isinstance(b, list))
    assert listed[1]["tags"] == ["a", "b"]
    r = case.run("snapshots", "--identity", identity, "--tag", "a")
    (one,) = r.summary["snapshots"]
    assert one["id"] == ids[1] and one["files"] == 3 and one["documents"] == 0
    r = case.run("snapshots", "--identity", other)
    assert [n["kind"] for n in r.summary["notes"]] == ["closed"]
    # A damaged one is named, the others are listed.
    (path,) = (case.repo / "snapshots").glob(f"*-{ids[0]}.jsonl")
    path.write_bytes(b"{}")
    r = case.run("snapshots", rc=1)
    assert path.name in r.summary["errors"][0]["message"]
    assert [s["id"] for s in r.summary["snapshots"]] == [ids[1]]
    # prune needs no identity.
    path.unlink()
    assert totals(case.run("prune"))[0] > 0
    assert case.blobs() == case.needed()
