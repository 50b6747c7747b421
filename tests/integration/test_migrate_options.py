"""What the options of migrate do: which documents, under what names, what
happens to those that are there already, what is rewritten and what is not."""

import json
from datetime import datetime

import pytest
from bson import Int64, encode
from bson.dbref import DBRef

from harness import expect, look, raw, summary

OLD, NEW = "https://old.example", "https://new.example"
RULE = f"{OLD}={NEW}"


@pytest.fixture
def ends(source, target, spaceferry, db_name):
    """Two databases of one name, and a callable that migrates between them."""
    class Ends:
        pass
    e = Ends()
    e.name = db_name
    e.source, e.target = source.client()[db_name], target.client()[db_name]
    e.env = {"SPACEFERRY_FROM": source.uri(), "SPACEFERRY_TO": target.uri()}

    def migrate(*args, command="migrate", env=None, db=True):
        dbs = ["--db", db_name] if db else []
        r = spaceferry(command, "--json", *dbs, *args, env={**e.env, **(env or {})})
        summary.check(r, command)
        return r
    e.migrate = migrate
    return e


def fill(collection, n=10, **more):
    collection.insert_many([{"_id": i, "u": f"{OLD}/{i}", **more} for i in range(n)])


# --- documents that are there already

def test_abort_is_the_default(ends):
    fill(ends.source["a"])
    fill(ends.source["b"])
    ends.target["b"].insert_one({"_id": 99})
    r = ends.migrate()
    assert r.rc == 2, r
    assert ends.target.list_collection_names() == ["b"]
    assert ends.target["b"].count_documents({}) == 1


def test_empty_target_collection_is_no_conflict(ends):
    fill(ends.source["a"])
    ends.target.create_collection("a")
    r = ends.migrate()
    assert r.rc == 0, r
    assert ends.target["a"].count_documents({}) == 10


def test_skip_keeps_what_is_there(ends):
    fill(ends.source["a"])
    ends.target["a"].insert_many([{"_id": 3, "mine": 1}, {"_id": 4, "mine": 1},
                                  {"_id": 77, "mine": 1}])
    r = ends.migrate("--on-conflict", "skip", "--rewrite", RULE)
    assert r.rc == 0, r
    c = r.collection(f"{ends.name}.a")
    assert (c["kept"], c["missing"], c["different"], c["extra"]) == (2, 0, 0, 1), r
    docs = {d["_id"]: d for d in ends.target["a"].find()}
    assert len(docs) == 11
    assert docs[3] == {"_id": 3, "mine": 1} and docs[5]["u"] == f"{NEW}/5"


def test_replace_puts_the_sources_in_place(ends):
    raw.insert(ends.source["a"], [
        encode({"_id": 1, "u": OLD}),
        # A replacement by an update would refuse this one.
        encode({"_id": 2, "$top": 1, "a.b": 2}),
        encode({"_id": 3, "same": 1})])
    ends.target["a"].insert_many([{"_id": 1, "mine": 1}, {"_id": 2, "mine": 1},
                                  {"_id": 3, "same": 1}, {"_id": 50, "only": "here"}])
    r = ends.migrate("--on-conflict", "replace", "--rewrite", RULE)
    assert r.rc == 0, r
    c = r.collection(f"{ends.name}.a")
    assert (c["missing"], c["different"], c["extra"], c["kept"]) == (0, 0, 1, 0), r
    found = raw.read_by_id(ends.target["a"])
    want = expect.collection(ends.source["a"], expect.compile_rules([(OLD, NEW)]))
    for key, document in want.documents.items():
        assert found[key] == document
    assert ends.target["a"].find_one({"_id": 50})


@pytest.mark.parametrize("mode", ["skip", "replace"])
@pytest.mark.parametrize("options", [
    {"capped": True, "size": 100_000}, {"timeseries": {"timeField": "t"}}])
