"""Odd shapes of databases: names, ids of every type across partitions, options
that reading must respect, documents that are due to expire."""

from datetime import datetime, timedelta, timezone

import pytest
from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, encode
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.collation import Collation

from harness import expect, look, raw, summary
from harness.mongod import Mongod

RAW = CodecOptions(document_class=RawBSONDocument)
RULE = ("https://old.example", "https://new.example")
# More than one partition: by their number, or by their size.
MANY, FAT, PAD = 70_000, 1_500, "x" * 50_000


@pytest.fixture
def move(source, target, spaceferry, db_name):
    """Migrates the test's database, checks every byte, then verifies."""
    def run(*args, rc=0, checked=True):
        env = {"SPACEFERRY_FROM": source.uri(), "SPACEFERRY_TO": target.uri()}
        args = ["--json", "--db", db_name, "--rewrite", "=".join(RULE), *args]
        r = spaceferry("migrate", *args, env=env)
        summary.check(r)
        assert r.rc == rc, r
        if checked:
            expect.assert_moved(source.client()[db_name], target.client()[db_name],
                                expect.compile_rules([RULE]))
            again = spaceferry("verify", *args, env=env)
            assert again.rc == 0, again
        return r
    return run


@pytest.fixture
def db(source, db_name):
    return source.client()[db_name]


def fill(collection, ids, **more):
    """Plain inserts of {_id, u}, quickly."""
    c = collection.with_options(codec_options=RAW)
    batch = [RawBSONDocument(encode({"_id": i, "u": f"{RULE[0]}/{n}", **more}))
             for n, i in enumerate(ids)]
    c.insert_many(batch, ordered=False)


def test_ids_of_every_type_across_partitions(db, move):
    """The boundaries between partitions fall where types meet."""
    now = datetime(2024, 1, 1)
    ids = [MinKey(), None, float("nan"), float("-inf"), -0.5, Decimal128("0.25"),
           MaxKey(), True, False]
    ids += [Int64((1 << 40) + n) for n in range(9000)]
    ids += [n + 0.5 for n in range(9000)]
    ids += [f"s{n}" for n in range(9000)] + ["", "\0", "é"]
    ids += [{"a": n, "b": str(n)} for n in range(9000)] + [{}]
    ids += [Binary(n.to_bytes(3, "big"), n % 7) for n in range(9000)]
    ids += [ObjectId(n.to_bytes(12, "big")) for n in range(15_000)]
    ids += [now + timedelta(seconds=n) for n in range(MANY - 60_000 + 5000)]
    fill(db["c"], ids)
    r = move("--jobs", "3")
    assert r.collection(f"{db.name}.c")["target"]["count"] == len(ids)


def test_clustered_collection(db, move):
    db.create_collection("c", clusteredIndex={"key": {"_id": 1}, "unique": True})
    fill(db["c"], range(FAT), pad=PAD)
    move()


def test_collation_of_the_collection(db, move):
    """The _id index has it, too: ranges are in its order."""
    db.create_collection("c", collation=Collation("fr", strength=3))
    fill(db["c"], (f"{'éeèÉE'[n % 5]}{n:06}" for n in range(FAT)), pad=PAD)
    move()


NAMES = ["été", "with space", "dots.in.it", "a%2Fb", "a/b\\c", "'quote\"",
         "tab\there", "line\nbreak", "UPPER", "upper", "0", "-", "{json}", "*"]


def test_names(db, move):
    longest = "x" * (255 - len(db.name) - 1)
    for name in [*NAMES, longest]:
        fill(db[name], range(3))
        db[name].create_index("u", name="índice ✓")
    r = move()
    assert sorted(c["namespace"] for c in r.summary["collections"]) == \
        sorted(f"{db.name}.{name}" for name in [*NAMES, longest])


def test_system_js_is_kept_and_other_system_collections_left(db, move, target):
    db["system.js"].insert_one({"_id": "f", "value": "function () {}"})
    db.command("profile", 2)
    fill(db["c"], range(3))
    list(db["c"].find())
    db.command("profile", 0)
    move(checked=False)
    new = target.client()[db.name]
    assert sorted(new.list_collection_names()) == ["c", "system.js"]
    assert new["system.js"].find_one()["_id"] == "f"
    # No server drops it: --drop empties it.
    new["system.js"].insert_one({"_id": "g", "value": "old"})
    move("--drop", checked=False)
    assert [d["_id"] for d in new["system.js"].find()] == ["f"]


def test_empty_collections_and_views_of_nothing(db, move):
    db.create_collection("empty")
    db["empty"].create_index("x", unique=True)
    db.create_collection("orphan", viewOn="no_such_collection", pipeline=[])
    db.create_collection("b_view", viewOn="z_view", pipeline=[])
    db.create_collection("z_view", viewOn="empty", pipeline=[{"$match": {"a": 1}}])
    move()


def test_time_series(db, move):
    """With a metaField of nested documents, without one, and with none of the
    measurements having it."""
    at = datetime(2024, 1, 1, tzinfo=timezone.utc)
    kinds = {"meta": {"timeField": "t", "metaField": "m"}, "plain": {"timeField": "t"},
             "seconds": {"timeField": "t", "metaField": "m", "granularity": "seconds"}}
    for name, options in kinds.items():
        db.create_collection(name, timeseries=options)
        db[name].insert_many([
            {"t": at + timedelta(seconds=n * 37 % 9973), "v": n, "u": f"{RULE[0]}/{n}",
             **({"m": {"z": n % 3, "a": {"y": 1, "b": RULE[0]}}} if n % 2 else {})}
            for n in range(2000)])
        db[name].create_index([("m.z", 1), ("t", 1)])
    move()


