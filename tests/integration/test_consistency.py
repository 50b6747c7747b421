"""A replica set is read at one cluster time, whatever is written meanwhile; what
cannot be read so is told, or refused with --consistent.

Two eyes see what the source held at a time: the oplog, replayed here over what
was there at the start, and the server's own history where it still has it."""
# build: release

import random
import signal
import time
from datetime import datetime, timedelta

import pytest
from bson import Timestamp, decode, encode
from pymongo.errors import OperationFailure

from harness import raw, summary
from harness.mongod import Mongod, ReplicaSet
from harness.replay import Replay, at_time
from harness.writers import COLLECTIONS, Writers

PAUSE_MS = 1000


@pytest.fixture(scope="module")
def origin(work):
    """A replica set to move from, with failpoints."""
    with ReplicaSet(work / "origin", parameters=["enableTestCommands=1"]) as server:
        yield server


@pytest.fixture(scope="module")
def forgetful(work):
    """The same, with one second of history."""
    with ReplicaSet(work / "forgetful", parameters=[
            "enableTestCommands=1", "minSnapshotHistoryWindowInSeconds=1"]) as server:
        yield server


class Move:
    """A database of the source and the way it goes."""

    def __init__(self, server, target, spaceferry, name):
        self.server, self.spaceferry, self.name = server, spaceferry, name
        self.db = server.client()[name]
        self.db.client.drop_database(name)
        self.there = target.client()[name]
        self.env = {"SPACEFERRY_FROM": server.uri(name, appName="spaceferry"),
                    "SPACEFERRY_TO": target.uri(name)}

    def start(self, *args, command="migrate"):
        return self.spaceferry.start(command, "--json", *args, env=self.env)

    def __call__(self, *args, command="migrate"):
        return self.start(*args, command=command).wait()

    def pause(self, command="getMore", ms=PAUSE_MS, at=1):
        """The at-th command is held up for a while.  Returns a callable that
        waits until it is."""
        admin = self.server.client().admin
        mode = {"times": 1} if at == 1 else {"skip": at - 1}
        count = admin.command(
            "configureFailPoint", "failCommand", mode=mode, data={
                "failCommands": [command], "appName": "spaceferry",
                "blockConnection": True, "blockTimeMS": ms})["count"]
        return lambda: admin.command("waitForFailPoint", "failCommand",
                                     timesEntered=count + 1, maxTimeMS=20000)

    def unpause(self):
        self.server.client().admin.command("configureFailPoint", "failCommand",
                                           mode="off")


@pytest.fixture
def move(origin, target, spaceferry, db_name):
    move = Move(origin, target, spaceferry, db_name)
    yield move
    move.unpause()
    origin.client().drop_database(db_name)


@pytest.fixture
def hasty(forgetful, target, spaceferry, db_name):
    move = Move(forgetful, target, spaceferry, db_name)
    yield move
    move.unpause()
    forgetful.client().drop_database(db_name)


def fill(collection, n, pad=1000, start=0):
    text = "x" * pad
    raw.insert(collection, [encode({"_id": i, "n": 0, "pad": text})
                            for i in range(start, start + n)])


def documents(collection):
    return sorted(raw.read(collection))


def note(result, kind):
    return [n for n in result.summary["notes"] if n["kind"] == kind]


def times(result):
    return [Timestamp(*map(int, t.split("."))) for t in result.summary["consistent_at"]]


def fill_all(db):
    db.create_collection("clustered",
                         clusteredIndex={"key": {"_id": 1}, "unique": True})
    for name in COLLECTIONS:
        fill(db[name], 4000)


# --- one time ---

