"""What the real mongodump writes, in all its forms, arrives: documents byte for
byte, options and indexes; rewritten or not, by file or by pipe, interrupted or
not; and verify compares a server with a file."""
# build: release

import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bson import encode

from harness import expect, look, peers, raw, summary
from harness.app import DB, App
from harness.ferry import Ferry, binary

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import dataset                                                  # noqa: E402

NEW_DB = "imported-app"
RENAME = ["--rename", f"{DB}.*={NEW_DB}.*"]
SEED = int(os.environ.get("SPACEFERRY_TEST_SEED", "1"))
N_ORDERS = 90_000       # two partitions


@pytest.fixture(scope="module")
def app(source, work):
    app = App(source, work / "import-uploads")
    yield app
    app.drop()


@pytest.fixture(scope="module")
def mongodump(source):
    def run(*args, db=DB, **more):
        done = subprocess.run([peers.need("mongodump"), "--uri", source.uri(),
                               "--quiet", f"--db={db}", *map(str, args)],
                              capture_output=True, timeout=120, **more)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout
    return run


@pytest.fixture(scope="module")
def dumps(app, mongodump, work):
    """{form: [option, path]}: the app as mongodump writes it."""
    folder = work / "dumps"
    folder.mkdir()
    mongodump(f"--archive={folder}/app.archive")
    mongodump(f"--archive={folder}/app.archive.gz", "--gzip")
    mongodump(f"--out={folder}/dump")
    mongodump(f"--out={folder}/dump-gz", "--gzip")
    subprocess.run(["zstd", "-q", folder / "app.archive", "-o",
                    folder / "app.archive.zst"], check=True)
    return {"archive": ["--archive", folder / "app.archive"],
            "archive-gz": ["--archive", folder / "app.archive.gz"],
            "archive-zst": ["--archive", folder / "app.archive.zst"],
            "dir": ["--dir", folder / "dump"],
            "dir-gz": ["--dir", folder / "dump-gz"]}


@pytest.fixture
def imported(target):
    """A database to import into: absent before, dropped after."""
    client = target.client()
    client.drop_database(NEW_DB)
    yield client[NEW_DB]
    client.drop_database(NEW_DB)


@pytest.fixture
def ferry(spaceferry, target):
    def run(command, *args, **more):
        return spaceferry(command, "--json", *args, env={
            "SPACEFERRY_TO": target.uri()}, **more)
    run.env = {"SPACEFERRY_TO": target.uri()}
    return run


def rule_args(app):
    return [a for pair in app.pairs for a in ("--rewrite", "=".join(pair))] + \
        [a for skip in app.skips for a in ("--rewrite-skip", skip)]


def first_error(r):
    return r.summary["errors"][0]["message"]


@pytest.mark.parametrize("form", ["archive", "archive-gz", "dir", "dir-gz"])
def test_it_arrives(app, dumps, imported, target, ferry, form):
    # A database named in the target's URI renames the archive's only one.
    r = ferry("import", *dumps[form], *(
        RENAME if form != "dir" else ["--to", target.uri(NEW_DB)]))
    assert r.rc == 0, r
    s = summary.check(r, "import")
    assert s["ok"] and s["errors"] == [], r
    for c in s["collections"]:
        assert c["source"] == c["target"] and c["ok"], c
    expect.assert_copied(app.database, imported)


def test_rewriting_on_the_way(app, dumps, imported, ferry):
    """As migrate rewrites; a time-series stays as it is, and that is said."""
    r = ferry("import", *dumps["archive-gz"], *RENAME, *rule_args(app))
    assert r.rc == 0, r
    assert "buckets" in {n["kind"] for n in r.summary["notes"]}, r
    assert look.metadata(app.source.client(), DB) == \
        look.metadata(imported.client, NEW_DB)
    for name in expect.names(app.database):
        series = "timeseries" in app.database[name].options()
        want = expect.collection(app.database[name], expect.compile_rules([])
                                 if series else app.rules, app.skips)
        expect.assert_same_documents(want, expect.stored(imported[name]), name)
        if app.database[name].options().get("capped"):
            assert want.order == expect.stored(imported[name]).order, name
        c = r.collection(f"{NEW_DB}.{name}")
        if not series:
            assert c["rewritten"] == want.rewritten and c["target"] == want.tally