def test_a_stream_is_never_added_to(ends, mode, options):
    """A capped or time-series collection that is interrupted starts anew from
    nothing: it may not have held anything of somebody else's."""
    for db in (ends.source, ends.target):
        db.create_collection("log", **options)
        db["log"].insert_one({"t": datetime(2026, 1, 1), "of": db.client.address[1]})
    r = ends.migrate("--on-conflict", mode)
    assert r.rc == 2 and "--exclude" in r.summary["errors"][0]["hint"], r
    (kept,) = ends.target["log"].find()
    assert kept["of"] == ends.target.client.address[1]


def test_drop_removes_first(ends):
    fill(ends.source["a"])
    ends.source["a"].create_index("u")
    ends.target["a"].insert_many([{"_id": 99}, {"_id": 1, "x": 1}])
    ends.target["a"].create_index("other")
    ends.target["unrelated"].insert_one({"_id": 1})
    r = ends.migrate("--drop")
    assert r.rc == 0, r
    assert raw.read_by_id(ends.target["a"]) == raw.read_by_id(ends.source["a"])
    assert look.metadata(ends.target.client, ends.name)["a"] == \
        look.metadata(ends.source.client, ends.name)["a"]
    assert ends.target["unrelated"].count_documents({}) == 1


def test_extra_documents_make_it_differ_under_abort(ends):
    """Another program writes to the target meanwhile; verify tells."""
    fill(ends.source["a"])
    assert ends.migrate().rc == 0
    ends.target["a"].insert_one({"_id": "new"})
    r = ends.migrate(command="verify")
    assert r.rc == 1 and r.collection(f"{ends.name}.a")["extra"] == 1, r


# --- which, and under what name

def test_include_and_exclude(ends):
    for name in ("users", "usage", "logs", "logs_old", "other"):
        fill(ends.source[name], 3)
    r = ends.migrate("--include", f"{ends.name}.us*", "--include", f"{ends.name}.l*",
                     "--exclude", "*.logs_?ld")
    assert r.rc == 0, r
    assert sorted(ends.target.list_collection_names()) == ["logs", "usage", "users"]
    again = ends.migrate("--include", f"{ends.name}.us*", "--include",
                         f"{ends.name}.l*", "--exclude", "*.logs_?ld",
                         command="verify")
    assert again.rc == 0 and len(again.summary["collections"]) == 3, again


def test_nothing_left_to_move(ends):
    fill(ends.source["a"])
    r = ends.migrate("--exclude", "*")
    assert r.rc == 2 and summary.kinds(r) == ["not_found"], r


def test_query(ends):
    fill(ends.source["a"], 100)
    ends.source["a"].insert_one({"_id": Int64(1 << 40), "u": "x"})
    query = json.dumps({"_id": {"$gte": 90}})
    r = ends.migrate("--query", query)
    assert r.rc == 0, r
    assert sorted(d["_id"] for d in ends.target["a"].find()) == \
        [*range(90, 100), 1 << 40]
    assert r.collection(f"{ends.name}.a")["source"]["count"] == 11
    r = ends.migrate("--query", query, command="verify")
    assert r.rc == 0, r


def test_rename(ends, target):
    """With globs; views follow what they view; skips keep the source's names."""
    other = f"{ends.name}-new"
    fill(ends.source["a"], 3)
    fill(ends.source["b"], 3)
    ends.source.create_collection("v", viewOn="a", pipeline=[{"$match": {"_id": 1}}])
    try:
        r = ends.migrate("--rename", f"{ends.name}.a={other}.apples",
                         "--rename", f"{ends.name}.*={other}.*", "--rewrite", RULE,
                         "--rewrite-skip", f"{ends.name}.a:u")
        assert r.rc == 0, r
        new = target.client()[other]
        assert sorted(new.list_collection_names()) == ["apples", "b", "system.views",
                                                       "v"]
        assert new["v"].options()["viewOn"] == "apples"
        assert new["v"].find_one()["u"] == f"{OLD}/1"
        assert new["b"].find_one({"_id": 1})["u"] == f"{NEW}/1"
        assert ends.name not in target.client().list_database_names()
        assert {c["namespace"] for c in r.summary["collections"]} == \
            {f"{other}.apples", f"{other}.b", f"{other}.v"}
    finally:
        target.client().drop_database(other)


