"""Writing raw documents with src/mongo: what must arrive byte for byte, what
the server refuses, what is there already."""

import datetime

import bson
import pytest
from bson import Int64, MaxKey, MinKey, Timestamp
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from harness.mongod import Mongod, ReplicaSet
from mongo_tool import MongoTool, doc
from test_mongo_source import KINDS, ODD_IDS

RAW = CodecOptions(document_class=RawBSONDocument)
READ_WRITE = "rw"


@pytest.fixture(scope="module")
def plain(work):
    with Mongod(work / "mongo-sink") as server:
        yield server


@pytest.fixture(scope="module")
def replica_set(work):
    with ReplicaSet(work / "mongo-sink-rs", auth=True) as server:
        server.add_user(READ_WRITE, "a/b@c", [{"role": "readWrite", "db": "s"}])
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


@pytest.fixture
def restricted(replica_set, tool):
    """The database, and the tool as a user who may only read and write."""
    tool.ask("open", uri=replica_set.uri(user=READ_WRITE))
    replica_set.client().drop_database("s")
    return replica_set.client()["s"]


def raw(collection):
    return [bytes(d.raw) for d in collection.with_options(RAW).find()]


def element(kind, name, value):
    return bytes([kind]) + name + b"\0" + value


def document(*elements):
    body = b"".join(elements)
    return (len(body) + 5).to_bytes(4, "little") + body + b"\0"


def int32(name, n):
    return element(0x10, name, n.to_bytes(4, "little", signed=True))


STAMP = b"\0" * 8
ODD = [
    document(int32(b"_id", 1), int32(b"a", 1), int32(b"a", 2)),
    document(int32(b"_id", 2), int32(b"", 1), int32(b"", 2)),
    document(int32(b"_id", 3), int32(b"$a", 1), int32(b"$", 2), int32(b"a.b", 3)),
    document(int32(b"_id", 4), element(2, b"s", b"\4\0\0\0\xff\xc0\x80\0")),
    document(int32(b"_id", 5), element(1, b"nan", b"\1\2\3\4\5\6\xf8\x7f"),
             element(1, b"zero", b"\0" * 7 + b"\x80")),
    document(int32(b"_id", 6), element(6, b"undefined", b""),
             element(0x0e, b"symbol", b"\2\0\0\0x\0"),
             element(0x0c, b"pointer", b"\4\0\0\0d.c\0" + b"\7" * 12)),
    document(int32(b"_id", 7), element(3, b"in", document(
        int32(b"a", 1), int32(b"a", 1), element(0x11, b"t", STAMP)))),
    document(int32(b"_id", 8)),
]


def sent(answer, **counts):
    want = {"inserted": 0, "equal": 0, "replaced": 0, "kept": 0, "refused": 0}
    want.update(counts)
    got = {name: answer[name] for name in want}
    assert answer["ok"] and got == want, answer


def test_odd_documents_arrive_as_they_are(db, tool):
    sent(tool.write("s.c", ODD), inserted=len(ODD))
    assert raw(db.c) == ODD
    sent(tool.write("s.c", ODD), equal=len(ODD))


def test_id_that_is_not_first(db, tool):
    """The server moves it: still the same document."""
    mine = document(int32(b"a", 1), int32(b"_id", 1), int32(b"b", 2))
    theirs = document(int32(b"_id", 1), int32(b"a", 1), int32(b"b", 2))
    sent(tool.write("s.c", [mine]), inserted=1)
    assert raw(db.c) == [theirs]
    sent(tool.write("s.c", [mine]), equal=1)
    other = document(int32(b"b", 2), int32(b"_id", 1), int32(b"a", 1))
    sent(tool.write("s.c", [other]), refused=1)


@pytest.mark.parametrize("kind", KINDS)
def test_odd_ids(kind, db, tool):
    db.command({"create": "c", **KINDS[kind]})
    docs = [doc(_id=i, n=n) for n, i in enumerate(ODD_IDS)]
    sent(tool.write("s.c", docs), inserted=len(docs))
    assert sorted(raw(db.c)) == sorted(docs)
    sent(tool.write("s.c", docs), equal=len(docs))
    other = [doc(_id=i, n=-n) for n, i in enumerate(ODD_IDS)]
    sent(tool.write("s.c", other, mode="keep"), equal=1, kept=len(docs) - 1)
    refused = tool.write("s.c", other)
    sent(refused, equal=1, refused=len(docs) - 1)
    assert {(r["code"], r["unique"]) for r in refused["refusals"]} == \
        {(11000, False)}
    assert sorted(raw(db.c)) == sorted(docs)
    sent(tool.write("s.c", other, mode="replace"), equal=1,
         replaced=len(docs) - 1)
    assert sorted(raw(db.c)) == sorted(other)


