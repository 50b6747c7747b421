# build: release
"""Documents arrive as the bytes that they are: those that drivers cannot even
make, on an empty target and in place of others."""

import datetime
import struct
import time

import pytest
from bson import Binary, Decimal128, Int64, MaxKey, MinKey, Timestamp, encode

from harness import raw, summary
from harness.liar import Liar, error
from harness.mongod import Mongod

NOW = datetime.datetime(2024, 1, 1)


def element(kind, name, value=b""):
    return bytes([kind]) + name + b"\0" + value


def document(*elements):
    body = b"".join(elements)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def int32(name, n):
    return element(0x10, name, struct.pack("<i", n))


def text(value):
    return struct.pack("<i", len(value) + 1) + value + b"\0"


def nested(depth):
    inner = document(int32(b"end", 1))
    for _ in range(depth):
        inner = document(element(3, b"d", inner))
    return inner


STAMP = b"\0" * 8
CODE = text(b"f()") + document(int32(b"x", 1))
ODD = {
    "same name twice": [int32(b"a", 1), int32(b"a", 2), int32(b"a", 1)],
    "same name below": [element(3, b"in", document(int32(b"a", 1), int32(b"a", 1)))],
    "empty name": [int32(b"", 1), int32(b"", 2), element(3, b"in", document(int32(b"", 1)))],
    "dollar": [int32(b"$set", 1), int32(b"$", 2)],
    "dollar below": [element(3, b"in", document(int32(b"$gt", 1), int32(b"$a.b", 1)))],
    "dots": [int32(b"a.b", 1), int32(b".", 1), int32(b"a..b", 2)],
    "looks like a DBRef": [element(3, b"r", document(element(2, b"$ref", text(b"c")),
                                                    int32(b"$id", 1)))],
    "not UTF-8": [element(2, b"s", text(b"\xff\xc0\x80\xed\xa0\x80"))],
    "name not UTF-8": [int32(b"\xff\xfe", 1)],
    "NUL inside": [element(2, b"s", text(b"a\0b"))],
    "minus zero": [element(1, b"z", b"\0" * 7 + b"\x80")],
    "NaN payloads": [element(1, b"n", b"\1\2\3\4\5\6\xf8\x7f"),
                     element(1, b"m", b"\1\0\0\0\0\0\xf0\xff")],
    "decimals": [element(0x13, b"%d" % n, Decimal128(d).bid) for n, d in enumerate(
        ("1", "1.0", "1.00", "10E-1", "-0", "0E+6000", "NaN", "-Infinity"))],
    "decimal out of form": [element(0x13, b"d", b"\xff" * 15 + b"\x6f")],
    "undefined": [element(6, b"u")],
    "symbol": [element(0x0e, b"s", text(b"sym"))],
    "DBPointer": [element(0x0c, b"p", text(b"d.c") + b"\7" * 12)],
    "code": [element(0x0d, b"c", text(b"f()"))],
    "code with scope": [element(0x0f, b"c", struct.pack("<i", len(CODE) + 4) + CODE)],
    "regex": [element(0x0b, b"r", b"a/b\0xim\0"), element(0x0b, b"s", b"\0\0")],
    "min and max": [element(0xff, b"min"), element(0x7f, b"max")],
    "bool of 1 and 0": [element(8, b"t", b"\1"), element(8, b"f", b"\0")],
    "binaries": [element(5, b"%d" % n, b"\1\0\0\0" + bytes([n]) + b"x")
                 for n in (0, 1, 5, 6, 0x80, 0xff)],
    "old binary": [element(5, b"b", b"\6\0\0\0\2\2\0\0\0xx")],
    "dates": [element(9, b"a", b"\xff" * 8), element(9, b"z", b"\xff" * 7 + b"\x7f")],
    "numbers in arrays": [element(4, b"a", document(int32(b"0", 1), int32(b"7", 2),
                                                    int32(b"x", 3)))],
    "stamp": [element(0x11, b"t", STAMP), int32(b"z", 1)],
    "stamp below": [element(3, b"in", document(element(0x11, b"t", STAMP)))],
    "deep": [element(3, b"d", nested(95))],
    "long name": [int32(b"n" * 100_000, 1)],
    "many fields": [int32(b"f%d" % n, n) for n in range(5000)],
}
IDS = [MinKey(), MaxKey(), None, float("nan"), Decimal128("-Infinity"), -0.0, Int64(7), 8,
       True, "", "\0", {}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, Binary(b"x", 3),
       Timestamp(0, 0), NOW]