def test_databases_in_the_uris_rename(ends, source, target):
    """mongodb://…/old and mongodb://…/new: the one becomes the other, and it
    is printed."""
    other = f"{ends.name}-x"
    fill(ends.source["a"], 3)
    try:
        r = ends.migrate(db=False, env={"SPACEFERRY_FROM": source.uri(ends.name),
                                        "SPACEFERRY_TO": target.uri(other)})
        assert r.rc == 0, r
        assert target.client()[other]["a"].count_documents({}) == 3
        told = [line for line in r.stderr.splitlines() if ends.name + " " in
                line.replace(",", " ") and other in line]
        assert told, r
    finally:
        target.client().drop_database(other)


def test_two_collections_with_one_name(ends):
    fill(ends.source["a"], 3)
    fill(ends.source["b"], 3)
    r = ends.migrate("--rename", f"{ends.name}.a={ends.name}.c",
                     "--rename", f"{ends.name}.b={ends.name}.c")
    assert r.rc == 2 and summary.kinds(r) == ["usage"], r


def test_within_one_deployment(source, spaceferry, db_name):
    """Source and target may be one server as long as the names differ."""
    fill(source.client()[db_name]["a"], 5)
    other = f"{db_name}-copy"
    try:
        r = spaceferry("migrate", "--json", env={
            "SPACEFERRY_FROM": source.uri(db_name),
            "SPACEFERRY_TO": source.uri(other)})
        assert r.rc == 0, r
        assert source.client()[other]["a"].count_documents({}) == 5
        assert not r.summary["source_changed"]
    finally:
        source.client().drop_database(other)


# --- what is rewritten

def test_rewrite_skip(ends):
    ends.source["a"].insert_one({
        "_id": 1, "keep": f"{OLD}/1", "change": f"{OLD}/2",
        "list": [{"keep": f"{OLD}/3", "change": f"{OLD}/4"}],
        "map": {"x": {"keep": f"{OLD}/5"}, "y": {"keep": f"{OLD}/6"}}})
    r = ends.migrate("--rewrite", RULE, "--rewrite-skip", f"{ends.name}.*:keep",
                     "--rewrite-skip", "*.a:list.keep",
                     "--rewrite-skip", "*.a:map.*.keep")
    assert r.rc == 0, r
    assert ends.target["a"].find_one() == {
        "_id": 1, "keep": f"{OLD}/1", "change": f"{NEW}/2",
        "list": [{"keep": f"{OLD}/3", "change": f"{NEW}/4"}],
        "map": {"x": {"keep": f"{OLD}/5"}, "y": {"keep": f"{OLD}/6"}}}
    assert r.collection(f"{ends.name}.a")["rewritten"] == \
        {"documents": 1, "values": 2}


def test_rewrite_files(spaceferry, tmp_path):
    """Inside matching text files as they are copied; others byte for byte."""
    folder, new = tmp_path / "old", tmp_path / "new"
    (folder / "css").mkdir(parents=True)
    text = f"a {{ background: url({OLD}/x.png) }}\n"
    (folder / "css" / "a.css").write_text(text)
    (folder / "css" / "b.txt").write_text(text)
    big = (f"<p>{'x' * 1000}</p>\n" + f"<a href='{OLD}/y'>") * 5000
    (folder / "page.html").write_text(big)
    (folder / "odd.html").write_bytes(b"\xff\xfe " + OLD.encode() + b"/z\x00\xff")
    args = ["--json", "--files", f"{folder}={new}", "--rewrite", RULE,
            "--rewrite-files", "*.css", "--rewrite-files", "*.html"]
    r = spaceferry("migrate", *args)
    assert r.rc == 0, r
    assert (new / "css" / "a.css").read_text() == text.replace(OLD, NEW)
    assert (new / "css" / "b.txt").read_text() == text
    assert (new / "page.html").read_text() == big.replace(OLD, NEW)
    assert (new / "odd.html").read_bytes() == \
        b"\xff\xfe " + NEW.encode() + b"/z\x00\xff"
    r = spaceferry("verify", *args)
    assert r.rc == 0, r
    again = spaceferry("migrate", *args)
    assert again.rc == 0 and again.summary["files"]["uploaded"] == 0, again


