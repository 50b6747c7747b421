"""doctor: what browsers would get under the URLs of --files-url.  Every fault
it names, made on a real bucket or web server, is told apart from its
neighbours."""

from urllib.parse import unquote

import pytest

from doctor_fixtures import (any_page, certificate, closed_port,  # noqa: F401
                             iam, kept, remedy, run, uploads)
from harness.front import Front


def test_a_good_set_up_has_no_warning(run, iam, kept, uploads, tmp_path):
    """Public bucket, right prefix, old site that serves the same folder."""
    bucket = kept("good")
    iam.allow(bucket, None, "s3:GetObject")
    before = sorted((p, p.stat().st_mtime_ns) for p in uploads.rglob("*"))

    def old_site(request):
        path = uploads / unquote(request.path).removeprefix("/uploads/")
        if not path.is_file():
            return any_page(request)
        return 200, {"Content-Type": "image/png"}, path.read_bytes()

    with Front(old_site) as old:
        checks = run("--files", f"{uploads}=s3://{bucket}/app", "--files-url",
                     f"{old.url}/uploads={iam.endpoint}/{bucket}/app",
                     "--app-url", old.url, env=iam.aws_env())
        assert len(old.requests) >= 1
    assert set(checks.group("files").values()) == {"pass"}, checks.result
    assert set(checks.group("machine").values()) == {"pass"}, checks.result
    assert {"source", "source-files", "target", "target-keys", "target-bucket",
            "target-write", "target-read", "target-delete", "public-read",
            "public-type", "public-cors", "old-url"} <= set(checks.group("files"))
    assert "2 files" in checks["files", "source-files"]["seen"]
    assert before == sorted((p, p.stat().st_mtime_ns) for p in uploads.rglob("*"))
    assert not (tmp_path / "home" / "state").exists()


@pytest.fixture
def public(run, iam, kept, uploads, request):
    """Callable: runs doctor with this URL as the new one of a bucket that
    everybody may read; base: the URL that is right."""
    bucket = kept(f"pub{abs(hash(request.node.name)) % 10**9}")
    iam.allow(bucket, None, "s3:GetObject")

    def go(url, *args, env=None):
        return run("--files", f"{uploads}=s3://{bucket}/app", "--files-url",
                   f"/uploads={url}", *args, env={**iam.aws_env(), **(env or {})})
    go.bucket = bucket
    go.base = f"{iam.endpoint}/{bucket}/app"

    def fetch(request):
        """What the bucket has under the path of a request to a front."""
        path = iam.buckets / bucket / "app" / request.path.lstrip("/")
        if not path.is_file():
            return 404, {}, b"nothing here"
        return 200, {"Content-Type": "image/png"}, path.read_bytes()
    go.fetch = fetch
    return go


def test_a_private_bucket(run, iam, kept, uploads):
    bucket = kept("private")
    checks = run("--files", f"{uploads}=s3://{bucket}/app", "--files-url",
                 f"/uploads={iam.endpoint}/{bucket}/app", env=iam.aws_env())
    assert checks.failed() == {("files", "public-read")}, checks.result
    assert checks["files", "public-read"]["seen"].startswith("403")
    assert "private" in remedy(checks, "public-read")


def test_a_prefix_that_is_missing(public):
    """The URL of the bucket instead of the prefix in it; and one of nothing."""
    checks = public(public.base.removesuffix("/app"))
    assert checks.failed() == {("files", "public-read")}, checks.result
    assert checks["files", "public-read"]["seen"].startswith("404")
    assert f"under {public.base}:" in remedy(checks, "public-read")
    with Front(lambda r: (404, {}, b"")) as front:
        checks = public(front.url + "/media")
    assert checks.failed() == {("files", "public-read")}, checks.result
    assert "must be the URL of" in remedy(checks, "public-read")


def test_a_public_url_that_is_not_reached(public, certificate):
    for url, check in ((f"http://127.0.0.1:{closed_port()}/x", "public-tcp"),
                       ("https://no-such-host.invalid/x", "public-dns"),
                       (public.base.replace("http:", "https:"), "public-tls")):
        checks = public(url)
        assert checks.failed() == {("files", check)}, checks.result
    with Front(public.fetch, tls=certificate) as front:
        checks = public(front.url)
        assert checks.failed() == {("files", "public-tls")}, checks.result
        assert "trusted" in checks["files", "public-tls"]["seen"]
        checks = public(front.url, env={"SSL_CERT_FILE": certificate[0]})
        assert checks.result.rc == 0 and not checks.warned(), checks.result
        assert checks.verdict("files", "public-tls") == "pass"


