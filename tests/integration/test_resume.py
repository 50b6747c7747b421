"""A migration that is interrupted goes on where it stopped: by SIGINT, by
SIGKILL, at any moment, and nothing is lost or there twice."""
# build: release

import os
import random
import signal
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from bson import encode

from harness import expect, look, raw, summary
from harness.ferry import Ferry
from harness.mongod import Mongod, ReplicaSet

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import dataset                                                  # noqa: E402

SEED = int(os.environ.get("SPACEFERRY_TEST_SEED", "1"))
DB = "resume-from"
N_ORDERS, N_PAGES, N_FILES = 70_000, 6_000, 200
RULE = "=".join(dataset.RULE)
JOBS = 4


@pytest.fixture(scope="module")
def shop(source, work):
    """70,000 orders (two partitions), pages with a unique index, a capped and a
    time-series collection; and 201 files."""
    db = source.client()[DB]
    db.client.drop_database(DB)
    dataset.fill(db["orders"], N_ORDERS)
    raw.insert(db["pages"], [encode({"_id": f"p{n}", "slug": f"s-{n}", "html":
                             f"<a href='{dataset.RULE[0]}/p/{n}'>" * 20})
                             for n in range(N_PAGES)])
    db["pages"].create_index("slug", unique=True)
    db.create_collection("log", capped=True, size=8 << 20)
    raw.insert(db["log"], [encode({"_id": -n, "n": n}) for n in range(3000)])
    db.create_collection("metrics", timeseries={"timeField": "at", "metaField": "m"})
    db["metrics"].insert_many([
        {"at": datetime.fromtimestamp(1_700_000_000 + n), "m": {"h": n % 7}, "v": n}
        for n in range(3000)])
    folder = work / "resume-files"
    rng = random.Random("resume")
    for n in range(N_FILES):
        path = folder / f"{n % 10}" / f"file {n}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.randbytes(rng.randrange(1, 150_000)))
    (folder / "large.bin").write_bytes(rng.randbytes(30 << 20))
    yield Shop(source, folder)
    db.client.drop_database(DB)


class Shop:
    def __init__(self, source, folder):
        self.source, self.folder = source, folder
        self.db = source.client()[DB]


class Move:
    """One migration of the shop: its own target database, bucket and state."""

    def __init__(self, shop, target, s3_server, folder, name):
        self.ferry = Ferry(folder)
        self.bucket = s3_server.make_bucket(name)
        self.s3 = s3_server.client()
        self.client, self.db = target.client(), name
        self.folder = shop.folder
        self.args = ["migrate", "--json", "--jobs", JOBS, "--rewrite", RULE,
                     "--files", f"{shop.folder}=s3://{self.bucket}/f"]
        self.env = {"SPACEFERRY_FROM": shop.source.uri(DB),
                    "SPACEFERRY_TO": target.uri(name), **s3_server.aws_env()}

    def run(self, *args):
        return self.ferry(*self.args, *args, env=self.env)

    def start(self, *args):
        return self.ferry.start(*self.args, *args, env=self.env)

    def hashes(self):
        found = look.db_hash(self.client, self.db)
        return {k: v for k, v in found.items()
                if k != "md5" and not k.startswith("system.")}

    def written(self):
        """{key: time} of the objects there now."""
        found = {}
        for page in self.s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket):
            for o in page.get("Contents", []):
                found[o["Key"]] = o["LastModified"]
        return found

    def check(self, shop, undisturbed):
        """Everything is there, once, and equal to an undisturbed run's."""
        assert self.hashes() == undisturbed.hashes()
        assert look.metadata(self.client, self.db) == \
            look.metadata(shop.db.client, DB)
        series = expect.stored(self.client[self.db]["metrics"])
        assert series.tally == expect.stored(
            undisturbed.client[undisturbed.db]["metrics"]).tally
        assert raw.read(self.client[self.db]["log"]) == raw.read(shop.db["log"])
        keys = [str(p.relative_to(self.folder)) for p in self.folder.rglob("*")
                if p.is_file()]
        expect.assert_files(self.s3, self.bucket, "f/", self.folder, keys)
        assert look.uploads_in_progress(self.s3, self.bucket) == []


@pytest.fixture(scope="module")
def moves(shop, target, s3_server, work):
    """Callable: a new Move; dropped at the end."""
    made = []

    def make(name):
        made.append(Move(shop, target, s3_server, work / name, name))
        return made[-1]
    yield make
    for move in made:
        move.ferry.close()
        move.client.drop_database(move.db)


@pytest.fixture(scope="module")
def undisturbed(moves):
    move = moves("undisturbed")
    begin = time.monotonic()
    r = move.run()
    move.seconds = time.monotonic() - begin
    assert r.rc == 0, r
    summary.check(r)
    return move


