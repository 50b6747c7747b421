"""The S3 driver against a server that checks strictly and misbehaves on demand
(s3_stand_in.py): what passes, what is tried again, where redirects lead."""

import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from s3_stand_in import StandIn, hang_up, once
from store_fixtures import MIB, get, server, tool       # noqa: F401
from store_tool import StoreTool
from test_store_s3 import ODD_KEYS, big_file, content, file_with


# Signatures and encodings: s3_stand_in refuses whatever a strict server might.

@pytest.mark.parametrize("prefix, token", [
    ("", None), ("/storage/v1/s3", None), ("/my namespace/é+~", "tok/en+=="),
])
def test_strict_server_accepts_everything(prefix, token, tmp_path):
    with StandIn(prefix=prefix, token=token, page=7) as server:
        env = server.env()
        env["AWS_ENDPOINT_URL_S3"] = env["AWS_ENDPOINT_URL_S3"].replace(
            " ", "%20") + "/"
        with StoreTool("s3://bucket/pre/fix/", env) as tool:
            assert tool("probe", write=True)["ok"]
            for key in [*ODD_KEYS, "new\nline \x01\x7f"]:
                r = tool("put", key=key, file=file_with(tmp_path, content(key)),
                         content_type=" text/plain;  charset=utf-8 ",
                         content_disposition='inline; filename="a  b"')
                assert r["ok"], r
                assert server.objects[f"pre/fix/{key}"][0] == content(key)
                r, got = get(tool, tmp_path, key)
                assert got == content(key)
                r, got = get(tool, tmp_path, key, "read", block=10)
                assert got == content(key)
            r = tool("list")
            assert r["ok"], r
            assert {o["key"]: o["size"] for o in r["objects"]} == {
                k: len(content(k)) for k in [*ODD_KEYS, "new\nline \x01\x7f"]}
            assert {o["mtime_ns"] for o in r["objects"]} == \
                {1255369830_250000000}
            for key in ODD_KEYS:
                assert tool("delete", key=key)["ok"]
            r = tool("put", key="big", file=big_file(tmp_path, 65 * MIB))
            assert r["ok"], r
        assert server.rejected == []
        assert {r.headers["host"] for r in server.requests} == {server.host}


def test_default_port_and_case_of_the_host(server, tmp_path):
    port = server.host.split(":")[1]
    env = server.env(AWS_ENDPOINT_URL_S3=f"HTTP://LocalHost:0{port}")
    with StoreTool("s3://bucket", env) as tool:
        r = tool("probe")
        assert r["ok"], r
        assert tool.opened["identity"].startswith("s3:localhost:")


# Failures that pass.

@pytest.mark.parametrize("status, code", [
    (503, "SlowDown"), (429, "TooManyRequests"), (500, "InternalError"),
    (502, ""), (504, ""), (520, ""), (400, "RequestTimeout"),
])
def test_tries_again(server, tool, tmp_path, status, code):
    path = file_with(tmp_path, b"body" * 100000)
    server.store("pre fix/there", b"text")
    for op, method in [({"op": "put", "key": "k", "file": path}, "PUT"),
                       ({"op": "get", "key": "there",
                         "file": tmp_path / "out"}, "GET"),
                       ({"op": "list"}, "GET"),
                       ({"op": "head", "key": "there"}, "HEAD"),
                       ({"op": "probe"}, "GET"),
                       ({"op": "delete", "key": "k"}, "DELETE")]:
        if method == "HEAD" and status == 400:
            continue                    # a HEAD has no body to tell
        before = len(server.requests)
        server.faults = [once(status, code, method=method, times=2)]
        r = tool(**op)
        assert r["ok"], (op, r)
        assert len(server.requests) == before + 3
        assert any("trying again" in line for line in r["log"])
    assert (tmp_path / "out").read_bytes() == b"text"
    assert server.rejected == []


def test_gives_up_when_patience_is_used_up(server, tmp_path):
    server.faults = [once(503, "SlowDown", times=1000)]
    with StoreTool("s3://bucket", server.env(), "patience_ms=1500") as tool:
        start = time.monotonic()
        r = tool("put", key="k", file=file_with(tmp_path, b"x"))
        assert 1 < time.monotonic() - start < 6
    assert not r["ok"] and r["kind"] == "throttled"
    assert "SlowDown" in r["message"] and len(server.requests) > 2


def test_retry_after_is_honoured(server, tool):
    server.faults = [once(503, "SlowDown", headers={"Retry-After": "2"})]
    start = time.monotonic()
    assert tool("list")["ok"]
    assert time.monotonic() - start >= 2


@pytest.mark.parametrize("ignores_range", [False, True])
def test_a_get_goes_on_where_it_was_cut(server, tool, tmp_path, ignores_range):
    body = big_file(tmp_path, 3 * MIB).read_bytes()
    server.store("pre fix/k", body)
    server.ignores_range = ignores_range
    server.faults = [hang_up("GET", after=1_000_000),
                     hang_up("GET", after=700_000 if not ignores_range
                             else 1_700_000), once(503, "SlowDown")]
    r, got = get(tool, tmp_path, "k")
    assert r["ok"], r
    assert got == body and r["size"] == len(body)
    assert server.count("GET") == 4
    assert server.requests[-1].headers["range"] == "bytes=1700000-3145727"
    assert server.requests[-1].headers["if-match"] == r["etag"]


