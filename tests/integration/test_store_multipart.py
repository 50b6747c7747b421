"""Multipart uploads that fail, resume, expire: against s3_stand_in.py."""

import hashlib

import pytest

from s3_stand_in import StandIn, hang_up, once
from store_fixtures import MIB, server                  # noqa: F401
from store_tool import StoreTool
from test_store_s3 import big_file

FAST = "part_size=6000000"
SIZE = 65 * MIB


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    return big_file(tmp_path_factory.mktemp("big"), SIZE)


def sha(data):
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("fault, posts", [
    (once(200, "InternalError", method="POST",
          match=lambda r: "uploadId" in r.query), 3),
    (once(200, "SomethingNew", method="POST",
          match=lambda r: "uploadId" in r.query), 3),
    (once(500, "InternalError", method="POST", times=2), 4),
    (hang_up("POST", after=None, match=lambda r: "uploadId" in r.query), 3),
    # Done, but the answer got lost: the second time there is no such upload.
    (hang_up("POST", after=None, match=lambda r: "uploadId" in r.query,
             carry_out=True), 3),
    (once(200, "InternalError", method="POST", instead=False,
          match=lambda r: "uploadId" in r.query), 3),
], ids=["200-error", "200-unknown", "500", "cut", "lost", "200-but-done"])
def test_a_completion_that_fails(server, big, fault, posts):
    server.faults = [fault]
    with StoreTool("s3://bucket", server.env()) as tool:
        r = tool("put", key="k", file=big)
    assert r["ok"] and r["sent"] == SIZE, r
    assert sha(server.objects["k"][0]) == sha(big.read_bytes())
    assert r["etag"] == server.objects["k"][2] and r["etag"].endswith('-9"')
    assert server.count("POST") == posts and server.count("PUT") == 9


def test_a_refused_completion_drops_the_upload(server, big):
    server.faults = [once(200, "InvalidPart", method="POST", times=9,
                          match=lambda r: "uploadId" in r.query)]
    with StoreTool("s3://bucket", server.env()) as tool:
        r = tool("put", key="k", file=big)
    assert not r["ok"] and r["kind"] == "refused", r
    assert server.uploads == {} and server.objects == {}
    assert server.count("DELETE") == 1


def test_parts_are_equal_and_checked(server, big):
    with StoreTool("s3://bucket", server.env(), FAST) as tool:
        r = tool("put", key="k", file=big, content_type="a/b")
    assert r["ok"] and r["upload_id"] == "id+/0=", r
    sizes = [len(q.body) for q in server.requests if q.method == "PUT"]
    assert sizes == [6_000_000] * 11 + [SIZE - 66_000_000]
    assert server.objects["k"][1] == {"content-type": "a/b"}
    assert server.rejected == []


@pytest.mark.parametrize("random_etags", [False, True])
def test_resuming_sends_only_what_is_missing(big, random_etags):
    with StandIn(random_etags=random_etags, page=2) as server:
        server.faults = [once(403, "AccessDenied", method="PUT", times=99,
                              match=lambda r: r.query.get("partNumber") == "6")]
        with StoreTool("s3://bucket", server.env()) as tool:
            r = tool("put", key="k", file=big)
            assert not r["ok"] and r["kind"] == "denied", r
            assert server.count("DELETE") == 0
            upload = r["upload_id"]
            parts = server.uploads[upload][2]
            assert sorted(parts) == [1, 2, 3, 4, 5]
            server.faults.clear()
            server.requests.clear()
            # One part is not what it should be: by its MD5, where there is
            # one, and by its size.
            parts[2] = bytes(8 * MIB)
            parts[4] = parts[4][:-1]
            r = tool("put", key="k", file=big, upload_id=upload)
        assert r["ok"] and r["sent"] == SIZE, r
        sent = [q.query["partNumber"] for q in server.requests
                if q.method == "PUT"]
        assert sent == (["4", "6", "7", "8", "9"] if random_etags else
                        ["2", "4", "6", "7", "8", "9"])
        if not random_etags:
            assert sha(server.objects["k"][0]) == sha(big.read_bytes())


def test_an_upload_that_expired_starts_anew(server, big):
    with StoreTool("s3://bucket", server.env()) as tool:
        r = tool("put", key="k", file=big, upload_id="gone")
    assert r["ok"] and r["upload_id"] == "id+/0=" and r["sent"] == SIZE, r
    assert sha(server.objects["k"][0]) == sha(big.read_bytes())


def test_a_part_that_arrives_changed(server, big):
    """What was hashed and what was sent differ: the server notices."""
    server.faults = [once(400, "BadDigest", method="PUT",
                          match=lambda r: r.query.get("partNumber") == "3")]
    with StoreTool("s3://bucket", server.env()) as tool:
        r = tool("put", key="k", file=big)
    assert not r["ok"] and r["kind"] == "changed", r
    assert server.uploads == {}


def test_memory_does_not_grow_with_the_file(server, tmp_path):
    with StoreTool("s3://bucket", server.env(), "part_size=100000000") as tool:
        r = tool("put", key="k", file=big_file(tmp_path, 120 * MIB))
        assert r["ok"], r
        if tool.is_sanitized():
            pytest.skip("memory means nothing under a sanitizer")
        assert tool.peak_kib() < 16 * 1024
