"""The harness itself: what the other tests lean on must hold."""

import os
import signal
import subprocess
import sys
import time

import pytest
from bson.int64 import Int64
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from harness import look, raw
from harness.ferry import Ferry, Result
from harness.mongod import Mongod
from harness.process import stop

ODD = (b"\x2d\x00\x00\x00"
       b"\x10a\x00\x01\x00\x00\x00"                     # duplicate key a
       b"\x07_id\x00" + b"0123456789ab" +
       b"\x10a\x00\x02\x00\x00\x00"
       b"\x02\x00\x03\x00\x00\x00\xff\xfe\x00"          # empty key, bad UTF-8
       b"\x00")


def test_bytes_survive(source, db_name):
    assert len(ODD) == ODD[0]
    collection = source.client()[db_name]["c"]
    raw.insert(collection, [ODD])
    (found,) = raw.read(collection)
    assert found == raw.id_first(ODD) != ODD
    assert raw.read_by_id(collection) == {b"\x07" + b"0123456789ab": found}


def test_elements_know_every_type():
    import apptypes
    for document in apptypes.documents():
        parts = list(raw.elements(document))
        body = b"".join(bytes([k]) + n + b"\0" + v for k, n, v in parts)
        assert document[4:-1] == body


def test_fingerprint_sees_a_change(source, db_name):
    client = source.client()
    collection = client[db_name]["c"]
    collection.insert_one({"_id": 1, "n": 1})
    before = look.fingerprint(client)[db_name]
    assert look.fingerprint(client)[db_name] == before
    collection.update_one({"_id": 1}, {"$set": {"n": Int64(1)}})   # type only
    after = look.fingerprint(client)[db_name]
    assert after != before
    collection.create_index("n")
    assert look.fingerprint(client)[db_name] != after


def test_target_has_auth_and_a_poor_user(target, app_uri, db_name):
    target.client()[db_name]["c"].insert_one({"_id": 1})
    with MongoClient(app_uri()) as poor:
        assert poor[db_name]["c"].find_one() == {"_id": 1}
        with pytest.raises(OperationFailure):
            poor[db_name].command("collMod", "c", validator={"a": 1})
    with MongoClient(target.uri(user="root", password="wrong")) as client:
        with pytest.raises(OperationFailure):
            client[db_name]["c"].find_one()


def test_snapshot_reads_work(target, db_name):
    """What a consistent copy needs of a replica set of one node."""
    target.client()[db_name]["c"].insert_one({"_id": 1})
    reply = target.client()[db_name].command(
        "find", "c", readConcern={"level": "snapshot"})
    assert "atClusterTime" in reply["cursor"]


def test_tls(tmp_path):
    with Mongod(tmp_path / "tls", tls=True) as server:
        assert server.client().admin.command("ping")["ok"] == 1
        with MongoClient(server.host, server.port,
                         serverSelectionTimeoutMS=500) as plain:
            with pytest.raises(Exception):
                plain.admin.command("ping")


def test_bucket(s3, s3_server, bucket):
    body = os.urandom(100_000)
    s3.put_object(Bucket=bucket, Key="a/é +%.png", Body=body,
                  ContentType="image/png", CacheControl="no-cache")
    assert {k: v[0] for k, v in look.listing(s3, bucket).items()} == \
        {"a/é +%.png": 100_000}
    data, head = look.get_object(s3, bucket, "a/é +%.png")
    assert data == body
    assert (head["ContentType"], head["CacheControl"]) == ("image/png", "no-cache")
    assert (s3_server.buckets / bucket / "a" / "é +%.png").read_bytes() == body
    upload = s3.create_multipart_upload(Bucket=bucket, Key="half")
    assert look.uploads_in_progress(s3, bucket) == ["half"]
    s3.abort_multipart_upload(Bucket=bucket, Key="half", UploadId=upload["UploadId"])
    assert look.uploads_in_progress(s3, bucket) == []


def test_server_dies_with_the_test_run(tmp_path):
    """Even when pytest is killed, no mongod stays behind."""
    code = ("import sys, time; sys.path.insert(0, sys.argv[1])\n"
            "from harness.mongod import Mongod\n"
            "s = Mongod(sys.argv[2]).start(); print(s.process.pid, flush=True)\n"
            "time.sleep(60)\n")
    here = os.path.dirname(os.path.abspath(__file__))
    child = subprocess.Popen([sys.executable, "-c", code, here, str(tmp_path / "m")],
                             stdout=subprocess.PIPE, text=True)
    try:
        pid = int(child.stdout.readline())
        os.kill(pid, 0)
        child.send_signal(signal.SIGKILL)
        child.wait()
        for _ in range(100):
            if not os.path.exists(f"/proc/{pid}") or \
                    " Z " in open(f"/proc/{pid}/stat").read():
                return
            time.sleep(0.05)
        raise AssertionError(f"mongod {pid} outlived its parent")
    finally:
        stop(child)


def test_result_takes_the_last_line():
    r = Result(["x"], 0, '{"a":1}\n{"ok":true}\n', "")
    assert r.lines == [{"a": 1}, {"ok": True}] and r.summary == {"ok": True}
    assert Result(["x"], 0, '{"ok":true}\nbye\n', "").summary is None


def test_ferry(tmp_path, monkeypatch):
    """A stand-in shows what the program gets, and that sanitizers are heard."""
    script = tmp_path / "fake"
    script.write_text('#!/bin/sh\ncat\necho "${AWS_SECRET_ACCESS_KEY-none}"\n'
                      'echo "$HOME" >&2\necho "$2" >&2\nexit "$1"\n')
    script.chmod(0o755)
    monkeypatch.setenv("SPACEFERRY_BIN", str(script))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the caller's")
    ferry = Ferry(tmp_path / "home")
    r = ferry(3, input="hello\n")
    assert (r.rc, r.stdout) == (3, "hello\nnone\n")
    assert r.stderr.startswith(str(tmp_path / "home"))
    with pytest.raises(AssertionError, match="sanitizer"):
        ferry(1, "ERROR: AddressSanitizer: heap-use-after-free")
    with pytest.raises(AssertionError, match="sanitizer"):
        ferry(99)