def test_files_include_exclude(spaceferry, tmp_path):
    folder, new = tmp_path / "old", tmp_path / "new"
    for name in ("a/1.png", "a/2.tmp", "b/3.png", "c.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    r = spaceferry("migrate", "--json", "--files", f"{folder}={new}",
                   "--files-include", "*.png", "--files-exclude", "b/*")
    assert r.rc == 0, r
    assert sorted(str(p.relative_to(new)) for p in new.rglob("*") if p.is_file()) \
        == ["a/1.png", "c.png"]
    assert r.summary["files"]["count"] == 2


def test_unstable_rules_warn(ends):
    fill(ends.source["a"], 3)
    r = ends.migrate("--rewrite", f"{OLD}={OLD}/more")
    assert r.rc == 0, r
    assert [n for n in r.summary.get("notes", []) if n["kind"] == "unstable_rules"]
    assert ends.target["a"].find_one({"_id": 1})["u"] == f"{OLD}/more/1"


def test_renamed_dbrefs_are_counted(ends):
    ends.source["a"].insert_one({"_id": 1, "r": DBRef("b", 2)})
    ends.source["b"].insert_one({"_id": 2})
    r = ends.migrate("--rename", f"{ends.name}.b={ends.name}.c")
    assert r.rc == 0, r
    (note,) = [n for n in r.summary["notes"] if n["kind"] == "dbref"]
    assert note["message"].startswith("1 ")


def test_source_changed_is_told(ends, source, spaceferry):
    """A standalone has no snapshot: somebody writing meanwhile is noticed."""
    fill(ends.source["a"], 30_000, pad="x" * 300)
    running = spaceferry.start("migrate", "--json", "--db", ends.name, env=ends.env)
    n = 0
    while running.process.poll() is None:
        n += 1
        source.client()[f"{ends.name}-busy"]["c"].insert_one({"n": n})
    source.client().drop_database(f"{ends.name}-busy")
    r = running.wait()
    assert r.rc == 0 and r.summary["source_changed"], r


def test_content_disposition_and_cache_control(spaceferry, s3, s3_server, bucket,
                                               tmp_path):
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "a.html").write_text("<!DOCTYPE html><html><p>hello</html>")
    args = ["migrate", "--json", "--files", f"{tmp_path}/up=s3://{bucket}/u",
            "--cache-control", "public, max-age=3600"]
    r = spaceferry(*args, env=s3_server.aws_env())
    assert r.rc == 0, r
    head = s3.head_object(Bucket=bucket, Key="u/a.html")
    assert head["CacheControl"] == "public, max-age=3600"
    assert head["ContentDisposition"] == "attachment"
    r = spaceferry(*args, "--content-disposition", "inline", env=s3_server.aws_env())
    assert r.rc == 0 and r.summary["files"]["uploaded"] == 1, r
    assert s3.head_object(Bucket=bucket, Key="u/a.html")["ContentDisposition"] == "inline"


@pytest.mark.parametrize("how", [(), ("--on-conflict", "replace")])
def test_a_collection_with_other_options_is_refused_at_once(
        spaceferry, source, target, db_name, how):
    """As an app leaves it that was started on an empty target."""
    client, there = source.client()[db_name], target.client()[db_name]
    env = {"SPACEFERRY_FROM": source.uri(db_name), "SPACEFERRY_TO": target.uri(db_name)}
    client["a"].insert_one({"_id": 1})
    client["b"].insert_one({"_id": 1})
    there.create_collection("a")
    there.create_collection("b", collation={"locale": "fr"})
    for dry in ((), ("--dry-run",)):
        r = spaceferry("migrate", *how, *dry, env=env)
        assert r.rc == 2, r
        assert f"{db_name}.b exists with another collation" in r.stderr
        assert "--drop" in r.stderr
    assert there["a"].count_documents({}) == 0
    if not how:
        assert spaceferry("migrate", "--drop", env=env).rc == 0
        assert "collation" not in there["b"].options()
