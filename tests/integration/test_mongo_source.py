"""Reading raw documents with src/mongo: every kind of collection, every type of
_id, cut into ranges; pymongo looks at the same data from the side."""

import datetime
import time

import bson
import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId
from bson import Timestamp
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from harness.mongod import Mongod, ReplicaSet
from mongo_tool import MongoTool, id_of

RAW = CodecOptions(document_class=RawBSONDocument)

ODD_IDS = [
    MinKey(), None, float("nan"), float("-inf"), float("inf"), 0, 1.5, -7,
    Int64(7), Decimal128("3.3"), Decimal128("1E+6000"), "", "a", "B", "é", {},
    {"a": 1}, {"a": {"b": 1}}, {"z": [1, 2]}, DBRef("c", 1), b"", b"xx",
    Binary(b"0123456789abcdef", 4), ObjectId("64b000000000000000000001"), False,
    True, datetime.datetime(2020, 1, 1), Timestamp(0, 0), Timestamp(1, 2),
    Code("x"), Code("x", {"a": 1}), MaxKey(),
]

# NaN of Decimal128 equals that of a double in the _id index.
KINDS = {
    "plain": {},
    "collation": {"collation": {"locale": "fr", "strength": 2}},
    "clustered": {"clusteredIndex": {"key": {"_id": 1}, "unique": True}},
    "clustered-collation": {
        "clusteredIndex": {"key": {"_id": 1}, "unique": True},
        "collation": {"locale": "fr", "strength": 2}},
}


@pytest.fixture(scope="module")
def plain(work):
    with Mongod(work / "mongo-source",
                parameters=["enableTestCommands=1"]) as server:
        yield server


@pytest.fixture(scope="module")
def replica_set(work):
    with ReplicaSet(work / "mongo-source-rs", auth=True,
                    parameters=["enableTestCommands=1"]) as server:
        yield server


@pytest.fixture(params=["standalone", "replica set"])
def server(request):
    return request.getfixturevalue(
        "plain" if request.param == "standalone" else "replica_set")


@pytest.fixture
def tool(tmp_path):
    with MongoTool(tmp_path) as tool:
        yield tool


@pytest.fixture
def db(server, tool):
    tool.ask("open", uri=server.uri())
    server.client().drop_database("s")
    return server.client()["s"]


def raw(collection):
    """What pymongo sees, in natural order."""
    return [bytes(d.raw) for d in collection.with_options(RAW).find()]


def ranges(tool, ns, docs, **request):
    tool.catalog("a", "x", ["s"], stats=True)
    return tool.ask("split", on="a", catalog="x", of=ns, docs=docs,
                    **request)["ranges"]


def read_ranges(tool, ns, all_ranges, **request):
    read = []
    for low, high in all_ranges:
        part = tool.read(ns, on="a", catalog="x", of=ns, ranged=True, low=low,
                         high=high, **request)
        assert tool.last["ok"], tool.last
        read.append(part)
    return read


@pytest.mark.parametrize("kind", KINDS)
def test_odd_ids_in_ranges(kind, db, tool):
    db.command({"create": "c", **KINDS[kind]})
    db.c.insert_many([{"_id": i, "n": n} for n, i in enumerate(ODD_IDS)])
    by_id = [d["n"] for d in db.c.find().hint([("_id", 1)])]
    for docs in (1, 2, 5, len(ODD_IDS) - 1, len(ODD_IDS), 1000):
        parts = ranges(tool, "s.c", docs)
        assert parts[0][0] is None and parts[-1][1] is None
        assert [high for _, high in parts[:-1]] == [low for low, _ in parts[1:]]
        read = read_ranges(tool, "s.c", parts)
        # MaxKey may come as one more behind the last range.
        assert all(len(part) <= docs + 1 for part in read)
        assert sorted(sum(read, [])) == sorted(raw(db.c))
        # In the order of _id, so that a broken cursor knows where to go on.
        assert [bson.decode(d)["n"] for d in sum(read, [])] == by_id


