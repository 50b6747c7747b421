# build: release
"""restore: what comes back is what was backed up, by pymongo's bytes and the files
themselves; all of it or a part, rewritten or not, onto what is there already,
after a kill; and where the repository is damaged, that is said and nothing wrong
is delivered as right."""

import re
import time

import pytest
from bson.json_util import loads

from harness import look, raw, stored, summary
from harness.vault import Vault


@pytest.fixture(scope="module")
def shop(source, work):
    shop = stored.Shop(source, work / "restore-shop", "restore-shop")
    yield shop
    shop.close()


@pytest.fixture
def new(target, db_name):
    """The databases to restore into: client, name; name-2 is dropped, too."""
    yield target.client()
    target.client().drop_database(f"{db_name}-2")


@pytest.fixture
def restore(shop, target, db_name, new, tmp_path):
    def run(*args, to=True, **more):
        ends = ["--to", target.uri(), *shop.renames(db_name)] if to else []
        ends += ["--state", tmp_path / "state"]
        r = shop.run("restore", *ends, *args, **more)
        summary.check(r, "restore")
        return r
    return run


def kinds(r, where="notes"):
    return [n["kind"] for n in r.summary[where]]


def test_all_of_it(shop, restore, new, db_name, tmp_path):
    r = restore("--files", f"{shop.up}={tmp_path}/a", "--files", f"{shop.docs}={tmp_path}/b")
    for db, name in ((shop.db, db_name), (shop.other, f"{db_name}-2")):
        assert stored.contents(new, name) == shop.contents[db]
    assert stored.tree(tmp_path / "a") == stored.tree(shop.up)
    assert stored.tree(tmp_path / "b") == stored.tree(shop.docs)
    for c in r.summary["collections"]:
        assert c["ok"] and c["source"] == c["target"], c
    assert r.collection(f"{db_name}.users")["source"]["count"] == stored.N_USERS
    (snapshot,) = r.summary["snapshots"]
    ((head, *_),) = shop.sealed.snapshots()
    assert (snapshot["id"], snapshot["time"]) == (head["id"], head["time"])
    assert snapshot["files"] == r.summary["files"]["count"] == 14
    assert "left_out" not in kinds(r)
    # Not onto it again, unless that is said.
    before = look.fingerprint(new)
    r = restore(rc=2)
    assert kinds(r, "errors") == ["conflict"] and look.fingerprint(new) == before


def test_one_database_one_collection(shop, restore, new, db_name, target):
    r = restore("--db", shop.other)
    assert [c["namespace"] for c in r.summary["collections"]] == [f"{db_name}-2.things"]
    assert kinds(r).count("left_out") == 2
    r = shop.run("restore", "--include", f"{shop.db}.odd", "--to", target.uri(db_name),
                 "--rename", f"{shop.db}.odd={db_name}.even")
    assert stored.documents(new[db_name], "even") == shop.contents[shop.db][0]["odd"]
    assert new[db_name].list_collection_names() == ["even"]


def test_query(shop, restore, new, db_name):
    """What find() gives on the source is what comes; a collation of the
    collection's own is minded."""
    here, there = shop.server.client()[shop.db], new[db_name]
    for name, query in (("users", '{"address.lines.no":3,"tags":"b"}'),
                        ("ask", '{"$or":[{"a":1},{"b.c.d":5},{"s":{"$regex":"^hello"}}]}')):
        wanted = {raw.id_of(d): d for d in raw.read(here[name], loads(query))}
        r = restore("--include", f"{shop.db}.{name}", "--query", query)
        assert wanted and stored.documents(there, name) == wanted
        assert r.collection(f"{db_name}.{name}")["source"]["count"] == len(wanted)
    restore("--include", f"{shop.db}.french", "--query", '{"w":"ete"}')
    assert [d["_id"] for d in there["french"].find()] == ["z"]


