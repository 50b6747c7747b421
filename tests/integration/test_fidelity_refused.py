# build: release
"""What 6.0.5 itself cannot hold or refuse, told by a liar between the program
and a real server: indexes and options of servers of old and to come, what Atlas
refuses, the limits of its small tiers."""

import datetime

import pytest
from bson import SON, Int64

from harness import look, summary
from harness.liar import Liar, error
from harness.mongod import Mongod

NOW = datetime.datetime(2024, 1, 1)


@pytest.fixture(scope="module")
def plain(work):
    """A standalone to write to: a set would give its own address away."""
    with Mongod(work / "fidelity-plain") as server:
        yield server


@pytest.fixture
def ends(source, plain, spaceferry, db_name):
    with Liar(source) as here, Liar(plain) as there:
        ends = Ends(here, there, spaceferry, db_name)
        ends.db, ends.new = source.client()[db_name], plain.client()[db_name]
        yield ends
        plain.client().drop_database(db_name)


class Ends:
    def __init__(self, here, there, spaceferry, db_name):
        self.here, self.there = here, there
        self.spaceferry, self.name = spaceferry, db_name

    def run(self, command="migrate", *args, rc=0):
        env = {"SPACEFERRY_FROM": self.here.uri(), "SPACEFERRY_TO": self.there.uri()}
        r = self.spaceferry(command, "--json", "--limit", "100", "--db", self.name,
                            *args, env=env)
        summary.check(r, command)
        assert r.rc == rc, f"{r.summary}"
        return r

    def list_more_indexes(self, specs):
        """The source's collection c has these as well, it says."""
        specs = [SON(s) for s in specs]

        def more(command, reply):
            if command["listIndexes"] == "c":
                reply["cursor"]["firstBatch"] += specs
        self.here.change["listIndexes"] = more

    def list_options(self, **options):
        """The source's collection c has these options, it says."""
        def other(_, reply):
            for info in reply["cursor"]["firstBatch"]:
                if info["name"] == "c":
                    info["options"].update(options)
        self.here.change["listCollections"] = other

    def indexes(self):
        found = {i["name"]: dict(i) for i in self.new["c"].list_indexes()}
        del found["_id_"]
        return found


def notes(r):
    return "\n".join(n["message"] for n in r.summary["notes"])


OLD = {
    "v0": {"v": 0, "key": {"a": 1}},
    "true": {"v": 1, "key": {"b": True, "c": -1}},
    "zero": {"v": 1, "key": {"c": 0}},
    "empty": {"v": 1, "key": {"d": ""}},
    "object": {"v": 1, "key": {"e": {"x": 1}}, "unique": True, "sparse": True},
    "tiny": {"v": 1, "key": {"f": -1e-12}},
    "sphere": {"v": 1, "key": {"p": "2dsphere"}},
    "words": {"v": 1, "key": {"_fts": "text", "_ftsx": 1}, "weights": {"s": 2},
              "default_language": "english", "language_override": "language"},
    "unknown": {"v": 1, "key": {"g": 1}, "safe": True, "w": 1, "unique": True},
    "mixed": {"v": 0, "key": {"h": True}, "safe": None},
    "nan": {"v": 1, "key": {"when": 1}, "expireAfterSeconds": float("nan")},
}
NEW = {
    "v0": {"v": 2, "key": {"a": 1}},
    "true": {"v": 2, "key": {"b": 1, "c": -1}},
    "zero": {"v": 2, "key": {"c": 1}},
    "empty": {"v": 2, "key": {"d": 1}},
    "object": {"v": 2, "key": {"e": 1}, "unique": True, "sparse": True},
    "tiny": {"v": 1, "key": {"f": -1e-12}},
    "sphere": {"v": 1, "key": {"p": "2dsphere"}, "2dsphereIndexVersion": 1},
    "words": {**OLD["words"], "textIndexVersion": 1},
    "unknown": {"v": 1, "key": {"g": 1}, "unique": True},
    "mixed": {"v": 2, "key": {"h": 1}},
    "nan": {"v": 1, "key": {"when": 1}, "expireAfterSeconds": 2**31 - 1},
}


