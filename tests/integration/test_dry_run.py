"""A dry run reads everything, writes nothing, and says what would happen."""

import os

import make_app
import pytest

from harness import look, raw, summary
from harness.app import App, config_args
from harness.ferry import Ferry

NEW_DB = "dry-run"


@pytest.fixture(scope="module")
def app(source, work):
    app = App(source, work / "uploads", violators=True)
    yield app
    app.drop()


@pytest.fixture(scope="module")
def case(app, target, s3_server, work):
    """A dry run over an empty target, with what stood there before and after."""
    bucket = s3_server.make_bucket("dry-run")
    run = Ferry(work / "dry-run")
    run.bucket = bucket
    run.env = app.env(target.uri(NEW_DB), f"s3://{bucket}/u", **s3_server.aws_env())
    s3 = s3_server.client()

    def world():
        return (look.db_hash(app.source.client(), "ezia-prod"),
                look.metadata(app.source.client(), "ezia-prod"),
                look.fingerprint(target.client()), look.listing(s3, bucket),
                look.uploads_in_progress(s3, bucket))
    run.world = world
    run.before = world()
    run.dry = run("migrate", *config_args(), "--dry-run", "--json", env=run.env)
    run.after = world()
    yield run
    run.close()
    target.client().drop_database(NEW_DB)


def test_it_changes_nothing(case):
    assert case.before == case.after
    state = case.home / "state"
    assert not state.exists() or not [p for p in state.rglob("*") if p.is_file()]
    assert os.listdir(case.cwd) == []


def test_it_says_so(case):
    s = summary.check(case.dry)
    assert case.dry.rc == 0, case.dry
    assert s["dry_run"] and s["quarantine"] is None


def test_samples(case):
    """Values before and after, as they stand in the source's documents."""
    samples = case.dry.summary["samples"]
    assert 5 <= len(samples) <= 20
    for sample in samples:
        assert sample["before"] != sample["after"]
        assert sample["namespace"].startswith("ezia-prod.")
        assert isinstance(sample["path"], str)    # "" is a field's name, too
    assert any("files.example" in s["after"] for s in samples)


def test_size_on_the_target(case, app):
    stats = app.database.command("dbStats")
    assert case.dry.summary["target_bytes"] >= stats["dataSize"] * 0.9


def test_text_shows_samples(case):
    r = case("migrate", *config_args(), "--dry-run", env=case.env)
    assert r.rc == 0, r
    assert "files.example" in r.stdout and "ezia.ai/uploads" in r.stdout
    assert "--dry-run" in r.stdout and "would take" in r.stdout
    assert case.world() == case.before


def test_the_run_does_what_was_said(case, app):
    """Every number that the dry run gave is that of the run itself."""
    run = case("migrate", *config_args(), "--json", env=case.env)
    assert run.rc == 0, run
    dry, real = case.dry.summary, summary.check(run)
    assert [c["namespace"] for c in dry["collections"]] == \
        [c["namespace"] for c in real["collections"]]
    for said, done in zip(dry["collections"], real["collections"]):
        for key in ("source", "rewritten", "unrewritten", "type"):
            assert said[key] == done[key], (said["namespace"], key)
    assert dry["links"] == real["links"]
    for host in dry["hosts"] + real["hosts"]:
        del host["sample"]      # any one
    assert dry["hosts"] == real["hosts"] and dry["hosts"]
    for key in ("count", "bytes", "uploaded", "skipped", "failed"):
        assert dry["files"][key] == real["files"][key], key


def test_conflicts_are_counted(case, target, spaceferry):
    """On the filled target the run would refuse, and so does the dry run; with
    --on-conflict it says how many documents stand there already."""
    before = case.world()
    args = ["migrate", *config_args(), "--dry-run", "--json"]
    r = case(*args, env=case.env)
    s = summary.check(r)
    assert r.rc == 2 and summary.kinds(r)[0] == "conflict", r
    r = case(*args, "--drop", env=case.env)
    assert r.rc == 0, r
    r = case(*args, "--on-conflict", "skip", env=case.env)
    s = summary.check(r)
    users = r.collection(f"{NEW_DB}.users")
    assert users.get("conflicts", 0) + users["kept"] == users["source"]["count"], r
    assert s["files"]["uploaded"] == 0
    assert s["files"]["skipped"] == s["files"]["count"]
    assert case.world() == before


