"""migrate --delta: what differs is moved, nothing else, and both sides are the
same afterwards."""
# build: release

import random
import struct
from datetime import datetime, timedelta, timezone

import pytest
from bson import (Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId,
                  Regex, Timestamp, encode)
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from harness import expect, look, raw, summary

RAW = CodecOptions(document_class=RawBSONDocument)
RULE = ("https://old.example", "https://new.example")
SMALL = 100_000


class Ends:
    """One database on both servers, and the program between."""

    def __init__(self, source, target, spaceferry, name):
        self.source, self.target, self.name = source, target, name
        self.spaceferry = spaceferry
        self.old, self.new = source.client()[name], target.client()[name]
        self.env = {"SPACEFERRY_FROM": source.uri(), "SPACEFERRY_TO": target.uri()}

    def run(self, command, *args, rc=0):
        r = self.spaceferry(command, "--json", "--db", self.name, *args, env=self.env)
        assert r.rc == rc, r
        return r

    def migrate(self, *args, rc=0):
        r = self.run("migrate", *args, rc=rc)
        summary.check(r)
        return r

    def delta(self, *args, rc=0):
        """A run; a dry run before it says the same."""
        dry = self.run("migrate", "--delta", "--dry-run", *args, rc=rc)
        before = look.db_hash(self.target.client(), self.name)
        r = self.migrate("--delta", *args, rc=rc)
        if rc == 0:
            assert dry.summary["delta"] == r.summary["delta"]
        elif rc == 2:
            assert look.db_hash(self.target.client(), self.name) == before
        return r

    def same(self, *args, plain=False):
        """Nothing differs, by diff's eyes and by ours; plain: nothing is
        rewritten and no time-series there, so the bytes are the same."""
        r = self.run("diff", *args)
        assert len(r.lines) == 1, r
        if plain:
            expect.assert_copied(self.old, self.new)
        else:
            rules = [RULE] if "--rewrite" in args else []
            expect.assert_moved(self.old, self.new, expect.compile_rules(rules))

    def still(self, *args):
        """Running again right away moves nothing."""
        r = self.migrate("--delta", *args)
        assert not any(r.summary["delta"].values()), r


@pytest.fixture
def ends(source, target, spaceferry, db_name):
    return Ends(source, target, spaceferry, db_name)


def counts(r):
    d = r.summary["delta"]
    return d["inserted"], d["replaced"], d["deleted"]


def document(n, rng):
    return {"_id": n, "n": n, "s": "x" * rng.randrange(20, 300),
            "u": f"{RULE[0]}/{n}", "a": [n, {"b": n / 7}], "t": datetime(2024, 1, 1)}


# Documents that pymongo would not write, as bytes: (type, name, value).
def bson_of(*fields):
    body = b"".join(bytes([kind]) + name + b"\0" + value for kind, name, value in fields)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def i32(n):
    return struct.pack("<i", n)


def text(s):
    return i32(len(s) + 1) + s + b"\0"


def odd_documents(v):
    """Documents of every odd kind; v makes another version of each."""
    return [
        bson_of((0x10, b"_id", i32(1)), (0x10, b"twice", i32(v)), (0x10, b"twice", i32(2))),
        bson_of((0x10, b"_id", i32(2)), (0x10, b"", i32(v)), (0x10, b"$set", i32(1))),
        bson_of((0x10, b"_id", i32(3)), (0x10, b"a.b", i32(v)), (0x02, b"s", text(b"\xff\xfe"))),
        bson_of((0x10, b"_id", i32(4)), (0x01, b"nan", struct.pack("<Q", 0x7FF8 << 48 | v))),
        bson_of((0x10, b"_id", i32(5)), (0x01, b"zero", struct.pack("<d", -0.0 if v else 0.0))),
        bson_of((0x10, b"_id", i32(6)), (0x11, b"ts", bytes(8)), (0x10, b"v", i32(v))),
        bson_of((0x10, b"_id", i32(7)), (0x06, b"undefined", b""), (0x10, b"v", i32(v))),
        bson_of((0x10, b"_id", i32(8)), *([(0x10, b"x", i32(1)), (0x10, b"y", i32(1))]
                                         [::-1 if v else 1])),
        bson_of((0x10, b"_id", i32(9)), (0x12 if v else 0x10, b"n",
                                         struct.pack("<q", 5) if v else i32(5))),
        *(encode({"_id": i, "v": v}) for i in
          (MinKey(), None, float("nan"), Decimal128("0.25"), MaxKey(), True, "", "é",
           {"a": 1, "b": [1]}, {}, Binary(b"\0\1", 4), ObjectId("0" * 24),
           Int64(1 << 40), datetime(2024, 1, 1), Timestamp(4, 5), Code("f"),
           DBRef("c", 1), {"r": Regex("^a")})),
    ]