def test_the_snapshot_is_one(move):
    """While the first collection is held up in the middle, coins go from it to
    another, documents come and go: the target has none of that."""
    fill(move.db["a"], 3000)
    fill(move.db["b"], 3000)
    before = {c: documents(move.db[c]) for c in "ab"}
    wait = move.pause()
    running = move.start()
    wait()
    for c in "ab":
        move.db[c].update_many({}, {"$inc": {"n": 1}})
        move.db[c].delete_many({"_id": {"$gte": 2500}})
        fill(move.db[c], 10, start=-10)
        fill(move.db[c], 10, start=5000)
    r = running.wait()
    s = summary.check(r)
    assert r.rc == 0, r
    assert {c: documents(move.there[c]) for c in "ab"} == before
    assert len(s["consistent_at"]) == 1 and s["source_changed"]
    (told,) = note(r, "source_changed")
    assert s["consistent_at"][0] in told["message"]
    assert "migrate --delta" in told["hint"]


def test_under_write_load(move):
    """The target is the source at consistent_at, byte for byte, by the oplog and
    by the source's history; no coin was made or lost."""
    fill_all(move.db)
    replay = Replay(move.db)
    with Writers(move.db) as writers:
        while writers.writes < 100:
            time.sleep(0.01)
        r = move("--consistent", "--bwlimit", "8MiB/s")
    summary.check(r)
    assert r.rc == 0, r
    (when,) = times(r)
    replayed = replay.until(when)
    found = {c: documents(move.there[c]) for c in COLLECTIONS}
    for c in COLLECTIONS:
        assert found[c] == sorted(replayed[c].values()), c
        assert found[c] == at_time(move.db, c, when), c
    coins = sum(decode(d)["n"] for c in ("accounts", "carts") for d in found[c])
    assert coins == 0
    # The writers were busy before and after that time.
    last = move.db.command("ping")["operationTime"]
    assert replayed != replay.until(replay.start)
    assert replayed != replay.until(last)
    assert r.summary["source_changed"]


def test_verify_reads_one_time(move):
    """Verification under write load compares with one time, too, and so does the
    look at what differs."""
    fill(move.db["a"], 3000)
    fill(move.db["b"], 3000)
    assert move().rc == 0
    move.there["a"].delete_one({"_id": 2000})
    move.there["b"].update_one({"_id": 2001}, {"$set": {"n": 7}})
    wait = move.pause()
    running = move.start(command="verify")
    wait()
    for c in "ab":
        move.db[c].delete_many({"_id": {"$gte": 100}})
    r = running.wait()
    s = summary.check(r, "verify")
    assert r.rc == 1 and len(s["consistent_at"]) == 1, r
    counts = [(r.collection(f"{move.name}.{c}")[k]) for c in "ab"
              for k in ("missing", "different", "extra")]
    assert counts == [1, 0, 0, 0, 1, 0], r
    r = move(command="verify")
    assert r.rc == 1 and r.collection(f"{move.name}.a")["extra"] == 2899, r


def test_time_series_and_capped(move):
    """A time-series is read at that time as well, a capped collection as it is
    now: a note names it."""
    db = move.db
    fill(db["a"], 3000)
    db.create_collection("log", capped=True, size=1 << 20)
    fill(db["log"], 50)
    db.create_collection("metrics", timeseries={"timeField": "t", "metaField": "m"})
    day = datetime(2024, 1, 1)
    db["metrics"].insert_many([{"t": day + timedelta(minutes=i), "m": i % 7, "v": i}
                               for i in range(2000)])
    wait = move.pause()
    running = move.start("--jobs", 1)
    wait()
    db["metrics"].insert_one({"t": day, "m": 1, "v": -1})
    fill(db["log"], 1, start=50)
    r = running.wait()
    assert r.rc == 0, r
    assert len(r.summary["consistent_at"]) == 1
    assert move.there["metrics"].count_documents({}) == 2000
    assert move.there["log"].count_documents({}) == 51
    (told,) = note(r, "read_now")
    assert f"{move.name}.log" in told["message"] and "capped" in told["message"]


# --- resuming ---

