"""Options of indexes and collections arrive as they are: one migration of one
collection per case, compared as the bytes that the servers list."""

import datetime

import pytest
from bson import Decimal128, Int64
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from harness import raw, summary

RAW = CodecOptions(document_class=RawBSONDocument)
DB = "fidelity-metadata"
FRENCH = {"locale": "fr", "strength": 2, "numericOrdering": True}
NOW = datetime.datetime(2030, 1, 1)

INDEXES = {
    "hidden": {"key": {"a": 1}, "hidden": True},
    "sparse": {"key": {"a": 1}, "sparse": True},
    "not sparse": {"key": {"a": 1}, "sparse": False},
    "background": {"key": {"a": 1}, "background": True},
    "unique": {"key": {"a": 1}, "unique": True},
    "v1": {"key": {"a": 1}, "v": 1},
    "collation": {"key": {"a": 1}, "collation": FRENCH},
    "tiny": {"key": {"a": 1e-10}},
    "tiny negative": {"key": {"a": -1e-10, "b": 1}},
    "numbers": {"key": {"a": 2.5, "b": Int64(-3), "c": Decimal128("0.1")}},
    "order": {"key": {"z": 1, "a": -1, "m": 1}},
    "2dsphere 1": {"key": {"p": "2dsphere"}, "2dsphereIndexVersion": 1},
    "2dsphere 2": {"key": {"p": "2dsphere"}, "2dsphereIndexVersion": 2},
    "2dsphere 3": {"key": {"p": "2dsphere"}},
    "2d": {"key": {"q": "2d"}, "bits": 20, "min": -200.5, "max": 200.5},
    "text 1": {"key": {"s": "text"}, "textIndexVersion": 1},
    "text 2": {"key": {"s": "text"}, "textIndexVersion": 2},
    "text 3": {"key": {"a": 1, "s": "text", "t": "text"}, "weights": {"s": 3},
               "default_language": "french", "language_override": "lang"},
    "text all": {"key": {"$**": "text"}},
    "hashed": {"key": {"a": "hashed"}},
    "hashed dotted": {"key": {"o.d.e": "hashed"}},
    "hashed compound": {"key": {"a": "hashed", "b": 1}},
    "hashed _id": {"key": {"_id": "hashed"}},
    "second _id": {"key": {"_id": 2}},
    "partial": {"key": {"a": 1}, "partialFilterExpression": {
        "b": {"$gt": 1, "$exists": True}, "a": 5}},
    "partial empty": {"key": {"a": 1}, "partialFilterExpression": {}},
    "prepareUnique": {"key": {"a": 1}, "prepareUnique": True},
    "wildcard": {"key": {"$**": 1}, "wildcardProjection": {"a": 1, "_id": 0}},
    "wildcard below": {"key": {"o.$**": 1}},
    "ttl": {"key": {"d": 1}, "expireAfterSeconds": 3600},
    "ttl fraction": {"key": {"d": 1}, "expireAfterSeconds": 3.7},
    "ttl nan": {"key": {"d": 1}, "expireAfterSeconds": float("nan")},
    "ttl largest": {"key": {"d": 1}, "expireAfterSeconds": 2**31 - 1},
    "ttl partial": {"key": {"d": 1}, "expireAfterSeconds": 0,
                    "partialFilterExpression": {"a": 1}},
    "storage": {"key": {"a": 1}, "storageEngine": {"wiredTiger": {
        "configString": "prefix_compression=false"}}},
    "long name": {"key": {"a": 1}, "name": "n" * 300},
    "odd name": {"key": {"a": 1}, "name": "é\n$.%/ "},
}
SAME_KEYS = [
    {"key": {"a": 1}, "name": "plain"},
    {"key": {"a": 1}, "name": "unique", "unique": True},
    {"key": {"a": 1}, "name": "unique french", "unique": True, "collation": FRENCH},
    {"key": {"a": 1}, "name": "sparse", "sparse": True},
    {"key": {"a": 1}, "name": "partial", "partialFilterExpression": {"a": 1}},
    {"key": {"a": 1}, "name": "partial too", "partialFilterExpression": {"a": 2}},
]
# On a collection whose default is French: without, with another, v: 1 (which
# knows none), and the kinds that know none.
ON_COLLATED = [
    {"key": {"a": 1}, "name": "inherits"},
    {"key": {"a": 1}, "name": "simple", "collation": {"locale": "simple"}},
    {"key": {"a": 1}, "name": "german", "collation": {"locale": "de"}},
    {"key": {"b": 1}, "name": "old", "v": 1},
    {"key": {"s": "text"}, "name": "text", "collation": {"locale": "simple"}},
    {"key": {"q": "2d"}, "name": "2d", "collation": {"locale": "simple"}},
]
MOST = [{"key": {f"f{n}": 1}, "name": f"f{n}"} for n in range(63)]

VALIDATOR = {"$jsonSchema": {"required": ["b", "a"], "properties": {
    "b": {"enum": [1, "x", 2.0]}, "a": {}}}, "z": {"$exists": False}}
