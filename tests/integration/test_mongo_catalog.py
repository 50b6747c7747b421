"""What src/mongo reads of collections, options and indexes, makes again on
another server, and finds to differ."""

import datetime
import time

import bson
import pytest
from bson import Int64
from pymongo import ASCENDING, DESCENDING, GEOSPHERE, HASHED, TEXT, IndexModel

from harness.mongod import Mongod, ReplicaSet
from mongo_tool import MongoTool


@pytest.fixture(scope="module")
def plain(work):
    with Mongod(work / "mongo-catalog") as server:
        yield server


@pytest.fixture(scope="module")
def replica_set(work):
    with ReplicaSet(work / "mongo-catalog-rs", auth=True,
                    parameters=["enableTestCommands=1"]) as server:
        server.add_user("rw", "pw", [{"role": "readWrite", "db": "t"}])
        server.add_user("reader", "pw", [{"role": "read", "db": "t"}])
        yield server


@pytest.fixture
def tool(tmp_path):
    with MongoTool(tmp_path) as tool:
        yield tool


@pytest.fixture
def ends(plain, replica_set, tool):
    """The databases s on the source and t on the target, both empty."""
    tool.ask("open", uri=plain.uri(), **{"as": "a"})
    tool.ask("open", uri=replica_set.uri(), **{"as": "b"})
    for server in (plain, replica_set):
        for name in ("s", "t"):
            server.client().drop_database(name)
    return plain.client()["s"], replica_set.client()["t"]


FRENCH = {"locale": "fr", "strength": 2}


def make_one_of_each(db):
    db.create_collection("plain")
    db.plain.insert_many([{"_id": i, "a": i, "b": {"c": i}, "s": f"text {i}",
                           "at": {"type": "Point", "coordinates": [i, i]}}
                          for i in range(50)])
    db.plain.create_indexes([
        IndexModel([("a", ASCENDING), ("b.c", DESCENDING)], name="compound"),
        IndexModel([("a", ASCENDING)], unique=True),
        IndexModel([("s", ASCENDING)], collation=FRENCH, name="french"),
        IndexModel([("s", TEXT)], weights={"s": 3}, default_language="french"),
        IndexModel([("at", GEOSPHERE)]),
        IndexModel([("a", HASHED)]),
        IndexModel([("_id", HASHED)], name="hashed_id"),
        IndexModel([("b.$**", ASCENDING)]),
        IndexModel([("x", ASCENDING)], sparse=True, hidden=True),
        IndexModel([("y", ASCENDING)], partialFilterExpression={
            "y": {"$gt": 1}, "a": {"$exists": True}}),
        IndexModel([("when", ASCENDING)], expireAfterSeconds=3600),
    ])
    db.create_collection("collated", collation=FRENCH)
    db.collated.create_index("inherited")
    db.collated.create_index("plain", collation={"locale": "simple"})
    db.create_collection("capped", capped=True, size=8192, max=100)
    db.create_collection("series", timeseries={
        "timeField": "t", "metaField": "m", "granularity": "hours"},
        expireAfterSeconds=86400)
    db.series.create_index([("m.x", ASCENDING), ("t", ASCENDING)])
    db.command({"create": "clustered", "clusteredIndex": {
        "key": {"_id": 1}, "unique": True, "name": "mine"},
        "expireAfterSeconds": Int64(7200)})
    db.create_collection("strict", validator={"$jsonSchema": {
        "required": ["a"]}}, validationLevel="moderate",
        validationAction="warn")
    db.create_collection("images", changeStreamPreAndPostImages={
        "enabled": False})
    db.create_collection("c_view", viewOn="b_view", pipeline=[
        {"$match": {"a": {"$gt": 1}}}])
    db.create_collection("b_view", viewOn="a_view", pipeline=[])
    db.create_collection("a_view", viewOn="plain", pipeline=[
        {"$project": {"a": 1, "b": 1}}, {"$sort": {"b": 1, "a": -1}}])
    db["system.js"].insert_one({"_id": "f", "value": "x"})
    db["with.dots and spaces"].insert_one({})