def test_undisturbed_is_right(shop, undisturbed):
    """What the others are compared with is itself what the reference makes."""
    undisturbed.check(shop, undisturbed)
    db = undisturbed.client[undisturbed.db]
    rules = expect.compile_rules([dataset.RULE])
    query = {"_id": {"$lt": 1500}}
    want = expect.collection(shop.db["orders"], rules, query=query)
    assert want.counts["documents"] == 500
    found = raw.read_by_id(db["orders"], query)
    assert found == want.documents


def already_moved(result):
    """A run that found the work done and the journal closed."""
    return result.rc == 2 and \
        "already moved" in result.summary["errors"][0]["hint"]


def interrupted(move, moment, how):
    """Starts a run and signals it after moment seconds, if it still goes on."""
    running = move.start()
    time.sleep(moment)
    if running.process.poll() is None:
        running.process.send_signal(how)
    return running.wait()


@pytest.mark.parametrize("round", range(3))
def test_interrupted_three_times(shop, moves, undisturbed, round):
    rng = random.Random(f"{SEED}/{round}")
    move = moves(f"interrupted-{round}")
    hows = [signal.SIGINT, signal.SIGKILL, rng.choice([signal.SIGINT, signal.SIGKILL])]
    rng.shuffle(hows)
    tale = []
    for how in hows:
        moment = rng.uniform(0.02, 0.9) * undisturbed.seconds
        r = interrupted(move, moment, how)
        tale.append((how.name, f"{moment:.2f} s", r.rc))
        if r.rc == 0 or already_moved(r):
            break
        assert r.rc == (3 if how == signal.SIGINT else -signal.SIGKILL), (tale, r)
        if how == signal.SIGINT:
            summary.check(r)
            assert "interrupted" in summary.kinds(r), (tale, r)
    before = move.written()
    r = move.run()
    tale.append(("to the end", r.rc))
    if not already_moved(r):        # done already, whatever it died of then
        assert r.rc == 0, (tale, r)
        s = summary.check(r)
        assert s["quarantine"] is None
        for c in s["collections"]:
            assert c["source"] == c["target"], (tale, c)
    move.check(shop, undisturbed)
    print(tale)
    # What lay there and was known to the manifest was not sent again: at most
    # what was in the hands of the workers when a SIGKILL came.
    after = move.written()
    again = [k for k in before if after[k] != before[k]]
    assert len(again) <= 32, (tale, again)
    # The journal is closed: once more is "already moved".
    r = move.run()
    assert already_moved(r), (tale, r)


def test_resume_repeats_little(shop, moves, undisturbed):
    """Partitions that are done are not copied again: the second run inserts
    what was missing, and a partition's worth per worker at most."""
    move = moves("little")
    orders = move.client[move.db]["orders"]
    running = move.start()
    while running.process.poll() is None and \
            orders.estimated_document_count() < 20_000:
        time.sleep(0.01)
    running.process.send_signal(signal.SIGKILL)
    running.wait()
    there = orders.estimated_document_count()
    before = move.client.admin.command("serverStatus")["opcounters"]
    r = move.run()
    assert r.rc == 0, r
    after = move.client.admin.command("serverStatus")["opcounters"]
    assert "resum" in r.stderr
    # Documents of an unfinished partition are found equal, not replaced.
    assert after["delete"] - before["delete"] <= 200
    assert there > 0
    move.check(shop, undisturbed)


def test_killed_after_the_copy(shop, moves, undisturbed):
    """While indexes are built and the target is read back: the next run finds
    all partitions done, and proves and indexes them all the same."""
    move = moves("after-copy")
    orders = move.client[move.db]["orders"]
    running = move.start()
    while running.process.poll() is None and len(orders.index_information()) < 2:
        time.sleep(0.005)
    running.process.send_signal(signal.SIGKILL)
    assert running.wait().rc == -signal.SIGKILL
    # What a half-dead machine may do to the copy is found, too.
    orders.delete_one({"_id": 7})
    orders.update_one({"_id": 8}, {"$set": {"status": "odd"}})
    r = move.run()
    if r.rc == 1:           # found different, the partition is opened again
        assert r.collection(f"{move.db}.orders")["missing"] == 1, r
        r = move.run()
    assert r.rc == 0, r
    move.check(shop, undisturbed)


