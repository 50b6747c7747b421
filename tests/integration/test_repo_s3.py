# build: release
"""A repository in a bucket: beside other things, by somebody who may not delete,
on a store that knows no conditions, through answers that are lost, by two at once.
What is there is read with boto3, age and zstd."""

import http.client
import os
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness import expect, look
from harness.s3 import Versitygw, VersitygwIam
from harness.vault import Vault, age_key

REFUSED = (b'<?xml version="1.0"?><Error><Code>NotImplemented</Code>'
           b"<Message>A header you provided implies functionality that is not "
           b"implemented</Message></Error>")


class Between:
    """Stands before a store: conditions(False) says that it knows none; lose: how
    many answers to PUTs of blobs are thrown away, though they were carried out."""

    def __init__(self, port):
        self.port, self.conditions, self.lose = port, True, 0
        self.lost, self.refused, self.lock = 0, 0, threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.between = self
        self.server.handle_error = lambda *_: None
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.05})

    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def pass_on(self):
        between = self.server.between
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "If-None-Match" in self.headers and not between.conditions:
            with between.lock:
                between.refused += 1
            return self.reply(501, [("Content-Type", "application/xml")], REFUSED)
        there = http.client.HTTPConnection("127.0.0.1", between.port, timeout=30)
        there.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            there.putheader(name, value)
        there.endheaders(body)
        answer = there.getresponse()
        data = answer.read()
        there.close()
        with between.lock:
            lose = self.command == "PUT" and "/data/" in self.path and between.lose > 0
            between.lose -= lose
            between.lost += lose
        if lose:
            self.close_connection = True
            return None
        return self.reply(answer.status, answer.getheaders(), data)

    def reply(self, status, headers, data):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        length = str(len(data))
        if self.command == "HEAD":
            length = dict((n.lower(), v) for n, v in headers).get("content-length", "0")
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = pass_on


@pytest.fixture(scope="module")
def key(work):
    return age_key(work, "s3.key")


@pytest.fixture
def up(tmp_path):
    """40 files, half of them of random bytes."""
    rng = random.Random(6)
    for n in range(40):
        path = tmp_path / "up" / f"{n % 7}" / f"{n}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.randbytes(n * 400) if n % 2 else b"%d\n" % n * n)
    return tmp_path / "up"


@pytest.fixture
def args(up, key, tmp_path):
    return ["backup", "--json", "--files", up, "--recipient", key[1],
            "--state", tmp_path / "state"]


@pytest.fixture
def backup(spaceferry, args):
    def run(repo, env, rc=0):
        r = spaceferry(*args, "--repo", repo, env=env)
        assert r.rc == rc, r
        expect.no_secret(r, env["AWS_SECRET_ACCESS_KEY"])
        return r
    return run


def proven(s3, bucket, prefix, tmp_path, key, up):
    """Every file is in the newest snapshot, byte for byte; the keys of the repository."""
    vault = Vault.of_bucket(s3, bucket, prefix, tmp_path / f"copy-{random.random()}", key[0])
    for snapshot in vault.snapshots():
        (path,) = (vault.folder / "snapshots").glob(f"*-{snapshot[0]['id']}.jsonl")
        vault.whole(snapshot, path)
    files = [v["file"] for v in vault.details(vault.snapshots()[-1]) if "file" in v]
    assert {f["key"]: b"".join(map(vault.blob, f["blobs"])) for f in files} == \
        {str(p.relative_to(up)): p.read_bytes() for p in up.rglob("*") if p.is_file()}
    return {k for k in vault.sizes()}


def kinds(keys):
    return {k.split("/")[0] for k in keys}


