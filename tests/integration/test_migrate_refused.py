"""Documents that the target refuses: kept in quarantine, named, exit 1, and no
other document suffers."""
# build: tsan too

import json
import subprocess
from pathlib import Path

import pytest
from bson import encode

from harness import peers, raw, summary

OLD, NEW = "https://old.example", "https://new.example"


@pytest.fixture
def ends(source, target, spaceferry, db_name, app_uri):
    class Ends:
        pass
    e = Ends()
    e.name = db_name
    e.source, e.target = source.client()[db_name], target.client()[db_name]
    e.root = {"SPACEFERRY_FROM": source.uri(db_name),
              "SPACEFERRY_TO": target.uri(db_name)}
    e.poor = {**e.root, "SPACEFERRY_TO": app_uri(db_name)}

    def migrate(*args, env=None, command="migrate"):
        r = spaceferry(command, "--json", *args, env=env or e.root)
        summary.check(r, command)
        return r
    e.migrate = migrate
    return e


def quarantined(result):
    """(folder, the .bson file with anything in it, the reasons' lines)."""
    folder = Path(result.summary["quarantine"])
    assert folder.is_dir()
    files = [p for p in folder.rglob("*.bson") if p.stat().st_size]
    lines = [json.loads(line) for p in folder.rglob("*.json*")
             for line in p.read_text().splitlines()]
    return folder, files, lines


VALIDATOR = {"$jsonSchema": {"bsonType": "object", "required": ["name"]}}


@pytest.fixture
def strict(ends):
    """A collection whose validator came after two of its documents."""
    c = ends.source["strict"]
    c.insert_many([{"_id": n, "name": f"n{n}", "u": OLD} for n in range(50)])
    c.insert_many([{"_id": "old 1", "u": f"{OLD}/1"}, {"_id": "old 2"}])
    ends.source.command("collMod", "strict", validator=VALIDATOR)
    return c


def test_root_bypasses_the_validator(ends, strict):
    r = ends.migrate()
    assert r.rc == 0, r
    assert raw.read_by_id(ends.target["strict"]) == raw.read_by_id(strict)
    assert ends.target["strict"].options()["validator"] == VALIDATOR


def test_poor_user_quarantines(ends, strict):
    """readWrite alone may not bypass: two documents stay behind, by name."""
    r = ends.migrate("--rewrite", f"{OLD}={NEW}", env=ends.poor)
    assert r.rc == 1, r
    c = r.collection(f"{ends.name}.strict")
    assert c["quarantined"] == 2 and c["target"]["count"] == 50 and not c["ok"], c
    assert (c["missing"], c["different"]) in ((0, 0), (2, 0)), c
    assert "old 1" in summary.messages(r) and "old 2" in summary.messages(r), r
    folder, files, lines = quarantined(r)
    kept = {raw.id_of(d): d for p in files for d in raw.split(p.read_bytes())}
    # Raw BSON as it would have gone to the target, or as it is on the source.
    originals = raw.read_by_id(strict, {"_id": {"$in": ["old 1", "old 2"]}})
    assert kept.keys() == originals.keys()
    for key, document in kept.items():
        assert document in (originals[key],
                            encode({"_id": "old 1", "u": f"{NEW}/1"}))
    assert [line["reason"] for line in lines] == ["validation"] * 2
    assert ends.target["strict"].count_documents({}) == 50