def test_what_is_read(ends, tool):
    source, _ = ends
    make_one_of_each(source)
    found = tool.catalog("a", "x", ["s"], stats=True)
    names = [ns.removeprefix("s.") for ns in found]
    assert names == ["capped", "clustered", "collated", "images", "plain",
                     "series", "strict", "system.js", "with.dots and spaces",
                     "a_view", "b_view", "c_view"]
    listed = {c["name"]: c for c in source.command("listCollections")
              ["cursor"]["firstBatch"]}
    for name in names:
        one = found[f"s.{name}"]
        assert one["options"] == listed[name]["options"], name
        assert one["type"] == listed[name]["type"], name
        buckets = listed.get(f"system.buckets.{name}", listed[name])
        uuid = buckets["info"].get("uuid")
        assert one["uuid"] == (uuid.hex() if uuid else "00" * 16), name
        if one["type"] == "view":
            assert one["indexes"] == {}
            continue
        indexes = source[name].index_information()
        indexes.pop("_id_", None)
        indexes.pop("mine", None)
        assert set(one["indexes"]) == set(indexes), name
    plain = found["s.plain"]
    stats = source.command("collStats", "plain")
    assert (plain["count"], plain["bytes"], plain["index_bytes"]) == \
        (50, stats["size"], stats["totalIndexSize"])
    assert [n for n, i in plain["indexes"].items() if i["ttl"]] == ["when_1"]
    assert [n for n, i in plain["indexes"].items() if i["unique"]] == ["a_1"]
    assert found["s.capped"]["capped"] and not plain["capped"]
    assert found["s.clustered"]["clustered"] and found["s.clustered"]["expires"]
    assert found["s.series"]["meta_field"] == "m"
    assert found["s.series"]["time_field"] == "t"
    assert found["s.b_view"]["view_on"] == "a_view"


def test_series_are_counted_in_measurements(ends, tool):
    source, _ = ends
    source.create_collection("c", timeseries={"timeField": "t"})
    day = datetime.datetime(2024, 1, 1)
    docs = [{"t": day, "v": "x" * 100, "_id": i} for i in range(3000)]
    source.c.insert_many(docs)
    one = tool.catalog("a", "x", ["s"], stats=True)["s.c"]
    assert one["count"] == 3000
    assert one["bytes"] == sum(len(bson.encode(d)) for d in docs)


def test_all_databases(ends, tool):
    source, _ = ends
    source.c.insert_one({})
    source.client["s2"].c.insert_one({})
    found = tool.catalog("a", "x")
    assert {"s.c", "s2.c"} <= set(found)
    assert not any(ns.split(".")[0] in ("admin", "config", "local")
                   for ns in found)
    source.client.drop_database("s2")
    assert tool.catalog("a", "x", ["none"]) == {}


def copy_all(tool, found, **options):
    for ns, one in found.items():
        to = "t" + ns[1:]
        tool.ask("create", on="b", catalog="x", of=ns, ns=to, later=True,
                 **options)
        for ttl in (False, True):
            made = tool.ask("indexes", on="b", catalog="x", of=ns, ns=to,
                            ttl=ttl)
            assert made.get("failed", []) == [], (ns, made)
        tool.ask("expiry", on="b", catalog="x", of=ns, ns=to)


def differences(tool, ns, to=None, **options):
    return tool.ask("compare", catalog="x", of=ns, **{"with": "y"},
                    to=to or "t" + ns[1:], **options)["differences"]


def test_everything_made_again_is_the_same(ends, tool):
    source, target = ends
    make_one_of_each(source)
    found = tool.catalog("a", "x", ["s"])
    tool.ask("create", on="b", catalog="x", of="s.plain", ns="t.plain")
    tool.ask("indexes", on="b", catalog="x", of="s.plain", ns="t.plain")
    there = target.plain.index_information()
    assert "when_1" not in there and len(there) == len(found["s.plain"]["indexes"])
    copy_all(tool, found)
    copied = tool.catalog("b", "y", ["t"])
    assert len(copied) == len(found)
    for ns in found:
        assert differences(tool, ns) == []
        there, here = copied["t" + ns[1:]], found[ns]
        assert there["options"] == here["options"], ns
        assert {n: i["spec"] for n, i in there["indexes"].items()} == \
            {n: i["spec"] for n, i in here["indexes"].items()}, ns
    # And again: what is there and the same counts as made.
    copy_all(tool, found)


def test_expiry_comes_later(ends, tool):
    source, target = ends
    make_one_of_each(source)
    tool.catalog("a", "x", ["s"])
    for name in ("series", "clustered"):
        tool.ask("create", on="b", catalog="x", of=f"s.{name}", ns=f"t.{name}",
                 later=True)
        there = tool.catalog("b", "y", ["t"])[f"t.{name}"]
        assert not there["expires"]
        (d,) = [d for d in differences(tool, f"s.{name}") if
                d["kind"] == "option"]
        assert (d["name"], d["target"]) == ("expireAfterSeconds", None)
        tool.ask("expiry", on="b", catalog="x", of=f"s.{name}", ns=f"t.{name}")
        assert tool.catalog("b", "y", ["t"])[f"t.{name}"]["expires"]
        tool.ask("drop", on="b", ns=f"t.{name}")
        tool.ask("create", on="b", catalog="x", of=f"s.{name}", ns=f"t.{name}")
        assert tool.catalog("b", "y", ["t"])[f"t.{name}"]["expires"]