def test_violated_validators(case, app, target, app_uri, db_name, spaceferry,
                             s3_server):
    """A user who may not bypass validation: the two old subscriptions would go
    to quarantine."""
    env = {**case.env, "EZIA_TO": app_uri(db_name)}
    before = case.world()
    r = spaceferry("migrate", *config_args(), "--dry-run", "--json", env=env)
    summary.check(r)
    assert r.rc == 1, r
    c = r.collection(f"{db_name}.subscriptions")
    assert c.get("violations", 0) + c["quarantined"] == 2 and not c["ok"], c
    clean = r.collection(f"{db_name}.waitlists")
    assert clean.get("violations", 0) + clean["quarantined"] == 0
    assert case.world() == before


def test_missing_target_folder_is_not_made(app, target, db_name, spaceferry,
                                           tmp_path):
    env = {**app.env(target.uri(db_name), str(tmp_path / "new" / "place"))}
    r = spaceferry("migrate", *config_args(), "--dry-run", "--json", env=env)
    assert r.rc == 0, r
    assert not (tmp_path / "new").exists()
    assert r.summary["files"]["uploaded"] == len(app.keys)


def test_source_without_a_database(source, target, db_name, spaceferry):
    """What the run could not do, the dry run does not promise."""
    r = spaceferry("migrate", "--dry-run", "--json", "--db", db_name, env={
        "SPACEFERRY_FROM": source.uri(), "SPACEFERRY_TO": target.uri()})
    summary.check(r)
    assert r.rc == 2 and summary.kinds(r) == ["not_found"], r
    assert db_name not in target.client().list_database_names()


def test_too_large_after_rewriting(source, target, db_name, spaceferry):
    """A document that would pass 16 MiB is counted before anything moves."""
    url = "https://a.example/"
    size = 16 * 1024 * 1024 - 200
    collection = source.client()[db_name]["c"]
    collection.insert_one({"_id": 1, "u": url * 20, "pad": "x" * (size - 20 * len(url))})
    collection.insert_one({"_id": 2, "u": url})
    r = spaceferry("migrate", "--dry-run", "--json", "--db", db_name,
                   "--rewrite", f"{url}=https://much.longer.example/and/deeper/",
                   env={"SPACEFERRY_FROM": source.uri(), "SPACEFERRY_TO": target.uri()})
    summary.check(r)
    c = r.collection(f"{db_name}.c")
    assert r.rc == 1 and c["quarantined"] == 1, r
    assert c["rewritten"] == {"documents": 1, "values": 1}
    assert db_name not in target.client().list_database_names()
    assert len(raw.read(collection)) == 2


def test_describe_knows_the_files(case, app):
    described = make_app.describe()
    assert case.dry.summary["links"]["unreferenced_files"] == \
        len(described["unreferenced"])


def test_after_an_interruption(app, source, target, s3_server, work, db_name):
    """It says what the same command would do: resume what a killed run left."""
    documents = source.client()[db_name]["orders"]
    documents.insert_many([{"_id": n, "pad": "x" * 1000} for n in range(20_000)])
    run = Ferry(work / db_name)
    env = {"SPACEFERRY_FROM": source.uri(db_name), "SPACEFERRY_TO": target.uri(db_name)}
    there = target.client()[db_name]["orders"]
    running = run.start("migrate", "--json", "--bwlimit", "4MiB", env=env)
    while there.estimated_document_count() == 0:
        assert running.process.poll() is None
    running.kill()
    running.wait()

    def files():
        return {p: p.read_bytes() for p in (run.home / "state").rglob("*") if p.is_file()}
    before = files()
    dry = run("migrate", "--json", "--dry-run", env=env)
    other = run("migrate", "--json", "--dry-run", "--drop", env=env)
    anew = run("migrate", "--json", "--dry-run", "--restart", env=env)
    assert before and files() == before
    assert dry.rc == 0 and summary.check(dry)["ok"], dry
    assert other.rc == 2 and "--drop" in other.summary["errors"][0]["message"], other
    assert anew.rc == 2 and anew.summary["errors"][0]["kind"] == "conflict", anew
    resumed = run("migrate", "--json", env=env)
    assert resumed.rc == 0 and "resumed" in resumed.summary, resumed
    run.close()
