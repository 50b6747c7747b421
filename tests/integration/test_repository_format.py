# build: release
"""docs/FORMAT.md is enough for a second implementation: tests/reference/repository
reads what we back up, to the last byte and cut, and what it writes we check,
restore and add to."""

import hashlib
import json
import os
import random
import time
from pathlib import Path

import age
import pytest
import repository
import repository_cut as cut
import repository_write
from bson import encode
from harness import look, raw
from harness.vault import age_key

SECRET = "5e" * 32
DB = "second-reader"


def blob(seed, n):
    return hashlib.shake_256(seed.encode()).digest(n)


def fill(db):
    """many has two partitions: the first one ends before one of the last documents
    that it may hold, though not all of them are there."""
    dice = random.Random(7)
    raw.insert(db["many"], [encode({"_id": 3 * n}) for n in range(65_200)])
    raw.insert(db["mixed"], [encode({"_id": blob(f"i{n}", 12), "b": blob(
        f"b{n}", dice.choice([9, 900, 9000, 600_000]))}) for n in range(40)])
    raw.insert(db["large"], [encode({"_id": n, "b": blob(f"l{n}", 3 << 20)})
                             for n in range(2)])
    db.create_collection("log", capped=True, size=1 << 20)
    raw.insert(db["log"], [encode({"_id": -n}) for n in range(300)])
    db.create_collection("measured", timeseries={"timeField": "at"})
    db.create_collection("empty", collation={"locale": "fr"})
    db.create_collection("seen", viewOn="mixed", pipeline=[{"$match": {"b": 1}}])
    db["mixed"].create_index([("b", -1)], name="by b", sparse=True)


@pytest.fixture(scope="module")
def db(source):
    db = source.client()[DB]
    db.client.drop_database(DB)
    fill(db)
    yield db
    db.client.drop_database(DB)


@pytest.fixture(scope="module")
def small(source):
    """Enough for what takes longer: encryption, and a writer in Python."""
    db = source.client()[f"{DB}-small"]
    db.client.drop_database(db.name)
    raw.insert(db["mixed"], [encode({"_id": n, "b": blob(f"s{n}", 50_000)})
                             for n in range(40)])
    db.create_collection("seen", viewOn="mixed", pipeline=[])
    yield db
    db.client.drop_database(db.name)


@pytest.fixture(scope="module")
def files(work):
    folder = work / "second-reader-files"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "empty").touch()
    (folder / "ü\n\\.bin").write_bytes(blob("file", 1_200_000))
    (folder / "edge").write_bytes(blob("edge", cut.SMALLEST + 1))
    return folder


@pytest.fixture(scope="module")
def more(work):
    """Files of several chunks, and so many that their details are cut: behind the
    line of number 2254, whose hash says so."""
    folder = work / "second-reader-more"
    folder.mkdir()
    (folder / "long").write_bytes(blob("long", 5_000_000))
    (folder / "zero").write_bytes(bytes(2_500_000))
    for n in range(2600):
        path = folder / f"{n:04}{'i' * 200}"
        path.touch()
        os.utime(path, ns=(10 ** 18, 10 ** 18))
    return folder


@pytest.fixture(params=["plain", "encrypted"])
def who(request, tmp_path):
    """Identity file and recipients, the first ones not in their order."""
    if request.param == "plain":
        return None, []
    keys = [age_key(tmp_path, f"{n}.txt") for n in range(2)]
    return keys[0][0], sorted((r for _, r in keys), reverse=True)


@pytest.fixture
def ferry(spaceferry, tmp_path, source):
    def run(command, identity=None, recipients=(), *args, rc=0, secret=SECRET):
        env = {"SPACEFERRY_FROM": source.uri()} if command == "backup" else {}
        if secret and command == "backup":
            env["SPACEFERRY_NAMING_KEY"] = secret
        r = spaceferry(command, "--json", "--repo", tmp_path / "repo", "--state",
                       tmp_path / "state", *(["--identity", identity] if identity
                                             else []),
                       *(a for r in recipients for a in ("--recipient", r)), *args,
                       env=env)
        assert r.rc == rc, r
        return r
    return run


def is_natural(collection):
    options = json.loads(collection["metadata"]).get("options", {})
    return collection["type"] == "timeseries" or "capped" in options


def documents(db, name):
    return [d for batch in db[name].find_raw_batches() for d in raw.split(batch)]


