"""migrate --delta that is killed, and under an app that goes on writing."""
# build: release

import random
import threading
import time
from contextlib import contextmanager

import pytest

from harness import expect, summary, writers
from harness.mongod import Mongod, ReplicaSet

KILLS = 4


@pytest.fixture
def scene(source, target, spaceferry, db_name):
    """A database moved already, of plain, unique and capped collections."""
    db = source.client()[db_name]
    for name in ("a", "b"):
        db[name].insert_many([{"_id": n, "n": n, "pad": "x" * 300} for n in range(10_000)])
        db[name].create_index("n", unique=True)
    db.create_collection("cap", capped=True, size=20_000_000)
    db["cap"].insert_many([{"n": n, "pad": "x" * 300} for n in range(5000)])
    env = {"SPACEFERRY_FROM": source.uri(), "SPACEFERRY_TO": target.uri()}
    args = ["--json", "--db", db_name, "--jobs", "2"]
    assert spaceferry("migrate", *args, env=env).rc == 0
    return Scene(db, target, spaceferry, args, env)


class Scene:
    def __init__(self, db, target, spaceferry, args, env):
        self.db, self.target, self.args, self.env = db, target, args, env
        self.spaceferry = spaceferry

    def change(self, rng):
        for name in ("a", "b"):
            c, ids = self.db[name], rng.sample(range(10_000), 3000)
            c.delete_many({"_id": {"$in": ids[:1000]}})
            c.update_many({"_id": {"$in": ids[1000:2500]}}, {"$set": {"v": rng.random()}})
            base = rng.randrange(1 << 30, 1 << 31)
            c.insert_many([{"_id": base + n, "n": base + n} for n in range(1000)])
        self.db["cap"].insert_many([{"n": rng.random()} for n in range(10)])

    def writes(self):
        """What the target's server was told to write."""
        told = self.target.client().admin.command("serverStatus")["opcounters"]
        return told["insert"] + told["delete"]

    def kill_one(self, after):
        """Starts a run and kills it once it has written so much; False when it
        ended before."""
        before = self.writes()
        running = self.spaceferry.start("migrate", "--delta", "--delete", *self.args,
                                        env=self.env)
        while running.process.poll() is None:
            if self.writes() - before >= after:
                running.kill()
                break
            time.sleep(0.002)
        return running.wait().rc == -9


def test_killed_again_and_again(scene):
    """The same command finishes, and running it once more moves nothing."""
    rng = random.Random(11)
    kills = 0
    for after in (1, 700, 2000, 3500, 6000, 8000):
        scene.change(rng)
        kills += scene.kill_one(after)
        if kills == KILLS:
            break
    assert kills == KILLS
    r = scene.spaceferry("migrate", "--delta", "--delete", *scene.args, env=scene.env)
    assert r.rc == 0, r
    summary.check(r)
    expect.assert_moved(scene.db, scene.target.client()[scene.db.name],
                        expect.compile_rules([]))
    r = scene.spaceferry("migrate", "--delta", "--delete", *scene.args, env=scene.env)
    assert r.rc == 0 and not any(r.summary["delta"].values()), r


def test_another_migration_is_unfinished(scene):
    """It is named, and --restart drops it."""
    running = scene.spaceferry.start("migrate", "--drop", *scene.args, "--bwlimit", "4MiB/s",
                                     env=scene.env)
    there = scene.target.client()[scene.db.name]["a"]
    while there.estimated_document_count() == 10_000:
        time.sleep(0.01)
    running.kill()
    running.wait()
    r = scene.spaceferry("migrate", "--delta", *scene.args, env=scene.env)
    assert r.rc == 2 and "--delta" in summary.messages(r), r
    r = scene.spaceferry("migrate", "--delta", "--delete", "--restart", *scene.args,
                         env=scene.env)
    assert r.rc == 0, r
    expect.assert_moved(scene.db, scene.target.client()[scene.db.name],
                        expect.compile_rules([]))


def test_dropped_on_the_source_meanwhile(tmp_path, target, spaceferry):
    """It reads as empty then: what the target has of it may be all there is."""
    with Mongod(tmp_path / "m") as source:
        db, there = source.client()["gone"], target.client()["gone"]
        for side in (db, there):
            for at in range(0, 60_000, 10_000):
                side["c"].insert_many([{"_id": n, "side": side is db, "pad": "x" * 2500}
                                       for n in range(at, at + 10_000)])
        env = {"SPACEFERRY_FROM": source.uri(), "SPACEFERRY_TO": target.uri()}
        running = spaceferry.start("migrate", "--delta", "--delete", "--json", "--db", "gone",
                                   "--jobs", "1", env=env)
        while running.process.poll() is None and not there["c"].find_one({"side": True}):
            time.sleep(0.002)
        db.drop_collection("c")
        r = running.wait()
        assert r.rc in (1, 3) and r.summary["delta"]["deleted"] == 0, r
        assert "dropped" in summary.messages(r)
        # A few were between their deletion and their insertion.
        assert there["c"].count_documents({}) >= 60_000 - 64
        target.client().drop_database("gone")


def fill_app(db):
    db.create_collection("clustered", clusteredIndex={"key": {"_id": 1}, "unique": True})
    for name in writers.COLLECTIONS:
        db[name].insert_many([{"_id": n, "n": 100, "pad": "x" * 300} for n in range(4000)])


@contextmanager
def steady_writes(collection):
    stopping = threading.Event()

    def write():
        n = 0
        while not stopping.is_set():
            collection.update_one({"_id": n % 4000}, {"$inc": {"n": 1}})
            n += 7
    thread = threading.Thread(target=write)
    thread.start()
    yield
    stopping.set()
    thread.join()


@pytest.mark.parametrize("kind", [Mongod, ReplicaSet])
def test_while_the_app_writes(kind, target, spaceferry, tmp_path):
    """A replica set arrives as it was at one time; a standalone once nobody
    writes any more."""
    with kind(tmp_path / "m") as source:
        db, there = source.client()["live"], target.client()["live"]
        fill_app(db)
        env = {"SPACEFERRY_FROM": source.uri(), "SPACEFERRY_TO": target.uri()}
        run = ["--json", "--db", "live"]
        assert spaceferry("migrate", *run, env=env).rc == 0
        # Transactions need a set; on a standalone their error would end it.
        if kind is ReplicaSet:
            with writers.Writers(db):
                time.sleep(0.3)
                r = spaceferry("migrate", "--delta", "--delete", *run, env=env)
                assert r.rc == 0, r
                assert len(r.summary["consistent_at"]) == 1
                assert r.summary["source_changed"]
                # Coins only change hands: at one moment there are as many.
                assert sum(d["n"] for name in ("accounts", "carts")
                           for d in there[name].find()) == 2 * 4000 * 100
        else:
            with steady_writes(db["posts"]):
                r = spaceferry("migrate", "--delta", "--delete", *run, env=env)
            assert r.rc in (0, 1), r
            (told,) = [n for n in r.summary["notes"] if n["kind"] == "source_changed"]
            assert "migrate --delta" in told["hint"]
        r = spaceferry("migrate", "--delta", "--delete", *run, env=env)
        assert r.rc == 0, r
        expect.assert_moved(db, there, expect.compile_rules([]))
        target.client().drop_database("live")