def test_resume_keeps_the_time(move):
    """Killed in the middle; what was written before the second run began is not
    moved: both runs read at one time."""
    fill(move.db["a"], 3000)
    fill(move.db["b"], 3000)
    before = {c: documents(move.db[c]) for c in "ab"}
    wait = move.pause()
    running = move.start("--jobs", 1)
    wait()
    running.kill()
    assert running.wait().rc == -signal.SIGKILL
    for c in "ab":
        move.db[c].delete_many({"_id": {"$lt": 100}})
        move.db[c].update_many({}, {"$inc": {"n": 1}})
    r = move("--jobs", 1, "--consistent")
    summary.check(r)
    assert r.rc == 0 and "resum" in r.stderr, r
    assert len(r.summary["consistent_at"]) == 1
    assert {c: documents(move.there[c]) for c in "ab"} == before


def test_resume_when_the_time_is_gone(hasty):
    """The finished collection stays at its time, the rest is moved at a new one;
    --consistent refuses that.  What the killed run had moved and nobody can know
    to be its own is told."""
    fill(hasty.db["a"], 200)
    fill(hasty.db["b"], 4000)
    a = documents(hasty.db["a"])
    hasty.pause(at=2)
    running = hasty.start("--jobs", 1)
    while hasty.there["b"].estimated_document_count() == 0:
        time.sleep(0.02)
    running.kill()
    running.wait()
    hasty.unpause()
    for c in "ab":
        hasty.db[c].update_many({}, {"$inc": {"n": 1}})
    gone = hasty.db["b"].find_one_and_delete({"_id": 3})
    until_gone(hasty)
    b = documents(hasty.db["b"])
    r = hasty("--jobs", 1, "--consistent")
    assert r.rc == 2, r
    assert "--restart --drop" in r.summary["errors"][0]["hint"], r
    r = hasty("--jobs", 1)
    assert r.rc == 1 and summary.kinds(r) == ["extra"], r
    assert "--restart --drop" in r.summary["errors"][0]["hint"], r
    assert len(r.summary["consistent_at"]) == 2 and note(r, "several_times")
    assert documents(hasty.there["a"]) == a
    assert hasty.there["b"].find_one_and_delete({"_id": 3})["pad"] == gone["pad"]
    assert documents(hasty.there["b"]) == b


def until_gone(move):
    """Waits until the history of now is lost."""
    busy = move.server.client()["busy"]
    busy["c"].insert_one({})
    when = busy.command("ping")["operationTime"]
    for _ in range(100):
        busy["c"].insert_one({})
        try:
            at_time(busy, "c", when)
        except OperationFailure as e:
            assert e.code == 239, e
            return
        time.sleep(0.1)
    raise AssertionError("the history lasts")


# --- history that is lost on the way ---

def test_history_lost(hasty):
    """Each document is as it was at one of the times in consistent_at, later
    ones later in the order of _id; what was deleted between is nowhere."""
    fill_all(hasty.db)
    replay = Replay(hasty.db)
    with Writers(hasty.db, seed="lost"):
        r = hasty("--bwlimit", "5MiB/s", "--jobs", 1)
    summary.check(r)
    assert r.rc == 0, r
    assert len(times(r)) >= 2 and note(r, "several_times"), r
    states = [replay.until(t) for t in times(r)]
    for c in COLLECTIONS:
        assert_in_turn(documents_by_id(hasty.there[c]), [s[c] for s in states])
    # Nobody writes any more: one more run, and all is equal.
    r = hasty("--drop")
    assert r.rc == 0 and len(times(r)) == 1, r
    for c in COLLECTIONS:
        assert documents(hasty.there[c]) == documents(hasty.db[c])


def documents_by_id(collection):
    return {raw.id_of(d): d for d in raw.read(collection)}