def same_as(db, snapshot, held):
    assert {ns.split(".", 1)[1] for ns in snapshot.collections} == {
        c for c in db.list_collection_names() if not c.startswith("system.")}
    for ns, collection in snapshot.collections.items():
        name = ns.split(".", 1)[1]
        here = documents(db, name) if collection["type"] == "collection" else []
        assert sorted(held[ns]) == sorted(here), ns
        told = {i["name"] for i in snapshot.metadata(ns)["indexes"]}
        assert collection["type"] != "collection" or told == set(
            db[name].index_information()), ns


def same_files(folder, held):
    there = {str(p.relative_to(folder)): p.read_bytes()
             for p in folder.rglob("*") if p.is_file()}
    assert held == there


def cuts_agree(snapshot, held, files):
    def named(contents):
        return repository.blob_name(snapshot.key, contents)

    runs = cut.Runs(snapshot.key)
    for ns, collection in snapshot.collections.items():
        expected = [[named(b"".join(r)), sum(map(len, r)), len(r)] for r in
                    runs.collection(held[ns], is_natural(collection))]
        assert collection["run"] == expected, ns
    for name, place in snapshot.places.items():
        for file in place["file"]:
            chunks = cut.chunks(files[name][file["key"]], snapshot.key)
            assert file["blobs"] == list(map(named, chunks)), file
    text = b"".join(map(snapshot.blob, snapshot.list.details))
    assert snapshot.list.details == [
        named(b) for b in cut.details(text[:-1].split(b"\n"))]


def encryption_agrees(snapshot, recipients):
    """The smallest blob is, byte for byte, what the reference makes of its frame."""
    least = min(snapshot.list.blobs, key=lambda n: snapshot.list.blobs[n][0])
    held = snapshot.repository.path(least).read_bytes()
    frame = snapshot.repository.decrypt(held)
    seed = repository.derive(snapshot.key, "spaceferry age seed")
    assert age.encrypt(seed, recipients, frame) == held


def test_python_reads_what_we_write(ferry, db, small, files, more, who, tmp_path):
    identity, recipients = who
    places = [files] if identity else [files, more]
    of = small if identity else db
    ferry("backup", None, recipients, "--db", of.name, "--tag", "a-tag",
          *(a for p in places for a in ("--files", p)))
    repo = repository.Repository(tmp_path / "repo", identity)
    (snapshot,) = repo.snapshots()
    held = {ns: snapshot.documents(ns) for ns in snapshot.collections}
    contents = {name: snapshot.files(name) for name in snapshot.places}
    assert snapshot.names == set(snapshot.list.blobs)
    assert snapshot.head["tags"] == ["a-tag"]
    same_as(of, snapshot, held)
    assert list(snapshot.places) == [str(p) for p in places]
    for place in places:
        same_files(place, contents[str(place)])
        assert {f["key"]: f["mtime_ns"] for f in snapshot.places[str(place)]["file"]
                } == {str(p.relative_to(place)): p.stat().st_mtime_ns
                      for p in place.rglob("*") if p.is_file()}
    cuts_agree(snapshot, held, contents)
    if identity:
        encryption_agrees(snapshot, recipients)
        writer = repository_write.Writer(tmp_path / "other", recipients, SECRET)
        assert writer.key_id == snapshot.head["key"]
    else:
        many = snapshot.collections[f"{DB}.many"]["run"]
        parts = cut.Runs(b"").partitions(held[f"{DB}.many"])
        assert len(parts) == 2 and many[-1][2] == len(parts[1])
        last = snapshot.blob(snapshot.list.details[-1])
        assert len(snapshot.list.details) == 3 and last.startswith(
            b'{"file":{"key":"2255')


@pytest.fixture
def written(small, files, who, tmp_path):
    """What Python wrote: the writer, before its snapshot."""
    writer = repository_write.Writer(tmp_path / "repo", who[1], SECRET)
    metadata = '{"indexes":[{"v":2,"key":{"_id":1},"name":"_id_"}]}'
    writer.collection(f"{small.name}.mixed", documents(small, "mixed"), metadata)
    writer.collection(f"{small.name}.seen", [],
                      '{"options":{"viewOn":"mixed","pipeline":[]}}', "view")
    writer.place(str(files), {
        str(p.relative_to(files)): (p.read_bytes(), p.stat().st_mtime_ns)
        for p in files.rglob("*") if p.is_file()})
    return writer


def again(ferry, small, files, who, tmp_path):
    """A backup of the same: the new snapshot."""
    ferry("backup", None, who[1], "--db", small.name, "--files", files)
    snapshot = repository.Repository(tmp_path / "repo", who[0]).snapshots()[-1]
    snapshot.prove()
    return snapshot


