# build: release
"""A backup is restored without our program: scripts/restore-by-hand with the real
age, zstd, jq and mongorestore; compared by the server's own digests, pymongo and
bytes."""

import filecmp
import os
import shutil
import subprocess

import pytest
from bson import encode

from harness import look, peers, raw
from harness.app import DB, App
from harness.process import ROOT
from harness.vault import age_key

SCRIPT = ROOT / "scripts" / "restore-by-hand"
ODD_DB = "by-hand"
LONG = "long/" + "ü" * 100


@pytest.fixture(scope="module")
def app(source, work):
    app = App(source, work / "by-hand-uploads")
    odd = source.client()[ODD_DB]
    odd.client.drop_database(ODD_DB)
    raw.insert(odd["a b/c%+"], [encode({"_id": n, "x": os.urandom(700)})
                                 for n in range(4000)])
    odd[LONG].insert_one({"_id": 1})
    odd.create_collection("empty", collation={"locale": "fr"})
    odd.create_collection("seen", viewOn="empty", pipeline=[{"$match": {"a": 1}}])
    yield app
    odd.client.drop_database(ODD_DB)
    app.drop()


@pytest.fixture
def elsewhere(target):
    client = target.client()
    for db in DB, ODD_DB:
        client.drop_database(db)
    yield client
    for db in DB, ODD_DB:
        client.drop_database(db)


def by_hand(*args, uri=None):
    tool = peers.find("mongorestore")
    path = os.environ["PATH"] + (f":{os.path.dirname(tool)}" if tool else "")
    env = {"PATH": path, "HOME": "/nonexistent", **({"MONGODB_URI": uri} if uri else {})}
    return subprocess.run([SCRIPT, *map(str, args)], env=env, capture_output=True,
                          text=True, timeout=120)


def same_files(a, b):
    both = filecmp.dircmp(a, b)
    names = {p.relative_to(a) for p in a.rglob("*")}
    assert names == {p.relative_to(b) for p in b.rglob("*")}, both.report()
    for name in names:
        if (a / name).is_file():
            assert (a / name).read_bytes() == (b / name).read_bytes(), name
            assert abs((a / name).stat().st_mtime - (b / name).stat().st_mtime) < 1


def test_it_is_all_there(spaceferry, source, target, app, elsewhere, tmp_path):
    peers.need("mongorestore")
    identity, recipient = age_key(tmp_path)
    repo = tmp_path / "repo"
    more = tmp_path / "more"
    (more / "sub dir").mkdir(parents=True)
    (more / "sub dir" / "a\nb ü\\.bin").write_bytes(os.urandom(5 << 20))
    (more / "empty").touch()
    uploads = tmp_path / "uploads"
    for key in app.keys[:40]:          # a few: by hand each takes its time
        (uploads / key).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(app.uploads / key, uploads / key)
    for _ in range(2):
        r = spaceferry("backup", "--from", source.uri(), "--db", DB, "--db", ODD_DB,
                       "--files", uploads, "--files", more, "--repo", repo,
                       "--recipient", recipient, "--json")
        assert r.rc == 0, r
    done = by_hand(repo, "latest", tmp_path / "out", identity, uri=target.uri())
    assert done.returncode == 0, done.stdout + done.stderr
    for db in DB, ODD_DB:
        assert look.metadata(elsewhere, db) == look.metadata(source.client(), db)
        assert look.db_hash(elsewhere, db) == look.db_hash(source.client(), db)
        for info in source.client()[db].list_collections(filter={"type": "timeseries"}):
            def read(client):
                return sorted(map(encode, client[db][info["name"]].find(
                    {}, {"_id": 0})))
            assert read(source.client()) == read(elsewhere) != []
    same_files(uploads, tmp_path / "out" / "files" / "1")
    same_files(more, tmp_path / "out" / "files" / "2")


def test_not_encrypted_and_damaged(spaceferry, tmp_path):
    folder, repo = tmp_path / "files", tmp_path / "repo"
    folder.mkdir()
    (folder / "a").write_bytes(b"a" * 100000)
    assert spaceferry("backup", "--files", folder, "--repo", repo).rc == 0
    done = by_hand(repo, "latest", tmp_path / "out")
    assert done.returncode == 0 and "files/1: " in done.stdout, done
    same_files(folder, tmp_path / "out" / "files" / "1")
    # What is damaged is not taken for whole.
    (snapshot,) = (repo / "snapshots").iterdir()
    text = snapshot.read_bytes()
    snapshot.write_bytes(text.replace(b'"tags":[]', b'"tags":["x"]'))
    assert "damaged" in by_hand(repo, "latest", tmp_path / "o2").stderr
    snapshot.write_bytes(text)
    for blob in repo.glob("data/*/*"):
        data = blob.read_bytes()
        blob.write_bytes(data[:-5] + bytes([data[-5] ^ 1]) + data[-4:])
        done = by_hand(repo, "latest", tmp_path / f"o-{blob.name[:8]}")
        assert done.returncode == 1 and done.stderr, (blob, done)
        blob.write_bytes(data)