@pytest.mark.parametrize("ignores_if_match", [False, True])
def test_an_object_that_changes_while_it_is_read(server, tool, tmp_path,
                                                 ignores_if_match):
    body = b"x" * MIB
    server.store("pre fix/k", body)
    server.ignores_if_match = ignores_if_match

    def change(handler, request):
        if request.headers.get("range"):
            server.store("pre fix/k", body[:-1] + b"y")
        return False
    server.faults = [hang_up("GET", after=1000), change]
    r, _ = get(tool, tmp_path, "k")
    assert not r["ok"] and r["kind"] == "changed", r


def test_files_read_in_parts_notice_changes(server, tool, tmp_path):
    server.store("pre fix/k", b"x" * 3 * MIB)
    gets = [0]

    def change(handler, request):
        if request.method == "GET":
            gets[0] += 1
            if gets[0] == 2:
                server.store("pre fix/k", b"y" * 3 * MIB)
        return False
    server.faults = [change]
    r, _ = get(tool, tmp_path, "k", "read", block=100_000)
    assert not r["ok"] and r["kind"] == "changed", r


def test_a_put_that_is_cut_starts_again(server, tool, tmp_path):
    body = big_file(tmp_path, 5 * MIB).read_bytes()
    server.faults = [hang_up("PUT", after=None, times=2)]
    r = tool("put", key="k", file=tmp_path / "big-1")
    assert r["ok"] and r["sent"] == len(body), r
    assert server.objects["pre fix/k"][0] == body
    assert server.count("PUT") == 3


# Redirects.

class Elsewhere:
    """Another host, which remembers what it was sent."""

    def __init__(self, body):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(handler):
                self.seen.append((handler.path, {
                    k.lower(): v for k, v in handler.headers.items()}))
                part, status = body, 200
                wanted = re.fullmatch(r"bytes=(\d+)-(\d*)",
                                      handler.headers.get("Range", ""))
                if wanted:
                    first = int(wanted[1])
                    last = int(wanted[2] or len(body) - 1)
                    part, status = body[first:last + 1], 206
                handler.send_response(status)
                if wanted:
                    handler.send_header(
                        "Content-Range", f"bytes {first}-{last}/{len(body)}")
                handler.send_header("ETag", '"of the content network"')
                handler.send_header("Content-Length", str(len(part)))
                handler.end_headers()
                handler.wfile.write(part)
            do_HEAD = do_GET
        self.seen = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://localhost:%d" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.05})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirected_get_takes_nothing_along(tmp_path, status):
    body = big_file(tmp_path, 2 * MIB + 5).read_bytes()
    with StandIn(token="t0ken") as server, Elsewhere(body) as other:
        server.store("k", body)
        etag = server.objects["k"][2]
        server.faults = [once(status, method="GET", times=99, headers={
            "Location": f"{other.url}/a/../b?X-Amz-Signature=%2B&y",
            "ETag": etag})]
        with StoreTool("s3://bucket", server.env()) as tool:
            r, got = get(tool, tmp_path, "k")
            assert r["ok"] and got == body, r
            assert r["etag"] == etag
            assert other.seen[0][0] == "/a/../b?X-Amz-Signature=%2B&y"
            r, got = get(tool, tmp_path, "k", "read", block=300_000)
            assert r["ok"] and got == body, r
        assert len(other.seen) == 4
        for _, headers in other.seen:
            assert set(headers) <= {"host", "user-agent", "accept", "range"}
            assert headers["host"] == other.url.removeprefix("http://")
        assert "range" not in other.seen[0][1] and other.seen[1][1]["range"]


def test_redirects_end(server, tool, tmp_path):
    server.store("pre fix/k", b"x")
    server.verify = False
    for location in (f"{server.endpoint}/loop", "/loop", "loop"):
        server.requests.clear()
        server.faults = [once(302, method="GET", times=99,
                              headers={"Location": location})]
        r, _ = get(tool, tmp_path, "k")
        assert not r["ok"] and r["kind"] == "unsupported", r
        assert "redirects" in r["message"]
        assert len(server.requests) == 6
    server.faults = [once(302, method="GET", times=99,
                          headers={"Location": "file:///etc/passwd"})]
    r, _ = get(tool, tmp_path, "k")
    assert not r["ok"] and r["kind"] == "unsupported", r


def test_writing_follows_no_redirect(tmp_path):
    with StandIn() as server, Elsewhere(b"") as other:
        server.faults = [once(307, times=99, headers={"Location": other.url})]
        with StoreTool("s3://bucket", server.env()) as tool:
            r = tool("put", key="k", file=file_with(tmp_path, b"x"))
            assert not r["ok"] and r["kind"] == "config", r
            r = tool("delete", key="k")
            assert not r["ok"] and r["kind"] == "config", r
            assert not tool("list")["ok"]
        assert other.seen == []