def odd():
    """With _id first, as a server keeps it."""
    return [document(element(2, b"_id", text(name.encode())), *rest)
            for name, rest in ODD.items()] + \
        [encode({"_id": i, "n": n}) for n, i in enumerate(IDS)]


@pytest.fixture
def db(source, db_name):
    return source.client()[db_name]


@pytest.fixture
def new(target, db_name):
    return target.client()[db_name]


@pytest.fixture
def run(source, target, spaceferry, db_name):
    def run(*args, command="migrate", rc=0, **env):
        env = {"SPACEFERRY_FROM": source.uri(), "SPACEFERRY_TO": target.uri(), **env}
        r = spaceferry(command, "--json", "--db", db_name, *args, env=env)
        summary.check(r, command)
        assert r.rc == rc, f"{r.summary}"
        return r
    return run


def test_odd_documents(db, new, run):
    """On an empty target; again onto themselves; in place of others that have
    the same _id; and the other way round."""
    raw.insert(db["c"], odd())
    # What the server itself changes on insert is put back as it was.
    stamp = document(element(2, b"_id", text(b"stamp")), *ODD["stamp"])
    from bson.raw_bson import RawBSONDocument
    db["c"].update_one({"_id": "stamp"}, [{"$replaceRoot": {"newRoot": {
        "$literal": RawBSONDocument(stamp)}}}])
    here = raw.read_by_id(db["c"])
    assert sorted(here.values()) == sorted(odd())
    run()
    assert raw.read_by_id(new["c"]) == here
    r = run("--on-conflict", "replace", "--restart")
    assert r.collection(f"{db.name}.c")["different"] == 0
    assert raw.read_by_id(new["c"]) == here
    new["c"].drop()
    raw.insert(new["c"], [document(element(d[4], b"_id", raw.id_of(d)[1:]),
                                   int32(b"theirs", 1)) for d in here.values()])
    assert len(raw.read_by_id(new["c"])) == len(here)
    run("--on-conflict", "replace", "--restart")
    assert raw.read_by_id(new["c"]) == here
    run(command="verify")


def test_stamps_where_nothing_is_updated(db, new, run):
    """Timestamp(0,0) in capped and time-series collections, where a server may
    not be asked to put it right afterwards."""
    db.create_collection("capped", capped=True, size=10_000)
    db.create_collection("series", timeseries={"timeField": "t", "metaField": "m"})
    zero = Timestamp(0, 0)
    for n in range(3):
        db["series"].insert_one({"_id": n, "t": NOW, "m": zero, "z": zero})
        db["capped"].insert_one({"_id": n, "z": Timestamp(1, 1)})
        db["capped"].update_one({"_id": n}, [{"$set": {"z": zero}}])
    run()
    for name in ("capped", "series"):
        found = list(new[name].find({}, sort=[("_id", 1)]))
        assert found == list(db[name].find({}, sort=[("_id", 1)]))
        assert [d["z"] for d in found] == [zero] * 3


def test_a_stamp_that_cannot_be_kept(db, new, run):
    """6.0.5 would replace it, and a name that occurs twice cannot be told from
    the other: quarantined by name, never passed over."""
    now = b"\1\0\0\0\1\0\0\0"
    raw.insert(db["c"], [document(int32(b"_id", n), *[element(0x11, b"t", now)] * n,
                                  int32(b"a", 1), int32(b"a", 2)) for n in (1, 2)])
    db["c"].update_many({}, {"$set": {"t": Timestamp(0, 0)}})
    here = {n: d for n, d in zip((1, 2), raw.read(db["c"], sort=[("_id", 1)]))}
    assert all(STAMP in d and d.count(b"\x10a\0") == 2 for d in here.values())
    r = run(rc=1)
    found = r.collection(f"{db.name}.c")
    assert (found["quarantined"], found["missing"]) == (1, 0), r
    assert "Timestamp(0,0)" in summary.messages(r), r
    assert raw.read(new["c"]) == [here[1]]


def test_series_of_mixed_kinds(db, new, run):
    """Within one bucket's span: measurements move, buckets do not."""
    db.create_collection("s", timeseries={"timeField": "t", "metaField": "m"})
    values = [1, "one", {"a": 1}, None, 2.5, [1], Decimal128("1.0"), True]
    db["s"].insert_many([{"_id": n, "t": NOW, "m": "x", "v": v, **({"w": v} if n % 2
                         else {})} for n, v in enumerate(values * 3)])
    run()
    assert list(new["s"].find(sort=[("_id", 1)])) == list(db["s"].find(sort=[("_id", 1)]))
    run(command="verify")


