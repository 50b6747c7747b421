# build: release
"""backup: what is in the repository afterwards is what the source holds, read by
the real age and zstd and pymongo; the same again adds nothing; and what cannot be
is refused."""

import gzip
import hashlib
import hmac
import json
import os
import sys
from datetime import datetime
from pathlib import Path

import pytest
import xxhash
from bson import encode

from harness import look, raw, seeded
from harness.vault import Vault, age_key

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import dataset                                                  # noqa: E402

N_ORDERS = 9000


@pytest.fixture(scope="module")
def key(work):
    return age_key(work)


def fill(db):
    dataset.fill(db["orders"], N_ORDERS)
    seeded.odd(db["odd"])
    raw.insert(db["large"], [encode({"_id": n, "b": bytes(5 << 20)}) for n in range(2)])
    db.create_collection("log", capped=True, size=1 << 20)
    raw.insert(db["log"], [encode({"_id": -n, "n": n}) for n in range(300)])
    db.create_collection("metrics", timeseries={"timeField": "at", "metaField": "m"})
    db["metrics"].insert_many([{"at": datetime.fromtimestamp(1_700_000_000 + n),
                                "m": n % 7, "v": n} for n in range(500)])
    db.create_collection("paid", viewOn="orders", pipeline=[{"$match": {"status": "paid"}}])
    db.create_collection("strict", validator={"a": {"$type": "int"}}, collation={"locale": "fr"})
    db["orders"].create_index([("status", 1), ("total", -1)], name="by status")
    db["empty"].create_index("a", unique=True)


@pytest.fixture(scope="module")
def shop(target):
    name = "backup-shop"
    db = target.client()[name]
    db.client.drop_database(name)
    fill(db)
    yield db
    db.client.drop_database(name)


@pytest.fixture
def backup(spaceferry, target, shop, key, tmp_path):
    def run(*args, rc=0, recipient=key[1], repo=tmp_path / "repo", env=None):
        who = ["--recipient", recipient] if recipient else []
        r = spaceferry("backup", "--json", "--repo", str(repo), "--state",
                       str(tmp_path / "state"), *who, *args,
                       env={"SPACEFERRY_FROM": target.uri(shop.name), **(env or {})})
        assert r.rc == rc, r
        return r
    return run


def documents(db, name):
    """{raw _id: bytes} of what is stored, a time-series' buckets as they are."""
    return {raw.id_of(d): d for batch in db[name].find_raw_batches() for d in raw.split(batch)}


def test_what_is_stored(backup, shop, key, tmp_path):
    r = backup("--tag", "nightly")
    vault = Vault(tmp_path / "repo", key[0])
    (snapshot,) = vault.snapshots()
    (path,) = (tmp_path / "repo" / "snapshots").iterdir()
    vault.whole(snapshot, path)
    head = snapshot[0]
    assert head["format"] == "spaceferry snapshot" and head["tags"] == ["nightly"]
    assert head["id"] == r.summary["snapshots"][0]["id"] and head["id"] in path.name
    names = hmac.new(vault.naming_key(head["key"]), b"spaceferry blob name\0",
                     "sha256").digest()
    lines = vault.details(snapshot)
    assert lines[0]["snapshot"]["id"] == head["id"]
    assert len(lines[0]["snapshot"]["consistent_at"]) == 1
    found, at = {}, None
    for line in lines:
        if "collection" in line:
            at = line["collection"]
            found[at["ns"]] = at, []
        elif "run" in line:
            found[at["ns"]][1].append(line["run"])
    kinds = {i["name"]: i["type"] for i in shop.list_collections()
             if not i["name"].startswith("system.")}
    assert {ns.split(".", 1)[1]: c["type"] for ns, (c, _) in found.items()} == kinds
    for ns, (collection, runs) in found.items():
        name = ns.split(".", 1)[1]
        stored = []
        for blob, size, count in runs:
            data = vault.blob(blob)
            assert hmac.new(names, data, "sha256").hexdigest() == blob
            assert len(data) == size and len(list(raw.split(data))) == count
            assert size <= 2 << 20 or count == 1
            stored += raw.split(data)
        source = {} if kinds[name] == "view" else documents(
            shop, f"system.buckets.{name}" if kinds[name] == "timeseries" else name)
        assert {raw.id_of(d): d for d in stored} == source, name
        assert len(stored) == len(source) == collection["count"]
        assert sum(map(len, stored)) == collection["bytes"]
        digest = sum(xxhash.xxh3_128_intdigest(raw.id_first(d)) for d in stored) % (1 << 128)
        assert f"{digest:032x}" == collection["digest"], name
    orders = json.loads(found[f"{shop.name}.orders"][0]["metadata"])
    assert {i["name"] for i in orders["indexes"]} == {"_id_", "by status", *(
        set(shop["orders"].index_information()) - {"_id_"})}
    assert lines[-1]["end"]["documents"] == sum(c["count"] for c, _ in found.values())