def test_ranges_by_bytes(db, tool):
    db.c.insert_many([{"_id": i, "s": "x" * 1000} for i in range(100)])
    parts = ranges(tool, "s.c", 10000, bytes=10 * 1024)
    sizes = [len(p) for p in read_ranges(tool, "s.c", parts)]
    assert sum(sizes) == 100 and max(sizes) <= 10 and len(sizes) <= 12


def test_few_documents_are_one_range(db, tool):
    db.c.insert_many([{"_id": i} for i in range(10)])
    assert ranges(tool, "s.c", 10) == [[None, None]]
    assert ranges(tool, "s.c", 9) == [[None, id_of(9)], [id_of(9), None]]


def test_an_empty_collection_is_one_range(db, tool):
    db.create_collection("c")
    assert ranges(tool, "s.c", 10) == [[None, None]]
    assert read_ranges(tool, "s.c", [[None, None]]) == [[]]


def test_mixed_types_at_a_boundary(db, tool):
    """$gt and $lt would lose those of the other type."""
    ids = [1, "1", 2, "2", 3, "3", ObjectId(), b"1", None, True]
    db.c.insert_many([{"_id": i} for i in ids])
    read = read_ranges(tool, "s.c", ranges(tool, "s.c", 3))
    assert sorted(sum(read, [])) == sorted(raw(db.c))
    assert [len(p) for p in read] == [3, 3, 3, 1]


def test_capped_in_order(db, tool):
    db.create_collection("c", capped=True, size=1 << 20)
    db.c.insert_many([{"_id": (i * 37) % 1000} for i in range(1000)])
    assert ranges(tool, "s.c", 10) == [[None, None]]
    read = tool.read("s.c", on="a", catalog="x", of="s.c", batch_bytes=1000)
    assert read == raw(db.c)


def test_time_series(db, tool):
    db.create_collection("c", timeseries={"timeField": "t", "metaField": "m"})
    day = datetime.datetime(2024, 1, 1)
    db.c.insert_many([{"t": day + datetime.timedelta(minutes=i), "m": i % 7,
                       "v": i} for i in range(500)])
    assert ranges(tool, "s.c", 10) == [[None, None]]
    read = tool.read("s.c", on="a", catalog="x", of="s.c", batch_bytes=1000)
    assert sorted(read) == sorted(raw(db.c)) and len(read) == 500


def test_filter(db, tool):
    db.c.insert_many([{"_id": i, "k": i % 3} for i in range(99)] +
                     [{"_id": MaxKey(), "k": 1}])
    wanted = bson.encode({"k": 1}).hex()
    read = read_ranges(tool, "s.c", ranges(tool, "s.c", 40), filter=wanted)
    assert sorted(sum(read, [])) == sorted(
        bytes(d.raw) for d in db.c.with_options(RAW).find({"k": 1}))
    natural = tool.read("s.c", on="a", catalog="x", of="s.c", filter=wanted)
    assert sorted(natural) == sorted(sum(read, []))
    nothing = bson.encode({"k": 9}).hex()
    read = read_ranges(tool, "s.c", ranges(tool, "s.c", 40), filter=nothing)
    assert sum(read, []) == []
    assert tool.ask("count", on="a", ns="s.c", filter=wanted)["count"] == 34
    assert tool.ask("count", on="a", ns="s.c")["count"] == 100
    assert tool.ask("any", on="a", ns="s.c")["found"]
    assert not tool.ask("any", on="a", ns="s.none")["found"]


def test_raw_bytes_survive(db, tool):
    """Duplicate and empty names, bad UTF-8, payloads of NaN, old types."""
    odd = b"".join((
        b"\x10_id\0\1\0\0\0",
        b"\x10a\0\1\0\0\0", b"\x10a\0\2\0\0\0", b"\x10\0\3\0\0\0",
        b"\x02bad\0\4\0\0\0\xff\xc0\x80\0",
        b"\x01nan\0\1\2\3\4\5\6\xf8\x7f", b"\x01zero\0\0\0\0\0\0\0\0\x80",
        b"\x06undefined\0", b"\x0esymbol\0\2\0\0\0x\0",
        b"\x0cpointer\0\4\0\0\0d.c\0" + b"\7" * 12,
        b"\x10$dollar\0\1\0\0\0", b"\x10a.b\0\1\0\0\0",
    ))
    document = (len(odd) + 5).to_bytes(4, "little") + odd + b"\0"
    db.c.insert_one(RawBSONDocument(document, RAW))
    assert raw(db.c) == [document]
    assert read_ranges(tool, "s.c", [[None, None]]) == [[document]]