def test_beside_other_things(backup, s3, s3_server, bucket, key, up, tmp_path):
    env = s3_server.aws_env()
    others = ["apple", "app-notes/config", "app2/config", "app/snapshots.txt"]
    for name in others[:3]:
        s3.put_object(Bucket=bucket, Key=name, Body=b"somebody's")
    r = backup(f"s3://{bucket}/app", env)
    first = r.summary["repository"]
    assert first["blobs_added"] > 30 and first["blobs_added"] == first["blobs"]
    keys = proven(s3, bucket, "app/", tmp_path, key, up)
    assert kinds(keys) == {"config", "keys", "data", "snapshots"}
    # Again: the first line of the details is another.
    again = backup(f"s3://{bucket}/app", env).summary["repository"]
    assert again["blobs_added"] == 1, again
    assert again["bytes_added"] < 1000
    # Where no bucket is, and where something else is, nothing is written.
    r = backup("s3://no-such-bucket/app", env, rc=2)
    assert "no-such-bucket" in r.summary["errors"][0]["message"]
    s3.put_object(Bucket=bucket, Key="other/readme", Body=b"x")
    r = backup(f"s3://{bucket}/other", env, rc=2)
    assert "readme" in r.summary["errors"][0]["message"]
    assert set(look.listing(s3, bucket, "other/")) == {"other/readme"}
    for name in others[:3]:
        assert look.get_object(s3, bucket, name)[0] == b"somebody's"


def test_without_the_right_to_delete(backup, work, key, up, tmp_path):
    if not Versitygw.available():
        pytest.skip("no versitygw in .tools/bin: scripts/setup says why")
    with VersitygwIam(work / "repo-iam") as server:
        user = server.add_user()
        server.make_bucket("vault")
        server.allow("vault", user, "s3:GetObject", "s3:PutObject", "s3:ListBucket")
        for _ in range(2):
            r = backup("s3://vault/app", user)
        assert r.summary["repository"]["blobs_added"] == 1, r
        s3 = server.client()
        keys = proven(s3, "vault", "app/", tmp_path, key, up)
        assert len([k for k in keys if k.startswith("snapshots/")]) == 2
        # Who may only read does not add, and says so.
        server.allow("vault", user, "s3:GetObject", "s3:ListBucket")
        (up / "new").write_bytes(os.urandom(5000))
        r = backup("s3://vault/app", user, rc=2)
        assert r.summary["errors"][0]["kind"] == "denied", r
        assert len(look.listing(s3, "vault", "app/snapshots/")) == 2


def test_a_store_without_conditions(backup, s3, s3_server, bucket, key, up, tmp_path):
    with Between(s3_server.port) as between:
        between.conditions = False
        env = {**s3_server.aws_env(), "AWS_ENDPOINT_URL_S3": between.url()}
        backup(f"s3://{bucket}/plain", env)
        assert 0 < between.refused < 20
        again = backup(f"s3://{bucket}/plain", env)
        assert again.summary["repository"]["blobs_added"] == 1
    proven(s3, bucket, "plain/", tmp_path, key, up)


def test_answers_that_are_lost(backup, s3, s3_server, bucket, key, up, tmp_path):
    with Between(s3_server.port) as between:
        between.lose = 6
        env = {**s3_server.aws_env(), "AWS_ENDPOINT_URL_S3": between.url()}
        r = backup(f"s3://{bucket}/lossy", env)
        assert between.lost == 6
        assert "stored anew" not in r.stderr
    proven(s3, bucket, "lossy/", tmp_path, key, up)


def test_two_at_once(spaceferry, args, s3, s3_server, bucket, key, up, tmp_path):
    """Both make the repository, and store the same."""
    runs = [spaceferry.start(*args, "--repo", f"s3://{bucket}/two", env=s3_server.aws_env())
            for _ in range(2)]
    for r in [run.wait() for run in runs]:
        assert r.rc == 0 and "stored anew" not in r.stderr, r
    keys = proven(s3, bucket, "two/", tmp_path, key, up)
    assert kinds(keys) == {"config", "keys", "data", "snapshots"}
    assert len([k for k in keys if k.startswith("snapshots/")]) == 2
    assert len([k for k in keys if k.startswith("keys/")]) == 1


def test_bandwidth_is_that_of_all_transfers_together(spaceferry, s3_server, bucket, key,
                                                     tmp_path):
    """The limit is a floor of the time that is taken: the first object goes at once."""
    many = tmp_path / "many"
    many.mkdir()
    for n in range(6):
        (many / str(n)).write_bytes(os.urandom(256 << 10))
    limit = ("--repo", f"s3://{bucket}/slow", "--bwlimit", "2MiB")
    env = s3_server.aws_env()
    for run in (["backup", "--files", many, "--recipient", key[1]],
                ["restore", "--files", tmp_path / "back", "--identity", key[0]]):
        r = spaceferry(*run, *limit, "--json", env=env)
        assert r.rc == 0 and r.summary["elapsed_seconds"] >= 5 * 256 / 2048, r
