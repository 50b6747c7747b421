"""What the S3 driver says about each failure, and about odd listings."""

import subprocess

import pytest

from s3_stand_in import ACCESS, SECRET, StandIn, hang_up, once
from store_fixtures import server, tool                 # noqa: F401
from store_tool import StoreTool
from test_store_s3 import file_with


def no_secret(r, *more):
    for word in (ACCESS, SECRET, "Signature=", *more):
        assert word not in str(r), r


# What is said.

@pytest.mark.parametrize("status, code, kind, hint, extra", [
    (403, "InvalidAccessKeyId", "auth", "AWS_ACCESS_KEY_ID", ""),
    (403, "SignatureDoesNotMatch", "auth", "AWS_SECRET_ACCESS_KEY",
     "<StringToSign>STS</StringToSign><SignatureProvided>SIG"
     "</SignatureProvided>"),
    (400, "ExpiredToken", "auth", "AWS_SESSION_TOKEN", ""),
    (403, "RequestTimeTooSkewed", "auth", "clock", ""),
    (403, "AccessDenied", "denied", "rights", ""),
    (401, "", "auth", "AWS_", ""), (403, "", "denied", "rights", ""),
    (404, "NoSuchBucket", "not_found", "create it first", ""),
    (301, "PermanentRedirect", "config", "it is eu-west-9",
     "<Region>eu-west-9</Region>"),
    (400, "AuthorizationHeaderMalformed", "config", "it is eu-west-9",
     "<Region>eu-west-9</Region>"),
    (413, "", "refused", "size", ""),
    (400, "EntityTooLarge", "refused", "size", ""),
    (400, "KeyTooLongError", "refused", "", ""),
    (507, "", "quota", "room", ""), (403, "QuotaExceeded", "quota", "room", ""),
    (400, "BadDigest", "changed", "", ""),
    (501, "NotImplemented", "unsupported", "", ""),
])
def test_errors_are_told_apart(server, tool, tmp_path, status, code, kind,
                               hint, extra):
    server.faults = [once(status, code, times=9, extra=extra,
                          message="Because.\nReally")]
    r = tool("put", key="k\n1", file=file_with(tmp_path, b"x"))
    assert not r["ok"] and r["kind"] == kind, r
    assert hint in r["hint"] and code in r["message"]
    assert "s3://bucket/pre fix/k\\x0a1" in r["message"]
    assert "\n" not in r["message"] and f"HTTP {status}" in r["message"]
    assert "STS" not in str(r) and "SIG" not in r["message"]
    assert len(server.requests) == 1
    no_secret(r)


def test_secrets_are_never_repeated(tmp_path):
    with StandIn(token="t0ken/x") as server:
        with StoreTool("s3://bucket", server.env()) as tool:
            for message in (f"key {SECRET} is wrong", f"{ACCESS}?", "t0ken/x",
                            "y" * 280 + SECRET, "got Signature=abc"):
                server.faults = [once(403, "AccessDenied", message=message)]
                r = tool("put", key="k", file=file_with(tmp_path, b"x"))
                assert not r["ok"] and r["kind"] == "denied"
                no_secret(r, "t0ken", SECRET[:6])


def test_answers_that_are_not_s3(server, tool, tmp_path):
    page = b"<!DOCTYPE html><html><body>Welcome</body></html>"

    def web_site(handler, request):
        handler.answer(request, 200, {"Content-Type": "text/html"}, page)
        return True
    server.faults = [web_site]
    for op in ("probe", "list"):
        r = tool(op)
        assert not r["ok"] and r["kind"] == "unsupported", r
        assert "AWS_ENDPOINT_URL_S3" in r["hint"]

    def web_error(handler, request):
        handler.answer(request, 403, {}, page)
        return True
    server.faults = [web_error]
    r = tool("list")
    assert not r["ok"] and r["kind"] == "denied" and "403" in r["message"]


@pytest.mark.parametrize("env, kind, word", [
    ({"AWS_ACCESS_KEY_ID": ""}, "config", "AWS_ACCESS_KEY_ID"),
    ({"AWS_SECRET_ACCESS_KEY": ""}, "config", "AWS_SECRET_ACCESS_KEY"),
    ({"AWS_SECRET_ACCESS_KEY": "abc\n"}, "config", "white space"),
    ({"AWS_SESSION_TOKEN": "a b"}, "config", "AWS_SESSION_TOKEN"),
    ({"AWS_REGION": "a/b"}, "config", "AWS_REGION"),
    *[({"AWS_ENDPOINT_URL_S3": url}, "config", "AWS_ENDPOINT_URL_S3")
      for url in ("ftp://x", "x.example", "https://", "https://u:p@x.example",
                  "https://x.example/?q", "https://x.example/#f",
                  "https://x.example:99999", "https://x.example:0",
                  "https://x.example:9a", "https://x/%zz", "https://x/a/../b",
                  "https://x/a//b", "https://a b/", "https://x" * 500)],
])
def test_bad_environments(server, env, kind, word):
    with StoreTool("s3://bucket", server.env(**env)) as tool:
        r = tool.opened
    assert not r["ok"] and r["kind"] == kind, r
    assert word in r["message"] and r["hint"] + "x", r
    assert "u:p" not in str(r)


@pytest.mark.parametrize("url", ["s3://", "s3:///key", "s3://buc ket/x",
                                 "s3://b/a//c", "s3://b/../c", "s3://b?x=y",
                                 "s3://key:secret@b/x", "s3://b/" + "k" * 1000])