def assert_in_turn(found, states):
    """There is a rising sequence of states such that, in the order of _id, each
    document (or its absence) is that of its state."""
    keys = sorted(set(found).union(*states), key=lambda k: id_document(k)["_id"])
    now = 0
    for key in keys:
        while now < len(states) and states[now].get(key) != found.get(key):
            now += 1
        assert now < len(states), (key, found.get(key))


def id_document(key):
    """{"_id": value} of raw.id_of()'s key."""
    body = key[:1] + b"_id\0" + key[1:] + b"\0"
    return decode((len(body) + 4).to_bytes(4, "little") + body)


def test_history_lost_under_consistent(hasty):
    fill_all(hasty.db)
    with Writers(hasty.db, n=1):
        r = hasty("--bwlimit", "5MiB/s", "--consistent")
    summary.check(r)
    assert r.rc == 3, r
    assert "minSnapshotHistoryWindowInSeconds" in r.summary["errors"][0]["hint"]


def test_history_lost_in_a_time_series(hasty):
    """It has no order to go on in: it is begun again, whole.  (The server reads
    some 4 MB of buckets ahead.)"""
    metrics = hasty.db.create_collection(
        "metrics", timeseries={"timeField": "t", "metaField": "m"})
    rng = random.Random(1)      # does not compress
    day = datetime(2024, 1, 1)
    metrics.insert_many([{"t": day + timedelta(minutes=i), "m": i % 7, "v": rng.randbytes(1000)}
                         for i in range(9000)])
    wait = hasty.pause(ms=2500)
    running = hasty.start()
    wait()
    metrics.insert_one({"t": day, "m": 1, "v": "late"})
    until_gone(hasty)
    r = running.wait()
    assert r.rc == 0, r
    assert len(times(r)) == 2, r
    assert hasty.there["metrics"].count_documents({}) == 9001
    assert r.collection(f"{hasty.name}.metrics")["source"]["count"] == 9001


# --- what cannot be consistent ---

@pytest.mark.parametrize("args", [(), ("--dry-run",)])
def test_capped_refused(move, args):
    fill(move.db["a"], 10)
    move.db.create_collection("log", capped=True, size=1 << 20)
    r = move("--consistent", *args)
    summary.check(r)
    assert r.rc == 2 and summary.kinds(r) == ["unsupported"], r
    assert f"{move.name}.log" in summary.messages(r)
    assert "--exclude" in r.summary["errors"][0]["hint"]
    assert move.there.list_collection_names() == []
    assert move("--consistent", "--exclude", "*.log", *args).rc == 0


@pytest.mark.parametrize("command", ["migrate", "verify"])
def test_standalone_refused(source, target, spaceferry, db_name, command):
    move = Move(source, target, spaceferry, db_name)
    fill(move.db["a"], 10)
    r = move("--consistent", command=command)
    summary.check(r, command)
    assert r.rc == 2 and summary.kinds(r) == ["unsupported"], r
    assert "replica set" in r.summary["errors"][0]["hint"]
    assert move.there.list_collection_names() == []


def test_source_that_does_not_tell(target, spaceferry, db_name, tmp_path):
    """A standalone whose user may not ask serverStatus: nobody knows whether it
    was written to, and a note says that."""
    with Mongod(tmp_path / "m", auth=True) as server:
        fill(server.client()[db_name]["a"], 10)
        server.add_user("reader", "secret", [{"role": "read", "db": db_name}])
        r = spaceferry("migrate", "--json", env={
            "SPACEFERRY_FROM": server.uri(db_name, user="reader"),
            "SPACEFERRY_TO": target.uri(db_name)})
    assert r.rc == 0 and not r.summary["source_changed"], r
    (told,) = note(r, "source_unknown")
    assert "clusterMonitor" in told["hint"]


# --- collections that go away ---