def test_old_indexes(ends):
    """Kept where the target takes them, else as the target reads them; told."""
    ends.db["c"].insert_one({"_id": 1, "g": 5, "s": "word"})
    ends.list_more_indexes({"name": n, **s} for n, s in OLD.items())
    r = ends.run()
    found = ends.indexes()
    for name, spec in NEW.items():
        assert found[name] == {"name": name, **spec}, name
        assert list(found[name]["key"].items()) == list(spec["key"].items())
    changed = {n for n in OLD if OLD[n] != NEW[n] and n != "tiny"}
    again = ends.run("verify")
    for name in OLD:
        told = f"{ends.name}.c: the target could not take index {name} as it is"
        assert (told in notes(r)) == (told in notes(again)) == (name in changed), name


def test_an_index_beyond_mending_costs_no_other(ends):
    ends.db["c"].insert_one({"_id": 1, "when": None})
    ends.list_more_indexes([
        {"v": 1, "key": {"when": 1}, "name": "negative", "expireAfterSeconds": -5},
        {"v": 1, "key": {"a": "columnstore"}, "name": "plugin"},
        {"v": 2, "key": {"a": 1}, "name": "good"}])
    r = ends.run(rc=1)
    assert set(ends.indexes()) == {"good"}
    failed = [e["message"] for e in r.summary["errors"] if e["kind"] == "index"]
    assert len(failed) == 2 and "negative" in "".join(failed) and \
        "plugin" in "".join(failed), r


def test_options_of_an_index_that_atlas_refuses(ends):
    ends.db["c"].create_index("a", storageEngine={"wiredTiger": {}}, name="s")
    ends.db["c"].create_index("b", storageEngine={"wiredTiger": {}}, name="t",
                              expireAfterSeconds=60)
    ends.there.answer["createIndexes"] = lambda cmd: any(
        "storageEngine" in i for i in cmd["indexes"]) and error(
            8000, "storageEngine is not allowed in this Atlas tier", "AtlasError")
    r = ends.run()
    assert ends.indexes() == {
        "s": {"v": 2, "key": {"a": 1}, "name": "s"},
        "t": {"v": 2, "key": {"b": 1}, "name": "t", "expireAfterSeconds": 60}}
    assert notes(r).count("could not take index") == 2, r


def test_geohaystack_is_refused(ends):
    ends.db["c"].insert_one({"_id": 1})
    ends.list_more_indexes([{"v": 1, "key": {"p": "geoHaystack", "t": 1},
                             "name": "hay", "bucketSize": 1}])
    for args in ([], ["--dry-run"]):
        r = ends.run("migrate", *args, rc=2)
        (e,) = r.summary["errors"]
        assert "hay" in e["message"] and "--exclude" in e["hint"], r
    assert ends.new.list_collection_names() == []
    ends.run("migrate", "--exclude", "*.c", rc=2)   # nothing is left


LEFT_OUT = {
    "storageEngine": {"wiredTiger": {"configString": "block_compressor=zlib"}},
    "indexOptionDefaults": {"storageEngine": {"wiredTiger": {}}},
    # Of servers to come, and of old: 6.0.5 refuses these by itself.
    "recordIdsReplicated": True,
    "usePowerOf2Sizes": 1,
    "noPadding": True,
    "of2031": {"a": 1},
}


