"""The S3 driver against a real server, versitygw, with boto3 as the other eye."""

import hashlib
import random
import threading
import time

import pytest
from botocore.exceptions import ClientError

from harness.s3 import Versitygw
from store_tool import StoreTool

ODD_KEYS = [
    "plain.txt", "with space.txt", "plus+plus.txt", "per%cent%41.txt",
    "hash#tag.txt", "question?mark.txt", "amp&ersand=1.txt", "quo'te.txt",
    "paren(the)ses!.txt", "tilde~star*.txt", "été/œuvre 日本 😀.png",
    "deep/er/and/deeper/file", "colon:semi;comma,at@dollar$", "back\\slash",
    'dou"ble<angle>|pipe', "brackets[1]{2}^`", "..dots/...", " lead and trail ",
    "e\u0301 decomposed", "-dash", "%2F", "a+b c%20d",
]
MIB = 1 << 20


def content(key):
    return f"content of {key}".encode() * 3


@pytest.fixture
def tool(s3_server, bucket):
    with StoreTool(f"s3://{bucket}/some/prefix", s3_server.aws_env()) as t:
        yield t


def file_with(tmp_path, data):
    path = tmp_path / "body"
    path.write_bytes(data)
    return path


def big_file(tmp_path, size, seed=1):
    path = tmp_path / f"big-{seed}"
    rng = random.Random(seed)
    with path.open("wb") as f:
        while size > 0:
            f.write(rng.randbytes(min(size, MIB)))
            size -= MIB
    return path


def test_odd_keys_both_ways(tool, s3, bucket, tmp_path):
    for key in ODD_KEYS:
        r = tool("put", key=key, file=file_with(tmp_path, content(key)))
        assert r["ok"], (key, r)
        assert r["sent"] == len(content(key))
        there = s3.get_object(Bucket=bucket, Key=f"some/prefix/{key}")
        assert there["Body"].read() == content(key)
        assert there["ETag"] == r["etag"]
    for key in ODD_KEYS:
        s3.put_object(Bucket=bucket, Key=f"some/prefix/by boto/{key}",
                      Body=content(key))
    s3.put_object(Bucket=bucket, Key="some/prefixed", Body=b"not ours")
    want = {**{k: len(content(k)) for k in ODD_KEYS},
            **{f"by boto/{k}": len(content(k)) for k in ODD_KEYS}}
    r = tool("list")
    assert r["ok"] and r["oddities"] == [], r
    assert {o["key"]: o["size"] for o in r["objects"]} == want
    now = time.time_ns()
    for o in r["objects"]:
        assert abs(now - o["mtime_ns"]) < 600e9
    for key in want:
        out = tmp_path / "out"
        r = tool("get", key=key, file=out)
        assert r["ok"], (key, r)
        assert out.read_bytes() == content(key.removeprefix("by boto/"))
        h = tool("head", key=key)
        assert h["found"] and h["size"] == want[key]
        assert h["etag"] == r["etag"] != ""
        assert tool("delete", key=key)["ok"]
        assert tool("head", key=key) == {"ok": True, "found": False, "log": []}
    assert tool("list")["objects"] == []


def test_headers_and_empty_objects(tool, s3, bucket, tmp_path):
    r = tool("put", key="empty", file=file_with(tmp_path, b""),
             content_type="text/html; charset=utf-8",
             cache_control="public, max-age=31536000,  immutable",
             content_disposition='attachment; filename="a b.html"',
             content_encoding="gzip")
    assert r["ok"], r
    there = s3.head_object(Bucket=bucket, Key="some/prefix/empty")
    assert there["ContentLength"] == 0
    assert there["ContentType"] == "text/html; charset=utf-8"
    assert there["CacheControl"].split() == [
        "public,", "max-age=31536000,", "immutable"]
    assert there["ContentDisposition"] == 'attachment; filename="a b.html"'
    assert there["ContentEncoding"] == "gzip"
    out = tmp_path / "out"
    assert tool("get", key="empty", file=out)["size"] == 0
    assert out.read_bytes() == b""
    assert tool("read", key="empty", file=out, block=10)["ok"]


