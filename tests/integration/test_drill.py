# build: release
"""restore --drill: says yes only where all came back as it was backed up, and leaves
nothing behind, whatever came of it."""

import datetime
import hashlib
import json
import subprocess
import time

import pytest
from bson import encode

from harness import look, raw, stored, summary
from harness.vault import Vault

PREFIX = "spaceferry_drill_"


@pytest.fixture(scope="module")
def shop(source, work):
    shop = stored.Shop(source, work / "drill-shop", "drill-shop")
    yield shop
    shop.close()


@pytest.fixture
def drill(shop, target):
    """Runs one; afterwards the server and nothing else on it is as before."""
    def run(*args, rc=0, same=True, **more):
        before = look.fingerprint(target.client())
        r = shop.run("restore", "--drill", "--to", target.uri(), *args, rc=rc, **more)
        summary.check(r, "restore")
        if same:
            assert look.fingerprint(target.client()) == before
        return r
    return run


def test_all_comes_back(shop, drill, tmp_path, target, db_name):
    target.client()[db_name]["mine"].insert_one({"_id": 1})
    r = drill()
    assert {c["namespace"]: c["target"]["count"] for c in r.summary["collections"]
            if c["type"] != "view"} == {
        f"{db}.{n.removeprefix('system.buckets.')}": len(d)
        for db in (shop.db, shop.other) for n, d in shop.contents[db][0].items()}
    assert all(c["ok"] and c["source"] == c["target"] for c in r.summary["collections"])
    read = [n["message"] for n in r.summary["notes"] if "held against" in n["message"]]
    assert [str(shop.up) in m for m in read] == [True, False] and "13, " in read[0]
    # Files into a folder of one's own; the other place is read.
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note").write_text("here before")
    r = drill("--files", f"{shop.up}={tmp_path}/mine")
    assert r.summary["files"]["uploaded"] == 13
    assert stored.tree(tmp_path / "mine") == {"note": b"here before"}
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["note"]


def test_files_into_a_bucket(shop, drill, s3, s3_server, bucket):
    s3.put_object(Bucket=bucket, Key="up/mine", Body=b"x")
    before = look.listing(s3, bucket)
    r = drill("--db", shop.other, "--files", f"{shop.up}=s3://{bucket}/up",
              env=s3_server.aws_env())
    assert r.summary["files"]["uploaded"] == 13 and look.listing(s3, bucket) == before


def zstd(data):
    return subprocess.run(["zstd", "-qc", f"--stream-size={len(data)}"], input=data,
                          check=True, capture_output=True).stdout


def forge(vault, change):
    """Whoever holds an open repository writes other details into it, all names and
    sums made right."""
    (path,) = (vault.folder / "snapshots").iterdir()
    lines = path.read_text().splitlines(keepends=True)
    at = [i for i, line in enumerate(lines) if line.endswith(',"detail"]\n')]
    details = change(b"".join(vault.blob(json.loads(lines[i])[0]) for i in at))
    data, name = zstd(details), hashlib.sha256(details).hexdigest()
    blob = vault.folder / "data" / name[:2] / f"{name}.zst"
    blob.parent.mkdir(exist_ok=True)
    blob.write_bytes(data)
    line = json.dumps([name, len(data), hashlib.sha256(data).hexdigest(), "detail"],
                      separators=(",", ":")) + "\n"
    path.write_text(stored.sealed_again(
        "".join([*lines[:at[0]], line, *lines[at[-1] + 1:]])))


def damage(vault, shop, how):
    if how == "missing":
        shop.runs(vault, "items")[0].unlink()
    elif how == "file":
        max((vault.folder / "data").glob("*/*"), key=lambda p: p.stat().st_size).unlink()
    elif how == "flipped":
        path = shop.runs(vault, "users")[-1]
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    else:
        digest = next(line["collection"]["digest"] for line in
                      vault.details(vault.snapshots()[0]) if "collection" in line
                      and line["collection"]["ns"] == f"{shop.db}.users")
        forge(vault, lambda d: d.replace(digest.encode(), b"0" * 31 + b"1"))


@pytest.mark.parametrize("how, word", [
    ("missing", "items"), ("file", "film.bin"), ("flipped", "users"), ("forged", "users")])
def test_damage_is_found(shop, drill, tmp_path, how, word):
    vault = shop.copy(tmp_path / "repo")
    damage(vault, shop, how)
    (error,) = drill(vault=vault, rc=2).summary["errors"]
    assert error["kind"] == "damaged" and word in error["message"]