def test_gridfs_is_like_any_other(db, new, run):
    """Files whose chunks are missing, short or out of order stay what they
    are: nothing here mends or judges them."""
    for n in range(3):
        db["fs.files"].insert_one({"_id": n, "length": 600, "chunkSize": 255,
                                   "filename": f"../{n}.png", "uploadDate": NOW})
        chunks = [{"_id": 10 * n + i, "files_id": n, "n": i, "data": bytes(90 * i)}
                  for i in (2, 0, 1)]
        db["fs.chunks"].insert_many(chunks[n:])
    db["fs.chunks"].create_index([("files_id", 1), ("n", 1)], unique=True)
    run("--rewrite", "https://old.example=https://new.example")
    for name in ("fs.files", "fs.chunks"):
        assert raw.read_by_id(new[name]) == raw.read_by_id(db[name])
    assert new["fs.chunks"].index_information()["files_id_1_n_1"]["unique"]


def test_a_hundred_thousand_duplicates(db, new, run):
    """All with a long _id: a reply that lists each is larger than a server may
    send, were they sent as one."""
    n = 100_000
    docs = [encode({"_id": f"{i:06}" + "é" * 120}) for i in range(n)]
    raw.insert(db["c"], docs)
    raw.insert(new["c"], docs)
    new["c"].update_many({"_id": {"$regex": "^0000"}}, {"$set": {"theirs": 1}})
    found = run("--on-conflict", "skip").collection(f"{db.name}.c")
    assert (found["kept"], found["missing"], found["different"]) == (100, 0, 0)
    assert new["c"].count_documents({"theirs": 1}) == 100
    assert new["c"].count_documents({}) == n


def test_a_capped_collection_that_grows(db, run):
    """Rewriting makes its documents larger than its size: the oldest roll out
    of the target, which is said."""
    db.create_collection("c", capped=True, size=100_000)
    db["c"].insert_many([{"_id": n, "u": "https://o.example/" * 20} for n in range(250)])
    r = run("--rewrite", "https://o.example=https://much-longer.example/and/a/path", rc=1)
    found = r.collection(f"{db.name}.c")
    assert found["missing"] > 0 and not found["ok"]


def test_names(db, new, run):
    longest = "x" * (255 - len(db.name) - 1)
    names = ["line\nbreak", "a/b\\c", "100%", "%2e%2e", " space ", "a.b.c", "A", "a",
             "é", "\u00e9\u0301", "'\"`(x)", "\u202eright", longest]
    for name in names:
        db[name].insert_one({"_id": name})
        db[name].create_index("a", name=name)
    run()
    assert set(new.list_collection_names()) == set(names)
    for name in names:
        assert new[name].find_one() == {"_id": name}
        assert name in new[name].index_information()


# --- with servers of their own ---

@pytest.fixture(scope="module")
def moody(work):
    """Closes idle cursors after half a second, deletes what expired each second,
    can be told to wait."""
    with Mongod(work / "fidelity-moody", parameters=[
            "cursorTimeoutMillis=500", "clientCursorMonitorFrequencySecs=1",
            "enableTimeoutOfInactiveSessionCursors=true",
            "ttlMonitorSleepSecs=1", "enableTestCommands=1"]) as server:
        yield server


@pytest.fixture
def liar(moody):
    with Liar(moody) as liar:
        yield liar


def wait_once(liar, command, seconds):
    waited = []

    def wait(_):
        if not waited:
            waited.append(True)
            time.sleep(seconds)
    liar.answer[command] = wait


def test_a_cursor_that_the_server_closed(moody, source, run, db_name, work):
    """The target takes its time; the source's cursors time out meanwhile."""
    c = moody.client()[db_name]["c"]
    raw.insert(c, [encode({"_id": n, "p": "x" * 20_000}) for n in range(900)])

    def timed_out():
        return moody.client().admin.command("serverStatus")[
            "metrics"]["cursor"]["timedOut"]
    before = timed_out()
    with Liar(source) as slow:
        wait_once(slow, "insert", 2.5)
        run("--jobs", "1", "--memory", "8MiB", SPACEFERRY_FROM=moody.uri(),
            SPACEFERRY_TO=slow.uri())
    assert timed_out() > before
    assert raw.read_by_id(source.client()[db_name]["c"]) == raw.read_by_id(c)
    moody.client().drop_database(db_name)


