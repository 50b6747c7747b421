"""What we export, the real mongorestore restores: documents byte for byte,
options and indexes, in every form; rewritten or not; by file and by pipe."""
# build: release

import os
import signal
import subprocess
from pathlib import Path

import pytest
from bson import decode, encode

from harness import expect, look, peers, raw, summary
from harness.app import DB, App
from harness.ferry import Ferry, binary

NEW_DB = "exported-app"


@pytest.fixture(scope="module")
def app(source, work):
    app = App(source, work / "export-uploads")
    yield app
    app.drop()


@pytest.fixture
def restored(target):
    """A database to restore into: empty before, dropped after."""
    client = target.client()
    client.drop_database(NEW_DB)
    yield client[NEW_DB]
    client.drop_database(NEW_DB)


@pytest.fixture
def mongorestore(target):
    def run(*args, stdin=None):
        done = subprocess.run(
            [peers.need("mongorestore"), "--uri", target.uri(), "--quiet",
             f"--nsFrom={DB}.*", f"--nsTo={NEW_DB}.*", *map(str, args)],
            stdin=stdin, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr.decode()
    return run


def rule_args(app):
    return [a for pair in app.pairs for a in ("--rewrite", "=".join(pair))] + \
        [a for skip in app.skips for a in ("--rewrite-skip", skip)]


def export(spaceferry, source, *args, env=(), **more):
    return spaceferry("export", "--json", *args, env={
        "SPACEFERRY_FROM": source.uri(DB), **dict(env)}, **more)


def kinds(result, where):
    return {f["kind"] for f in result.summary[where]}


FORMS = {
    "archive": lambda p: ["--archive", p / "app.archive"],
    "archive-gz": lambda p: ["--archive", p / "app.archive.gz"],
    "archive-zst": lambda p: ["--archive", p / "app.archive.zst"],
    "dir": lambda p: ["--dir", p / "dump"],
    "dir-gz": lambda p: ["--dir", p / "dump", "--compress", "gzip"],
}


@pytest.mark.parametrize("form", FORMS)
def test_mongorestore_restores_it(app, source, restored, spaceferry, mongorestore,
                                  tmp_path, form):
    option, path, *more = FORMS[form](tmp_path)
    r = export(spaceferry, source, option, path, *more)
    assert r.rc == 0, r
    s = summary.check(r, "export")
    assert s["ok"] and s["command"] == "export" and s["errors"] == [], r
    assert sorted(c["namespace"] for c in s["collections"]) == sorted(
        f"{DB}.{n}" for n in app.database.list_collection_names()
        if not n.startswith("system.") or n == "system.js")
    for c in s["collections"]:
        assert c["source"] == c["target"], c
        assert c["source"]["count"] == app.counts.get(
            c["namespace"].removeprefix(DB + "."), c["source"]["count"]) or \
            c["type"] == "timeseries", c
    if form == "archive-zst":
        plain = tmp_path / "plain.archive"
        subprocess.run(["zstd", "-q", "-d", path, "-o", plain], check=True)
        mongorestore(f"--archive={plain}")
    elif option == "--dir":
        mongorestore("--gzip", path) if more else mongorestore(path)
    else:
        mongorestore(f"--archive={path}", *["--gzip"][:form.endswith("gz")])
    expect.assert_copied(app.database, restored)
    assert os.stat(path).st_mode & 0o077 == 0 or option == "--dir"
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []


def test_rewriting_on_the_way(app, source, restored, spaceferry, mongorestore,
                              tmp_path):
    """As migrate rewrites; a time-series stays as it is, and that is said."""
    r = export(spaceferry, source, "--archive", tmp_path / "a", *rule_args(app))
    assert r.rc == 0, r
    assert "buckets" in kinds(r, "notes"), r
    mongorestore(f"--archive={tmp_path}/a")
    assert look.metadata(app.source.client(), DB) == \
        look.metadata(restored.client, NEW_DB)
    for name in expect.names(app.database):
        series = "timeseries" in app.database[name].options()
        want = expect.collection(app.database[name], expect.compile_rules([])
                                 if series else app.rules, app.skips)
        expect.assert_same_documents(want, expect.stored(restored[name]), name)
        c = r.collection(f"{DB}.{name}")
        if not series:
            assert c["rewritten"] == want.rewritten, name
            assert c["target"] == want.tally, name


def test_query_and_names(app, source, spaceferry, mongorestore, target, restored,
                         tmp_path):
    """--include, --rename and --query on the way out."""
    r = export(spaceferry, source, "--dir", tmp_path / "d", "--include",
               f"{DB}.users", "--rename", f"{DB}.users=other.people",
               "--query", '{"_id": {"$exists": true}, "email": {"$gte": "m"}}')
    assert r.rc == 0, r
    assert sorted(p.name for p in (tmp_path / "d" / "other").iterdir()) == \
        ["people.bson", "people.metadata.json"]
    want = raw.read(app.database["users"], {"email": {"$gte": "m"}})
    found = list(raw.split((tmp_path / "d/other/people.bson").read_bytes()))
    assert raw.digest(found) == raw.digest(want) and len(want) > 0
    r = export(spaceferry, source, "--archive", tmp_path / "a", "--query",
               '{"x": 1}', "--include", f"{DB}.pagemetrics")
    assert r.rc == 2 and "buckets" in r.summary["errors"][0]["message"], r
    assert "--exclude" in r.summary["errors"][0]["hint"], r
    assert not (tmp_path / "a").exists()


def test_through_a_pipe(app, source, restored, spaceferry, target):
    """spaceferry export --archive - | mongorestore --archive; the summary is on
    stderr."""
    ferry = subprocess.Popen(
        [binary(), "export", "--json", "--quiet", "--archive", "-"],
        env=spaceferry.environment({"SPACEFERRY_FROM": source.uri(DB)}),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    done = subprocess.run(
        [peers.need("mongorestore"), "--uri", target.uri(), "--quiet", "--archive",
         f"--nsFrom={DB}.*", f"--nsTo={NEW_DB}.*"], stdin=ferry.stdout,
        capture_output=True, timeout=120)
    ferry.stdout.close()
    errors = ferry.stderr.read().decode()
    assert ferry.wait() == 0 and done.returncode == 0, (errors, done.stderr)
    assert '"command":"export"' in errors.replace(" ", ""), errors
    assert "not_read_back" in errors
    expect.assert_copied(app.database, restored)


def test_nothing_is_replaced_unasked(app, source, spaceferry, tmp_path):
    path = tmp_path / "a.archive"
    path.write_bytes(b"mine")
    r = export(spaceferry, source, "--archive", path)
    assert r.rc == 2 and "there already" in r.summary["errors"][0]["message"], r
    assert path.read_bytes() == b"mine"
    r = export(spaceferry, source, "--archive", path, "--drop")
    assert r.rc == 0 and path.read_bytes()[:4] == b"\x6d\xe2\x99\x81", r
    folder = tmp_path / "d"
    folder.mkdir()
    assert export(spaceferry, source, "--dir", folder).rc == 0
    first = sorted(p.relative_to(folder) for p in folder.rglob("*"))
    assert Path("spaceferry.sums") in first
    r = export(spaceferry, source, "--dir", folder)
    assert r.rc == 2 and "there already" in r.summary["errors"][0]["message"], r
    assert export(spaceferry, source, "--dir", folder, "--drop").rc == 0
    assert sorted(p.relative_to(folder) for p in folder.rglob("*")) == first
    (folder / DB / "mine.txt").write_text("mine")
    r = export(spaceferry, source, "--dir", folder, "--drop")
    assert r.rc == 2 and "mine.txt" in r.summary["errors"][0]["message"], r
    assert (folder / DB / "mine.txt").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_dry_run_and_interruption(app, source, spaceferry, tmp_path):
    """Neither leaves a file."""
    r = export(spaceferry, source, "--archive", tmp_path / "a", "--dry-run",
               *rule_args(app))
    assert r.rc == 0 and r.summary["dry_run"] and list(tmp_path.glob("a*")) == [], r
    assert sum(c["source"]["count"] for c in r.summary["collections"]) > 1000
    running = spaceferry.start("export", "--json", "--archive", tmp_path / "a",
                               "--bwlimit", "100k",
                               env={"SPACEFERRY_FROM": source.uri(DB)})
    while not [p for p in tmp_path.iterdir() if "spaceferry-tmp" in p.name]:
        assert running.process.poll() is None
    running.interrupt()
    r = running.wait()
    assert r.rc == 3, r
    assert not list(tmp_path.glob("a*")) and not list(tmp_path.glob(".spaceferry*"))


def temporary(folder):
    return sorted(p.name for p in folder.iterdir() if "spaceferry-tmp" in p.name)


@pytest.mark.parametrize("form", ["archive", "dir", "dir again"])
def test_what_a_killed_export_left_goes(app, source, spaceferry, tmp_path, form):
    """With the next export to the same name; what a living one writes stays, and
    so does what only looks like it."""
    where = ["--archive", tmp_path / "a"] if form == "archive" else \
        ["--dir", f"{tmp_path}/d/"]
    again = form == "dir again"
    if again:
        assert export(spaceferry, source, *where).rc == 0

    def begin(old):
        running = spaceferry.start("export", "--json", *where, "--bwlimit", "100k",
                                   "--drop", env={"SPACEFERRY_FROM": source.uri(DB)})
        while not (new := set(temporary(tmp_path)) - set(old)):
            assert running.process.poll() is None
        return running, new.pop()

    killed, left = begin([])
    killed.kill()
    assert killed.wait().rc == -signal.SIGKILL
    assert left in temporary(tmp_path)
    strange = tmp_path / ".spaceferry-tmp-0123456789abcdef"
    strange.write_bytes(b"of another name")
    same = tmp_path / (left[:-4] + "0000")      # no dump is in there
    same.mkdir()
    (same / "mine.txt").write_text("mine")
    living, held = begin(temporary(tmp_path))
    assert left not in temporary(tmp_path)
    r = export(spaceferry, source, *where, "--drop")
    assert r.rc == 0, r
    assert set(temporary(tmp_path)) == {held, strange.name, same.name}
    living.interrupt()
    assert living.wait().rc == 3
    assert temporary(tmp_path) == sorted([strange.name, same.name])
    assert (same / "mine.txt").read_text() == "mine"
    assert spaceferry("verify", *ends_of(source, where)).rc == 0


def ends_of(source, where):
    kind = "archive" if where[0] == "--archive" else "dump"
    return ["--from", source.uri(DB), "--to", f"{kind}:{where[1]}"]


def test_few_collections_at_a_time(source, spaceferry, db_name, tmp_path):
    """mongorestore opens as many as the head says: four, and no more are open at
    any place of the archive, however many there are and however many read."""
    db = source.client()[db_name]
    for n in range(30):
        raw.insert(db[f"c{n}"], [encode({"_id": i, "pad": "x" * 1000})
                                 for i in range(1 if n % 3 else 1500)])
    r = spaceferry("export", "--json", "--archive", tmp_path / "a", "--jobs", 12,
                   env={"SPACEFERRY_FROM": source.uri(db_name)})
    assert r.rc == 0, r
    data = (tmp_path / "a").read_bytes()
    at, end, after_end, heads, still = 4, b"\xff" * 4, False, 0, {}
    while at < len(data):
        size = 4 if data[at:at + 4] == end else \
            int.from_bytes(data[at:at + 4], "little")
        piece = data[at:at + size]
        if piece != end and b"concurrent_collections" in piece[:40]:
            assert decode(piece)["concurrent_collections"] == 4
        if after_end and piece != end:
            head = decode(piece)
            still[head["collection"]] = not head["EOF"]
            heads += 1
            assert sum(still.values()) <= 4, still
        after_end = piece == end
        at += size
    assert heads >= 60 and not any(still.values()) and len(still) == 30


def test_usage(source, spaceferry, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for args, word in (
            ([], "no file is given"),
            (["--archive", "a", "--dir", "b"], "one file or folder"),
            (["--dir", tmp_path / "d", "--compress", "zstd"], "gzip"),
            (["--archive", tmp_path / "no" / "where"], "no folder"),
            (["--archive", tmp_path], "is a folder"),
            (["--archive", tmp_path / "pipe", "--drop"], "is no file")):
        r = spaceferry("export", "--json", *args,
                       env={"SPACEFERRY_FROM": source.uri(DB)})
        assert r.rc == 2 and word in r.summary["errors"][0]["message"], r
    r = spaceferry("migrate", "--json", "--from", source.uri(DB), "--to",
                   f"archive:{tmp_path}/x", "--on-conflict", "skip")
    assert r.rc == 2 and "written whole" in r.summary["errors"][0]["message"], r