def test_expiry_without_the_right(ends, replica_set, tool):
    source, target = ends
    make_one_of_each(source)
    tool.catalog("a", "x", ["s"])
    tool.ask("open", uri=replica_set.uri(user="rw"), **{"as": "rw"})
    for action, may in (("collMod", False), ("insert", True),
                        ("bypassDocumentValidation", False)):
        assert tool.ask("may", on="rw", ns="t.series", action=action)["may"] \
            is may
        assert tool.ask("may", on="b", ns="t.series", action=action)["may"]
        assert tool.ask("may", on="a", ns="t.series", action=action)["may"]
    assert not tool.ask("may", on="rw", ns="u.c", action="insert")["may"]
    tool.ask("create", on="rw", catalog="x", of="s.series", ns="t.series")
    refused = tool("expiry", on="rw", catalog="x", of="s.series", ns="t.series")
    assert refused["kind"] == "denied" and refused["code"] == 13
    made = tool.ask("indexes", on="rw", catalog="x", of="s.plain", ns="t.plain")
    assert made["failed"] == []


def test_rights_of_a_reader(ends, replica_set, tool):
    source, target = ends
    target.c.insert_one({})
    tool.ask("open", uri=replica_set.uri(user="reader"), **{"as": "r"})
    assert set(tool.catalog("r", "x", ["t"], stats=True)) == {"t.c"}
    assert set(tool.catalog("r", "x", stats=True)) == {"t.c"}
    refused = tool("catalog", on="r", **{"as": "x"}, dbs=["u"])
    assert refused["kind"] == "denied", refused
    refused = tool("create", on="r", catalog="y", of="t.c", ns="t.d")
    tool.catalog("r", "y", ["t"])
    refused = tool("create", on="r", catalog="y", of="t.c", ns="t.d")
    assert refused["kind"] == "denied" and "t.d" in refused["message"]


def test_a_bad_index_costs_no_other(ends, tool):
    source, target = ends
    source.c.create_indexes([IndexModel("a"), IndexModel("u", unique=True),
                             IndexModel("z"), IndexModel("u2", unique=True)])
    target.c.insert_many([{"u": 1, "u2": i} for i in range(3)])
    tool.catalog("a", "x", ["s"])
    made = tool.ask("indexes", on="b", catalog="x", of="s.c", ns="t.c")
    assert [f["name"] for f in made["failed"]] == ["u_1"]
    assert made["failed"][0]["code"] == 11000
    assert set(target.c.index_information()) == {"_id_", "a_1", "z_1", "u2_1"}
    tool.catalog("b", "y", ["t"])
    (d,) = differences(tool, "s.c")
    assert (d["kind"], d["name"], d["target"]) == ("index", "u_1", None)


def test_what_is_there_with_other_options(ends, tool):
    source, target = ends
    source.create_collection("c", capped=True, size=4096)
    tool.catalog("a", "x", ["s"])
    target.create_collection("c", capped=True, size=8192)
    refused = tool("create", on="b", catalog="x", of="s.c", ns="t.c")
    assert refused["kind"] == "conflict" and "--drop" in refused["hint"]
    target.drop_collection("c")
    target.create_collection("c", viewOn="d", pipeline=[])
    refused = tool("create", on="b", catalog="x", of="s.c", ns="t.c")
    assert refused["kind"] == "conflict"
    tool.ask("drop", on="b", ns="t.c")
    tool.ask("drop", on="b", ns="t.c")
    tool.ask("create", on="b", catalog="x", of="s.c", ns="t.c")