def change(collection, rng, ids, n):
    """n random changes of plain documents: a third each of updates of every
    kind, inserts, removals."""
    for i in rng.sample(ids, n):
        what = rng.randrange(6)
        if what == 0:
            collection.update_one({"_id": i}, {"$set": {"a.1.b": "text now"}})
        elif what == 1:
            d = collection.find_one({"_id": i})
            collection.replace_one({"_id": i}, dict(reversed(d.items())))
        elif what == 2:
            collection.update_one({"_id": i}, {"$set": {"n": Int64(i)}})
        elif what == 3:
            collection.insert_one(document(len(ids) + i, rng))
        else:
            collection.delete_one({"_id": i})


def test_one_percent(ends):
    """Moves about what changed; then nothing differs."""
    rng = random.Random(4)
    c = ends.old["c"]
    for at in range(0, SMALL, 10_000):
        c.insert_many([document(n, rng) for n in range(at, at + 10_000)])
    c.create_index("n", unique=True)
    raw.insert(ends.old["odd"], odd_documents(0))
    ends.old["large"].insert_many([{"_id": n, "b": rng.randbytes(1 << 20)} for n in range(20)])
    ends.old.create_collection("v", viewOn="c", pipeline=[{"$match": {"n": 1}}])
    total = sum(c["source"]["bytes"] for c in ends.migrate().summary["collections"])

    change(c, rng, list(range(SMALL)), SMALL // 100)
    ends.old["odd"].delete_many({})
    raw.insert(ends.old["odd"], odd_documents(1))
    ends.old["large"].update_one({"_id": 3}, {"$set": {"b": b"small now"}})
    before = ends.target.client().admin.command("serverStatus")["network"]["bytesIn"]
    r = ends.migrate("--delta", "--delete")
    sent = ends.target.client().admin.command("serverStatus")["network"]["bytesIn"] - before
    assert sent <= 0.03 * total, (sent, total)
    assert 0 < r.summary["delta"]["bytes"] <= 0.02 * total
    assert 900 < sum(counts(r)) <= SMALL // 100 + len(odd_documents(0)) + 1
    ends.same(plain=True)
    ends.still("--delete")


# --- small ones ---

def fill(collection, n, start=0, **more):
    collection.insert_many([{"_id": i, "n": i, **more} for i in range(start, start + n)])


def test_with_and_without_delete(ends):
    c = ends.old["c"]
    fill(c, 100)
    ends.migrate()
    c.delete_many({"_id": {"$lt": 7}})
    c.update_one({"_id": 50}, {"$set": {"x": 1}})
    fill(c, 3, start=100)
    fill(ends.new["c"], 2, start=-10)
    ends.new["alone"].insert_one({"_id": 1})    # a collection of its own stays
    r = ends.delta()
    assert counts(r) == (3, 1, 0)
    assert r.collection(f"{ends.name}.c")["extra"] == 9
    assert ends.new["c"].count_documents({}) == 96 + 9
    assert r.collection(f"{ends.name}.c")["ok"]
    ends.still()
    r = ends.delta("--delete")
    assert counts(r) == (0, 0, 9)
    assert ends.new["alone"].count_documents({}) == 1
    ends.new["alone"].drop()
    ends.same()
    ends.still("--delete")


def test_rewriting(ends):
    """Documents are compared as they must arrive, and links counted once."""
    rng = random.Random(5)
    ends.old["c"].insert_many([document(n, rng) for n in range(300)])
    rewrite = ["--rewrite", "=".join(RULE)]
    first = ends.migrate(*rewrite)
    ends.old["c"].update_many({"_id": {"$lt": 10}}, {"$set": {"u": f"{RULE[0]}/7"}})
    ends.old["c"].delete_one({"_id": 100})
    r = ends.delta("--delete", "--max-delete", "1", *rewrite)
    assert counts(r) == (0, 9, 1)
    c = r.collection(f"{ends.name}.c")
    assert c["rewritten"] == {"documents": 299, "values": 299}
    assert r.summary["links"] == {**first.summary["links"], "rewritten": 299}
    ends.same(*rewrite)
    ends.still("--delete", *rewrite)


def test_without_the_rules_of_the_migration(ends):
    """--delta under other rules would put the old URLs back: it is refused."""
    ends.old.c.insert_many([{"_id": n, "u": f"{RULE[0]}/{n}"} for n in range(20)])
    rules = ["--rewrite", "=".join(RULE)]
    ends.migrate(*rules)
    r = ends.delta(rc=2)
    assert summary.kinds(r) == ["conflict"] and "--rewrite" in summary.messages(r), r
    ends.delta("--rewrite", f"{RULE[0]}=https://newer.example", rc=2)
    assert ends.new.c.find_one({"_id": 1})["u"] == f"{RULE[1]}/1"
    assert counts(ends.delta(*rules)) == (0, 0, 0)
    # Unless it is meant.
    assert counts(ends.delta("--restart")) == (0, 20, 0)
    assert ends.new.c.find_one({"_id": 1})["u"] == f"{RULE[0]}/1"


def test_max_delete(ends, tmp_path):
    """N is enough, N - 1 is not, files counted; then nothing is written at all."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    (old / "a").write_text("a")
    files = ["--files", f"{old}={new}"]
    fill(ends.old["c"], 50)
    ends.migrate(*files)
    (new / "b").write_text("only there")
    (new / "d").mkdir()
    (new / "d" / "c").write_text("only there")
    (old / "new").write_text("new")
    ends.old["c"].delete_many({"_id": {"$lt": 5}})
    fill(ends.old["c"], 1, start=50)
    r = ends.delta("--delete", "--max-delete", "0", *files, rc=2)
    assert "allows 0" in summary.messages(r) and ends.new["c"].count_documents({}) == 50
    r = ends.delta("--delete", "--max-delete", "6", *files, rc=2)
    assert summary.kinds(r) == ["conflict"]
    assert "5 documents and 2 files" in summary.messages(r)
    assert sorted(p.name for p in new.rglob("*") if p.is_file()) == ["a", "b", "c"]
    assert ends.new["c"].count_documents({}) == 50
    r = ends.delta("--delete", "--max-delete", "7", *files)
    assert counts(r) == (1, 0, 5) and r.summary["delta"]["files_deleted"] == 2
    assert sorted(p.name for p in new.rglob("*") if p.is_file()) == ["a", "new"]
    assert r.summary["files"]["extra"] == 0
    ends.same(*files)
    ends.still("--delete", *files)
    ends.still("--delete", "--max-delete", "0", *files)
    r = ends.migrate("--delta", "--delete", *files, "--state", new / "state", rc=2)
    assert "state" in summary.messages(r)


def test_files_without_delete_and_by_choice(ends, s3_server, s3, bucket, tmp_path):
    """They are counted; only those that are chosen go; the rest of the bucket is
    somebody else's."""
    old = tmp_path / "old"
    old.mkdir()
    for name in ("a.jpg", "b.jpg", "c.txt"):
        (old / name).write_text(name)
    ends.env.update(s3_server.aws_env())
    fill(ends.old["c"], 1)
    files = ["--files", f"{old}=s3://{bucket}/up"]
    ends.run("migrate", *files)
    s3.put_object(Bucket=bucket, Key="up/extra.jpg", Body=b"x")
    s3.put_object(Bucket=bucket, Key="up/extra.txt", Body=b"x")
    s3.put_object(Bucket=bucket, Key="other", Body=b"x")
    (old / "b.jpg").unlink()
    (old / "a.jpg").write_text("another")
    r = ends.migrate("--delta", *files)
    assert r.summary["files"]["uploaded"] == 1 and r.summary["files"]["extra"] == 3
    r = ends.migrate("--delta", "--delete", "--files-exclude", "*.txt", *files)
    assert r.summary["delta"]["files_deleted"] == 2
    assert sorted(look.listing(s3, bucket)) == \
        ["other", "up/a.jpg", "up/c.txt", "up/extra.txt"]


def test_unreadable_files_keep_the_target(ends, tmp_path):
    """What could not be read on the source may be there: nothing is removed."""
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "d").mkdir(parents=True)
    (old / "d" / "kept").write_text("kept")
    fill(ends.old["c"], 1)
    files = ["--files", f"{old}={new}"]
    ends.run("migrate", *files)
    (old / "d").rename(tmp_path / "away")
    (old / "d").symlink_to("nowhere")           # stands for what cannot be listed
    r = ends.migrate("--delta", "--delete", *files, rc=1)
    assert (new / "d" / "kept").exists()
    assert r.summary["delta"]["files_deleted"] == 0