def test_what_is_due_must_come_back_too(shop, target, source, db_name, tmp_path):
    """Nothing expires in a scratch place before it was compared: what is gone there
    is lost."""
    db = source.client()[db_name]
    db["due"].create_index("at", expireAfterSeconds=1)
    raw.insert(db["large"], [encode({"_id": n, "b": bytes(1000)}) for n in range(2000)])
    db["due"].insert_many([{"_id": n, "at": datetime.datetime.utcnow()} for n in range(100)])
    r = shop.ferry("backup", "--json", "--repo", tmp_path / "repo",
                   env={"SPACEFERRY_FROM": source.uri(db_name)})
    assert r.rc == 0 and r.summary["snapshots"][0]["documents"] == 2100, r
    run = shop.run("restore", "--drill", "--to", target.uri(), "--bwlimit", "1MiB",
                   vault=Vault(tmp_path / "repo"), start=True)
    for _ in range(600):
        made = [n for n in target.client().list_database_names() if n.startswith(PREFIX)]
        if made and target.client()[made[0]]["due"].estimated_document_count() == 100:
            break
        time.sleep(0.02)
    assert target.client()[made[0]]["due"].delete_one({"_id": 7}).deleted_count == 1
    r = run.wait()
    assert r.rc == 1, r
    assert "drill" in {e["kind"] for e in r.summary["errors"]} and "due" in str(r.summary["errors"])


def test_interrupted(shop, drill, target, tmp_path):
    run = shop.run("restore", "--drill", "--to", target.uri(), "--bwlimit", "1MiB",
                   "--files", f"{shop.up}={tmp_path}", start=True)
    client = target.client()
    for _ in range(600):
        made = [n for n in client.list_database_names() if n.startswith(PREFIX)]
        if made and list(tmp_path.glob(f"{PREFIX}*/**/*.jpg")):
            break
        time.sleep(0.02)
    assert made
    run.interrupt()
    r = run.wait()
    assert r.rc == 3 and r.summary["errors"][0]["kind"] == "interrupted"
    assert not [n for n in client.list_database_names() if n.startswith(PREFIX)]
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(PREFIX)]


def test_what_others_left(shop, drill, target, tmp_path):
    client, now = target.client(), int(time.time())
    old, new = f"{PREFIX}{now - 90_000:08x}_1", f"{PREFIX}{now - 3600:08x}_1"
    mine = f"{PREFIX}of_mine_1"
    for name in (old, new, mine):
        client[name]["c"].insert_one({})
        (tmp_path / name[:-2] / "x").mkdir(parents=True)
        (tmp_path / name[:-2] / "x" / "y").write_text("z")
    try:
        r = drill("--db", shop.other, "--files", f"{shop.docs}={tmp_path}", same=False)
        assert {p.name for p in tmp_path.iterdir()} - {"home"} == {new[:-2], mine[:-2]}
        left = client.list_database_names()
        assert old not in left and new in left and mine in left
        notes = " | ".join(n["message"] for n in r.summary["notes"])
        assert f"removed {old}" in notes and f"removed {tmp_path}/{old[:-2]}" in notes and new in notes and mine not in notes
    finally:
        for name in (old, new, mine):
            client.drop_database(name)


def test_does_not_disturb_a_restore_that_is_to_go_on(shop, drill, target, db_name):
    args = ["--to", target.uri(), "--include", f"{shop.db}.items", "--jobs", "1",
            "--rename", f"{shop.db}.*={db_name}.*"]
    run = shop.run("restore", *args, "--bwlimit", "1MiB", start=True)
    items = target.client()[db_name]["items"]
    for _ in range(600):
        if items.estimated_document_count() > 20_000:
            break
        time.sleep(0.02)
    run.kill()
    run.wait()
    drill("--include", f"{shop.db}.odd", same=False)
    r = shop.run("restore", *args)
    assert r.summary["resumed"] and items.estimated_document_count() == stored.N_ITEMS


@pytest.mark.parametrize("args, word", [
    (["--query", "{}"], "--query"), (["--rename", "a.*=b.*"], "--rename"),
    (["--users-and-roles"], "users"), (["--drop"], "--drop"), (["--dry-run"], "--dry-run")])
def test_refused(shop, drill, args, word):
    assert word in str(drill(*args, rc=2).summary["errors"])


def test_needs_a_server(shop):
    for to in ([], ["--to", "archive:x"]):
        r = shop.run("restore", "--drill", *to, rc=2)
        assert "--to" in str(r.summary["errors"])


def test_rights(shop, target):
    """A user of one database alone: said, and nothing is left."""
    target.add_user("narrow", "pw", [{"role": "readWrite", "db": "only"}])
    r = shop.run("restore", "--drill", "--to", target.uri("only", user="narrow"), rc=2)
    (error,) = r.summary["errors"]
    assert error["kind"] == "denied" and "databases of its own" in error["hint"]