@pytest.mark.parametrize("args, word", [
    (["--include", "*.ask", "--query", '{"a":{"$near":1}}'], "near"),
    (["--include", "*.ask", "--query", '{"$where":"true"}'], "where"),
    (["--include", "*.ask", "--query", '{"a..b":1}'], "empty names"),
    (["--include", "*.metrics", "--query", '{"v":1}'], "buckets"),
    (["--users-and-roles"], "users-and-roles"),
    (["--from", "mongodb://localhost"], "snapshot"),
    (["--from", "snapshot:0123abcd"], "0123abcd"),
    (["--tag", "nobody-has-it"], "tags"),
    (["--files", "elsewhere=/nowhere"], "elsewhere"),
    (["--files", "/nowhere"], "which"),
])
def test_refused(shop, restore, new, args, word):
    before = look.fingerprint(new)
    r = restore(*args, rc=2)
    assert word in str(r.summary["errors"]) and look.fingerprint(new) == before


def test_no_identity(shop, restore):
    (error,) = restore(vault=Vault(shop.sealed.folder), rc=2).summary["errors"]
    assert error["kind"] == "auth" and "--identity" in error["hint"]


def test_onto_what_is_there(shop, restore, new, db_name):
    only = ["--include", f"{shop.db}.users"]
    wanted = shop.contents[shop.db][0]["users"]
    restore(*only)
    users = new[db_name]["users"]
    users.update_one({"_id": 5}, {"$set": {"name": "changed"}})
    users.delete_one({"_id": 6})
    users.insert_one({"_id": "own", "n": -1})
    r = restore(*only, "--on-conflict", "skip")
    assert r.collection(f"{db_name}.users")["kept"] == 1
    assert users.find_one({"_id": 5})["name"] == "changed"
    assert users.find_one({"_id": 6}) and users.find_one({"_id": "own"})
    restore(*only, "--on-conflict", "replace")
    assert users.delete_one({"_id": "own"}).deleted_count == 1
    assert stored.documents(new[db_name], "users") == wanted
    users.insert_one({"_id": "own", "n": -1})
    restore(*only, "--drop", "--dry-run")
    restore(*only, "--drop")
    assert stored.documents(new[db_name], "users") == wanted


def test_rewritten(shop, restore, new, db_name, tmp_path):
    r = restore("--include", f"{shop.db}.users", "--rewrite", f"{stored.URL}=https://new.example",
                "--files", f"{shop.docs}={tmp_path}/docs", "--rewrite-files", "*.txt")
    assert r.collection(f"{db_name}.users")["rewritten"]["documents"] == stored.N_USERS
    for d, old in zip(new[db_name]["users"].find().sort("_id"), stored.users()):
        old["page"] = old["page"].replace(stored.URL, "https://new.example")
        assert {k: d[k] for k in ("_id", "page", "name")} == \
            {k: old[k] for k in ("_id", "page", "name")}
    assert stored.tree(tmp_path / "docs") == {"read me.txt": b"see https://new.example/help\n"}


def test_files_alone(shop, restore, new, tmp_path):
    before = look.fingerprint(new)
    r = restore("--files", f"{shop.up}={tmp_path}/up", "--files-include", "d1/*",
                "--files-exclude", "*4.jpg", to=False)
    assert stored.tree(tmp_path / "up") == {
        k: v for k, v in stored.tree(shop.up).items() if re.match(r"d1/(?!.*4\.jpg)", k)}
    assert kinds(r).count("left_out") == 2      # the documents, the other place
    assert look.fingerprint(new) == before


def test_snapshot_of_files_alone(shop, restore, new, tmp_path):
    """A config file names a server; there is nothing for it, and no need of it."""
    vault = Vault(tmp_path / "repo")
    shop.run("backup", "--files", shop.up, vault=vault)
    before = look.fingerprint(new)
    r = restore("--files", tmp_path / "up", vault=vault)
    assert stored.tree(tmp_path / "up") == stored.tree(shop.up) and "no_documents" in kinds(r)
    r = restore("--drill", to=False, vault=vault, env={"SPACEFERRY_TO": "mongodb://nobody.invalid"})
    assert any("13, " in n["message"] for n in r.summary["notes"])
    (error,) = restore(vault=vault, rc=2).summary["errors"]
    assert "no documents" in error["message"] and look.fingerprint(new) == before