def test_unique_values_change_hands(ends):
    """Two documents exchange a value, each of a thousand takes its neighbour's,
    a new one takes a removed one's: far apart, so in no one bulk."""
    c = ends.old["c"]
    fill(c, 4000, pad="x" * 1000)
    c.create_index("n", unique=True)
    ends.migrate()
    c.drop_index("n_1")
    c.update_one({"_id": 10}, {"$set": {"n": 3000}})
    c.update_one({"_id": 3000}, {"$set": {"n": 10}})
    for i in range(1000, 2000):
        c.update_one({"_id": i}, {"$set": {"n": i + 1 if i < 1999 else 1000}})
    c.delete_one({"_id": 3999})
    c.insert_one({"_id": -1, "n": 3999})
    c.create_index("n", unique=True)
    r = ends.migrate("--delta", "--delete")
    assert counts(r) == (1, 1002, 1)
    ends.same(plain=True)
    # More than is kept for a second try: all of them, the first with the last.
    c.drop_index("n_1")
    c.update_many({}, [{"$set": {"n": {"$subtract": [0, "$n"]}, "m": "$n"}}])
    c.update_many({}, [{"$set": {"n": {"$add": ["$n", 3999]}}}])
    c.create_index("n", unique=True)
    r = ends.migrate("--delta", "--delete", "--memory", "16MiB")
    assert "going through them again" in r.stderr
    assert counts(r) == (0, 4000, 0)
    ends.same(plain=True)