def test_absent_objects(tool, tmp_path):
    r = tool("get", key="nothing", file=tmp_path / "out")
    assert not r["ok"] and r["kind"] == "not_found"
    r = tool("read", key="nothing", file=tmp_path / "out", block=10)
    assert not r["ok"] and r["kind"] == "not_found"
    assert tool("delete", key="nothing")["ok"]


@pytest.mark.parametrize("size", [64 * MIB, 64 * MIB + 1, 100 * MIB])
def test_large_objects(tool, s3, bucket, tmp_path, size):
    path = big_file(tmp_path, size, size)
    want = hashlib.sha256(path.read_bytes()).hexdigest()
    r = tool("put", key="big file", file=path, content_type="video/mp4")
    assert r["ok"], r
    assert r["sent"] == size
    there = s3.get_object(Bucket=bucket, Key="some/prefix/big file")
    assert hashlib.sha256(there["Body"].read()).hexdigest() == want
    assert there["ETag"] == r["etag"] and there["ContentType"] == "video/mp4"
    parts = -(-size // (8 * MIB)) if size > 64 * MIB else 0
    assert r["etag"].endswith(f'-{parts}"') == bool(parts)
    for op in ("get", "read"):
        out = tmp_path / "out"
        assert tool(op, key="big file", file=out, block=100_000)["ok"]
        assert hashlib.sha256(out.read_bytes()).hexdigest() == want
    assert not s3.list_multipart_uploads(Bucket=bucket).get("Uploads")
    if not tool.is_sanitized():
        assert tool.peak_kib() < 24 * 1024


def test_a_killed_server_and_a_resumed_upload(tmp_path):
    """The upload is cut when the server dies; a later run sends the rest."""
    if not Versitygw.available():
        pytest.skip("no versitygw")
    size = 160 * MIB
    path = big_file(tmp_path, size)
    with Versitygw(tmp_path / "s3") as server:
        server.make_bucket("files")
        answer = {}
        with StoreTool("s3://files", server.aws_env(), "patience_ms=0") as tool:
            thread = threading.Thread(target=lambda: answer.update(
                tool("put", key="big", file=path)))
            thread.start()
            parts = server.client().list_parts
            while thread.is_alive():
                up = server.client().list_multipart_uploads(Bucket="files")
                if up.get("Uploads"):
                    up_id = up["Uploads"][0]["UploadId"]
                    n = len(parts(Bucket="files", Key="big", UploadId=up_id)
                            .get("Parts", []))
                    if n >= 2:
                        break
            server.kill()
            thread.join()
        assert not answer["ok"] and answer["kind"] == "network", answer
        server.start()
        with StoreTool("s3://files", server.aws_env()) as tool:
            r = tool("put", key="big", file=path,
                     upload_id=answer["upload_id"])
        assert r["ok"] and "upload_id" not in r, r
        assert r["etag"].endswith('-20"') and r["sent"] == size
        body = server.client().get_object(Bucket="files", Key="big")["Body"]
        assert hashlib.sha256(body.read()).hexdigest() == \
            hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_changed_body_is_not_stored(tool, s3, bucket, tmp_path):
    for size in (1000, 65 * MIB):
        path = big_file(tmp_path, size)
        r = tool("put", key="changed", file=path, sha256="ab" * 32)
        assert not r["ok"] and r["kind"] == "changed", r
        with pytest.raises(ClientError):
            s3.head_object(Bucket=bucket, Key="some/prefix/changed")
    assert not s3.list_multipart_uploads(Bucket=bucket).get("Uploads")


def conditions(tool, tmp_path, key="lock"):
    """Puts that hold and do not hold; the ETag of what is there in the end."""
    one, two = file_with(tmp_path, b"one"), tmp_path / "two"
    two.write_bytes(b"two")
    r = tool("put", key=key, file=one, create_only=True)
    assert r["ok"], r
    for _ in range(2):
        r = tool("put", key=key, file=two, create_only=True)
        assert not r["ok"] and r["kind"] == "conflict", r
        assert key in r["message"]
    return one, two


def test_conditions(tool, s3, bucket, tmp_path):
    one, two = conditions(tool, tmp_path)
    key = "some/prefix/lock"
    etag = s3.head_object(Bucket=bucket, Key=key)["ETag"]
    r = tool("put", key="lock", file=two, if_match='"%s"' % ("0" * 32))
    assert not r["ok"] and r["kind"] == "conflict", r
    r = tool("put", key="gone", file=two, if_match=etag)
    assert not r["ok"] and r["kind"] == "conflict", r
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"one"
    r = tool("put", key="lock", file=two, if_match=etag)
    assert r["ok"] and r["etag"] != etag, r
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"two"


def test_conditions_in_a_folder(tmp_path):
    """Only where nothing is; what is there cannot be told by an ETag."""
    folder = tmp_path / "store"
    with StoreTool(folder, {}, "create") as tool:
        _, two = conditions(tool, tmp_path, "deep/lock")
        r = tool("put", key="deep/lock", file=two, if_match='"x"')
        assert not r["ok"] and r["kind"] == "unsupported", r
    assert (folder / "deep/lock").read_bytes() == b"one"
    assert [p.name for p in (folder / "deep").iterdir()] == ["lock"]


def test_listing_of_many_pages(s3_server, s3, bucket):
    folder = s3_server.buckets / bucket
    for i in range(2500):
        (folder / f"p{i % 3}").mkdir(exist_ok=True)
        (folder / f"p{i % 3}" / f"file {i:05}+é").write_bytes(b"x" * (i % 7))
    with StoreTool(f"s3://{bucket}", s3_server.aws_env()) as tool:
        r = tool("list")
    assert r["ok"] and len(r["objects"]) == 2500, r.get("message")
    want = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        want.update({o["Key"]: (o["Size"], o["ETag"])
                     for o in page["Contents"]})
    assert {o["key"]: (o["size"], o["etag"]) for o in r["objects"]} == want


def test_probe(s3_server, s3, bucket):
    env = s3_server.aws_env()
    with StoreTool(f"s3://{bucket}/x", env) as tool:
        assert tool("probe")["ok"]
        r = tool("probe", write=True)
        assert r["ok"] and r["log"] == [], r
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_wrong_keys_and_missing_bucket(s3_server, bucket, tmp_path):
    secret = "x" * 40
    with StoreTool(f"s3://{bucket}", s3_server.aws_env(secret=secret)) as tool:
        r = tool("probe")
    assert not r["ok"] and r["kind"] == "auth", r
    assert "AWS_SECRET_ACCESS_KEY" in r["hint"] and "\n" not in r["message"]
    assert secret not in str(r)
    env = {**s3_server.aws_env(), "AWS_ACCESS_KEY_ID": "AKNOBODY"}
    with StoreTool(f"s3://{bucket}", env) as tool:
        r = tool("probe")
    assert not r["ok"] and r["kind"] == "auth", r
    assert "AWS_ACCESS_KEY_ID" in r["hint"]
    with StoreTool("s3://no-such-bucket", s3_server.aws_env()) as tool:
        for op in ({"op": "probe"}, {"op": "list"},
                   {"op": "get", "key": "k", "file": tmp_path / "out"},
                   {"op": "put", "key": "k", "file": __file__},
                   {"op": "delete", "key": "k"}):
            r = tool(**op)
            assert not r["ok"] and r["kind"] == "not_found", (op, r)
            assert "create it first" in r["hint"]
            assert "s3://no-such-bucket" in r["message"]


def test_a_region_that_is_not_the_bucket_s(s3_server, bucket):
    env = {**s3_server.aws_env(), "AWS_REGION": "mars-north-1"}
    with StoreTool(f"s3://{bucket}", env) as tool:
        r = tool("probe")
    assert not r["ok"] and r["kind"] in ("config", "auth"), r
    assert "AWS_REGION" in r["hint"]
