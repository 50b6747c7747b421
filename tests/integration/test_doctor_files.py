"""doctor, group "files": every fault it names, made on a real store or web
server, is told apart from its neighbours; a good set-up has none; nothing is
left behind."""

import os
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from harness import doctor, expect, look
from harness.ferry import binary
from harness.front import Front
from harness.s3 import Versitygw, VersitygwIam
from s3_stand_in import StandIn, once

PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)


@pytest.fixture(scope="module")
def iam(work):
    """versitygw with users and policies."""
    if not Versitygw.available():
        pytest.skip("no versitygw in .tools/bin: scripts/setup says why")
    with VersitygwIam(work / "iam") as server:
        yield server


@pytest.fixture
def uploads(tmp_path):
    folder = tmp_path / "uploads"
    (folder / "2024").mkdir(parents=True)
    (folder / "2024" / "été 1.png").write_bytes(PNG)
    (folder / "notes.txt").write_bytes(b"x" * 1000)
    return folder


@pytest.fixture
def run(spaceferry):
    """Runs doctor; returns its checks (and the run as .result)."""
    def go(*args, env=None, **how):
        r = spaceferry("doctor", "--json", *args, env=env, **how)
        checks = doctor.checks(r)
        checks.result = r
        if (env or {}).get("AWS_SECRET_ACCESS_KEY"):
            expect.no_secret(r, env["AWS_SECRET_ACCESS_KEY"])
        return checks
    return go


@pytest.fixture
def kept(iam):
    """Callable: makes a bucket; its contents may not change in the test."""
    buckets = []

    def make(name):
        iam.make_bucket(name)
        iam.client().put_object(Bucket=name, Key="app/there.txt", Body=b"there")
        buckets.append((name, look.listing(iam.client(), name)))
        return name
    yield make
    for name, before in buckets:
        assert look.listing(iam.client(), name) == before


def remedy(checks, name):
    return checks["files", name]["remedy"]


# --- all is well ---

def test_a_good_set_up_has_no_warning(run, iam, kept, uploads, tmp_path):
    """Public bucket, right prefix, old site that serves the same folder."""
    bucket = kept("good")
    iam.allow(bucket, None, "s3:GetObject")
    before = sorted((p, p.stat().st_mtime_ns) for p in uploads.rglob("*"))

    def old_site(request):
        path = uploads / unquote(request.path).removeprefix("/uploads/")
        if not path.is_file():
            return _page(request)
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


def test_a_folder_as_target(run, uploads, tmp_path):
    """One that is there is tried and left as it was; one that is not is not
    made."""
    there = tmp_path / "there"
    there.mkdir()
    for to in (there, tmp_path / "new" / "deep"):
        checks = run("--files", f"{uploads}={to}")
        assert checks.result.rc == 0 and not checks.warned(), checks.result
    assert "not there yet" in checks["files", "target"]["seen"]
    assert list(there.iterdir()) == [] and not (tmp_path / "new").exists()


# --- the way to the store ---

def _page(request):
    return 200, {"Content-Type": "text/html"}, b"<html>hello</html>"


def _closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


STORE_FAULTS = [
    # changes of the environment, the check that fails, words of its remedy
    ({"AWS_SECRET_ACCESS_KEY": "not-the-right-one"}, "target-keys",
     "AWS_SECRET_ACCESS_KEY"),
    ({"AWS_ACCESS_KEY_ID": "AKNOBODY"}, "target-keys", "AWS_ACCESS_KEY_ID"),
    ({"AWS_ACCESS_KEY_ID": ""}, "target", "AWS_ACCESS_KEY_ID"),
    ({"AWS_REGION": "eu-nowhere-9"}, "target-region", "it is us-east-1"),
    ({"AWS_ENDPOINT_URL_S3": "http://no-such-host.invalid"}, "target-dns",
     "name"),
    ({"AWS_ENDPOINT_URL_S3": "closed"}, "target-tcp", "start the server"),
    ({"AWS_ENDPOINT_URL_S3": "tls"}, "target-tls", "http://"),
    ({"AWS_ENDPOINT_URL_S3": "page"}, "target-endpoint", "S3 endpoint"),
    ({"AWS_ENDPOINT_URL_S3": "ftp://host"}, "target", "https://host"),
]


@pytest.mark.parametrize("changes,check,words", STORE_FAULTS,
                         ids=[f"{c}-{i}" for i, (_, c, _) in enumerate(STORE_FAULTS)])