def test_unique_value_that_is_taken(ends):
    """Without --delete a document that only the target has stays in the way: the
    other is named and kept, and the target's older version of it too."""
    c = ends.old["c"]
    fill(c, 10)
    c.create_index("n", unique=True)
    ends.migrate()
    ends.new["c"].insert_one({"_id": 100, "n": 100})
    c.update_one({"_id": 3}, {"$set": {"n": 100}})
    r = ends.migrate("--delta", rc=1)
    assert "unique_index" in summary.kinds(r)
    assert r.collection(f"{ends.name}.c")["quarantined"] == 1
    assert r.collection(f"{ends.name}.c")["different"] == 1
    assert ends.new["c"].find_one({"_id": 3})["n"] == 3
    ends.delta("--delete")
    ends.same()


def test_ids_that_the_server_holds_for_equal(ends):
    """1 becomes 1.0: one document on the target, and it is the source's."""
    for i in (1, 2.0, Int64(3)):
        ends.old["c"].insert_one({"_id": i, "v": 0})
    ends.migrate()
    ends.old["c"].delete_many({})
    for i in (1.0, 2, Decimal128("3")):
        ends.old["c"].insert_one({"_id": i, "v": 0})
    ends.migrate("--delta", "--delete")
    ends.same()
    ends.still("--delete")


def at(n):
    return datetime(2024, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=n)


def test_streams(ends):
    """Time-series and capped collections: equal ones are left alone, those that
    differ are replaced whole, with --delete only; new ones are filled."""
    ends.old.create_collection("ts", timeseries={"timeField": "t", "metaField": "m"})
    ends.old.create_collection("same", timeseries={"timeField": "t"})
    ends.old.create_collection("cap", capped=True, size=100_000, max=50)
    for name in ("ts", "same", "cap"):
        ends.old[name].insert_many([{"t": at(n), "m": n % 3, "v": n} for n in range(100)])
    ends.migrate()
    uuids = {i["name"]: i["info"].get("uuid") for i in ends.new.list_collections()}
    ends.old["ts"].insert_one({"t": at(200), "m": 1, "v": 1})
    ends.old["cap"].insert_many([{"t": at(n), "v": n} for n in range(7)])
    ends.old.create_collection("fresh", capped=True, size=10_000)
    ends.old["fresh"].insert_one({"v": 1})
    r = ends.migrate("--delta", rc=1)
    assert summary.kinds(r).count("stream") == 2
    assert ends.new["fresh"].count_documents({}) == 1
    assert ends.new["ts"].count_documents({}) == 100
    ends.migrate("--delta", "--delete", "--max-delete", "6", rc=2)
    r = ends.delta("--delete", "--max-delete", "7")
    assert counts(r) == (101 + 50, 0, 7)
    ends.same()
    now = {i["name"]: i["info"].get("uuid") for i in ends.new.list_collections()}
    assert now["system.buckets.same"] == uuids["system.buckets.same"]
    assert now["cap"] != uuids["cap"]
    ends.still("--delete")


