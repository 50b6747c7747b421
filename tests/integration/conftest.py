"""Fixtures of the integration tests.

Servers live as long as one pytest process; tests keep apart by database and
bucket names of their own (db_name, bucket).  A test that stops, fills or
restarts a server makes its own with the classes of harness/.
"""

import itertools
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
for folder in ("tests/integration", "tests/reference", "fixtures/app"):
    sys.path.insert(0, str(TREE / folder))

from harness import look                                # noqa: E402
from harness.ferry import Ferry                         # noqa: E402
from harness.mongod import Mongod, ReplicaSet           # noqa: E402
from harness.s3 import Versitygw                        # noqa: E402
from harness.toxiproxy import Toxiproxy                 # noqa: E402

APP_USER, APP_PASSWORD = "app", "p@ss/w:rd%é"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def work():
    """A folder for everything; gone at the end."""
    path = Path(tempfile.mkdtemp(prefix="spaceferry-test-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def source(work):
    """The VPS: a standalone mongod without auth."""
    with Mongod(work / "source") as server:
        yield server


@pytest.fixture(scope="session")
def target(work):
    """The new place: a replica set with auth; root may do everything, and the
    user `app` (see app_uri) has readWrite on any database and nothing else."""
    with ReplicaSet(work / "target", auth=True) as server:
        server.add_user(APP_USER, APP_PASSWORD,
                        [{"role": "readWriteAnyDatabase", "db": "admin"}])
        yield server


@pytest.fixture(scope="session")
def s3_server(work):
    if not Versitygw.available():
        pytest.skip("no versitygw in .tools/bin: scripts/setup says why")
    with Versitygw(work / "s3") as server:
        yield server


@pytest.fixture(scope="session")
def toxiproxy(work):
    if not Toxiproxy.available():
        pytest.skip("no toxiproxy in .tools/bin: scripts/setup says why")
    with Toxiproxy(work / "toxiproxy") as server:
        yield server


def _name(request):
    return re.sub(r"[\W_]+", "-", request.node.name.lower())[:24].strip("-")


@pytest.fixture
def db_name(request):
    """A database name of this test's own; dropped at the end on the shared
    servers that were used."""
    name = f"t{next(_numbers)}-{_name(request)}"
    yield name
    for fixture in ("source", "target"):
        if fixture in request.fixturenames:
            request.getfixturevalue(fixture).client().drop_database(name)


@pytest.fixture
def bucket(s3_server, request):
    """An empty bucket of this test's own."""
    return s3_server.make_bucket(f"b{next(_numbers)}-{_name(request)}")


@pytest.fixture
def s3(s3_server):
    """A boto3 client."""
    return s3_server.client()


@pytest.fixture
def spaceferry(tmp_path):
    """Runs the program: see harness/ferry.py."""
    ferry = Ferry(tmp_path / "home")
    yield ferry
    ferry.close()


@pytest.fixture
def app_uri(target):
    """URI of the user who may read and write and nothing else."""
    return lambda db="", **options: target.uri(db, user=APP_USER, **options)


@pytest.fixture
def fingerprint():
    """Callable: everything on a server that a dry run must leave alone."""
    return lambda server: look.fingerprint(server.client())
