"""Fixtures of the tests of doctor that write to stores."""

import socket
import subprocess

import pytest

from harness import doctor, expect, look
from harness.s3 import Versitygw, VersitygwIam

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


def any_page(request):
    return 200, {"Content-Type": "text/html"}, b"<html>hello</html>"


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