def test_batches_adapt_to_large_documents(db, tool):
    """The average says 1 KB; then come 2 MB: replies shrink at once."""
    db.c.insert_many([{"_id": i, "s": "x" * 500} for i in range(5000)])
    db.c.insert_many([{"_id": 10000 + i, "s": "x" * 2000000}
                      for i in range(20)])
    db.command("profile", 2)
    tool.catalog("a", "x", ["s"])       # without sizes: nothing is known
    read = read_ranges(tool, "s.c", [[None, None]], batch_bytes=1 << 20)
    db.command("profile", 0)
    assert len(read[0]) == 5020 and sorted(read[0]) == sorted(raw(db.c))
    replies = [d["responseLength"] for d in db["system.profile"].find(
        {"op": {"$in": ["query", "getmore"]}, "ns": "s.c",
         "command.batchSize": {"$exists": True}})]
    # One at most was asked for before the size was known.
    assert sum(r > 5 << 20 for r in replies) <= 1, replies
    assert max(replies) <= 17 << 20


def test_fetch(db, tool):
    db.c.insert_many([{"_id": i, "n": n} for n, i in enumerate(ODD_IDS)])
    for n, i in enumerate(ODD_IDS):
        got = tool.ask("fetch", on="a", ns="s.c", id=id_of(i))
        assert got["found"], i
        assert bson.decode(bytes.fromhex(got["doc"]))["n"] == n, i
    assert not tool.ask("fetch", on="a", ns="s.c", id=id_of("none"))["found"]


def test_reading_at_one_time(replica_set, tool):
    tool.ask("open", uri=replica_set.uri())
    db = replica_set.client()["s"]
    replica_set.client().drop_database("s")
    db.c.insert_many([{"_id": i, "v": 1} for i in range(3000)])
    before = raw(db.c)
    tool.catalog("a", "x", ["s"], stats=True)
    at = tool.ask("time", on="a")["time"]
    db.c.update_many({"_id": {"$mod": [2, 0]}}, {"$set": {"v": 2}})
    db.c.delete_many({"_id": {"$mod": [5, 0]}})
    db.c.insert_many([{"_id": 5000 + i} for i in range(100)])
    now = tool.ask("split", on="a", catalog="x", of="s.c", docs=700, at=at)
    read = read_ranges(tool, "s.c", now["ranges"], at=at)
    assert sum(read, []) == before
    natural = tool.read("s.c", on="a", catalog="x", of="s.c", at=at,
                        batch_bytes=10000)
    assert natural == before
    later = tool.ask("time", on="a")["time"]
    assert later > at
    assert len(sum(read_ranges(tool, "s.c", now["ranges"], at=later), [])) \
        == db.c.count_documents({})


def test_a_time_that_is_gone_is_told(replica_set, tool):
    tool.ask("open", uri=replica_set.uri())
    replica_set.client()["s"].c.insert_one({})
    seconds, _ = tool.ask("time", on="a")["time"]
    tool.read("s.c", on="a", ranged=True, at=[seconds - 100000, 1])
    assert not tool.last["ok"] and tool.last["time_gone"], tool.last
    client = replica_set.client()
    client.admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=1)
    at = tool.ask("time", on="a")["time"]
    tool.read("s.c", on="a", ranged=True, at=at)
    assert tool.last["ok"], tool.last
    for _ in range(30):
        time.sleep(0.2)
        client["s"].other.insert_one({})
        tool.read("s.c", on="a", ranged=True, at=at)
        if not tool.last["ok"]:
            break
    client.admin.command("setParameter", 1,
                         minSnapshotHistoryWindowInSeconds=300)
    assert tool.last["time_gone"] and tool.last["code"] == 239, tool.last
    assert tool.last["kind"] == "unsupported" and tool.last["hint"]