def test_the_way_to_the_store(run, s3_server, bucket, uploads, changes, check,
                              words):
    env = {**s3_server.aws_env(), **changes}
    special = {"closed": f"http://127.0.0.1:{_closed_port()}",
               "tls": s3_server.endpoint.replace("http:", "https:")}
    with Front(_page) as page:
        special["page"] = page.url
        at = "AWS_ENDPOINT_URL_S3"
        env[at] = special.get(env[at], env[at])
        checks = run("--files", f"{uploads}=s3://{bucket}", env=env)
    assert checks.failed() == {("files", check)}, checks.result
    assert words in remedy(checks, check), checks.result
    assert checks.group("files").get("target-write") is None
    assert checks.result.rc == 1


def test_a_bucket_that_is_not_there(run, s3_server, uploads):
    checks = run("--files", f"{uploads}=s3://no-such-bucket/a",
                 env=s3_server.aws_env())
    assert checks.failed() == {("files", "target-bucket")}, checks.result
    assert checks.verdict("files", "target-keys") == "pass"
    assert "create it" in remedy(checks, "target-bucket")


def test_no_kind_of_store(run, uploads):
    checks = run("--files", f"{uploads}=gopher://somewhere/x")
    assert checks.failed() == {("files", "target")}, checks.result


def test_keys_in_the_url_are_not_shown(run, uploads):
    checks = run("--files", f"{uploads}=s3://AKIA1234:verysecretword@bucket/x")
    assert checks.failed() == {("files", "target")}
    expect.no_secret(checks.result, "verysecretword")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", folder / "key", "-out", folder / "cert"],
                   check=True, capture_output=True)
    return str(folder / "cert"), str(folder / "key")


def test_certificates(run, uploads, certificate):
    """Nobody's is refused; the same one is good where it is trusted."""
    with StandIn(tls=certificate) as s3:
        checks = run("--files", f"{uploads}=s3://bucket/a", env=s3.env())
        assert checks.failed() == {("files", "target-tls")}, checks.result
        assert "SSL_CERT_FILE" in remedy(checks, "target-tls")
        checks = run("--files", f"{uploads}=s3://bucket/a",
                     env=s3.env(SSL_CERT_FILE=certificate[0]))
        assert checks.result.rc == 0 and s3.objects == {}, checks.result


SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
time_t time(time_t *out)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += atol(getenv("CLOCK_SHIFT"));
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
"""


@pytest.fixture(scope="module")
def shifted(tmp_path_factory):
    """Callable: variables under which a program's clock is off by so much."""
    if shutil.which("cc") is None:
        pytest.skip("no cc to shift the clock with")
    folder = tmp_path_factory.mktemp("clock")
    (folder / "shim.c").write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "shim.so",
                    folder / "shim.c"], check=True)

    def env(seconds):
        asan = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": str(folder / "shim.so"),
                "CLOCK_SHIFT": str(seconds),
                "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0:exitcode=99".lstrip(":")}
    return env


def test_a_clock_that_is_wrong(run, s3_server, bucket, uploads, shifted):
    """By minutes it is a warning; by hours signatures do not hold, which is no
    matter of keys."""
    args = "--files", f"{uploads}=s3://{bucket}"
    checks = run(*args, env={**s3_server.aws_env(), **shifted(-120)})
    assert checks.result.rc == 0, checks.result
    assert checks.warned() == {("machine", "clock")}, checks.result
    assert "behind" in checks["machine", "clock"]["seen"]
    checks = run(*args, env={**s3_server.aws_env(), **shifted(7200)})
    assert checks.failed() == {("machine", "clock"), ("files", "target-clock")}, \
        checks.result
    assert "ahead" in checks["machine", "clock"]["seen"]
    assert "clock" in remedy(checks, "target-clock")


# --- rights ---

def test_rights_told_apart(run, iam, kept, uploads):
    """Each user lacks one right."""
    everything = "s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"
    for i, (lacks, check) in enumerate([
            ("s3:ListBucket", "target-list"), ("s3:PutObject", "target-write"),
            ("s3:GetObject", "target-read")]):
        bucket, user = kept(f"rights{i}"), iam.add_user()
        iam.allow(bucket, user, *[a for a in everything if a != lacks])
        checks = run("--files", f"{uploads}=s3://{bucket}/app", env=user)
        assert checks.failed() == {("files", check)}, (lacks, checks.result)
        assert not checks.warned(), (lacks, checks.result)
        assert checks.verdict("files", "target-keys") == "pass"