def test_redirects(public):
    """For good is a doubt, for now is none; a circle leads nowhere."""
    def to(status, place):
        return lambda r: (status, {"Location": place + r.path}, b"")

    for status, verdict in ((301, "warn"), (308, "warn"), (302, "pass"),
                            (307, "pass")):
        with Front(to(status, public.base)) as front:
            checks = public(front.url)
        assert checks.result.rc == 0, checks.result
        assert checks.verdict("files", "public-redirect") == verdict
        assert checks.verdict("files", "public-read") == "pass"
    with Front(lambda r: (302, {"Location": r.path}, b"")) as front:
        checks = public(front.url)
    assert checks.failed() == {("files", "public-redirect")}, checks.result


def test_a_redirect_out_of_tls(public, certificate):
    with Front(lambda r: (302, {"Location": public.base + r.path}, b""),
               tls=certificate) as front:
        checks = public(front.url, env={"SSL_CERT_FILE": certificate[0]})
    assert checks.failed() == {("files", "public-redirect")}, checks.result


def test_apage_instead_of_the_file(public):
    """An app that answers every path with its own page, a login."""
    with Front(any_page) as front:
        checks = public(front.url)
    assert checks.failed() == {("files", "public-read")}, checks.result
    assert checks["files", "public-read"]["seen"].startswith("200, but other")


def test_a_server_that_fails(public):
    with Front(lambda r: (502, {}, b"bad gateway")) as front:
        checks = public(front.url)
    assert checks.failed() == {("files", "public-read")}, checks.result
    assert "log" in remedy(checks, "public-read")


def test_another_content_type(public):
    with Front(lambda r: (200, {"Content-Type": "application/octet-stream"},
                          public.fetch(r)[2])) as front:
        checks = public(front.url)
    assert checks.result.rc == 0, checks.result
    assert checks.warned() == {("files", "public-type")}, checks.result
    assert "application/octet-stream" in checks["files", "public-type"]["seen"]


def test_plain_http_in_an_https_app(public):
    checks = public(public.base, "--app-url", "https://app.invalid")
    assert ("files", "public-scheme") in checks.failed(), checks.result
    assert checks.verdict("files", "public-read") == "pass"


def test_cors_is_told_and_no_fault(public):
    origins = []

    def front_of(value):
        def answer(r):
            origins.append(r.headers.get("origin"))
            status, headers, body = public.fetch(r)
            return status, {**headers, **({
                "Access-Control-Allow-Origin": value} if value else {})}, body
        return Front(answer)

    for value, words in ((None, "would need a CORS rule"), ("*", "may read it"),
                         ("http://other.example", "would need a CORS rule")):
        with front_of(value) as front, Front(any_page) as app:
            checks = public(front.url, "--app-url", app.url + "/home")
            assert checks.verdict("files", "public-cors") == "pass"
            assert words in checks["files", "public-cors"]["seen"], checks.result
            assert app.url in origins
    with front_of(None) as front:
        assert "public-cors" not in public(front.url).group("files")


def test_a_new_url_that_is_a_path(public):
    checks = public("/media")
    assert checks.verdict("files", "public-read") == "skipped", checks.result


def test_an_old_url_of_something_else(run, uploads, tmp_path):
    """404, and a page for every path."""
    for answer in (lambda r: (404, {}, b""), any_page):
        with Front(answer) as old:
            checks = run("--files", f"{uploads}={tmp_path}/to", "--files-url",
                         f"{old.url}/files=/media")
        assert checks.result.rc == 0, checks.result
        assert checks.warned() == {("files", "old-url")}, checks.result
    checks = run("--files", f"{uploads}={tmp_path}/to", "--files-url",
                 f"http://127.0.0.1:{closed_port()}/files=/media")
    assert checks.verdict("files", "old-url") == "skipped"
    assert not checks.warned(), checks.result