def test_ids_that_only_the_server_holds_for_equal(db, tool):
    """1, 1.0 and NumberLong(1) are one _id."""
    db.c.insert_one({"_id": 1.0, "v": 1})
    mine = doc(_id=Int64(1), v=1)
    sent(tool.write("s.c", [mine]), refused=1)
    sent(tool.write("s.c", [mine], mode="keep"), kept=1)
    sent(tool.write("s.c", [mine], mode="replace"), replaced=1)
    assert raw(db.c) == [mine]


def test_many_duplicates_among_new_ones(db, tool):
    docs = [doc(_id=i, s="x" * 200) for i in range(9000)]
    sent(tool.write("s.c", docs[::2]), inserted=4500)
    db.c.update_many({"_id": {"$mod": [10, 4]}}, {"$set": {"s": "theirs"}})
    answer = tool.write("s.c", docs)
    sent(answer, inserted=4500, equal=3600, refused=900)
    sent(tool.write("s.c", docs, mode="replace"), equal=8100, replaced=900)
    assert sorted(raw(db.c)) == sorted(docs)


def test_another_unique_index(db, tool):
    db.c.create_index("u", unique=True)
    db.c.insert_one({"_id": 1, "u": "taken"})
    docs = [doc(_id=2, u="taken"), doc(_id=3, u="free"), doc(_id=4, u="taken")]
    answer = tool.write("s.c", docs)
    sent(answer, inserted=1, refused=2)
    assert all(r["unique"] and r["code"] == 11000 for r in answer["refusals"])
    assert [bytes.fromhex(r["doc"]) for r in answer["refusals"]] == \
        [docs[0], docs[2]]


def test_a_replacement_that_is_refused_leaves_what_was_there(db, tool):
    db.c.create_index("u", unique=True)
    theirs = [doc(_id=i, u=i) for i in range(100)]
    sent(tool.write("s.c", theirs), inserted=100)
    mine = [doc(_id=i, u=-i if i != 70 else 5, v=1) for i in range(1, 100)]
    mine[4] = theirs[5]                  # 5 stays, so 70 may not become 5
    answer = tool.write("s.c", mine, mode="replace")
    sent(answer, equal=1, replaced=97, refused=1)
    want = {i: d for i, d in enumerate(theirs)}
    want.update({bson.decode(d)["_id"]: d for d in mine})
    want[70] = theirs[70]
    assert sorted(raw(db.c)) == sorted(want.values())


def test_validators(restricted, replica_set, tool, tmp_path):
    """Without the right to bypass them, a document is refused by name; with
    it, it goes in."""
    validator = {"a": {"$type": "string"}}
    restricted.create_collection("c", validator=validator)
    docs = [doc(_id=1, a="x"), doc(_id=2, a=2), doc(_id=3, a="y")]
    answer = tool.write("s.c", docs)
    sent(answer, inserted=2, refused=1)
    assert answer["refusals"][0]["code"] == 121
    assert bytes.fromhex(answer["refusals"][0]["doc"]) == docs[1]
    with MongoTool(tmp_path) as root:
        root.ask("open", uri=replica_set.uri())
        sent(root.write("s.c", docs), equal=2, inserted=1)


def test_a_right_that_is_missing(restricted, tool):
    answer = tool.write("other.c", [doc(_id=1)])
    assert not answer["ok"] and answer["kind"] == "denied", answer
    assert answer["hint"]


def test_large_documents(db, tool):
    exact = doc(_id=1, s="x" * (16 * 1024 * 1024 - 22))
    assert len(exact) == 16 * 1024 * 1024
    over = doc(_id=2, s="x" * (16 * 1024 * 1024 - 21))
    far_over = doc(_id=3, s="x" * (16 * 1024 * 1024 + 20000))
    answer = tool.write("s.c", [doc(_id=0), exact, over, far_over, doc(_id=4)])
    sent(answer, inserted=3, refused=2)
    assert sorted(bson.decode(d)["_id"] for d in raw(db.c)) == [0, 1, 4]
    assert db.c.find_one({"_id": 1})["s"] == "x" * (16 * 1024 * 1024 - 22)
    sent(tool.write("s.c", [exact]), equal=1)


def nested(depth):
    inner = document(int32(b"x", 1))
    for _ in range(depth):
        inner = document(element(3, b"a", inner))
    return inner


def test_nesting_too_deep_costs_one_document(db, tool):
    deep = document(int32(b"_id", 5), element(3, b"a", nested(300)))
    docs = [doc(_id=i) for i in range(5)] + [deep] + \
        [doc(_id=i) for i in range(6, 20)]
    answer = tool.write("s.c", docs)
    sent(answer, inserted=19, refused=1)
    assert bytes.fromhex(answer["refusals"][0]["doc"]) == deep