def test_without_the_right_to_delete(run, iam, uploads):
    """What doctor wrote stays, and it says where."""
    bucket, user = iam.make_bucket("undeletable"), iam.add_user()
    iam.allow(bucket, user, "s3:ListBucket", "s3:GetObject", "s3:PutObject")
    checks = run("--files", f"{uploads}=s3://{bucket}/app", env=user)
    assert checks.result.rc == 0, checks.result
    assert checks.warned() == {("files", "target-delete")}, checks.result
    (key,) = look.listing(iam.client(), bucket)
    assert f"s3://{bucket}/{key}" in remedy(checks, "target-delete")


def test_uploads_in_parts(run, s3_server, s3, bucket, uploads):
    """Only where a file is large enough to need them."""
    with open(uploads / "film.mp4", "wb") as f:
        f.truncate((64 << 20) + 1)
    args = "--files", f"{uploads}=s3://{bucket}/app"
    checks = run(*args, env=s3_server.aws_env())
    assert checks.verdict("files", "target-parts") == "pass", checks.result
    assert look.listing(s3, bucket) == {}
    assert not s3.list_multipart_uploads(Bucket=bucket).get("Uploads")
    with StandIn() as fake:
        fake.faults.append(once(403, "AccessDenied", "POST", times=9))
        checks = run("--files", f"{uploads}=s3://bucket/app", env=fake.env())
        assert checks.failed() == {("files", "target-parts")}, checks.result
        assert fake.objects == {} and fake.uploads == {}


def test_what_is_read_back_is_another(run, uploads):
    with StandIn() as fake:
        fake.faults.append(lambda handler, r: r.method == "GET" and
                           r.path.endswith(".png") and not handler.answer(
                               r, 200, {}, b"changed on the way"))
        checks = run("--files", f"{uploads}=s3://bucket/app", env=fake.env())
        assert checks.failed() == {("files", "target-read")}, checks.result
        assert fake.objects == {}


def test_interrupted_it_removes_what_it_wrote(spaceferry, uploads):
    with StandIn() as fake:
        running = []
        fake.faults.append(lambda handler, r: r.method == "PUT" and
                           running[0].interrupt())
        running.append(spaceferry.start("doctor", "--json", "--files",
                                        f"{uploads}=s3://bucket/app",
                                        env=fake.env()))
        r = running[0].wait()
        assert r.rc == 3 and not r.summary["ok"], r
        assert fake.count("PUT") == 1 and fake.objects == {}, r
    doctor.checks(r)