def test_options_left_out_are_told(ends):
    ends.db.create_collection("c", validator={"a": 1}, validationLevel="moderate")
    ends.list_options(**LEFT_OUT)

    def refuse(command):
        for name in ("storageEngine", "indexOptionDefaults"):
            if name in command:
                return error(8000, f"(AtlasError) {name} is not allowed", "AtlasError")
        return None
    ends.there.answer["create"] = refuse
    r = ends.run()
    assert ends.new["c"].options() == {"validator": {"a": 1},
                                       "validationLevel": "moderate"}
    again = ends.run("verify")
    for name in LEFT_OUT:
        told = f"{ends.name}.c: the target could not take option {name} as it is"
        assert told in notes(r) and told in notes(again), name


def test_a_refusal_that_names_nothing(ends):
    """All that is only about storage goes; nothing else does."""
    ends.db.create_collection("c", collation={"locale": "fr"},
                              storageEngine={"wiredTiger": {}})
    ends.there.answer["create"] = lambda cmd: "storageEngine" in cmd and error(
        72, "not like this")
    r = ends.run()
    assert set(ends.new["c"].options()) == {"collation"}
    assert "option storageEngine" in notes(r)


def test_an_option_that_apps_rely_on(ends):
    """The documents arrive, and the difference is an error, not a note."""
    ends.db.create_collection("c", changeStreamPreAndPostImages={"enabled": True})
    ends.db["c"].insert_one({"_id": 1})
    ends.there.answer["create"] = lambda cmd: "changeStreamPreAndPostImages" in cmd \
        and error(72, "changeStreamPreAndPostImages is not supported here")
    r = ends.run(rc=1)
    (d,) = r.collection(f"{ends.name}.c")["metadata"]
    assert (d["kind"], d["name"], d["target"]) == \
        ("option", "changeStreamPreAndPostImages", None)
    assert ends.new["c"].find_one() == {"_id": 1}


def test_an_option_without_which_it_is_another_collection(ends):
    ends.db.create_collection("c", capped=True, size=4096)
    ends.there.answer["create"] = lambda cmd: "capped" in cmd and error(
        8000, "capped is not allowed in this Atlas tier", "AtlasError")
    r = ends.run(rc=3)
    (e,) = r.summary["errors"]
    assert f"creating {ends.name}.c" in e["message"] and "--exclude" in e["hint"], r
    assert ends.new.list_collection_names() == []


def test_buckets_of_a_newer_server(ends):
    """6.3 lets anyone choose their size; what is measured is the same."""
    ends.db.create_collection("c", timeseries={"timeField": "t", "metaField": "m"})
    ends.db["c"].insert_many([{"t": NOW, "m": n, "v": n} for n in range(5)])
    ends.list_options(timeseries={"timeField": "t", "metaField": "m",
                                  "bucketMaxSpanSeconds": 100,
                                  "bucketRoundingSeconds": 100})
    r = ends.run()
    assert ends.new["c"].options()["timeseries"]["granularity"] == "seconds"
    assert ends.new["c"].count_documents({}) == 5
    assert "option timeseries" in notes(r) and \
        "option timeseries" in notes(ends.run("verify"))
    # Another field for the time is no such matter.
    ends.list_options(timeseries={"timeField": "u", "metaField": "m"})
    ends.run("verify", rc=1)


def test_capped_size_is_rounded(ends):
    """Newer servers keep 1000; 6.0 makes 1024 of it."""
    ends.db.create_collection("c", capped=True, size=1024)
    ends.list_options(size=Int64(1000))
    r = ends.run()
    assert ends.new["c"].options()["size"] == 1024
    assert "option size" in notes(r)
    ends.run("verify")


# --- the small tiers of Atlas ---

@pytest.fixture
def m0(ends):
    def tier(_, reply):
        reply["atlasVersion"] = {"version": "20230101", "gitVersion": "x"}
    ends.there.change["serverStatus"] = tier
    return ends


def refused(ends, *args, kind="unsupported"):
    before = look.fingerprint(ends.there.server.client())
    for more in ([], ["--dry-run"]):
        r = ends.run("migrate", *args, *more, rc=2)
        (e,) = r.summary["errors"]
        assert e["kind"] == kind, r
    assert look.fingerprint(ends.there.server.client()) == before
    return e["message"] + " / " + e["hint"]


