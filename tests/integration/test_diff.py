"""`diff` tells what differs, all of it and nothing else: documents with their
fields, metadata, files; whatever the ends are, and while they are written to."""
# build: release

import json
import random
import sys
import threading
from datetime import datetime
from pathlib import Path

import pytest
from bson import SON, Decimal128, Int64, MaxKey, MinKey, ObjectId
from bson.json_util import loads

from harness import seeded

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import dataset                                                  # noqa: E402

RULES = ["--rewrite", "=".join(dataset.RULE)]
DOCUMENTS = 70_000      # more than one partition
IDS = [3, 30, 3_000, 33_333, 65_535, 65_536, 69_999]


def env(source, target, db):
    return {"SPACEFERRY_FROM": source.uri(db), "SPACEFERRY_TO": target.uri(db)}


def names(r):
    """{(kind, _id)} of the documents told."""
    return {(line["kind"], repr(loads(json.dumps(line["_id"])))) for line in r.lines[:-1]
            if "_id" in line}


@pytest.fixture
def pair(source, target, db_name, spaceferry):
    """Both sides of one small database, and a diff of them."""
    class Pair:
        source_db, target_db = source.client()[db_name], target.client()[db_name]

        def fill(self, collection, documents):
            self.source_db[collection].insert_many(documents)
            self.target_db[collection].insert_many(documents)

        def diff(self, *args):
            return spaceferry("diff", "--json", *args, env=env(source, target, db_name))
    return Pair()


def test_seeded(source, target, db_name, spaceferry, tmp_path):
    """Every kind of difference, 25 of them, and nothing else."""
    orders = source.client()[db_name]["orders"]
    dataset.fill(orders, DOCUMENTS)
    seeded.odd(orders)
    uploads, moved = tmp_path / "uploads", tmp_path / "moved"
    for i in range(9):
        (uploads / f"{i % 3}").mkdir(parents=True, exist_ok=True)
        (uploads / f"{i % 3}" / f"{i}.bin").write_bytes(random.Random(i).randbytes(1000 + i))
    ends = env(source, target, db_name)
    options = [*RULES, "--json", "--files", f"{uploads}={moved}"]
    assert spaceferry("migrate", *options, env=ends).rc == 0
    r = spaceferry("diff", *options, env=ends)
    assert (r.rc, len(r.lines)) == (0, 1), r
    assert r.collection(f"{db_name}.orders")["rewritten"]["documents"] > DOCUMENTS / 4

    wanted = seeded.bend(target.client()[db_name]["orders"], IDS, moved)
    assert len(wanted) == 25
    r = spaceferry("diff", *options, env=ends)
    assert r.rc == 1, r
    assert seeded.told(r.lines[:-1]) == wanted
    c = r.collection(f"{db_name}.orders")
    assert (c["missing"], c["extra"], c["different"]) == (3, 3, 10)
    files = r.summary["files"]
    assert (files["missing"], files["extra"], files["different"]) == (1, 1, 1)
    assert not r.summary["ok"] and not r.summary["errors"], r.summary["errors"]


def test_values(pair):
    """Before and after, as canonical Extended JSON; a side without the field
    lacks its key."""
    pair.source_db.c.insert_one({"_id": 1, "a": 5, "b": {"x": [1, "s"]}, "gone": None})
    pair.target_db.c.insert_one({"_id": 1, "a": Int64(5), "b": {"x": [1, "t", True]},
                                 "new": datetime(2020, 1, 1)})
    r = pair.diff()
    (line, summary) = r.lines
    assert line == {
        "kind": "different", "namespace": f"{pair.target_db.name}.c",
        "_id": {"$numberInt": "1"},
        "fields": [
            {"path": "a", "source": {"$numberInt": "5"}, "target": {"$numberLong": "5"}},
            {"path": "b.x.1", "source": "s", "target": "t"},
            {"path": "b.x.2", "target": True},
            {"path": "gone", "source": None},
            {"path": "new", "target": {"$date": {"$numberLong": "1577836800000"}}}]}
    assert r.rc == 1 and summary["command"] == "diff"