@pytest.mark.parametrize("way", ["file", "folder", "pipe"])
def test_an_archive_becomes_a_snapshot(backup, spaceferry, shop, target, key, tmp_path, way):
    """What mongodump or export wrote goes into the repository likewise, and costs
    nothing where the database has been backed up."""
    backup()
    name = f"{tmp_path}/app.archive.gz"
    out = ["--dir", f"{tmp_path}/dump"] if way == "folder" else ["--archive", name]
    # One worker: of several, one may overtake another, and other runs be cut.
    r = spaceferry("export", *out, "--jobs", "1",
                   env={"SPACEFERRY_FROM": target.uri(shop.name)})
    assert r.rc == 0, r
    end = {"file": f"archive:{name}", "folder": f"dump:{tmp_path}/dump",
           "pipe": "archive:-"}[way]
    r = spaceferry("backup", "--json", "--repo", str(tmp_path / "repo"), "--state",
                   str(tmp_path / "state"), "--recipient", key[1], "--from", end,
                   input=gzip.open(name).read() if way == "pipe" else None)
    assert r.rc == 0, r
    vault = Vault(tmp_path / "repo", key[0])
    old, new = map(vault.details, vault.snapshots())

    def told(lines):
        return sorted((c["collection"]["ns"], c["collection"]["type"], c["collection"]["count"],
                       c["collection"]["digest"]) for c in lines if "collection" in c)
    assert told(old) == told(new)
    stored = {line[0] for line in vault.snapshots()[0] if isinstance(line, list)}
    assert len([line for line in new if "run" in line and line["run"][0] not in stored]) <= 3