OPTIONS = {
    "clustered": {"clusteredIndex": {"key": {"_id": 1}, "unique": True,
                                     "name": "l'été"}},
    "clustered expiring": {"clusteredIndex": {"key": {"_id": 1}, "unique": True},
                           "expireAfterSeconds": Int64(7 * 86400)},
    "series": {"timeseries": {"timeField": "t", "metaField": "m",
                              "granularity": "minutes"}},
    "series bucket": {"timeseries": {"timeField": "t",
                                     "bucketMaxSpanSeconds": 3600}},
    "series expiring": {"timeseries": {"timeField": "t"},
                        "expireAfterSeconds": 10**9},
    "series collated": {"timeseries": {"timeField": "t"}, "collation": FRENCH},
    "images": {"changeStreamPreAndPostImages": {"enabled": True}},
    "old images": {"recordPreImages": True},
    "validator": {"validator": VALIDATOR},
    "validator off": {"validator": VALIDATOR, "validationLevel": "off",
                      "validationAction": "warn"},
    "moderate": {"validationLevel": "moderate"},
    "collation": {"collation": {"locale": "de@collation=phonebook",
                                "caseFirst": "upper"}},
    "capped": {"capped": True, "size": 1000},
    "capped max": {"capped": True, "size": 5000.7, "max": 3},
    "capped no max": {"capped": True, "size": 100, "max": 0},
    "capped collated": {"capped": True, "size": 4096, "collation": FRENCH},
    "storage": {"storageEngine": {"wiredTiger": {
        "configString": "block_compressor=zstd"}}},
    "index defaults": {"indexOptionDefaults": {"storageEngine": {"wiredTiger": {
        "configString": "prefix_compression=false"}}}},
    "view": {"viewOn": "hidden", "pipeline": [
        {"$project": {"b": 1, "a": 1}}, {"$sort": {"b": -1, "a": 1}},
        {"$addFields": {"z": {"$literal": {"$b": 1}}, "y": {"$add": ["$a", 1.0]}}}]},
    "view collated": {"viewOn": "collated", "pipeline": [], "collation": FRENCH},
    # Sorted before the view that it views.
    "a view": {"viewOn": "view collated", "pipeline": [{"$limit": Int64(5)}],
               "collation": FRENCH},
}


def documents(n=8):
    return [{"_id": i, "a": i, "b": i % 3, "c": i, "s": f"mot {i}", "t": "texte",
             "q": [i, i], "p": {"type": "Point", "coordinates": [i, i]},
             "o": {"d": {"e": i}}, "d": NOW} for i in range(n)]


def fill(db):
    for name, spec in INDEXES.items():
        db[name].insert_many(documents())
        db.command("createIndexes", name, indexes=[{"name": "it", **spec}])
    for name, specs, options in (("same keys", SAME_KEYS, {}), ("most", MOST, {}),
                                 ("collated", ON_COLLATED, {"collation": FRENCH})):
        db.create_collection(name, **options)
        db[name].insert_many(documents())
        db.command("createIndexes", name, indexes=specs)
    for name, options in OPTIONS.items():
        db.command({"create": f"o {name}" if "viewOn" not in options else name,
                    **options})
        if "timeseries" in options:
            db[f"o {name}"].insert_one({"t": NOW, "m": 1})
    db.command({"create": "automatic", "autoIndexId": True})


def listed(db):
    """{name: (type, options, [index, …])}: bytes as the server tells them."""
    as_bytes = db.with_options(codec_options=RAW)
    found = {}
    reply = as_bytes.command("listCollections", codec_options=RAW)
    for info in reply["cursor"]["firstBatch"]:
        name = info["name"]
        if name.startswith("system."):
            continue
        indexes = []
        if info["type"] != "view":
            reply = as_bytes.command("listIndexes", name, codec_options=RAW)
            indexes = [i.raw for i in reply["cursor"]["firstBatch"]]
        found[name] = info["type"], info["options"].raw, indexes
    return found


@pytest.fixture(scope="module")
def moved(source, target, work):
    from harness.ferry import Ferry
    db = source.client()[DB]
    fill(db)
    ferry = Ferry(work / "metadata")
    env = {"SPACEFERRY_FROM": source.uri(), "SPACEFERRY_TO": target.uri()}
    run = ferry("migrate", "--json", "--db", DB, env=env)
    summary.check(run)
    again = ferry("verify", "--json", "--db", DB, env=env)
    there = target.client()[DB]
    yield run, again, listed(db), listed(there)
    ferry.close()
    for server in (source, target):
        server.client().drop_database(DB)


def test_it_ends_well(moved):
    run, again, here, there = moved
    assert (run.rc, again.rc) == (0, 0), (run, again)
    assert "could not take" not in run.stdout + run.stderr + again.stderr, run
    assert set(here) == set(there) and len(here) > 60


@pytest.mark.parametrize("name", [*INDEXES, "same keys", "most", "collated"])
def test_index(moved, name):
    _, _, here, there = moved
    assert len(here[name][2]) >= 2
    assert there[name] == here[name]


@pytest.mark.parametrize("name", OPTIONS)
def test_option(moved, name):
    _, _, here, there = moved
    name = name if name in here else f"o {name}"
    assert there[name] == here[name]


def test_auto_index_id_goes(moved):
    """Deprecated, without effect since 4.0: the one option never asked for."""
    _, _, here, there = moved
    assert b"autoIndexId" in here["automatic"][1]
    assert b"autoIndexId" not in there["automatic"][1]


def test_uuids_are_new(moved, source, target):
    def uuids(server):
        return {c["info"].get("uuid") for c in server.client()[DB].list_collections()}
    assert not uuids(source) & uuids(target) - {None}


def test_views_show_the_same(moved, source, target):
    for name in ("view", "view collated", "a view"):
        here, there = (raw.read(s.client()[DB][name]) for s in (source, target))
        assert here == there and here
