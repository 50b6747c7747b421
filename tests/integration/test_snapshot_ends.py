# build: release
"""A snapshot as an end of diff, verify, export and import: what it is held against
agrees or is told apart, and the real mongorestore reads what is exported of it."""

import subprocess

import pytest

from harness import look, peers, stored
from harness.vault import Vault


@pytest.fixture(scope="module")
def shop(source, work):
    shop = stored.Shop(source, work / "ends-shop", "ends-shop")
    yield shop
    shop.close()


def told(r):
    return {(d["kind"], d.get("namespace"), str(d.get("_id", d.get("key", d.get("name")))))
            for d in r.lines[:-1]}


def test_diff_and_verify(shop, tmp_path):
    uri, snapshot = ["mongodb", shop.server.uri()], "snapshot:latest"
    files = ["--files", f"{shop.docs}={shop.docs}"]
    turned = ["--db", shop.db, "--db", shop.other]
    r = shop.run("diff", "--from", snapshot, "--to", uri[1], *files)
    assert r.lines[:-1] == []
    assert shop.run("verify", "--from", uri[1], "--to", snapshot, *turned, *files)
    # What was changed since then, and what is kept there of it.
    db = shop.server.client()[shop.db]
    db["users"].update_one({"_id": 7}, {"$set": {"name": "new"}})
    db["users"].delete_one({"_id": 8})
    db["odd"].insert_one({"_id": "later"})
    (shop.docs / "more.txt").write_text("more")
    try:
        users, odd = f"{shop.db}.users", f"{shop.db}.odd"
        r = shop.run("diff", "--from", snapshot, "--to", uri[1], *files, rc=1)
        assert told(r) == {("different", users, "{'$numberInt': '7'}"),
                           ("missing", users, "{'$numberInt': '8'}"),
                           ("extra", odd, "later"), ("file", None, "more.txt")}
        (seven,) = [d for d in r.lines[:-1] if d["kind"] == "different"]
        assert seven["fields"] == [{"path": "name", "source": "User 7", "target": "new"}]
        r = shop.run("diff", "--from", uri[1], "--to", snapshot, *turned, *files, rc=1)
        assert told(r) == {("different", users, "{'$numberInt': '7'}"),
                           ("extra", users, "{'$numberInt': '8'}"),
                           ("missing", odd, "later"), ("file", None, "more.txt")}
        assert shop.run("verify", "--from", snapshot, "--to", uri[1], rc=1)
        # Two snapshots, and one with itself.
        first = shop.sealed.snapshots()[0][0]["id"]
        shop.backup("sealed", "--recipient", shop.recipient)
        r = shop.run("diff", "--from", f"snapshot:{first}", "--to", snapshot, rc=1)
        assert told(r) == {("different", users, "{'$numberInt': '7'}"),
                           ("missing", users, "{'$numberInt': '8'}"), ("extra", odd, "later")}
        (e,) = shop.run("diff", "--from", snapshot, "--to", snapshot, rc=2).summary["errors"]
        assert e["kind"] == "same"
        # The first one still comes back as it was.
        shop.run("export", "--from", f"snapshot:{first}", "--dir", tmp_path / "dump")
        data = (tmp_path / "dump" / shop.db / "users.bson").read_bytes()
        assert data == b"".join(shop.contents[shop.db][0]["users"].values())
    finally:
        (shop.docs / "more.txt").unlink()
        shop.drop()
        stored.fill(shop.server.client(), shop.db, shop.other)


@pytest.mark.parametrize("form", ["archive", "dir"])
def test_mongorestore_reads_what_is_exported(shop, target, db_name, tmp_path, form):
    (head, *_), *_ = shop.plain.snapshots()
    path = tmp_path / "exported"
    r = shop.run("export", "--from", f"snapshot:{head['id'][:5]}", f"--{form}", path,
                 "--db", shop.db, vault=shop.plain)
    assert all(c["ok"] and c["source"] == c["target"] for c in r.summary["collections"])
    source = [f"--archive={path}"] if form == "archive" else [f"--dir={path}"]
    subprocess.run([peers.need("mongorestore"), "--uri", target.uri(), "--quiet", *source,
                    f"--nsFrom={shop.db}.*", f"--nsTo={db_name}.*"], check=True, timeout=120)
    assert stored.contents(target.client(), db_name) == shop.contents[shop.db]


def test_import(shop, target, db_name):
    shop.run("import", "--from", "snapshot:latest", "--to", target.uri(), "--db", shop.other,
             "--rename", f"{shop.other}.*={db_name}.*", vault=shop.plain)
    assert stored.contents(target.client(), db_name) == shop.contents[shop.other]


@pytest.mark.parametrize("command, args, word", [
    ("import", ["--from", "snapshot:latest", "--to", "snapshot:latest"], "backup"),
    ("restore", ["--to", "snapshot:latest"], "snapshot"),
    ("import", ["--from", "mongodb://localhost", "--to", "mongodb://localhost"], "snapshot:ID"),
    ("export", ["--from", "snapshot:latest", "--archive", "x", "--query", "{}"], "--query"),
    ("diff", ["--from", "snapshot:latest", "--to", "snapshot:ffffffff"], "ffffffff"),
    ("export", ["--from", "snapshot:", "--archive", "x"], "snapshot:latest"),
])
def test_refused(shop, command, args, word):
    r = shop.run(command, *args, rc=2)
    assert word in str(r.summary["errors"]), r


def test_without_repository_or_identity(shop, tmp_path):
    out = ["--archive", tmp_path / "a"]
    r = shop.ferry("export", "--json", "--from", "snapshot:latest", *out)
    assert r.rc == 2 and "--repo" in str(r.summary["errors"])
    (e,) = shop.run("export", "--from", "snapshot:latest", *out,
                    vault=Vault(shop.sealed.folder), rc=2).summary["errors"]
    assert e["kind"] == "auth" and not out[1].exists()
    assert look.databases(shop.server.client()) == sorted([shop.db, shop.other])