def test_a_damaged_archive_is_no_backup(backup, spaceferry, target, shop, key, tmp_path):
    name = f"{tmp_path}/app.archive"
    r = spaceferry("export", "--archive", name, env={"SPACEFERRY_FROM": target.uri(shop.name)})
    assert r.rc == 0, r
    data = bytearray(Path(name).read_bytes())
    data[len(data) // 2] ^= 1
    Path(name).write_bytes(data)
    r = spaceferry("backup", "--repo", str(tmp_path / "repo"), "--recipient", key[1],
                   "--from", f"archive:{name}")
    assert r.rc == 2 and not (tmp_path / "repo").exists(), r
    r = spaceferry("backup", "--repo", str(tmp_path / "repo"), "--recipient", key[1],
                   "--from", "archive:-", input=bytes(data))
    assert r.rc == 3 and not any((tmp_path / "repo").rglob("*.jsonl")), r


def test_nothing_is_readable(backup, tmp_path, shop):
    """Without an identity there is no name, no text, no size of a document."""
    backup()
    for key, data in Vault(tmp_path / "repo").objects().items():
        for word in (b"orders", shop.name.encode(), b"livraison", b"_id", b"mongodb"):
            assert word not in data and word.decode() not in key, (key, word)


def test_the_same_again(backup, shop, tmp_path, target):
    vault = Vault(tmp_path / "repo")
    backup()
    before = vault.objects()
    r = backup()
    after = vault.objects()
    assert all(after[k] == v for k, v in before.items() if not k.startswith("locks/"))
    new = {k: len(v) for k, v in after.items() if k not in before}
    data = [k for k in new if k.startswith("data/")]
    # The details name another id and time: one blob.
    assert len(data) <= 1, new
    assert sum(new.values()) <= 0.02 * sum(map(len, before.values()))
    assert r.summary["repository"]["blobs_added"] == len(data)
    ids = sorted(d["_id"] for d in shop["orders"].find({}, {"_id": 1}))
    shop["orders"].update_many({"_id": {"$in": ids[-90:]}}, {"$set": {"status": "changed"}})
    backup()
    more = {k: v for k, v in vault.sizes().items() if k not in after and "data/" in k}
    assert 1 < len(more) <= 4, more


def test_other_recipients_read_what_comes_later(backup, key, tmp_path, work):
    """Whoever is added can read all that a later snapshot names."""
    other = age_key(tmp_path)
    backup()
    backup("--recipient", other[1])
    vault = Vault(tmp_path / "repo", other[0])
    old, new = vault.snapshots()
    assert old[0]["key"] != new[0]["key"]
    lines = vault.details(new)
    runs = [line["run"][0] for line in lines if "run" in line]
    assert len(vault.blob(runs[0])) > 0
    names = {line[0] for line in old if isinstance(line, list)}
    assert not names & set(runs)
    Vault(tmp_path / "repo", key[0]).details(new)


def test_without_recipients(backup, tmp_path):
    r = backup(recipient=None)
    assert "not_encrypted" in r.stdout
    vault = Vault(tmp_path / "repo")
    (snapshot,) = vault.snapshots()
    for line in vault.details(snapshot):
        if "run" in line:
            assert hashlib.sha256(vault.blob(line["run"][0])).hexdigest() == line["run"][0]
    assert backup(rc=2).summary["errors"][0]["kind"] == "conflict"


def test_encrypted_stays_encrypted(backup, tmp_path):
    backup()
    before = Vault(tmp_path / "repo").objects()
    r = backup(recipient=None, rc=2)
    assert "recipient" in r.summary["errors"][0]["message"] + r.summary["errors"][0]["hint"]
    assert Vault(tmp_path / "repo").objects() == before


def test_naming_key_lost_or_carried(backup, tmp_path, key):
    """It is a file of this machine, or comes with the environment; lost, it costs
    room and nothing else."""
    backup()
    vault = Vault(tmp_path / "repo", key[0])
    naming = vault.naming_key(vault.snapshots()[0][0]["key"])
    (file,) = (tmp_path / "state" / "keys").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()
    r = backup()
    assert r.summary["repository"]["blobs_added"] > 5 and "naming key" in r.stderr
    assert naming.hex() not in r.stdout + r.stderr
    file.unlink()
    carried = {"SPACEFERRY_NAMING_KEY": os.urandom(32).hex()}
    backup(env=carried)
    assert not file.exists()
    r = backup(env=carried)
    assert r.summary["repository"]["blobs_added"] <= 1
    assert carried["SPACEFERRY_NAMING_KEY"] not in r.stdout + r.stderr
    for snapshot in vault.snapshots():
        assert vault.details(snapshot)


def test_dry_run(backup, tmp_path, target):
    before = look.fingerprint(target.client())
    r = backup("--dry-run")
    assert r.summary["dry_run"] and not (tmp_path / "repo").exists()
    assert look.fingerprint(target.client()) == before
    assert {c["namespace"].split(".")[1] for c in r.summary["collections"]} >= {"orders", "odd"}


def test_something_else_is_there(backup, tmp_path):
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "holiday.jpg").write_bytes(b"x")
    r = backup(rc=2)
    assert os.listdir(tmp_path / "repo") == ["holiday.jpg"], r


@pytest.mark.parametrize("args, word", [
    (["--recipient", "age1nonsense"], "age1nonsense"),
    (["--recipient", "ssh-ed25519 AAAA"], "ssh"),
    (["--recipients-file", "/nonexistent"], "/nonexistent"),
    (["--tag", "white space"], "tag"),
    (["--db", "nobody"], "nobody"),
])
def test_refused(backup, tmp_path, args, word):
    r = backup(*args, rc=2)
    assert word in r.stderr and r.summary["errors"][0]["hint"], r
    assert not any((tmp_path / "repo").rglob("snapshots/*"))


def test_secrets_stay_secret(backup, target, key):
    r = backup("-v")
    password = target.uri("x").split("://")[1].split("@")[0].split(":")[1]
    assert password not in r.stdout + r.stderr
    assert "AGE-SECRET" not in r.stdout + r.stderr