def test_killed_and_gone_on_with(shop, restore, new, db_name, target, tmp_path):
    vault = shop.copy(tmp_path / "repo")
    only = ["--include", f"{shop.db}.items", "--jobs", "1", "--bwlimit", "2MiB"]
    run = shop.run("restore", "--to", target.uri(), *shop.renames(db_name),
                   "--state", tmp_path / "state", *only, vault=vault, start=True)
    items = new[db_name]["items"]
    for _ in range(600):
        if items.estimated_document_count() > 66_000:
            break
        time.sleep(0.02)
    run.kill()
    run.wait()
    there = items.estimated_document_count()
    assert 0 < there < stored.N_ITEMS
    # What is done is not fetched again: nobody meets the damage.
    first = shop.runs(vault, "items")[0]
    first.write_bytes(bytes(first.stat().st_size))
    r = restore(*only[:2], vault=vault)
    assert r.summary["resumed"]
    assert stored.documents(new[db_name], "items") == shop.contents[shop.db][0]["items"]


def test_what_is_missing_is_known_before(shop, restore, new, db_name, tmp_path):
    vault = shop.copy(tmp_path / "repo")
    lost = shop.runs(vault, "users")[1]
    lost.unlink()
    before = look.fingerprint(new)
    (error,) = restore(vault=vault, rc=2).summary["errors"]
    assert error["kind"] == "damaged" and f"{shop.db}.users" in error["message"]
    assert lost.name in error["message"] and look.fingerprint(new) == before
    # The rest comes, and does not read what it does not need.
    r = restore("--exclude", "*.users", "--files", f"{shop.docs}={tmp_path}/docs", vault=vault)
    assert "blobs_missing" in kinds(r)
    wanted = {k: v for k, v in shop.contents[shop.db][0].items() if k != "users"}
    assert stored.contents(new, db_name)[0] == wanted
    # Another size is as good as missing; so is a file's chunk.
    lost.write_bytes(b"x")
    assert lost.name in str(restore(vault=vault, rc=2).summary["errors"])
    film = max((vault.folder / "data").glob("*/*"), key=lambda p: p.stat().st_size)
    film.unlink()
    (error,) = restore("--files", f"{shop.up}={tmp_path}/up", to=False, vault=vault,
                       rc=2).summary["errors"]
    assert "film.bin" in error["message"] and not (tmp_path / "up").exists()


@pytest.mark.parametrize("how", ["flipped", "swapped"])
def test_damage_met_on_the_way(shop, restore, new, db_name, tmp_path, how):
    vault = shop.copy(tmp_path / "repo")
    runs = shop.runs(vault, "users")
    data = bytearray(runs[-1].read_bytes())
    if how == "flipped":
        data[len(data) // 2] ^= 1
        runs[-1].write_bytes(data)
    else:       # whole, and of the right size to the listing: but not it
        first = runs[0].read_bytes()
        (path,) = (vault.folder / "snapshots").iterdir()
        name, size = runs[-1].name.split(".")[0], len(data)
        runs[-1].write_bytes(first)
        text = path.read_text()
        assert f'["{name}",{size},' in text
        path.write_text(stored.sealed_again(
            text.replace(f'["{name}",{size},', f'["{name}",{len(first)},')))
    r = restore("--include", f"{shop.db}.users", vault=vault, rc=3)
    (error,) = r.summary["errors"]
    assert error["kind"] == "damaged" and runs[-1].name in error["message"]
    assert f"{shop.db}.users" in error["message"]
    came = stored.documents(new[db_name], "users")
    wanted = shop.contents[shop.db][0]["users"]
    assert came.items() <= wanted.items() and len(came) < len(wanted)