def test_mixed_ids(pair):
    """_ids of every type, NaN too, at both ends of the order."""
    ids = [MinKey(), None, float("nan"), float("inf"), -1, 0.5, Int64(1 << 60),
           Decimal128("1E+30"), Decimal128("-Infinity"), "", "z", SON([("a", 1)]), {"b": []},
           b"bytes", ObjectId("65f000000000000000000000"), False, True,
           datetime(1960, 1, 1), MaxKey()]
    pair.fill("c", [{"_id": value, "v": 1} for value in ids] +
              [{"_id": ObjectId(), "v": 1} for _ in range(300)])
    assert pair.diff().rc == 0
    for i, value in enumerate(ids):
        if i % 3 == 0:
            assert pair.target_db.c.delete_one({"_id": value}).deleted_count == 1, value
        elif i % 3 == 1:
            assert pair.source_db.c.delete_one({"_id": value}).deleted_count == 1, value
        else:
            assert pair.target_db.c.update_one({"_id": value},
                                               {"$set": {"v": 2}}).modified_count == 1
    r = pair.diff()
    kinds = ["missing", "extra", "different"]
    assert names(r) == {(kinds[i % 3], repr(loads(dumps(value))))
                        for i, value in enumerate(ids)}
    assert len(r.lines) == len(ids) + 1


def dumps(value):
    from bson.json_util import CANONICAL_JSON_OPTIONS, dumps as to_json
    return to_json(value, json_options=CANONICAL_JSON_OPTIONS)


def test_ignore(pair):
    """A field that always moves is left out, at any depth, and nothing else."""
    pair.source_db.users.insert_many(
        [{"_id": i, "lastSeen": i, "in": [{"lastSeen": i, "v": 1}]} for i in range(100)])
    pair.target_db.users.insert_many(
        [{"_id": i, "lastSeen": -1, "in": [{"lastSeen": -1, "v": 1}]} for i in range(100)])
    pair.target_db.users.update_one({"_id": 7}, {"$set": {"in.0.v": 2}})
    both = ["--ignore", "*.users:lastSeen", "--ignore", "*.users:in.lastSeen"]
    r = pair.diff(*both)
    assert r.rc == 1 and len(r.lines) == 2, r
    assert [f["path"] for f in r.lines[0]["fields"]] == ["in.0.v"]
    r = pair.diff(*both[:2])
    assert len(r.lines) == 101 and all(
        "lastSeen" not in {f["path"] for f in line["fields"]} for line in r.lines[:-1])
    assert pair.diff(*both, "--ignore", "*.users:in.v").rc == 0


def test_limit(pair):
    """So many lines; all are counted."""
    pair.fill("c", [{"_id": i} for i in range(500)])
    pair.target_db.c.delete_many({"_id": {"$lt": 123}})
    r = pair.diff("--limit", "10")
    assert len(r.lines) == 11
    assert r.collection(f"{pair.target_db.name}.c")["missing"] == 123
    assert len(pair.diff().lines) == 124