# --- what is public ---

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
    for url, check in ((f"http://127.0.0.1:{_closed_port()}/x", "public-tcp"),
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


def test_a_page_instead_of_the_file(public):
    """An app that answers every path with its own page, a login."""
    with Front(_page) as front:
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
        with front_of(value) as front, Front(_page) as app:
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
    for answer in (lambda r: (404, {}, b""), _page):
        with Front(answer) as old:
            checks = run("--files", f"{uploads}={tmp_path}/to", "--files-url",
                         f"{old.url}/files=/media")
        assert checks.result.rc == 0, checks.result
        assert checks.warned() == {("files", "old-url")}, checks.result
    checks = run("--files", f"{uploads}={tmp_path}/to", "--files-url",
                 f"http://127.0.0.1:{_closed_port()}/files=/media")
    assert checks.verdict("files", "old-url") == "skipped"
    assert not checks.warned(), checks.result


# --- the source ---

def test_a_source_that_is_not_there(run, tmp_path):
    (tmp_path / "file").write_text("x")
    for name in ("nothing", "file"):
        checks = run("--files", f"{tmp_path}/{name}={tmp_path}/to")
        assert checks.failed() == {("files", "source")}, checks.result


def test_a_source_without_a_file(run, tmp_path, uploads):
    (tmp_path / "empty").mkdir()
    checks = run("--files", f"{tmp_path}/empty={tmp_path}/to")
    assert checks.warned() == {("files", "source-files")}, checks.result
    checks = run("--files", f"{uploads}={tmp_path}/to", "--files-include", "*.jpg")
    assert checks.warned() == {("files", "source-files")}, checks.result


def _outside_link(folder):
    (folder / "a").symlink_to("/etc/hostname")


def _dangling_link(folder):
    (folder / "a").symlink_to("nothing")


def _loop(folder):
    (folder / "a").symlink_to(".")


def _bad_name(folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png")).write_bytes(b"x")


def _fifo(folder):
    os.mkfifo(folder / "a")


@pytest.mark.parametrize("spoil,check", [
    (_outside_link, "source-links"), (_dangling_link, "source-links"),
    (_loop, "source-links"), (_bad_name, "source-names"),
    (_fifo, "source-special")])
def test_what_cannot_be_moved(run, uploads, tmp_path, spoil, check):
    spoil(uploads)
    checks = run("--files", f"{uploads}={tmp_path}/to")
    assert checks.failed() == {("files", check)}, checks.result
    assert "--files-exclude" in remedy(checks, check)
    if spoil != _bad_name:
        checks = run("--files", f"{uploads}={tmp_path}/to",
                     "--files-exclude", "a")
        assert checks.result.rc == 0, checks.result


def test_files_that_may_not_be_read(spaceferry, work):
    """Told though the folder can be listed."""
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    if subprocess.run([*nobody, "test", "-x", binary()],
                      capture_output=True).returncode != 0:
        pytest.skip("needs root, and a program that others may run")
    work.chmod(0o755)
    folder = work / "readable"
    folder.mkdir(mode=0o755)
    (folder / "open.txt").write_text("x")
    (folder / "closed.txt").write_text("x")
    (folder / "closed.txt").chmod(0o600)
    state = f"/tmp/spaceferry-never-{os.getpid()}"
    r = spaceferry("doctor", "--json", "--files", f"{folder}={state}-files",
                   "--state", state, wrap=nobody, cwd="/")
    checks = doctor.checks(r)
    assert checks.failed() == {("files", "source-readable")}, r
    assert checks["files", "source-readable"]["seen"] == \
        "closed.txt: Permission denied"


def test_names_that_collide(run, tmp_path):
    for name, file in (("a", "x.png"), ("b", "x.png"), ("c", "x.png/y")):
        (tmp_path / name / file).parent.mkdir(parents=True)
        (tmp_path / name / file).write_bytes(b"x")
    for other in "bc":
        checks = run("--files", f"{tmp_path}/a={tmp_path}/to",
                     "--files", f"{tmp_path}/{other}={tmp_path}/to")
        assert checks.failed() == {("files", "source-collisions")}, checks.result
    assert run("--files", f"{tmp_path}/a={tmp_path}/to",
               "--files", f"{tmp_path}/b={tmp_path}/to2").result.rc == 0


def test_source_and_target_are_the_same(run, uploads, iam, kept):
    checks = run("--files", f"{uploads}={uploads}/")
    assert checks.failed() == {("files", "same")}, checks.result
    bucket = kept("same")
    checks = run("--files", f"s3://{bucket}/app=s3://{bucket}/app",
                 env=iam.aws_env())
    assert checks.failed() == {("files", "same")}, checks.result
    assert checks.verdict("files", "source-bucket") == "pass"


# --- a folder to write to ---

def test_a_target_folder_that_cannot_be_made(run, uploads, tmp_path):
    (tmp_path / "file").write_text("x")
    checks = run("--files", f"{uploads}={tmp_path}/file/deep")
    assert checks.failed() == {("files", "target")}, checks.result
    checks = run("--files", f"{uploads}=/proc/nothing/deep")
    assert ("files", "target") in checks.failed(), checks.result


def test_no_room(run, uploads, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk],
                          capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        (uploads / "large").write_bytes(bytes(2 << 20))
        checks = run("--files", f"{uploads}={disk}/to")
        assert checks.failed() == {("files", "target-room")}, checks.result
        (uploads / "large").write_bytes(bytes(1000 << 10))
        checks = run("--files", f"{uploads}={disk}/to")
        assert checks.result.rc == 0, checks.result
        assert checks.warned() == {("files", "target-room")}, checks.result
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        checks = run("--files", f"{uploads}={disk}/to")
        assert ("files", "target") in checks.failed(), checks.result
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


# --- as people see it ---

def test_for_people(spaceferry, s3_server, bucket, uploads):
    """A screen on stdout, its words by the locale; nothing on stderr."""
    for lang, words in (("C.UTF-8", ("✓ source-files", "✗ target-keys", "→ check")),
                        ("C", ("ok   source-files", "FAIL target-keys", "-> check"))):
        r = spaceferry("doctor", "--files", f"{uploads}=s3://{bucket}",
                       env={**s3_server.aws_env("wrong-secret-word"), "LANG": lang})
        assert r.rc == 1 and r.stderr == "", r
        for word in words:
            assert word in r.stdout, r
        assert "1 failed" in r.stdout.splitlines()[-2], r
        expect.no_secret(r, "wrong-secret-word")
