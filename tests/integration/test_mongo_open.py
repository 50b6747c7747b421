"""Opening a MongoDB: what is learnt of it, and what each thing that can be
wrong looks like to the one who has to mend it."""

import json
import time

import bson
import pytest

from harness.mongod import Mongod, ReplicaSet
from harness.process import free_port
from mongo_tool import MongoTool

PASSWORD = "very-S3CRET-p@ss/w:rd%é"


@pytest.fixture(scope="module")
def replica_set(work):
    with ReplicaSet(work / "mongo-open-rs", auth=True) as server:
        server.add_user("app", PASSWORD, [{"role": "readWrite", "db": "s"}])
        yield server


@pytest.fixture(scope="module")
def plain(work):
    with Mongod(work / "mongo-open") as server:
        yield server


@pytest.fixture(scope="module")
def tls(work):
    with Mongod(work / "mongo-open-tls", tls=True) as server:
        yield server


@pytest.fixture
def tool(tmp_path):
    with MongoTool(tmp_path) as tool:
        yield tool


def test_what_is_learnt(replica_set, plain, tool):
    got = tool.ask("open", uri=replica_set.uri("ezia", user="app"))
    assert got["name"].startswith("mongodb://app:***@127.0.0.1:")
    assert got["identity"] == f"127.0.0.1:{replica_set.port}/rs0"
    assert got["default_db"] == "ezia" and got["set_name"] == "rs0"
    assert got["is_writable"] and got["max_document"] == 16 << 20
    version = replica_set.client().server_info()["versionArray"]
    assert got["version_number"] == \
        version[0] * 10000 + version[1] * 100 + version[2]
    assert "S3CRET" not in json.dumps(got)
    got = tool.ask("open", uri=plain.uri(), **{"as": "b"})
    assert got["default_db"] is None and got["set_name"] is None
    assert got["identity"] == f"127.0.0.1:{plain.port}/"


def test_the_same_server_by_another_name(replica_set, plain, tool):
    tool.ask("open", uri=replica_set.uri(), **{"as": "a"})
    tool.ask("open", uri=plain.uri(), **{"as": "b"})
    assert not tool.ask("same", on="a", **{"with": "b"})["same"]
    other = plain.uri("db", appName="x").replace("127.0.0.1", "localhost")
    tool.ask("open", uri=other, **{"as": "c"})
    assert tool.ask("same", on="b", **{"with": "c"})["same"]
    assert not tool.ask("same", on="a", **{"with": "c"})["same"]
    tool.ask("close", on="c")
    direct = replica_set.uri(user="app", directConnection="true")
    tool.ask("open", uri=direct, **{"as": "c"})
    assert tool.ask("same", on="a", **{"with": "c"})["same"]


def bad(tool, uri, seconds=4, patience_ms=2000):
    start = time.monotonic()
    got = tool("open", uri=uri, patience_ms=patience_ms)
    assert not got["ok"] and time.monotonic() - start < seconds, got
    for secret in ("S3CRET", "S3%43RET", "p%40ss"):
        assert secret not in json.dumps(got)
    assert got["hint"]
    return got


def test_wrong_password(replica_set, tool):
    for uri in (replica_set.uri(user="app", password="wrong S3CRET"),
                replica_set.uri(user="app", authSource="other"),
                replica_set.uri(user="nobody", password=PASSWORD)):
        got = bad(tool, uri, patience_ms=60000)
        assert got["kind"] == "auth" and "authSource" in got["hint"]


def test_no_user_at_all(replica_set, tool):
    tool.ask("open", uri=replica_set.uri(user=False))
    got = tool("catalog", on="a", **{"as": "x"}, dbs=["s"])
    assert got["kind"] == "denied" and "no user" in got["hint"], got


def test_nobody_there(tool):
    port = free_port()
    got = bad(tool, f"mongodb://u:S3CRET@127.0.0.1:{port}/")
    assert got["kind"] == "network" and "refused" in got["message"]
    assert str(port) in got["message"] and "bindIp" in got["hint"]


def test_names_that_do_not_resolve(tool):
    got = bad(tool, "mongodb://u:S3CRET@nohost.invalid/", patience_ms=60000)
    assert got["kind"] == "dns" and "nohost.invalid" in got["message"]
    got = bad(tool, "mongodb+srv://u:S3CRET@c.nohost.invalid/", 30,
              patience_ms=60000)
    assert got["kind"] == "dns" and "c.nohost.invalid" in got["message"]


def test_malformed(tool):
    for uri, word in (
            ("mongodb://u:S3CRET@h:99999/", "malformed"),
            ("mongodb://u:p@S3CRET@h/", "'@'"),
            ("mongodb://u:p/S3CRET@h/", "'/'"),
            ("mongodb+srv://u:S3CRET@h/", "three labels"),
            ("postgres://u:S3CRET@h/", "not a MongoDB URI")):
        got = bad(tool, uri, 1)
        assert got["kind"] == "uri" and word in got["message"], got


def test_another_set(replica_set, tool):
    got = bad(tool, replica_set.uri(replicaSet="other"), 6)
    assert got["kind"] == "network" and "replicaSet" in got["hint"]


def test_tls(tls, plain, tool):
    tool.ask("open", uri=tls.uri())
    got = bad(tool, f"mongodb://127.0.0.1:{tls.port}/?tls=true")
    assert got["kind"] == "uri" and "tlsCAFile" in got["hint"], got
    got = bad(tool, f"mongodb://127.0.0.1:{tls.port}/")
    assert got["kind"] == "network" and "tls" in got["hint"].lower(), got
    got = bad(tool, f"mongodb://127.0.0.1:{plain.port}/?tls=true", 15)
    # The server closes: before libmongoc's handshake failed, or while it did.
    assert got["kind"] == "network" and "TLS" in got["hint"] and \
        any(word in got["message"] for word in ("TLS", "closed")), got


def test_w0_is_not_followed(plain, tool):
    got = tool.ask("open", uri=plain.uri(w="0"))
    assert any("w=0" in line for line in got["log"])
    plain.client().drop_database("s")
    got = tool.write("s.c", [bson.encode({"_id": 1})] * 2)
    assert (got["inserted"], got["equal"]) == (1, 1), got