CHANGES = {
    "validator": (lambda db: db.command(
        "collMod", "strict", validator={"a": {"$exists": True}}),
        "strict", ("validator", "validator")),
    "level": (lambda db: db.command(
        "collMod", "strict", validationLevel="strict"),
        "strict", ("option", "validationLevel")),
    "expiry": (lambda db: db.command(
        "collMod", "series", expireAfterSeconds=86401),
        "series", ("option", "expireAfterSeconds")),
    "pipeline": (lambda db: db.command(
        "collMod", "a_view", viewOn="plain", pipeline=[
            {"$project": {"b": 1, "a": 1}}, {"$sort": {"b": 1, "a": -1}}]),
        "a_view", ("view", "pipeline")),
    "base": (lambda db: db.command(
        "collMod", "b_view", viewOn="plain", pipeline=[]),
        "b_view", ("view", "viewOn")),
    "lost index": (lambda db: db.plain.drop_index("compound"),
                   "plain", ("index", "compound")),
    "extra index": (lambda db: db.plain.create_index("more"),
                    "plain", ("index", "more_1")),
    "key order": (lambda db: (
        db.plain.drop_index("compound"),
        db.plain.create_index([("b.c", -1), ("a", 1)], name="compound")),
        "plain", ("index", "compound")),
    "hidden": (lambda db: db.command(
        "collMod", "plain", index={"name": "x_1", "hidden": False}),
        "plain", ("index", "x_1")),
    "ttl": (lambda db: db.command(
        "collMod", "plain", index={"name": "when_1",
                                   "expireAfterSeconds": 3601}),
        "plain", ("index", "when_1")),
    "collation": (lambda db: (db.drop_collection("collated"),
                              db.create_collection("collated"),
                              db.collated.create_index("inherited",
                                                       collation=FRENCH),
                              db.collated.create_index("plain")),
                  "collated", ("option", "collation")),
    "capped": (lambda db: (db.drop_collection("capped"),
                           db.create_collection("capped", capped=True,
                                                size=8448, max=100)),
               "capped", ("option", "size")),
    "type": (lambda db: (db.drop_collection("series"),
                         db.create_collection("series")),
             "series", ("option", "type")),
}


def test_every_change_is_found(ends, tool):
    source, target = ends
    make_one_of_each(source)
    found = tool.catalog("a", "x", ["s"])
    copy_all(tool, found)
    for what, (change, name, want) in CHANGES.items():
        change(target)
        tool.catalog("b", "y", ["t"])
        got = differences(tool, f"s.{name}")
        assert [(d["kind"], d["name"]) for d in got] == [want], (what, got)
        assert got[0]["source"] != got[0]["target"], what
        tool.ask("drop", on="b", ns=f"t.{name}")
        copy_all(tool, {f"s.{name}": found[f"s.{name}"]})
        tool.catalog("b", "y", ["t"])
        assert differences(tool, f"s.{name}") == [], what


def test_a_renamed_base(ends, tool):
    source, target = ends
    source.create_collection("v", viewOn="old", pipeline=[])
    tool.catalog("a", "x", ["s"])
    tool.ask("create", on="b", catalog="x", of="s.v", ns="t.v", view_on="new")
    there = tool.catalog("b", "y", ["t"])["t.v"]
    assert there["options"]["viewOn"] == "new"
    assert differences(tool, "s.v", view_on="new") == []
    assert differences(tool, "s.v")[0]["name"] == "viewOn"
    tool.ask("drop", on="b", ns="t.v")
    tool.ask("create", on="b", catalog="x", of="s.v", ns="t.v")
    tool.catalog("b", "y", ["t"])
    (d,) = differences(tool, "s.v", view_on="new")
    assert (d["source"], d["target"]) == ('"new"', '"old"')


def test_what_differs_only_in_form_is_the_same(ends, tool):
    source, target = ends
    source.command({"create": "c", "capped": True, "size": 4096.0,
                    "validator": {"a": 1}, "collation": FRENCH})
    target.command({"create": "c", "collation": {"strength": 2, "locale": "fr"},
                    "validationLevel": "strict", "validationAction": "error",
                    "validator": {"a": 1}, "size": Int64(4096), "capped": True})
    source.command({"createIndexes": "c", "indexes": [
        {"key": {"a": 1}, "name": "a_1", "sparse": False, "background": True}]})
    target.command({"createIndexes": "c", "indexes": [
        {"name": "a_1", "key": {"a": 1.0}}]})
    tool.catalog("a", "x", ["s"])
    tool.catalog("b", "y", ["t"])
    assert differences(tool, "s.c") == []


def test_an_index_build_heeds_a_stop(ends, tool):
    """It is killed on the server: nothing goes on behind anyone's back."""
    source, target = ends
    source.c.create_index("a")
    target.c.insert_one({})
    tool.catalog("a", "x", ["s"])
    admin = target.client.admin
    admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data={
        "failCommands": ["createIndexes"], "appName": "spaceferry",
        "blockConnection": True, "blockTimeMS": 30000})
    try:
        tool("cancel", after_ms=500)
        start = time.monotonic()
        answer = tool("indexes", on="b", catalog="x", of="s.c", ns="t.c")
        took = time.monotonic() - start
    finally:
        admin.command("configureFailPoint", "failCommand", mode="off")
    assert answer["kind"] == "interrupted" and took < 5, (answer, took)
    assert "a_1" not in target.c.index_information()
    tool.ask("reset")
    tool.ask("indexes", on="b", catalog="x", of="s.c", ns="t.c")
    assert "a_1" in target.c.index_information()