def test_we_read_what_python_writes(ferry, written, source, small, files, who,
                                    tmp_path):
    wrote = written.finish(files=[str(files)], tags=["by-hand"])
    (mine,) = repository.Repository(tmp_path / "repo", who[0]).snapshots()
    mine.prove()
    r = ferry("check", who[0], (), "--read-data")
    assert {c["verdict"] for c in r.lines if "verdict" in c} == {"pass"}, r
    r = ferry("snapshots", who[0])
    (listed,) = r.summary["snapshots"]
    assert listed["id"] == wrote and listed["tags"] == ["by-hand"]
    assert listed["time"] == mine.head["time"]
    copy = source.client()[f"{small.name}-copy"]
    ferry("restore", who[0], (), "--from", f"snapshot:{wrote[:4]}", "--to",
          source.uri(), "--rename", f"{small.name}.*={copy.name}.*",
          "--files", f"{files}={tmp_path / 'out'}")
    try:
        assert sorted(documents(copy, "mixed")) == sorted(documents(small, "mixed"))
        assert look.metadata(copy.client, copy.name).keys() == {"mixed", "seen"}
    finally:
        copy.client.drop_database(copy.name)
    same_files(tmp_path / "out", mine.files(str(files)))
    time.sleep(1 - time.time() % 1)         # names tell seconds
    ours = again(ferry, small, files, who, tmp_path)
    assert ours.head["added_blobs"] == len(set(ours.list.details))
    assert ours.names - set(ours.list.details) == mine.names - set(mine.list.details)


@pytest.mark.parametrize("who", ["encrypted"], indirect=True)
def test_a_note_of_pythons_counts(ferry, written, small, files, who, tmp_path):
    """Nothing that it names is stored again, though its objects are not those that
    we would store: age took its random numbers."""
    written.note()
    before = {p: p.stat().st_ino for p in (tmp_path / "repo" / "data").rglob("*.*")}
    ours = again(ferry, small, files, who, tmp_path)
    assert ours.head["added_blobs"] == len(set(ours.list.details))
    assert all(p.stat().st_ino == inode for p, inode in before.items())
    assert (tmp_path / "repo" / "partial" / f"{written.id}-0.jsonl").exists()


@pytest.mark.parametrize("who", ["plain"], indirect=True)
def test_locks(ferry, spaceferry, written, source, small, tmp_path):
    """A lock of Python's that adds keeps prune away, one that removes keeps a
    backup waiting, whose lock Python reads; one that has ended, nobody."""
    written.finish()
    repo = tmp_path / "repo"
    lock = repository_write.Lock(repo, "add")
    r = ferry("prune", None, (), "--patience", "100ms", rc=3)
    assert "reference" in r.stderr, r
    lock.release(ended=True)
    lock = repository_write.Lock(repo, "remove")
    run = spaceferry.start("backup", "--repo", repo, "--db", small.name,
                           env={"SPACEFERRY_FROM": source.uri()})
    deadline = time.monotonic() + 20
    while not (held := lock.others()):
        assert time.monotonic() < deadline, "no lock"
        time.sleep(0.02)
    (held,) = held
    assert held["kind"] == "add" and held["state"] == "held"
    assert held["pid"] == run.pid and held["lapses_after_ms"] == 60000
    assert held["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert held["pidns"] == os.stat("/proc/self/ns/pid").st_ino
    lock.release()
    assert run.wait().rc == 0
    reader = repository_write.Lock(repo, "read")
    with pytest.raises(repository.Bad):
        repository_write.Lock(repo, "remove")
    reader.release()
    ferry("prune")
    assert not any((repo / "locks").iterdir())


@pytest.mark.parametrize("who", ["plain"], indirect=True)
def test_python_would_notice(written, tmp_path):
    written.finish()
    repo = repository.Repository(tmp_path / "repo")
    (path,) = (tmp_path / "repo" / "snapshots").iterdir()
    whole = path.read_bytes()
    for damaged in whole[:-1], whole.replace(b'"tags":[]', b'"tags":["x"]'), \
            whole.replace(b",\"detail\"", b"", 1), whole + b"\n":
        assert damaged != whole
        path.write_bytes(damaged)
        with pytest.raises((repository.Bad, ValueError)):
            repo.snapshots()
    path.write_bytes(whole)
    (snapshot,) = repo.snapshots()
    snapshot.prove()
    names = [n for n in snapshot.list.blobs if n not in snapshot.list.details]
    one, two = map(repo.path, names[:2])
    kept = one.read_bytes()
    for damaged in two.read_bytes(), kept[:-1], kept[:-9] + b"\xff" + kept[-8:]:
        one.write_bytes(damaged)
        with pytest.raises(repository.Bad):
            snapshot.prove()
        with pytest.raises(repository.Bad):
            repo.blob(names[0], b"")
