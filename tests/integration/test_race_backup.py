# build: release
"""race_backup.py for a few seconds (scripts/soak races runs it for longer), and one
stop of each kind of run at the moment that tells."""

import os
import signal
import time

import pytest
import race_backup
from race_backup import Bucket, Folder


@pytest.fixture
def race(request, source, target, tmp_path):
    if request.param == "folder":
        place = Folder(tmp_path / "repo")
    else:
        bucket = request.getfixturevalue("bucket")
        place = Bucket(request.getfixturevalue("s3_server"), bucket)
    seed = int(os.environ.get("SPACEFERRY_TEST_SEED", "1"))
    race = race_backup.Race(place, source, target, tmp_path / "race", seed)
    yield race
    race.close()


@pytest.mark.parametrize("race", ["bucket"], indirect=True)
def test_a_few_seconds(race):
    tally = race.race(2)
    print(race_backup.report(tally))
    assert tally["backup"] > 2 and tally["restored and equal"] > 1


def stopped_at_work(race, *args):
    """A run that is stopped soon after it has a lock, which lapses then."""
    run = race.start(*args)
    _, clock, _ = race.running[run.pid]
    while not any(about.get("pid") == run.pid for _, about in race.place.locks()):
        assert run.process.poll() is None, run.wait()
        time.sleep(0.002)
    time.sleep(0.15 if "--bwlimit" in args else 0)
    run.process.send_signal(signal.SIGSTOP)
    race.wait_stopped(run.pid)
    run.in_time = run.process.poll() is None
    race.lapse(run.pid, clock)
    return run


def goes_on(run):
    """It has lost its lock, and says so."""
    run.process.send_signal(signal.SIGCONT)
    result = run.wait()
    if run.in_time:
        assert result.rc == 3, result
        assert "locked" in {e["kind"] for e in result.summary["errors"]}, result
    return result


@pytest.mark.parametrize("race", ["folder"], indirect=True)
def test_stopped_until_others_were_at_work(race):
    """Whoever goes on then changes nothing, and takes nothing for damage."""
    shop = race.shops["notes"]
    backup = ["backup", "--files", shop.folder, "--recipient", race.recipient,
              "--state", race.folder / "state"]
    identity, slow = ["--identity", race.key], ["--bwlimit", "200k", "--jobs", "1"]

    def made():
        for n in range(race_backup.FILES):          # nothing of it is there yet
            (shop.folder / f"{n}.bin").write_bytes(shop.rng.randbytes(20_000))
        (new,) = race.end(race.start(*backup)).summary["snapshots"]
        return new["id"]

    def pruned():
        race.end(race.start("prune", "--keep-last", "1"))

    made()
    run = stopped_at_work(race, "check", "--read-data", *identity, *slow)
    old = made()
    pruned()
    result = goes_on(run)
    assert "fail" not in {line.get("verdict") for line in result.lines}, result

    run = stopped_at_work(race, "restore", "--from", f"snapshot:{old}", *identity, *slow,
                          "--files", race.folder / "out")
    made()
    pruned()
    goes_on(run)

    # What this one takes for present is removed; the rest takes it some time.
    for n in range(20):
        (shop.folder / f"{n}.bin").write_bytes(shop.rng.randbytes(20_000))
    run = stopped_at_work(race, *backup, *slow)
    made()
    pruned()
    goes_on(run)
    pruned()
    assert len(race.place.snapshots()) == 1
    race.end(race.start("check", "--read-data", *identity))

    # What this one would remove, if it has come so far, is wanted again.
    before, want = {p: p.read_bytes() for p in shop.folder.iterdir()}, shop.contents()
    made()
    run = stopped_at_work(race, "prune", "--keep-last", "1")
    for path, data in before.items():
        path.write_bytes(data)
    (new,) = race.end(race.start(*backup)).summary["snapshots"]
    run.in_time = False
    result = goes_on(run)
    assert result.rc in (0, 3), result
    race.end(race.start("check", "--read-data", *identity))
    race.want["again"] = shop, want
    race.restore(new["id"], "again")
