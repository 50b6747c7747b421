# build: release
"""Documents that no server holds, judged by one (src/mongo/judge): as find()
judges the same documents where they are stored."""

import pytest
from bson import SON, Binary, Int64, MinKey, Regex, Timestamp, encode

from harness import raw, stored
from harness.stored import T0
from mongo_tool import MongoTool

QUERIES = [
    {}, {"a": 1}, {"a": 2}, {"a": None}, {"a": {"$exists": False}}, {"a": {"$ne": 1}},
    {"a": {"$gt": 1}}, {"a": {"$in": [1, "x", None]}}, {"a": float("nan")}, {"b.c.d": 5},
    {"b.c": 2}, {"b.c": {"$size": 3}}, {"a": {"$type": "number"}}, {"a": {"$type": "array"}},
    {"a": {"$elemMatch": {"$gt": 2}}}, {"a": {"$elemMatch": {"b": 4}}}, {"a": {"$all": [1, 2]}},
    {"t": T0}, {"t": {"$lt": T0}}, {"s": Regex("^hello", "i")}, {"s": {"$not": Regex("H")}},
    {"_id": {"$gt": 9}}, {"_id": SON([("x", 1), ("y", 2)])}, {"_id.x": 1}, {"a.b": 3},
    {"a.b": {"$exists": True}}, {"a": SON([("b", 4), ("$c", 1)])}, {"a.0": 1}, {"a": []},
    {"$or": [{"a": 1}, {"s": {"$exists": 1}}]}, {"$nor": [{"a": 1}]}, {"a": Int64(2**53 + 1)},
    {"$expr": {"$eq": ["$a", 1]}}, {"$expr": {"$eq": ["$a", "$b"]}}, {"a": "$b"},
    {"$jsonSchema": {"maxProperties": 2}}, {"$jsonSchema": {"required": ["b"]}},
    {"$expr": {"$gt": [{"$size": {"$objectToArray": "$$ROOT"}}, 2]}}, {"r": Regex("^a")},
    {"ts": Timestamp(1, 1)}, {"m": MinKey()}, {"bin": Binary(b"1", 5)}, {"$comment": "c", "a": 1},
    {"a": {"$mod": [2, 1]}}, {"a": {"$bitsAllSet": 1}}, {"$alwaysFalse": 1},
]


@pytest.fixture(scope="module")
def judge(source, target, work):
    with MongoTool(work) as tool:
        for name, server in (("a", source), ("b", target)):
            tool.ask("open", uri=server.uri(), **{"as": name})

        def judge(docs, query, on="a", options=None):
            more = {"options": encode(options).hex()} if options else {}
            answer = tool("judge", on=on, db="judge", query=encode(query).hex(),
                          docs=b"".join(docs).hex(), n=len(docs), **more)
            return answer if not answer["ok"] else \
                [d for d, out in zip(docs, answer["left_out"]) if not out]
        yield judge


@pytest.mark.parametrize("on", ["a", "b"])
def test_as_stored(judge, source, db_name, on):
    stored_ones = source.client()[db_name]["c"]
    raw.insert(stored_ones, stored.ask())
    docs = raw.read(stored_ones, sort=[("$natural", 1)])
    assert len(docs) == len(stored.ask())
    for query in QUERIES:
        wanted = raw.read(stored_ones, query, sort=[("$natural", 1)])
        assert judge(docs, query, on) == wanted, query
    # Neither _id nor its being alone matters.
    twice = [encode({"n": n // 2}) for n in range(6)]
    assert judge(twice, {"n": 1}, on) == twice[2:4]


def test_collation(judge):
    docs = [encode({"_id": w}) for w in ("\u00c9t\u00e9", "ete", "x")]
    assert judge(docs, {"_id": "ete"}) == docs[1:2]
    assert judge(docs, {"_id": "ete"}, options={
        "collation": {"locale": "fr", "strength": 1}}) == docs[:2]


def test_many_and_large(judge):
    docs = [encode({"_id": n}) for n in range(20_000)]
    assert judge(docs, {"_id": {"$mod": [1000, 1]}}) == docs[1::1000]
    large = [encode({"_id": n, "b": b"x" * (9 << 20)}) for n in (1, 2)]     # two commands
    assert judge(large, {"_id": 2}) == large[1:]
    answer = judge([encode({"_id": 1, "b": b"x" * ((16 << 20) - 40)})], {"_id": 1})
    assert answer["kind"] == "unsupported" and "too large" in answer["message"]


@pytest.mark.parametrize("query", [
    {"a": {"$foo": 1}}, {"$where": "true"}, {"": 1}, {"a.": 1}, {"$or": [{".a": 1}]},
    {"a": {"$near": [1, 1]}}, {"$text": {"$search": "x"}}])
def test_refused(judge, query):
    answer = judge([encode({"_id": 1})], query)
    assert answer["message"] and not answer["ok"]