def test_capped(db, move, target):
    """Insertion order and limits stay; it wrapped around already."""
    db.create_collection("c", capped=True, size=100_000, max=500)
    fill(db["c"], (n * 7919 % 10_007 for n in range(3000)))
    move()
    new = target.client()[db.name]["c"]
    assert new.options()["max"] == 500
    assert raw.read(new, sort=[("$natural", 1)]) != raw.read(new, sort=[("_id", 1)])


def test_documents_due_to_expire(target, spaceferry, db_name, tmp_path):
    """Those that a TTL index takes away from the target after the move count as
    expired, not as missing."""
    with Mongod(tmp_path / "m", parameters=["ttlMonitorEnabled=false"]) as server:
        c = server.client()[db_name]["c"]
        now = datetime.now(timezone.utc)
        c.insert_many([{"_id": n, "at": now - timedelta(days=n - 5)} for n in range(10)])
        c.create_index("at", expireAfterSeconds=3600)
        args = ["--json", "--db", db_name]
        env = {"SPACEFERRY_FROM": server.uri(), "SPACEFERRY_TO": target.uri()}
        r = spaceferry("migrate", *args, env=env)
        assert r.rc == 0, r
        new = target.client()[db_name]["c"]
        assert new.index_information()["at_1"]["expireAfterSeconds"] == 3600
        new.delete_many({"at": {"$lt": now - timedelta(hours=2)}})
        assert new.count_documents({}) < 10
        gone = 10 - new.count_documents({})
        r = spaceferry("verify", *args, env=env)
        assert r.rc == 0, r
        found = r.collection(f"{db_name}.c")
        assert (found["expired"], found["missing"]) == (gone, 0), r
        # One that is not due is missing all the same.
        new.delete_one({"_id": 0})
        r = spaceferry("verify", *args, env=env)
        assert r.rc == 1 and r.collection(f"{db_name}.c")["missing"] == 1, r


def test_largest_document(db, move):
    """Exactly 16 MiB, and a kilobyte less with a URL."""
    size = 16 * 1024 * 1024
    for n, extra in enumerate((0, 1024)):
        document = encode({"_id": n, "u": RULE[0] if extra else "", "p": ""})
        fat = size - extra - len(document)
        raw.insert(db["c"], [encode({"_id": n, "u": RULE[0] if extra else "",
                                     "p": "x" * fat})])
    move()
    assert max(len(d) for d in raw.read(db["c"])) == size


def test_small_memory_and_large_documents(db, move):
    """A budget smaller than one document still moves it."""
    for n in range(4):
        raw.insert(db["c"], [encode({"_id": n, "u": RULE[0], "p": "x" * (14 << 20)})])
    fill(db["small"], range(5000))
    move("--memory", "8MiB", "--jobs", "4")


def test_replica_set_as_source(source, target, spaceferry, db_name):
    """The other way round: from a set with auth to a standalone."""
    c = target.client()[db_name]["c"]
    fill(c, range(5000))
    c.create_index("u", unique=True)
    try:
        r = spaceferry("migrate", "--json", "--db", db_name, env={
            "SPACEFERRY_FROM": target.uri(), "SPACEFERRY_TO": source.uri()})
        s = summary.check(r)
        assert r.rc == 0 and not s["source_changed"], r
        assert raw.read_by_id(source.client()[db_name]["c"]) == raw.read_by_id(c)
    finally:
        source.client().drop_database(db_name)


def test_every_database(target, spaceferry, tmp_path):
    """Without --db all but the server's own."""
    with Mongod(tmp_path / "m") as server:
        for name in ("one", "Two", "three-3"):
            fill(server.client()[name]["c"], range(3))
        server.client()["admin"]["mine"].insert_one({"_id": 1})
        with Mongod(tmp_path / "n") as new:
            r = spaceferry("migrate", "--json", env={
                "SPACEFERRY_FROM": server.uri(), "SPACEFERRY_TO": new.uri()})
            assert r.rc == 0, r
            assert sorted(look.databases(new.client())) == ["Two", "one", "three-3"]
            assert "mine" not in new.client()["admin"].list_collection_names()


def test_tls(source, spaceferry, db_name, tmp_path):
    """A target that speaks TLS only; one whose certificate is not trusted."""
    fill(source.client()[db_name]["c"], range(100))
    with Mongod(tmp_path / "tls", tls=True, auth=True) as server:
        env = {"SPACEFERRY_FROM": source.uri(), "SPACEFERRY_TO": server.uri()}
        r = spaceferry("migrate", "--json", "--db", db_name, env=env)
        assert r.rc == 0, r
        assert server.client()[db_name]["c"].count_documents({}) == 100
        env["SPACEFERRY_TO"] = server.uri(tlsCAFile="/etc/ssl/certs/ca-certificates.crt")
        r = spaceferry("migrate", "--json", "--db", db_name, "--patience", "2s",
                       env=env)
        summary.check(r)
        assert r.rc in (2, 3), r
        text = r.summary["errors"][0]["message"] + r.summary["errors"][0]["hint"]
        assert "TLS" in text or "certificate" in text, r