def test_timeseries(pair):
    """Measurements have no _id that tells them apart: what one side lacks is
    told, whatever stands beside it."""
    docs = [{"t": datetime(2024, 1, 1, i // 60, i % 60), "m": {"s": i % 3}, "v": i % 5}
            for i in range(600)]
    docs += [docs[0]] * 3
    for db in (pair.source_db, pair.target_db):
        db.create_collection("ts", timeseries={"timeField": "t", "metaField": "m"})
        db.ts.insert_many([dict(d) for d in docs])
    for db in (pair.source_db, pair.target_db):     # insert_many made an _id for each
        db.drop_collection("ts")
        db.create_collection("ts", timeseries={"timeField": "t", "metaField": "m"})
        db.command("insert", "ts", documents=[dict(d) for d in docs])
    assert pair.diff().rc == 0
    pair.source_db.command("insert", "ts", documents=[dict(docs[0]), dict(docs[300])])
    pair.target_db.command("insert", "ts", documents=[{**docs[10], "v": 99}])
    r = pair.diff()
    c = r.collection(f"{pair.target_db.name}.ts")
    assert (c["missing"], c["extra"], c["different"]) == (2, 1, 0), r
    told = [{f["path"]: f.get("source", f.get("target")) for f in line["fields"]}
            for line in r.lines[:-1]]
    assert [t.keys() for t in told] == [{"t", "m", "v"}] * 3      # no _id: all of it
    assert sorted(t["v"]["$numberInt"] for t in told) == ["0", "0", "99"]


@pytest.mark.parametrize("form", ["archive:a.archive.gz", "dump:folder"])
@pytest.mark.parametrize("archive_is", ["source", "target"])
def test_archives(source, target, db_name, spaceferry, tmp_path, form, archive_is):
    """One end is an archive or a dump."""
    kind, name = form.split(":")
    end = f"{kind}:{tmp_path / name}"
    server = target if archive_is == "source" else source
    db = server.client()[db_name]
    db.c.insert_many([{"_id": i, "v": i, "pad": "x" * 50} for i in range(3000)])
    db.c.insert_one({"_id": "s", "big": "y" * 500_000})
    option = "--archive" if kind == "archive" else "--dir"
    assert spaceferry("export", "--from", server.uri(db_name), option,
                      end.split(":", 1)[1]).rc == 0

    def diff():
        ends = [server.uri(db_name), end]
        if archive_is == "source":
            ends.reverse()
        return spaceferry("diff", "--json", "--from", ends[0], "--to", ends[1])
    r = diff()
    assert (r.rc, len(r.lines)) == (0, 1), r
    db.c.delete_one({"_id": 5})
    db.c.insert_one({"_id": "new"})
    db.c.update_many({"_id": {"$in": [7, 2999, "s"]}}, {"$set": {"v": -1}})
    db.c.create_index("v")
    r = diff()
    gone, new = ("missing", "extra") if archive_is == "source" else ("extra", "missing")
    assert names(r) == {(gone, "5"), (new, "'new'"), ("different", "7"),
                        ("different", "2999"), ("different", "'s'")}
    assert [line["name"] for line in r.lines[:-1] if line["kind"] == "metadata"] == ["v_1"]
    for line in r.lines[:-1]:
        if line["kind"] == "different":
            (field,) = line["fields"]
            assert field["path"] == "v"
            mine = field["target" if archive_is == "source" else "source"]
            assert mine == {"$numberInt": "-1"}


def test_written_to(pair):
    """An app writes to both sides, one after the other: what is only on its way
    is no difference.  What does differ is told meanwhile."""
    pair.fill("c", [{"_id": i, "n": 0, "pad": "p" * 300} for i in range(20_000)])
    pair.target_db.c.update_one({"_id": 19_000}, {"$set": {"n": -1}})
    stop, settled = threading.Event(), 0

    def write():
        rng = random.Random("writes")
        n = 0
        while not stop.is_set():
            ids = [rng.randrange(18_000) for _ in range(20)]
            n += 1
            for db in (pair.source_db, pair.target_db):
                db.c.update_many({"_id": {"$in": ids}}, {"$set": {"n": n}})
                db.c.insert_one({"_id": 100_000 + n})
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(12):
            r = pair.diff()
            assert names(r) == {("different", "19000")}, r
            settled += r.summary["settled"]
            if settled:
                break
    finally:
        stop.set()
        writer.join()
    assert settled > 0, "nothing was ever on its way: this shows nothing"
    assert any(n["kind"] == "settled" for n in r.summary["notes"]), r.summary["notes"]
    assert names(pair.diff()) == {("different", "19000")}


def test_written_to_elsewhere(pair):
    """Somebody writes to another collection: thousands that differ are looked at
    again by the hundred, not one by one."""
    pair.source_db.c.insert_many([{"_id": i, "v": 1} for i in range(4_000)])
    pair.target_db.c.insert_many([{"_id": i, "v": 2} for i in range(2_000)])
    admin, stop = pair.target_db.client.admin, threading.Event()

    def write():
        while not stop.wait(0.002):
            pair.target_db.other.insert_one({})

    def queries():
        return admin.command("serverStatus")["opcounters"]["query"]
    writer = threading.Thread(target=write)
    writer.start()
    try:
        before = queries()
        r = pair.diff("--include", "*.c")
        asked = queries() - before
    finally:
        stop.set()
        writer.join()
    assert names(r) == {("different", str(i)) for i in range(2_000)} | \
        {("missing", str(i)) for i in range(2_000, 4_000)}
    assert asked < 200, asked


def test_everything_differs(pair):
    """More documents that differ than can be held at once: each is told once."""
    pair.source_db.c.insert_many([{"_id": i, "v": "x" * 2000} for i in range(6_000)])
    pair.target_db.c.insert_many([{"_id": i, "v": "y" * 2000} for i in range(6_000)])
    r = pair.diff("--memory", "8MiB")
    assert names(r) == {("different", str(i)) for i in range(6_000)}
    assert len(r.lines) == 6_001


def test_collections(pair):
    """A collection that the target has not; one that only the target has is no
    difference, since it may be somebody else's."""
    pair.fill("c", [{"_id": 1}])
    pair.source_db.lost.insert_many([{"_id": 1}, {"_id": 2}])
    pair.target_db.theirs.insert_one({"_id": 1})
    pair.source_db.create_collection("seen", viewOn="c", pipeline=[])
    r = pair.diff()
    db = pair.target_db.name
    assert [(line["kind"], line["namespace"]) for line in r.lines[:-1]] == [
        ("missing", f"{db}.lost"), ("missing", f"{db}.lost"),
        ("metadata", f"{db}.lost"), ("metadata", f"{db}.seen")]
    assert [n["message"].split()[0] for n in r.summary["notes"]
            if n["kind"] == "only_on_target"] == [f"{db}.theirs"]


@pytest.mark.parametrize("kind", [{"viewOn": "base", "pipeline": []},
                                  {"timeseries": {"timeField": "t"}}])
def test_other_type(pair, kind):
    """A collection that is a view or a time-series on the target: its documents
    are compared all the same, though it has no ranges."""
    docs = [{"_id": i, "t": datetime(2020, 1, 1)} for i in range(DOCUMENTS)]
    pair.source_db.c.insert_many(docs)
    pair.target_db.create_collection("c", **kind)
    pair.target_db["base" if "viewOn" in kind else "c"].insert_many(
        docs[:-1] + [{"_id": -1, "t": datetime(2020, 1, 1)}])
    r = pair.diff()
    assert names(r) == {("missing", str(DOCUMENTS - 1)), ("extra", "-1")}, r
    (line,) = [line for line in r.lines[:-1] if line["kind"] == "metadata"]
    assert (line["name"], line["source"]) == ("type", "collection")


def test_long_ids(pair):
    """An _id of more than 64 KiB is cut as other values are, in every line."""
    long = "k" * 100_000
    pair.fill("c", [{"_id": long + name} for name in "ab"])
    pair.target_db.c.delete_many({})
    pair.source_db.c.insert_one({"_id": b"\1" * 60_000})
    r = pair.diff()
    assert sorted((line["_id"]["$type"], line["_id"]["$length"]) for line in r.lines[:-1]) == \
        [("binData", 60_000), ("string", 100_001), ("string", 100_001)], r


def test_bad_ignore(spaceferry):
    """Told before any server is asked: there is none."""
    nowhere = "mongodb://127.0.0.1:1/x"
    for entry in ("nocolon", "x.c:_id", "x.c:_id.a"):
        r = spaceferry("diff", "--json", "--from", nowhere, "--to", nowhere,
                       "--ignore", entry)
        assert r.rc == 2 and entry in r.summary["errors"][0]["message"], r


def test_ids_the_index_takes_for_one(pair):
    """1 and 1.0, and "a" and "A" under a collation, are two documents, written
    to meanwhile or not."""
    for db, ids in ((pair.source_db, [1, "a"]), (pair.target_db, [1.0, "A"])):
        db.create_collection("c", collation={"locale": "en", "strength": 2})
        db.c.insert_many([{"_id": value, "v": 1} for value in ids])
    wanted = {("missing", "1"), ("extra", "1.0"), ("missing", "'a'"), ("extra", "'A'")}
    stop = threading.Event()

    def write():
        while not stop.is_set():
            pair.source_db.other.insert_one({})
    assert names(pair.diff("--include", "*.c")) == wanted
    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert names(pair.diff("--include", "*.c")) == wanted
    finally:
        stop.set()
        writer.join()


def test_writes_nothing(source, target, db_name, spaceferry, fingerprint):
    source.client()[db_name].c.insert_many([{"_id": i} for i in range(50)])
    before = fingerprint(source), fingerprint(target)
    assert spaceferry("diff", env=env(source, target, db_name)).rc == 1
    assert (fingerprint(source), fingerprint(target)) == before
