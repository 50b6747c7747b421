# build: release
"""A snapshot is whole or is not made: collections that are dropped, renamed or made
anew while a replica set is backed up; and a backup that lacks a file, or holds less
by choice, takes no other's place."""

import os
import threading

import pytest
from bson import encode

from harness import raw, stored
from harness.mongod import ReplicaSet
from harness.vault import Vault

NAMES = ("a", "dropped", "recreated", "renamed")


def fill(collection, n, start=0):
    raw.insert(collection, [encode({"_id": i, "pad": "x" * 1000})
                            for i in range(start, start + n)])


@pytest.fixture(scope="module")
def server(work):
    with ReplicaSet(work / "drift", parameters=["enableTestCommands=1"]) as server:
        yield server


@pytest.fixture
def db(server, db_name):
    db = server.client()[db_name]
    for name in NAMES:
        fill(db[name], 1200)
    yield db
    server.client().admin.command("configureFailPoint", "failCommand", mode="off")
    server.client().drop_database(db_name)


@pytest.fixture
def backup(server, db, spaceferry, tmp_path):
    """Starts one that keeps nothing but itself."""
    def start(*args):
        return spaceferry.start(
            "backup", "--json", "--repo", tmp_path / "repo", "--jobs", "1",
            "--keep-last", "1", *args,
            env={"SPACEFERRY_FROM": server.uri(db.name, appName="spaceferry")})
    first = start().wait()
    assert first.rc == 0, first
    return start


def hold_up(db, ms, mode):
    """Reading of the first collection takes that long."""
    n = db.client.admin.command(
        "configureFailPoint", "failCommand", mode=mode, data={
            "failCommands": ["getMore"], "appName": "spaceferry",
            "blockConnection": True, "blockTimeMS": ms})["count"]
    return lambda: db.client.admin.command(
        "waitForFailPoint", "failCommand", timesEntered=n + 1, maxTimeMS=20000)


def held(vault):
    """{collection: its documents} of the only snapshot."""
    (snapshot,) = vault.snapshots()
    found, at = {}, None
    for line in vault.details(snapshot):
        if "collection" in line:
            at = line["collection"]["ns"].split(".")[1]
            found[at] = {}
        elif "run" in line:
            found[at].update((raw.id_of(d), d) for d in raw.split(vault.blob(line["run"][0])))
    return found


def snapshots(tmp_path):
    return len(Vault(tmp_path / "repo").snapshots())


def test_read_again(db, backup, tmp_path):
    wait = hold_up(db, 700, {"times": 1})
    run = backup()
    wait()
    db["dropped"].drop()
    db["renamed"].rename("renamed-2")
    db["recreated"].drop()
    fill(db["recreated"], 5, start=100)
    r = run.wait()
    assert r.rc == 0, r
    assert {"source_dropped", "source_renamed", "source_recreated"} <= \
        {n["kind"] for n in r.summary["notes"]}
    assert held(Vault(tmp_path / "repo")) == {
        n: stored.documents(db, n) for n in ("a", "recreated", "renamed-2")}


def test_no_snapshot_that_lacks_something(db, backup, tmp_path):
    before = held(Vault(tmp_path / "repo"))
    hold_up(db, 120, "alwaysOn")
    stop = threading.Event()

    def come_and_go():
        while not stop.wait(0.02):
            fill(db["next"], 5)
            db["next"].rename("recreated", dropTarget=True)
    writer = threading.Thread(target=come_and_go)
    writer.start()
    try:
        r = backup().wait()
    finally:
        stop.set()
        writer.join()
    assert r.rc == 1 and "snapshots" not in r.summary, r
    assert {"source_recreated", "changed"} <= {e["kind"] for e in r.summary["errors"]}
    assert held(Vault(tmp_path / "repo")) == before


def test_what_lacks_a_file_takes_no_place(db, backup, tmp_path):
    up = tmp_path / "up"
    up.mkdir()
    (up / "good").write_text("x")
    args = ["--files", up]
    assert backup(*args).wait().rc == 0
    assert snapshots(tmp_path) == 2         # one without files, another group
    with open(bytes(up) + b"/bad\xff", "w") as f:
        f.write("x")
    r = backup(*args).wait()
    assert r.rc == 1 and "not_pruned" in {n["kind"] for n in r.summary["notes"]}, r
    assert snapshots(tmp_path) == 3
    os.unlink(bytes(up) + b"/bad\xff")
    assert backup(*args).wait().rc == 0
    assert snapshots(tmp_path) == 2


def test_another_choice_is_another_group(db, backup, tmp_path):
    """Of the same database: none is removed for one that holds less."""
    part = ["--include", f"{db.name}.a", "--exclude", "*.b"]
    for args in (part, part[2:] + part[:2]):
        assert backup(*args).wait().rc == 0
        assert snapshots(tmp_path) == 2, args
