# build: release
"""The fixture app, whole: its database and uploads into a repository in a bucket,
encrypted; back from there into another MongoDB and another bucket; byte for byte
by pymongo and boto3, metadata equal.  The server it came from is not needed.

SPACEFERRY_TEST_SCALE=100 adds 1 GB of documents and 5,000 files."""

import hashlib
import os
import random
import sys
from pathlib import Path

import make_app
import pytest
from harness import look, raw
from harness.mongod import ReplicaSet
from harness.vault import Vault, age_key

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import dataset                                                  # noqa: E402

SCALE = int(os.environ.get("SPACEFERRY_TEST_SCALE", "1"))
DB = "backup-app"


def documents(db, name):
    """(number, sum of SHA-256) of what is stored, whatever its order."""
    n = total = 0
    for batch in db[name].find_raw_batches():
        for document in raw.split(batch):
            n += 1
            total += int.from_bytes(hashlib.sha256(raw.id_first(document)).digest(), "big")
    return n, total % (1 << 256)


def contents(client, db):
    names = [i["name"] for i in client[db].list_collections() if i["type"] != "view"]
    names = [n for n in names if not n.startswith("system.") or n.startswith("system.buckets.")]
    series = {i["name"] for i in client[db].list_collections() if i["type"] == "timeseries"}
    return {n: documents(client[db], n) for n in sorted(set(names) - series)}


@pytest.fixture(scope="module")
def app(work):
    with ReplicaSet(work / "app-server") as server:
        make_app.load(server.uri(), DB)
        dataset.fill(server.client()[DB]["orders"], 9_500 * SCALE)
        folder = work / "app-uploads"
        make_app.uploads(folder)
        rng = random.Random("more")
        for n in range(50 * SCALE):
            path = folder / "more" / f"{n % 100}" / f"photo {n}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(rng.randbytes(rng.randrange(1000, 80_000)))
        yield server, folder


def test_whole_app(app, target, s3_server, s3, spaceferry, work, db_name):
    server, folder = app
    key, recipient = age_key(work, "app-key.txt")
    vault, files = s3_server.make_bucket("app-vault"), s3_server.make_bucket("app-files")
    repo = ["--repo", f"s3://{vault}/backups/app"]
    r = spaceferry("backup", "--json", *repo, "--recipient", recipient, "--files", str(folder),
                   env={"SPACEFERRY_FROM": server.uri(DB), **s3_server.aws_env()}, timeout=900)
    assert r.rc == 0, r
    want = contents(server.client(), DB), look.metadata(server.client(), DB)
    r = spaceferry("restore", "--json", *repo, "--identity", str(key),
                   "--files", f"s3://{files}/up",
                   env={"SPACEFERRY_TO": target.uri(db_name), **s3_server.aws_env()}, timeout=900)
    assert r.rc == 0, r
    assert (contents(target.client(), db_name),
            look.metadata(target.client(), db_name)) == want
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    listed = look.listing(s3, files, "up/")
    assert sorted(k[len("up/"):] for k in listed) == names
    for name in names:
        body, _ = look.get_object(s3, files, f"up/{name}")
        assert body == (folder / name).read_bytes(), name
    # What the provider sees: whole, and nothing in the clear.
    copy = Vault.of_bucket(s3, vault, "backups/app", work / "app-copy", key)
    (path,) = (copy.folder / "snapshots").iterdir()
    copy.whole(copy.snapshots()[0], path)