def test_choice_and_dry_run(app, dumps, imported, ferry):
    before = look.fingerprint(imported.client)
    r = ferry("import", *dumps["dir"], *RENAME, *rule_args(app), "--dry-run")
    assert r.rc == 0 and r.summary["dry_run"], r
    assert look.fingerprint(imported.client) == before
    r = ferry("import", *dumps["dir"], "--include", f"{DB}.u*", "--rename",
              f"{DB}.users={NEW_DB}.people")
    assert r.rc == 0, r
    assert imported.list_collection_names() == ["people"]
    assert raw.digest(raw.read(imported["people"])) == \
        raw.digest(raw.read(app.database["users"]))
    r = ferry("import", *dumps["dir"], "--include", f"{DB}.users", "--rename",
              f"{DB}.users={NEW_DB}.people")
    assert r.rc == 2 and "holds documents already" in first_error(r), r
    r = ferry("migrate", "--from", f"dump:{dumps['dir'][1]}", "--query", "{}")
    assert r.rc == 2 and "--query" in first_error(r), r


def test_through_a_pipe(app, mongodump, imported, ferry, spaceferry, tmp_path):
    """mongodump --archive | spaceferry import --archive -; and our own export
    into our own import."""
    data = mongodump("--archive")
    (tmp_path / "a").write_bytes(data)

    def pipe(*args, stdin):
        done = subprocess.run(
            [binary(), "import", "--json", "--archive", "-", *RENAME, *args],
            stdin=stdin, capture_output=True, timeout=120,
            env=spaceferry.environment(ferry.env))
        return done.returncode, done.stdout.decode() + done.stderr.decode()

    export = subprocess.Popen(
        [binary(), "export", "--quiet", "--archive", "-", "--compress", "zstd"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=spaceferry.environment(
            {"SPACEFERRY_FROM": app.source.uri(DB)}))
    status, out = pipe("--compress", "zstd", stdin=export.stdout)
    export.stdout.close()
    assert export.wait() == 0, export.stderr.read()
    assert status == 0, out
    expect.assert_copied(app.database, imported)

    # Cut on the way: nobody could know before; it says so, and the same
    # command mends it.
    (tmp_path / "cut").write_bytes(data[:len(data) * 2 // 3])
    imported.client.drop_database(NEW_DB)
    with open(tmp_path / "cut", "rb") as f:
        status, out = pipe(stdin=f)
    assert status == 3 and re.search(r"source: archive -.*is cut", out), out
    with open(tmp_path / "a", "rb") as f:
        status, out = pipe(stdin=f)
    assert status == 0, out
    expect.assert_copied(app.database, imported)


def test_killed_and_resumed(source, mongodump, imported, ferry, spaceferry, tmp_path,
                            db_name):
    """kill -9 in the middle; the same command goes on and repeats little."""
    db = source.client()[db_name]
    dataset.fill(db["orders"], N_ORDERS)
    db.create_collection("log", capped=True, size=1 << 20)
    raw.insert(db["log"], [encode({"_id": -n, "n": n}) for n in range(500)])
    mongodump(f"--archive={tmp_path}/a", db=db_name)
    args = ["import", "--json", "--archive", tmp_path / "a", "--rename",
            f"{db_name}.*={NEW_DB}.*"]
    enough = random.Random(SEED).randrange(66_000, 80_000)
    running = spaceferry.start(*args, "--bwlimit", "60MB", env=ferry.env)
    while imported["orders"].estimated_document_count() < enough:
        assert running.process.poll() is None, running.wait()
        time.sleep(0.01)
    running.kill()
    running.wait()
    assert imported["orders"].estimated_document_count() < N_ORDERS
    r = spaceferry(*args, env=ferry.env)
    assert r.rc == 0, r
    assert "resuming" in r.stderr, r
    expect.assert_copied(db, imported)
    assert r.collection(f"{NEW_DB}.orders")["target"]["count"] == N_ORDERS

    # Another archive under the same name is another run.
    running = spaceferry.start(*args, "--drop", "--bwlimit", "40MB", env=ferry.env)
    while not 0 < imported["orders"].estimated_document_count() < 50_000:
        assert running.process.poll() is None, running.wait()
        time.sleep(0.01)
    running.kill()
    running.wait()
    db["orders"].delete_one({})
    mongodump(f"--archive={tmp_path}/a", db=db_name)
    r = spaceferry(*args, "--drop", env=ferry.env)
    assert r.rc == 2 and "contents of the archive" in first_error(r), r
    r = spaceferry(*args, "--drop", "--restart", env=ferry.env)
    assert r.rc == 0, r


def test_bare_documents(app, dumps, imported, ferry, tmp_path):
    """--documents: one .bson file, and one that is cut."""
    data = (dumps["dir"][1] / DB / "users.bson").read_bytes()
    (tmp_path / "u.bson").write_bytes(data)
    args = ["--documents", tmp_path / "u.bson", "--namespace", f"{NEW_DB}.people"]
    r = ferry("import", *args)
    assert r.rc == 0, r
    assert raw.digest(raw.read(imported["people"])) == \
        raw.digest(raw.read(app.database["users"]))
    r = ferry("verify", "--from", f"documents:{tmp_path}/u.bson", *args[2:])
    assert r.rc == 0 and r.collection(f"{NEW_DB}.people")["ok"], r
    for bad, word in ((data[:-10], "is cut"), (b"\xff\xff\xff\x7f" + data[4:],
                      "impossible length"), (data[:4] + b"\x55" + data[5:],
                      "not valid BSON")):
        (tmp_path / "u.bson").write_bytes(bad)
        imported.drop_collection("people")
        r = ferry("import", *args)
        assert r.rc == 2 and word in first_error(r), r
        assert imported.list_collection_names() == []
    r = ferry("import", "--documents", tmp_path / "u.bson")
    assert r.rc == 2 and "--namespace" in first_error(r), r
    # What cannot be read again is refused by name, before anybody waits for it.
    os.mkfifo(tmp_path / "pipe")
    for place, word in (("pipe", "no file"), (".", "is a folder")):
        r = ferry("import", "--archive", tmp_path / place)
        assert r.rc == 2 and word in first_error(r), r


def test_verify_names_what_differs(app, source, dumps, imported, ferry, target,
                                   spaceferry, tmp_path):
    """Between a file and a server, a server and a file, and two files; also when
    not all hashes fit into the memory."""
    assert ferry("import", *dumps["archive"], *RENAME).rc == 0
    ends = ["--from", f"archive:{dumps['archive'][1]}", *RENAME]
    r = ferry("verify", *ends)
    assert r.rc == 0 and r.summary["ok"], r
    users = imported["users"]
    ids = [d["_id"] for d in users.find().sort("_id", 1).limit(3)]
    users.update_one({"_id": ids[0]}, {"$set": {"changed": True}})
    users.delete_one({"_id": ids[1]})
    users.insert_one({"_id": "extra one"})
    imported["waitlists"].drop_indexes()
    r = ferry("verify", *ends)
    assert r.rc == 1, r
    c = r.collection(f"{NEW_DB}.users")
    assert (c["missing"], c["extra"], c["different"]) == (1, 1, 1), c
    said = {(e["kind"], e["message"]) for e in r.summary["errors"]
            if "users" in e["message"]}
    for kind, key in (("different", ids[0]), ("missing", ids[1]),
                      ("extra", "extra one")):
        assert any(k == kind and str(key) in m for k, m in said), said
    assert [c["namespace"] for c in r.summary["collections"] if not c["ok"]] == \
        sorted(c["namespace"] for c in r.summary["collections"]
               if c["namespace"].endswith((".users", ".waitlists")))
    # The other way round: what was missing is extra.
    r = spaceferry("verify", "--json", "--to", f"dump:{dumps['dir-gz'][1]}",
                   "--db", NEW_DB, "--rename", f"{NEW_DB}.*={DB}.*",
                   env={"SPACEFERRY_FROM": target.uri()})
    c = r.collection(f"{DB}.users")
    assert r.rc == 1 and (c["missing"], c["extra"], c["different"]) == (1, 1, 1), r
    r = spaceferry("verify", "--json", "--from", f"dump:{dumps['dir'][1]}", "--to",
                   f"archive:{dumps['archive-zst'][1]}")
    assert r.rc == 0 and r.summary["ok"], r
    r = ferry("verify", "--from", "archive:-")
    assert r.rc == 2 and "stdin" in first_error(r), r


def test_verify_with_little_memory(source, target, mongodump, imported, ferry,
                                   spaceferry, db_name, tmp_path):
    """60,000 documents whose hashes do not fit into 8 MiB at once: the two that
    differ are found, in a capped collection and through an archive."""
    db = source.client()[db_name]
    db.create_collection("log", capped=True, size=64 << 20)
    raw.insert(db["log"], [encode({"_id": n, "n": n}) for n in range(60_000)])
    mongodump(f"--archive={tmp_path}/a", db=db_name)
    rename = ["--rename", f"{db_name}.*={NEW_DB}.*"]
    ends = [["--from", f"archive:{tmp_path}/a"], ["--from", source.uri(db_name)]]
    assert ferry("import", "--archive", tmp_path / "a", *rename).rc == 0
    imported["log"].update_one({"_id": 123}, {"$inc": {"n": 1}})
    imported["log"].update_one({"_id": 45_678}, {"$inc": {"n": 1}})
    for end in ends:
        r = ferry("verify", *end, *rename, "--memory", "8MiB", "--jobs", 8)
        assert r.rc == 1, r
        assert r.collection(f"{NEW_DB}.log")["different"] == 2, r
        text = " ".join(e["message"] for e in r.summary["errors"])
        assert '"123"' in text and '"45678"' in text, r