def stamped(i, *more):
    return document(int32(b"_id", i), element(0x11, b"t", STAMP), *more)


def test_zero_timestamps_stay(db, tool):
    docs = [stamped(1), stamped(2, int32(b"b", 1)), doc(_id=3, a=1),
            document(int32(b"a", 1), element(0x11, b"t", STAMP),
                     int32(b"_id", 4)),
            doc(_id=Timestamp(0, 0), a=1), doc(_id=5, a=[Timestamp(0, 0)])]
    sent(tool.write("s.c", docs), inserted=6)
    moved = document(int32(b"_id", 4), int32(b"a", 1),
                     element(0x11, b"t", STAMP))
    assert sorted(raw(db.c)) == sorted(docs[:3] + [moved] + docs[4:])
    sent(tool.write("s.c", docs), equal=6)
    db.c.update_one({"_id": 1}, {"$set": {"x": 1}})
    sent(tool.write("s.c", docs, mode="replace"), equal=5, replaced=1)
    assert stamped(1) in raw(db.c)


def test_a_zero_timestamp_half_done(db, tool):
    """Interrupted between the insert and its correction."""
    db.c.insert_one(RawBSONDocument(stamped(1, int32(b"b", 1)), RAW))
    assert raw(db.c) != [stamped(1, int32(b"b", 1))]
    sent(tool.write("s.c", [stamped(1, int32(b"b", 1))]), inserted=1)
    assert raw(db.c) == [stamped(1, int32(b"b", 1))]


def test_zero_timestamps_beside_odd_names(db, tool):
    """A name twice in an update pipeline would abort this server: only the
    stamps are set."""
    docs = [stamped(1, int32(b"a", 1), int32(b"a", 2)), stamped(2),
            stamped(3, int32(b"$a", 1), int32(b"", 1)),
            stamped(4, element(3, b"in", document(int32(b"b", 1), int32(b"b", 2)))),
            stamped(5, element(0x11, b"u", STAMP), int32(b"a.b", 1)),
            document(int32(b"_id", 6), element(0x11, b"a.b", STAMP))]
    sent(tool.write("s.c", docs), inserted=len(docs))
    assert sorted(raw(db.c)) == sorted(docs)
    sent(tool.write("s.c", docs), equal=len(docs))


def test_zero_timestamps_that_cannot_be_kept_are_refused(db, tool):
    docs = [stamped(1, element(0x11, b"t", STAMP)), stamped(2),
            document(int32(b"_id", 3), element(0x11, b"$t", STAMP)),
            document(int32(b"_id", 4), element(0x11, b"a.b", STAMP),
                     int32(b"x", 1), int32(b"x", 1))]
    answer = tool.write("s.c", docs)
    if not answer["refused"]:           # a server that can keep them
        assert sorted(raw(db.c)) == sorted(docs)
        return
    sent(answer, inserted=1, refused=3)
    assert all("7.0.13" in r["message"] for r in answer["refusals"])
    assert raw(db.c) == [stamped(2)]


def test_time_series(db, tool):
    db.create_collection("c", timeseries={"timeField": "t", "metaField": "m"})
    day = datetime.datetime(2024, 1, 1)
    with_id = [doc(t=day, m=i % 3, v=i, _id=i) for i in range(50)]
    without = [doc(t=day, m=i % 3, v=i) for i in range(50)]
    sent(tool.write("s.c", with_id + without, timeseries=True), inserted=100)
    there = list(db.c.find())
    assert len(there) == 100
    assert sum("_id" in d for d in there) == 50
    bad = doc(m=1, v=1)
    answer = tool.write("s.c", [bad, without[0]], timeseries=True)
    sent(answer, inserted=1, refused=1)


def test_capped_in_order(db, tool):
    db.create_collection("c", capped=True, size=1 << 22)
    docs = [doc(_id=(i * 37) % 5000) for i in range(5000)]
    sent(tool.write("s.c", docs[:3000], in_order=True), inserted=3000)
    assert raw(db.c) == docs[:3000]
    sent(tool.write("s.c", docs, in_order=True), equal=3000, inserted=2000)
    assert raw(db.c) == docs
    db.c.drop()
    db.create_collection("c", capped=True, size=1 << 22,
                         validator={"a": {"$exists": True}})
    mixed = [doc(_id=1, a=1), stamped(2), document(
        int32(b"_id", 3), int32(b"a", 1), element(0x11, b"t", STAMP)),
        doc(_id=4, a=1)]
    sent(tool.write("s.c", mixed, in_order=True), inserted=4)
    assert raw(db.c) == mixed


def test_nothing_and_one(db, tool):
    sent(tool.write("s.c", []))
    sent(tool.write("s.c", [doc(_id=MinKey(), a=MaxKey())]), inserted=1)
