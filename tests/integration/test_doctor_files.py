"""doctor, group "files": every fault it names, made on a real store, is told
apart from its neighbours; a good set-up has none; nothing is left behind."""

import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from doctor_fixtures import (any_page, certificate, closed_port,  # noqa: F401
                             iam, kept, remedy, run, uploads)
from harness import doctor, expect, look
from harness.ferry import binary
from harness.front import Front
from harness.mongod import make_certificates
from s3_stand_in import StandIn, once


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
    special = {"closed": f"http://127.0.0.1:{closed_port()}",
               "tls": s3_server.endpoint.replace("http:", "https:")}
    with Front(any_page) as page:
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


def test_a_store_that_fails(run, uploads):
    """It answers, and never well."""
    with StandIn() as fake:
        fake.faults.append(once(503, "SlowDown", times=99))
        checks = run("--files", f"{uploads}=s3://bucket/a", "--patience", "200ms",
                     env=fake.env())
    assert checks.failed() == {("files", "target-endpoint")}, checks.result


def test_a_bucket_as_source(run, iam, kept, tmp_path):
    """Its layers are told under its own names."""
    bucket, user = kept("from"), iam.add_user()
    iam.allow(bucket, user, "s3:ListBucket")
    for place, env, check in (
            (f"s3://{bucket}/app", iam.aws_env(), None),
            ("s3://no-such-bucket/a", iam.aws_env(), "source-bucket"),
            (f"s3://{bucket}/app", iam.aws_env("wrong-secret-word"), "source-keys"),
            (f"s3://{bucket}/app", user, "source-read")):
        checks = run("--files", f"{place}={tmp_path}/to", env=env)
        assert checks.failed() == ({("files", check)} if check else set()), \
            checks.result
        assert check == "source-read" or check is None or \
            "source-files" not in checks.group("files")
    checks = run("--files", f"s3://{bucket}/app={tmp_path}/to", env=iam.aws_env())
    assert checks["files", "source-files"]["seen"].startswith("1 file, 5 B")
    assert checks.verdict("files", "source-read") == "pass"


def test_no_kind_of_store(run, uploads):
    checks = run("--files", f"{uploads}=gopher://somewhere/x")
    assert checks.failed() == {("files", "target")}, checks.result


def test_keys_in_the_url_are_not_shown(run, uploads):
    checks = run("--files", f"{uploads}=s3://AKIA1234:verysecretword@bucket/x")
    assert checks.failed() == {("files", "target")}
    expect.no_secret(checks.result, "verysecretword")


def test_certificates(run, uploads, certificate, tmp_path):
    """Nobody's is refused; the same one is good where it is trusted; so are not
    one that ran out and one for another name."""
    with StandIn(tls=certificate) as s3:
        checks = run("--files", f"{uploads}=s3://bucket/a", env=s3.env())
        assert checks.failed() == {("files", "target-tls")}, checks.result
        assert "SSL_CERT_FILE" in remedy(checks, "target-tls")
        checks = run("--files", f"{uploads}=s3://bucket/a",
                     env=s3.env(SSL_CERT_FILE=certificate[0]))
        assert checks.result.rc == 0 and s3.objects == {}, checks.result
    for n, (names, days, words) in enumerate((
            ("IP:127.0.0.1", -1, "out of its time"),
            ("DNS:other.example", 2, "for another name"))):
        folder = tmp_path / f"tls{n}"
        folder.mkdir()
        make_certificates(folder, names, days)
        with StandIn(tls=(folder / "server.crt", folder / "server.key")) as s3:
            checks = run("--files", f"{uploads}=s3://bucket/a",
                         env=s3.env(SSL_CERT_FILE=str(folder / "ca.pem")))
        assert checks.failed() == {("files", "target-tls")}, checks.result
        assert words in checks["files", "target-tls"]["seen"]


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


# --- as people and scripts see it ---

def test_checks_are_told_as_they_are_made(spaceferry, uploads):
    """The store answers only once the first line was read."""
    told, waited = threading.Event(), []
    with StandIn() as fake:
        fake.faults.append(lambda *_: waited.append(told.wait(30)))
        running = spaceferry.start("doctor", "--json", "--files",
                                   f"{uploads}=s3://bucket/app", env=fake.env())
        line = running.process.stdout.readline()
        told.set()
        assert running.wait().rc == 0
    assert json.loads(line)["check"] == "source"
    assert waited and all(waited)


def test_for_people(spaceferry, s3_server, bucket, uploads):
    """A screen on stdout, its words by the locale; nothing on stderr."""
    for lang, words in (("C.UTF-8", ("✓ source-files", "✗ target-keys", "→ check")),
                        ("C", ("ok   source-files", "FAIL target-keys", "-> check"))):
        r = spaceferry("doctor", "--files", f"{uploads}=s3://{bucket}",
                       env={**s3_server.aws_env("wrong-secret-word"), "LANG": lang})
        assert r.rc == 1 and r.stderr == "", r
        for word in words:
            assert word in r.stdout, r
        assert "1 failed" in r.stdout.splitlines()[-3], r
        assert r.stdout.splitlines()[-2] == "failed: files target-keys", r
        expect.no_secret(r, "wrong-secret-word")