def test_bad_urls(server, url):
    with StoreTool(url, server.env()) as tool:
        assert not tool.opened["ok"] and tool.opened["kind"] == "uri", url


def test_environment_as_the_aws_tools_read_it(server):
    env = server.env()
    endpoint = env.pop("AWS_ENDPOINT_URL_S3")
    env.pop("AWS_REGION")
    for more, identity in [
            ({}, "s3:s3.us-east-1.amazonaws.com/b/p/"),
            ({"AWS_DEFAULT_REGION": "eu-west-3"},
             "s3:s3.eu-west-3.amazonaws.com/b/p/"),
            ({"AWS_DEFAULT_REGION": "eu-west-3", "AWS_REGION": "cn-north-1"},
             "s3:s3.cn-north-1.amazonaws.com.cn/b/p/"),
            ({"AWS_ENDPOINT_URL": "https://S3.example:443/x/"},
             "s3:s3.example/x/b/p/"),
            ({"AWS_ENDPOINT_URL": "https://no", "AWS_ENDPOINT_URL_S3": endpoint},
             f"s3:{server.host}/b/p/")]:
        with StoreTool("S3://b//p/", {**env, **more}) as tool:
            assert tool.opened["ok"], tool.opened
            assert tool.opened["identity"] == identity
            assert tool.opened["name"] == "s3://b/p"
            assert tool.opened["log"] == []
    env["AWS_ENDPOINT_URL_S3"] = "http://storage.example"
    with StoreTool("s3://b", env) as tool:
        assert "plain http" in tool.opened["log"][0]


def test_unreachable_and_unknown_hosts(server, tmp_path):
    for url, kind in (("http://127.0.0.1:9", "network"),
                      ("http://no-such-host.invalid", "dns")):
        with StoreTool("s3://b", server.env(AWS_ENDPOINT_URL_S3=url),
                       "patience_ms=0") as tool:
            for op in ("probe", "list"):
                r = tool(op)
                assert not r["ok"] and r["kind"] == kind, r
                assert r["hint"] and "s3://b" in r["message"]


def test_certificates_are_checked(tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                   check=True, capture_output=True)
    with StandIn(tls=(cert, key)) as server:
        url = server.endpoint.replace("127.0.0.1", "localhost")
        env = server.env(AWS_ENDPOINT_URL_S3=url)
        with StoreTool("s3://bucket", env) as tool:
            r = tool("probe")
            assert not r["ok"] and r["kind"] == "denied", r
            assert "certificate" in r["hint"]
        env["SSL_CERT_FILE"] = str(cert)
        with StoreTool("s3://bucket", env) as tool:
            assert tool("probe", write=True)["ok"]
        # The right authority, the wrong name.
        env["AWS_ENDPOINT_URL_S3"] = server.endpoint
        with StoreTool("s3://bucket", env) as tool:
            r = tool("probe")
            assert not r["ok"] and r["kind"] == "denied", r


def test_region_is_part_of_the_signature(server):
    with StoreTool("s3://bucket", server.env(AWS_REGION="elsewhere")) as tool:
        r = tool("probe")
    assert not r["ok"] and r["kind"] == "config"
    assert "AWS_REGION" in r["hint"] and server.rejected


# Listings.

def test_keys_that_cannot_be_files(server, tool):
    for key in ("ok", "a//b", "/lead", "../up", "a/./b", "dir/", "énul\0x",
                "x/.spaceferry-tmp-0123456789abcdef", "bad\udcff"):
        server.store("pre fix/" + key, b"")
    server.store("pre fix/", b"")
    server.store("pre fix/full/", b"xyz")
    r = tool("list")
    assert r["ok"], r
    assert [o["key"] for o in r["objects"]] == ["ok"]
    assert {o["kind"] for o in r["oddities"]} == {"bad_name"}
    assert sorted(o["name"] for o in r["oddities"]) == sorted(
        ["a//b", "/lead", "../up", "a/./b", "full/", "pre+fix/%C3%A9nul%00x",
         "bad\\xff"])


def test_listings_in_pages_that_fail(server, tool):
    server.page = 3
    for i in range(20):
        server.store(f"pre fix/k {i:02}", b"x" * i)
    after = {"n": 0}

    def sometimes(handler, request):
        after["n"] += 1
        return after["n"] % 2 == 0 and hang_up("GET", after=150)(
            handler, request)
    server.faults = [sometimes]
    r = tool("list")
    assert r["ok"], r
    assert [(o["key"], o["size"]) for o in r["objects"]] == [
        (f"k {i:02}", i) for i in range(20)]


@pytest.mark.parametrize("answer", [
    "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>"
    "t</NextContinuationToken></ListBucketResult>",
    "<ListBucketResult><Contents><Key>pre+fix/a</Key><Size>-1</Size>",
    "<ListBucketResult>", "", "<Other/>", "{}",
    "<!DOCTYPE x [<!ENTITY a 'aaaa'>]><ListBucketResult>&a;</ListBucketResult>",
    "<a>" * 100,
    "<ListBucketResult><Contents><Key>" + "k" * 20000,
])
def test_listings_that_make_no_sense(server, tool, answer):
    server.faults = [lambda h, r: h.answer(r, 200, {}, answer.encode()) or True]
    r = tool("list")
    assert not r["ok"] and r["kind"] == "unsupported", r
    assert "cannot list s3://bucket/pre fix" in r["message"]