def test_bsondump_reads_the_quarantine(ends, strict):
    tool = peers.need("bsondump")
    r = ends.migrate(env=ends.poor)
    assert r.rc == 1, r
    _, files, _ = quarantined(r)
    (path,) = files
    out = subprocess.run([tool, "--quiet", str(path)], capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    assert sorted(json.loads(line)["_id"] for line in out.stdout.splitlines()) == \
        ["old 1", "old 2"]


def test_again_after_mending(ends, strict):
    """The cause gone, the same command moves what was left; the quarantine is
    empty then."""
    r = ends.migrate(env=ends.poor)
    assert r.rc == 1, r
    strict.update_many({"name": None}, {"$set": {"name": "mended"}})
    r = ends.migrate(env=ends.poor)
    assert r.rc == 0, r
    assert r.summary["quarantine"] is None
    assert raw.read_by_id(ends.target["strict"]) == raw.read_by_id(strict)


def test_again_without_the_validator(ends, strict):
    """Taken off the target by hand: the documents arrive, the difference is
    told; taken off the source too, all is well."""
    assert ends.migrate(env=ends.poor).rc == 1
    ends.target.command("collMod", "strict", validator={})
    r = ends.migrate(env=ends.poor)
    assert r.rc == 1 and summary.kinds(r) == ["metadata"], r
    assert r.collection(f"{ends.name}.strict")["quarantined"] == 0
    assert raw.read_by_id(ends.target["strict"]) == raw.read_by_id(strict)
    ends.source.command("collMod", "strict", validator={})
    assert ends.migrate(env=ends.poor).rc == 0


def test_verify_after_quarantine(ends, strict):
    """verify finds missing what is not there, whatever the reason."""
    ends.migrate(env=ends.poor)
    r = ends.migrate(env=ends.poor, command="verify")
    assert r.rc == 1, r
    assert r.collection(f"{ends.name}.strict")["missing"] == 2


def test_rewrite_collision(ends):
    """Two addresses become one under a unique index: named as what it is."""
    c = ends.source["sites"]
    c.insert_many([{"_id": 1, "url": f"{OLD}/a"}, {"_id": 2, "url": f"{NEW}/a"},
                   {"_id": 3, "url": f"{OLD}/b"}])
    c.create_index("url", unique=True)
    c.create_index("other")
    r = ends.migrate("--rewrite", f"{OLD}={NEW}")
    assert r.rc == 1, r
    assert "rewrite_collision" in summary.kinds(r), r
    message = summary.messages(r)
    assert f"{ends.name}.sites" in message and f"{NEW}/a" in message, r
    # Neither document is lost: both on the target without the index, or one in
    # quarantine.
    there = {d["_id"] for d in ends.target["sites"].find()}
    if r.summary["quarantine"]:
        _, files, _ = quarantined(r)
        there |= {raw.id_of(d)[1] for p in files for d in raw.split(p.read_bytes())}
    assert there == {1, 2, 3}
    # The other index does not suffer.
    assert "other_1" in ends.target["sites"].index_information()


def test_too_large_after_rewriting(ends):
    """A document that passes 16 MiB by being rewritten is kept whole."""
    size = 16 * 1024 * 1024 - 500
    urls = f"{OLD}/ " * 100
    c = ends.source["c"]
    c.insert_one({"_id": "large", "u": urls, "pad": "x" * (size - len(urls))})
    c.insert_one({"_id": "small", "u": f"{OLD}/"})
    longer = f"{OLD}/=https://much.longer.example/"
    r = ends.migrate("--rewrite", longer)
    assert r.rc == 1, r
    assert r.collection(f"{ends.name}.c")["quarantined"] == 1
    assert "large" in summary.messages(r) and "16 MiB" in summary.messages(r), r
    _, files, lines = quarantined(r)
    (document,) = [d for p in files for d in raw.split(p.read_bytes())]
    assert document == raw.read(c, {"_id": "large"})[0]
    assert lines[0]["reason"] == "too_large"
    assert [d["_id"] for d in ends.target["c"].find({}, {"_id": 1})] == ["small"]
    # Nobody who compares afterwards finds that all is well.
    for command in ("verify", "diff"):
        r = ends.migrate("--rewrite", longer, command=command)
        assert r.rc == 1 and r.collection(f"{ends.name}.c")["missing"] == 1, r


def test_failed_index_costs_no_other(ends):
    """An index of that name, with other options, is on the target already."""
    c = ends.source["c"]
    c.insert_many([{"_id": n, "n": n, "m": -n} for n in range(6)])
    c.create_index("n", unique=True)
    c.create_index("m", hidden=True)
    ends.target.create_collection("c")
    ends.target["c"].create_index("n", name="n_1")
    r = ends.migrate()
    assert r.rc == 1, r
    found = r.collection(f"{ends.name}.c")
    assert found["missing"] == 0 and found["target"]["count"] == 6
    assert not found["ok"]
    assert "n_1" in summary.messages(r), r
    assert ends.target["c"].index_information()["m_1"]["hidden"]


def test_existing_options_differ(ends):
    """A target collection made by hand with other options is told."""
    ends.source.create_collection("c", collation={"locale": "fr"})
    ends.source["c"].insert_one({"_id": 1})
    ends.target.create_collection("c")
    r = ends.migrate()
    assert r.rc in (1, 2, 3), r
    assert f"{ends.name}.c" in summary.messages(r), r


def test_read_only_user(ends):
    """A user who may only read cannot be written as: exit 2, nothing changed."""
    admin = ends.target.client
    admin.admin.command("createUser", "reader", pwd="just-looking",
                        roles=["readAnyDatabase"])
    try:
        ends.source["c"].insert_one({"_id": 1})
        host = ends.root["SPACEFERRY_TO"].split("@")[1]
        r = ends.migrate(env={**ends.root, "SPACEFERRY_TO":
                              f"mongodb://reader:just-looking@{host}"})
        assert r.rc in (2, 3) and summary.kinds(r) == ["denied"], r
        assert r.summary["errors"][0]["hint"]
        assert ends.name not in admin.list_database_names()
    finally:
        admin.admin.command("dropUser", "reader")