def test_metadata(ends):
    """What is missing is made; what differs is named and left."""
    fill(ends.old["c"], 10)
    ends.migrate()
    ends.old["c"].create_index("n", unique=True)
    ends.old["c"].create_index("t", expireAfterSeconds=3600)
    ends.old.create_collection("v", viewOn="c", pipeline=[])
    fill(ends.old["more"], 3)
    r = ends.migrate("--delta")
    assert counts(r) == (3, 0, 0)
    ends.same()
    ends.old.command("collMod", "c", validator={"n": {"$gte": 0}})
    r = ends.delta(rc=1)
    assert [m["kind"] for m in r.collection(f"{ends.name}.c")["metadata"]] == ["validator"]


def test_documents_due_to_expire(ends):
    """They may be on either side or not: neither moved nor removed."""
    c = ends.old["c"]
    fill(c, 10)
    c.create_index("t", expireAfterSeconds=3600 * 24 * 365)
    ends.migrate()
    for server in (ends.source, ends.target):
        server.client().admin.command("setParameter", 1, ttlMonitorEnabled=False)
    try:
        c.insert_one({"_id": "old", "t": datetime(2000, 1, 1)})
        ends.new["c"].insert_one({"_id": "there", "t": datetime(2000, 1, 1)})
        r = ends.migrate("--delta", "--delete")
        assert counts(r) == (0, 0, 0)
        assert r.collection(f"{ends.name}.c")["expired"] == 2
    finally:
        for server in (ends.source, ends.target):
            server.client().admin.command("setParameter", 1, ttlMonitorEnabled=True)


def test_rename_and_refusals(ends, tmp_path):
    fill(ends.old["c"], 10)
    rename = ["--rename", f"{ends.name}.c={ends.name}.d"]
    ends.migrate(*rename)
    ends.old["c"].update_one({"_id": 1}, {"$set": {"n": 100}})
    assert counts(ends.delta(*rename)) == (0, 1, 0)
    assert raw.read_by_id(ends.old["c"]) == raw.read_by_id(ends.new["d"])
    for args in (["--delete"], ["--delta", "--max-delete", "0"], ["--delta", "--drop"],
                 ["--delta", "--on-conflict", "skip"],
                 ["--delta", "--delete", "--query", '{"n": 1}']):
        assert ends.run("migrate", *args, rc=2).summary["errors"][0]["kind"] == "usage"
    r = ends.run("migrate", "--delta", "--to", f"archive:{tmp_path}/a", rc=2)
    assert r.summary["errors"][0]["kind"] == "usage"
    r = ends.migrate(*rename, rc=2)
    assert "--delta" in r.summary["errors"][0]["hint"]


def test_from_an_archive(ends, tmp_path):
    """As a restore that moves only what differs."""
    fill(ends.old["c"], 1000)
    raw.insert(ends.old["odd"], odd_documents(0))
    ends.migrate()
    ends.old["c"].delete_many({"_id": {"$lt": 20}})
    ends.old["c"].update_many({"_id": {"$lt": 40}}, {"$set": {"x": 1}})
    ends.old["odd"].delete_many({})
    raw.insert(ends.old["odd"], odd_documents(1))
    fill(ends.old["c"], 10, start=1000)
    ends.run("export", "--archive", f"{tmp_path}/a.gz")
    from_archive = ["--from", f"archive:{tmp_path}/a.gz"]
    r = ends.delta("--delete", *from_archive)
    assert counts(r) == (10, 20 + len(odd_documents(0)), 20)
    ends.same()
    ends.still("--delete", *from_archive)