def test_names_too_long_for_m0(m0):
    long = "x" * (96 - len(m0.name) - 1)
    m0.db[long].insert_one({})
    said = refused(m0)
    assert "96 bytes" in said and "--rename" in said and long in said
    assert "38 are the most" in refused(m0, "--rename", f"{m0.name}.*={'d' * 39}.*")
    m0.run("migrate", "--rename", f"{m0.name}.{long}={m0.name}.short")
    # No other server minds.
    m0.there.change.clear()
    m0.run()


def test_too_deep_for_m0(m0):
    """It takes 50 levels: what is deeper is quarantined, the rest arrives."""
    deep = {"_id": "deep"}
    inner = deep
    for _ in range(60):
        inner = inner.setdefault("d", {})
    m0.db["c"].insert_many([{"_id": n} for n in range(20)] + [deep])

    def refuse(command):
        if any(d.count(b"\x03d\0") > 50 for d in command["documents"]):
            return error(8000, "document exceeds the nesting depth of 50", "AtlasError")
        return None
    m0.there.answer["insert"] = refuse
    r = m0.run(rc=1)
    found = r.collection(f"{m0.name}.c")
    assert (found["quarantined"], found["missing"]) == (1, 0), r
    assert m0.new["c"].count_documents({}) == 20
    assert "deep" in summary.messages(r)


def test_databases_that_differ_in_case_only(ends):
    ends.db["c"].insert_one({})
    theirs = ends.new.client[ends.name.upper()]
    theirs["x"].insert_one({})
    try:
        said = refused(ends)
        assert "in case only" in said and f"{ends.name}.*={ends.name.upper()}.*" in said
    finally:
        ends.new.client.drop_database(theirs.name)
    ends.run()


def test_too_many_collections_for_m0(m0):
    m0.db["c"].insert_one({})

    def many(_, reply):
        batch = reply["cursor"]["firstBatch"]
        batch += [SON(batch[0], name=f"c{n}") for n in range(500)]
    m0.here.change["listCollections"] = many
    said = refused(m0)
    assert "501 collections" in said and "500" in said


def test_size_beyond_m0(m0):
    """Only a warning: nobody knows how well it fits until it is there."""
    m0.db["c"].insert_one({})

    def huge(command, reply):
        if "$collStats" in command["pipeline"][0]:
            stats = reply["cursor"]["firstBatch"][0]["storageStats"]
            stats.update(size=Int64(700 << 20), totalIndexSize=Int64(30 << 20))
    m0.here.change["aggregate"] = huge
    r = m0.run()
    assert "700 MB of documents and 30 MB of indexes" in notes(r), r


def test_size_beyond_flex(m0):
    m0.db["c"].insert_one({})

    def huge(command, reply):
        if "$collStats" in command["pipeline"][0]:
            stats = reply["cursor"]["firstBatch"][0]["storageStats"]
            stats.update(size=Int64(5 << 30), totalIndexSize=Int64(30 << 20))
    m0.here.change["aggregate"] = huge
    said = refused(m0, kind="too_large")
    assert "does not fit" in said and "5120 MB" in said and "5 GB" in said
    assert "30 MB of indexes" in said and "--exclude" in said
    # What a query leaves of it, nobody knows.
    m0.run("migrate", "--query", "{}")


def test_a_tier_that_fits(m0):
    """Nothing to warn of; and no cursor that is never to time out, which these
    tiers refuse."""
    m0.db["c"].insert_many([{"_id": n} for n in range(10)])
    finds = []
    for side in (m0.here, m0.there):
        side.answer["find"] = finds.append
    r = m0.run()
    assert "M0" not in notes(r) + r.stderr
    assert "serverStatus" in m0.there.seen
    assert len(finds) >= 2 and not any("noCursorTimeout" in f for f in finds)
