"""A namespace is judged once: what the journal says of it is written before it
is dropped or created, so a run that is killed at any moment between goes on
right.  The moments are made by a store that holds the state and kills the run
when it is told a fact, and by a server that blocks drop and create."""
# build: release

import json
import os
import signal
import time

import pytest
from bson import encode

from harness import look, raw, summary
from harness.ferry import Ferry
from harness.mongod import Mongod
from s3_stand_in import StandIn

DB = "claims"
NAMES = ("a", "b")
STATE = "s3://bucket/state"


@pytest.fixture(scope="module")
def origin(source):
    db = source.client()[DB]
    db.client.drop_database(DB)
    for name in NAMES:
        raw.insert(db[name], [encode({"_id": n, "in": name}) for n in range(300)])
    yield source
    db.client.drop_database(DB)


@pytest.fixture(scope="module")
def goal(work):
    with Mongod(work / "claims", parameters=["enableTestCommands=1"]) as server:
        yield server


@pytest.fixture
def there(goal):
    """The target's database with something old in both collections."""
    db = goal.client()[DB]
    db.client.drop_database(DB)
    for name in NAMES:
        raw.insert(db[name], [encode({"_id": f"old {n}"}) for n in range(20)])
    return db


@pytest.fixture
def ferry(tmp_path):
    ferry = Ferry(tmp_path / "home")
    yield ferry
    ferry.close()


def env(origin, goal, **more):
    return {"SPACEFERRY_FROM": origin.uri(DB), "SPACEFERRY_TO": goal.uri(DB), **more}


def facts(journal):
    """What the journal says of each namespace, as it was written."""
    records = [json.loads(line.split("\t")[0]) for line in journal.splitlines()]
    return {r["name"]: r["value"] for r in records
            if r.get("op") == "put" and r["name"].startswith("ours:")}


def uuids(db):
    return {i["name"]: i["info"]["uuid"] for i in db.list_collections()}


def assert_moved(origin, db):
    assert look.metadata(db.client, DB) == look.metadata(origin.client(), DB)
    for name in NAMES:
        assert raw.read_by_id(db[name]) == raw.read_by_id(origin.client()[DB][name])


class Killer:
    """Kills the run when the journal is to hold its n-th fact about a
    namespace: before it is stored, or after."""

    def __init__(self, n, stored):
        self.n, self.stored, self.pid, self.done = n, stored, None, False

    def __call__(self, handler, request):
        if self.done or request.method != "PUT" or \
                not request.path.endswith(".journal") or \
                request.body.count(b'"ours:') < self.n:
            return False
        self.done = True
        if self.stored:
            handler.carry_out(request, lambda *_: None)
        os.kill(self.pid, signal.SIGKILL)
        handler.close_connection = True
        return True


def journal_of(s3):
    return b"".join(body for key, (body, *_) in sorted(s3.objects.items())
                    if key.endswith("-0000.journal") and "last" not in key).decode()


@pytest.mark.parametrize("n,stored", [(1, False), (1, True), (2, False), (3, False),
                                      (4, True)])
def test_killed_between_the_facts(origin, goal, there, ferry, n, stored):
    """--drop: claimed a, made a, claimed b, made b; what was made is not dropped
    again, what was not is dropped before it is made."""
    args = ["migrate", "--json", "--drop", "--state", STATE]
    with StandIn() as s3:
        killer = Killer(n, stored)
        s3.faults.append(killer)
        running = ferry.start(*args, env=env(origin, goal, **s3.env()))
        killer.pid = running.pid
        assert running.wait().rc == -signal.SIGKILL
        known = facts(journal_of(s3))
        assert len(known) == (n - (not stored) + 1) // 2
        made = {k.split(".", 1)[1] for k, v in known.items()
                if v.startswith("made")}
        assert len(made) == (n - (not stored)) // 2
        for name in NAMES:          # dropped after it was claimed, and not before
            if f"ours:{DB}.{name}" not in known:
                assert there[name].count_documents({}) == 20
        before = uuids(there)
        # As if thirty seconds had passed: this store's clock does not go.
        (lock,) = [k for k in s3.objects if k.endswith("/lock")]
        del s3.objects[lock]
        r = ferry(*args, env=env(origin, goal, **s3.env()))
        summary.check(r)
        assert r.rc == 0, r
        after = uuids(there)
        for name in NAMES:
            assert (before[name] == after[name]) == (name in made) \
                if name in before else name not in made, (name, made)
    assert_moved(origin, there)


@pytest.mark.parametrize("command,mode", [
    ("drop", "--drop"), ("create", "--drop"), ("create", "--on-conflict=abort")])
def test_killed_before_the_server_obeys(origin, goal, there, ferry, command, mode):
    """Killed while the server keeps drop or create waiting; the server may carry
    it out or not, and somebody may write there before the next run."""
    if mode != "--drop":
        there.client.drop_database(DB)
    admin = goal.client().admin
    count = admin.command("configureFailPoint", "failCommand", mode={"times": 1},
                          data={"failCommands": [command], "appName": "spaceferry",
                                "blockConnection": True, "blockTimeMS": 800})["count"]
    running = ferry.start("migrate", "--json", mode, env=env(origin, goal))
    admin.command("waitForFailPoint", "failCommand", timesEntered=count + 1,
                  maxTimeMS=30_000)
    running.kill()
    assert running.wait().rc == -signal.SIGKILL
    (journal,) = (ferry.home / "state").rglob("journal")
    assert facts(journal.read_text()) == {f"ours:{DB}.a": "claimed"}
    time.sleep(1)                   # the server is through with it
    raw.insert(there["a"], [encode({"_id": 7, "in": "between"})])
    if mode == "--drop":
        raw.insert(there["a"], [encode({"_id": "between"})])
    r = ferry("migrate", "--json", mode, env=env(origin, goal))
    summary.check(r)
    assert r.rc == 0, r
    assert_moved(origin, there)
    r = ferry("migrate", "--json", mode, env=env(origin, goal))
    assert r.rc == (0 if mode == "--drop" else 2), r