def test_a_capped_position_that_was_lost(moody, liar, source, run, db_name):
    """Somebody writes faster than it is read: the run says so, and the next
    one begins this collection anew."""
    db = moody.client()[db_name]
    db.create_collection("c", capped=True, size=10_000_000)
    raw.insert(db["c"], [encode({"_id": n, "p": "x" * 20_000}) for n in range(200)])
    liar.answer["getMore"] = lambda _: error(
        136, "CollectionScan died due to position in capped collection being "
        "deleted", "CappedPositionLost")
    ends = {"SPACEFERRY_FROM": liar.uri(), "SPACEFERRY_TO": source.uri()}
    r = run(rc=3, **ends)
    assert "stop the app" in r.summary["errors"][0]["hint"], r
    liar.answer.clear()
    run(**ends)
    new = source.client()[db_name]["c"]
    assert raw.read(new) == raw.read(db["c"])
    moody.client().drop_database(db_name)


def test_nothing_expires_on_the_way(moody, source, liar, run, db_name):
    """Documents that are long due, a target that deletes each second, and a
    slow run: all are there when they are counted, and gone afterwards."""
    db = source.client()[db_name]
    old = datetime.datetime(2020, 1, 1)
    db["c"].insert_many([{"_id": n, "at": old} for n in range(50)])
    db.command({"create": "clustered", "clusteredIndex": {
        "key": {"_id": 1}, "unique": True}})
    db["clustered"].insert_many([{"_id": datetime.datetime(2020, 1, 1, 0, n)}
                                 for n in range(50)])
    db.create_collection("series", timeseries={"timeField": "t"})
    db["series"].insert_many([{"t": old, "v": n} for n in range(50)])
    # Not by the source, whose own monitor runs each minute.
    db["c"].create_index("at", expireAfterSeconds=10**9)
    real = {"c": 1, "clustered": 60, "series": 60}

    def due(command, reply):
        for index in reply["cursor"]["firstBatch"]:
            if "expireAfterSeconds" in index:
                index["expireAfterSeconds"] = real["c"]

    def due_too(command, reply):
        for info in reply["cursor"]["firstBatch"]:
            if info["name"] in ("clustered", "series"):
                info["options"]["expireAfterSeconds"] = Int64(real[info["name"]])
    with Liar(source) as here:
        here.change.update(listIndexes=due, listCollections=due_too)
        wait_once(liar, "find", 2)       # reads back after two rounds of it
        ends = {"SPACEFERRY_FROM": here.uri(), "SPACEFERRY_TO": liar.uri()}
        r = run(**ends)
        for name in real:
            found = r.collection(f"{db_name}.{name}")
            assert found["target"]["count"] == 50 and found["expired"] == 0, name
        new = moody.client()[db_name]
        for _ in range(100):
            left = [new[name].count_documents({}) for name in real]
            if not any(left):
                break
            time.sleep(0.1)
        assert not any(left), left
        r = run(command="verify", **ends)
        for name in real:
            found = r.collection(f"{db_name}.{name}")
            assert (found["expired"], found["missing"]) == (50, 0), name
    moody.client().drop_database(db_name)


def test_an_index_that_is_being_built(moody, source, run, db_name):
    """It is listed as if it were done, and made on the target."""
    import threading
    db = moody.client()[db_name]
    db["c"].insert_many([{"a": n} for n in range(100)])
    admin = moody.client().admin
    point = "hangAfterStartingIndexBuildUnlocked"
    admin.command("configureFailPoint", point, mode="alwaysOn")
    build = threading.Thread(target=db["c"].create_index, args=("a",))
    build.start()
    try:
        for _ in range(200):
            if admin.command({"currentOp": 1, "msg": {"$regex": "^Index Build"}})["inprog"]:
                break
            time.sleep(0.05)
        run(SPACEFERRY_FROM=moody.uri(), SPACEFERRY_TO=source.uri())
        assert "a_1" in source.client()[db_name]["c"].index_information()
        assert build.is_alive()
    finally:
        admin.command("configureFailPoint", point, mode="off")
        build.join()
    moody.client().drop_database(db_name)


def test_counts_after_a_crash(source, run, db_name, tmp_path):
    """A server that was killed may tell 0 documents; all of them are moved."""
    with Mongod(tmp_path / "m") as server:
        c = server.client()[db_name]["c"]
        c.database.create_collection("c")
        server.client().admin.command("fsync")
        raw.insert(c, [encode({"_id": n}) for n in range(5000)])
        server.client()[db_name].command({"insert": "c", "documents": [{"_id": -1}],
                                          "writeConcern": {"j": True}})
        server.kill()
        server.start()
        c = server.client()[db_name]["c"]
        assert c.estimated_document_count() != 5001
        r = run(SPACEFERRY_FROM=server.uri(), SPACEFERRY_TO=source.uri())
        assert r.collection(f"{db_name}.c")["target"]["count"] == 5001
        assert raw.read_by_id(source.client()[db_name]["c"]) == raw.read_by_id(c)