def test_dropped_renamed_recreated(move):
    """What happened to a collection that reads as empty is named, and the same
    command goes on from there."""
    fill(move.db["a"], 3000)
    for c in ("dropped", "renamed", "recreated"):
        fill(move.db[c], 20)
    wait = move.pause()
    running = move.start("--jobs", 1)
    wait()
    move.db["dropped"].drop()
    move.db["renamed"].rename("renamed-new")
    move.db["recreated"].drop()
    fill(move.db["recreated"], 5, start=100)
    r = running.wait()
    summary.check(r)
    assert r.rc == 1, r
    told = {e["kind"]: e for e in r.summary["errors"]}
    assert set(told) == {"source_dropped", "source_renamed", "source_recreated"}, r
    assert f"{move.name}.dropped " in told["source_dropped"]["message"]
    assert f"{move.name}.renamed-new" in told["source_renamed"]["message"]
    assert f"{move.name}.recreated " in told["source_recreated"]["message"]
    for c in ("dropped", "renamed", "recreated"):
        assert not r.collection(f"{move.name}.{c}")["ok"]
    assert r.collection(f"{move.name}.a")["ok"]
    r = move()
    assert r.rc == 0 and "resum" in r.stderr, r
    assert len(note(r, "source_dropped")) == 2, r       # still on the target
    for c in ("a", "recreated", "renamed-new"):
        assert documents(move.there[c]) == documents(move.db[c]), c


def test_recreated_before_the_resume(move):
    """The interrupted run had moved it already: the new one takes its place."""
    for c in ("a-first", "b-paused"):
        fill(move.db[c], 3000)
    wait = move.pause(at=3)
    running = move.start("--jobs", 1)
    wait()
    while move.there["b-paused"].estimated_document_count() == 0:
        time.sleep(0.02)
    running.kill()
    running.wait()
    move.unpause()
    move.db["a-first"].drop()
    fill(move.db["a-first"], 7, start=2995)
    r = move()
    assert r.rc == 0 and "resum" in r.stderr, r
    for c in ("a-first", "b-paused"):
        assert documents(move.there[c]) == documents(move.db[c]), c


def test_changed_between_the_runs(move):
    """What the killed run had moved: dropped on the source it stays and is
    named; changed on the target it is kept (skip), and counted."""
    for c in ("a-changed", "b-gone", "c-begun"):
        fill(move.db[c], 2000)
    args = ["--jobs", 1, "--on-conflict", "skip"]
    running = move.start(*args, "--bwlimit", "4MiB")
    while move.there["c-begun"].estimated_document_count() == 0:
        assert running.process.poll() is None, running.wait()
        time.sleep(0.01)
    running.kill()
    running.wait()
    move.db["b-gone"].drop()
    move.there["a-changed"].update_one({"_id": 5}, {"$set": {"by": "hand"}})
    r = move(*args)
    summary.check(r)
    assert r.rc == 0, r
    (told,) = note(r, "source_dropped")
    assert f"{move.name}.b-gone " in told["message"]
    assert r.collection(f"{move.name}.a-changed")["kept"] == 1, r
    assert documents(move.there["c-begun"]) == documents(move.db["c-begun"])


def test_dropped_while_it_is_read(move):
    """An open cursor dies of it: exit 3 says why, and the rest goes on."""
    fill(move.db["a"], 3000)
    fill(move.db["b"], 20)
    wait = move.pause()
    running = move.start("--jobs", 1)
    wait()
    move.db["a"].drop()
    r = running.wait()
    summary.check(r)
    assert r.rc == 3 and "source_dropped" in summary.kinds(r), r
    r = move()
    assert r.rc == 0, r
    assert documents(move.there["b"]) == documents(move.db["b"])


def test_new_collection(move):
    """One that came during the run is named, and did not belong to the moment."""
    fill(move.db["a"], 3000)
    wait = move.pause()
    running = move.start()
    wait()
    fill(move.db["new"], 5)
    r = running.wait()
    assert r.rc == 0, r
    (told,) = note(r, "source_created")
    assert f"{move.name}.new" in told["message"]