def test_drop_is_judged_once(shop, moves, undisturbed):
    """--drop interrupted: the second run does not drop what the first moved."""
    move = moves("drop-once")
    orders = move.client[move.db]["orders"]
    raw.insert(orders, [encode({"_id": n, "old": True}) for n in range(0, 140_000, 2)])
    running = move.start("--drop")
    while running.process.poll() is None and \
            (orders.find_one({"_id": 1}) is None or
             orders.estimated_document_count() < 3000):
        time.sleep(0.005)
    running.process.send_signal(signal.SIGKILL)
    assert running.wait().rc == -signal.SIGKILL
    uuid = collection_uuid(orders)
    r = move.run("--drop")
    assert r.rc == 0, r
    assert collection_uuid(orders) == uuid
    move.check(shop, undisturbed)


def collection_uuid(collection):
    (info,) = collection.database.list_collections(
        filter={"name": collection.name})
    return info["info"]["uuid"]


def settled(move):
    """The dbHash once the server is through with what the killed program had
    sent."""
    was, now = None, look.db_hash(move.client, move.db)
    while was != now:
        time.sleep(0.5)
        was, now = now, look.db_hash(move.client, move.db)
    return now


def test_other_options_while_unfinished(shop, moves, undisturbed):
    """An unfinished run is not resumed with other rules: exit 2 names what
    differs; --restart begins anew."""
    move = moves("other-options")
    r = interrupted(move, 0.3 * undisturbed.seconds, signal.SIGKILL)
    assert r.rc == -signal.SIGKILL, r
    before = settled(move)
    r = move.run("--rewrite", "https://other.example=https://new.example")
    s = summary.check(r)
    assert r.rc == 2, r
    assert "rewrit" in s["errors"][0]["message"]
    assert "--restart" in s["errors"][0]["hint"]
    assert look.db_hash(move.client, move.db) == before
    r = move.run("--restart", "--drop")
    assert r.rc == 0, r
    move.check(shop, undisturbed)


def test_two_runs_at_once(moves, undisturbed):
    """The second of two equal runs finds the lock held: exit 3, and the first
    goes on undisturbed."""
    move = moves("at-once")
    first = move.start()
    time.sleep(0.3 * undisturbed.seconds)
    assert first.process.poll() is None
    second = move.run("--patience", "1s")
    s = summary.check(second)
    assert second.rc == 3 and summary.kinds(second) == ["locked"], second
    assert str(first.pid) in s["errors"][0]["message"] + s["errors"][0]["hint"]
    r = first.wait()
    assert r.rc == 0, r
    assert move.hashes() == undisturbed.hashes()


def test_sigint_stops_soon(moves, undisturbed):
    move = moves("soon")
    running = move.start()
    time.sleep(0.4 * undisturbed.seconds)
    assert running.process.poll() is None
    running.interrupt()
    begin = time.monotonic()
    r = running.wait()
    assert r.rc == 3, r
    assert time.monotonic() - begin < 5
    assert "resume" in r.stderr or "resume" in r.summary["errors"][0]["hint"], r


def test_source_cut_off(tmp_path, target, db_name, spaceferry):
    """The source goes away in the middle and comes back: the same run goes on
    within its patience."""
    with Mongod(tmp_path / "m") as server:
        dataset.fill(server.client()["cut"]["orders"], 30_000)
        want = raw.digest(raw.read(server.client()["cut"]["orders"]))
        running = spaceferry.start("migrate", "--json", "--patience", "60s", env={
            "SPACEFERRY_FROM": server.uri("cut"),
            "SPACEFERRY_TO": target.uri(db_name)})
        time.sleep(0.25)
        server.kill()
        time.sleep(0.5)
        server.start()
        r = running.wait()
        assert r.rc == 0, r
    assert raw.digest(raw.read(target.client()[db_name]["orders"])) == want


def test_target_cut_off(shop, source, tmp_path, spaceferry):
    """The target dies in the middle of its writes and comes back: nothing is
    lost, nothing is there twice."""
    with ReplicaSet(tmp_path / "m", auth=True) as server:
        running = spaceferry.start(
            "migrate", "--json", "--patience", "60s", "--include", f"{DB}.orders",
            "--include", f"{DB}.pages", "--rewrite", RULE,
            env={"SPACEFERRY_FROM": source.uri(DB), "SPACEFERRY_TO": server.uri(DB)})
        orders = server.client()[DB]["orders"]
        while orders.estimated_document_count() < 10_000:
            assert running.process.poll() is None
            time.sleep(0.01)
        server.kill()
        time.sleep(0.5)
        server.start()
        r = running.wait()
        assert r.rc == 0, r
        rules = expect.compile_rules([dataset.RULE])
        want = expect.collection(shop.db["pages"], rules)
        expect.assert_same_documents(want, expect.stored(server.client()[DB]["pages"]),
                                     "pages")
        assert server.client()[DB]["orders"].count_documents({}) == N_ORDERS
