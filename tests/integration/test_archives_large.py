"""The short version of `scripts/bench archives`: 40 MB and three documents of 8
MiB, out and in, across with the real tools; equal, and within the memory's
bound.  And who has too few rights for a time-series in an archive is told."""
# build: release

import datetime
import sys
from pathlib import Path

import pytest

from harness import peers
from harness.ferry import binary

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import archives                                                 # noqa: E402
import measure                                                  # noqa: E402


def test_out_and_in(source, target, tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "BUILD", binary().parent)
    monkeypatch.setattr(measure, "peer", peers.need)
    source.client().drop_database(archives.DB)
    try:
        archives.fill(source.client()[archives.DB], 40_000_000)
        a = archives.Archives(source, target, tmp_path)
        assert len(a.go("archive")) == 2 and 0 < a.peak <= archives.BOUND
        print(f"peak {a.peak / archives.MIB:.0f} MiB")
    finally:
        source.client().drop_database(archives.DB)
        target.client().drop_database(archives.DB)


@pytest.fixture
def series(target, db_name):
    db = target.client()[db_name]
    db.create_collection("ts", timeseries={"timeField": "at"})
    db["ts"].insert_one({"at": datetime.datetime(2024, 1, 1), "v": 1})
    db["plain"].insert_one({"_id": 1})
    client = db.client
    client.admin.command("createRole", "plain", roles=[], privileges=[{
        "resource": {"db": db_name, "collection": ""}, "actions": [
            "find", "listCollections", "listIndexes", "collStats", "insert", "remove",
            "update", "createCollection", "createIndex", "dropCollection"]}])
    target.add_user("plain", "pw", [{"role": "plain", "db": "admin"}])
    yield db
    client.admin.command("dropUser", "plain")
    client.admin.command("dropRole", "plain")


def test_rights_for_a_time_series(series, target, spaceferry, tmp_path):
    """A role without the server's own collections; without the series all is well."""
    name = series.name
    path = tmp_path / "a"
    r = spaceferry("export", "--json", "--archive", path,
                   env={"SPACEFERRY_FROM": target.uri(name, user="plain")})
    (error,) = r.summary["errors"]
    assert r.rc == 2 and error["kind"] == "denied" and not path.exists(), r
    assert f"{name}.ts" in error["message"] and "--exclude" in error["hint"], r
    r = spaceferry("export", "--json", "--archive", path,
                   env={"SPACEFERRY_FROM": target.uri(name)})
    assert r.rc == 0, r
    series.client.drop_database(name)
    r = spaceferry("import", "--json", "--archive", path,
                   env={"SPACEFERRY_TO": target.uri(name, user="plain")})
    (error,) = r.summary["errors"]
    assert error["kind"] == "denied" and f"{name}.ts" in error["message"], r
    assert r.rc == 3 and "--exclude" in error["hint"], r
    series.client.drop_database(name)
    r = spaceferry("import", "--json", "--archive", path, "--exclude", f"{name}.ts",
                   "--restart", env={"SPACEFERRY_TO": target.uri(name, user="plain")})
    assert r.rc == 0 and series.list_collection_names() == ["plain"], r
