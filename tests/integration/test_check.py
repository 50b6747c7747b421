# build: release
"""check of whole repositories, its options, and --repair, after which the next
backup heals."""

import os
import shutil
import time

import pytest

from harness import checked
from harness.checked import DB, restored_right
from harness.damage import Damage
from harness.vault import age_key


@pytest.fixture(scope="module")
def made(work, source):
    yield from checked.made(work, source)


@pytest.fixture
def check(made, tmp_path):
    return checked.check(made, tmp_path)


def test_clean(made, check, tmp_path):
    vault = made.copy("sealed", tmp_path)
    before = vault.objects()
    f = check(vault, "--read-data")
    assert f.rc == 0 and not f.named("fail") and not f.named("warn"), f
    assert f.named("pass") >= {"config", "keys", "manifests", "listed", "details", "data",
                               "digests"}, f
    assert f.of("manifests").startswith("2 snapshots,") and "4 collections," in f.of("details")
    n = len([k for k in before if k.startswith("data/")])
    assert f"{n} blobs, " in f.of("data"), f
    # 2 collections and 5 files of each snapshot.
    assert f.of("digests").startswith("14 "), f
    assert vault.objects() == before
    f = check(vault, "--read-data", identity=False)
    assert f.rc == 0 and f.named("pass") >= {"data"} and f.named("skipped") == {"details"}, f
    assert f"{n} blobs, " in f.of("data"), f
    assert restored_right(made, vault, tmp_path) == 0, made.last


def test_clean_without_encryption(made, check, tmp_path):
    vault = made.copy("plain", tmp_path)
    f = check(vault, "--read-data")
    assert f.rc == 0 and f.named("pass") >= {"details", "digests"}, f


def test_stored_anew_by_another_version(made, check, tmp_path):
    """Other bytes and another size, the same contents: that is no damage."""
    vault = made.copy("plain", tmp_path)
    name = vault.runs()[0]
    path = vault.path(name)
    before = path.read_bytes()
    path.write_bytes(vault.sealed(vault.blob(name), level=19))
    assert path.read_bytes() != before
    f = check(vault, "--read-data")
    assert f.rc == 0 and "renewed" in f.named("pass"), f
    assert check(vault).rc == 0
    assert restored_right(made, vault, tmp_path) == 0, made.last


def test_wrong_identity(made, check, tmp_path):
    vault = made.copy("sealed", tmp_path)
    other, _ = age_key(tmp_path)
    r = made.ferry("check", "--json", "--repo", vault.folder, "--identity", other)
    assert r.rc == 2 and r.summary["errors"][0]["kind"] == "auth", r
    assert "--identity" in r.summary["errors"][0]["hint"]


def test_what_no_check_can_see(made, check, tmp_path):
    """A snapshot that is gone leaves nothing that misses it; and the id in config only
    says which naming key on the machine is this repository's."""
    vault = made.copy("sealed", tmp_path)
    vault.manifest().unlink()
    f = check(vault, "--read-data")
    assert f.rc == 0 and f.of("manifests").startswith("1 snapshot,") and f.of("garbage"), f
    vault = made.copy("sealed", tmp_path / "again")
    shutil.copy(made.folder / "other" / "config", vault.folder / "config")
    assert check(vault, "--read-data").rc == 0
    assert restored_right(made, vault, tmp_path) == 0, made.last


def test_in_a_bucket(made, tmp_path, s3_server, s3, bucket):
    vault = made.copy("sealed", tmp_path)
    for key, data in vault.objects().items():
        s3.put_object(Bucket=bucket, Key=f"b/{key}", Body=data)
    path = vault.path(vault.runs()[0])
    key = f"b/{path.relative_to(vault.folder)}"
    damaged = bytearray(path.read_bytes())
    damaged[500] ^= 1

    def run(*args, identity=()):
        return checked.Found(made.ferry(
            "check", "--json", "--repo", f"s3://{bucket}/b", "--state", tmp_path / "state",
            "--read-data", *args, *identity, env=s3_server.aws_env()))
    f = run(identity=["--identity", made.identity])
    assert f.rc == 0 and f.named("pass") >= {"listed", "data", "digests"}, f
    s3.put_object(Bucket=bucket, Key=key, Body=bytes(damaged))
    assert run().named("fail") == {"flipped", "incomplete"}
    f = run("--repair")
    assert f.rc == 1 and "put_aside" in f.named("pass"), f
    keys = {x["Key"] for x in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    aside = "b/damaged/" + key[2:]
    assert key not in keys and aside in keys
    assert s3.get_object(Bucket=bucket, Key=aside)["Body"].read() == bytes(damaged)
    assert run().named("fail") == {"missing_blob", "incomplete"}


def test_no_repository(made, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"x")
    for place in ("photos", "nothing"):
        r = made.ferry("check", "--json", "--repo", tmp_path / place)
        assert r.rc == 2 and r.summary["errors"][0]["kind"] in ("not_found", "conflict"), r


def test_harmless(made, check, tmp_path):
    """What is told, and does not make check fail."""
    vault = made.copy("sealed", tmp_path)
    (vault.folder / "partial").mkdir(exist_ok=True)
    (vault.folder / "partial" / "0123abcd-0.jsonl").write_bytes(b'{"format":')
    (vault.folder / "locks").mkdir(exist_ok=True)
    lock = vault.folder / "locks" / "0123abcd.json"
    lock.write_text("{}")
    os.utime(lock, (time.time() - 7200,) * 2)
    (vault.folder / "README").write_text("ours")
    name = "12" * 32
    (vault.folder / "data" / "12").mkdir(exist_ok=True)
    (vault.folder / "data" / "12" / f"{name}.zst.age").write_bytes(b"x" * 100)
    f = check(vault)
    assert f.rc == 0 and f.named("warn") == {"bad_note", "stale_lock", "foreign_object"}, f
    assert f.of("garbage").startswith("1 blob, 100 bytes")
    f = check(vault, "--repair")
    assert f.rc == 0 and "removed" in f.named("pass"), f
    assert not list((vault.folder / "partial").iterdir()) and not lock.exists()
    assert (vault.folder / "README").exists()
    assert check(vault).named("warn") == {"foreign_object"}


def test_subset(made, check, tmp_path):
    """Other blobs each time, and no digest is claimed that was not looked at."""
    vault = made.copy("sealed", tmp_path)
    f = check(vault, "--read-data-subset", "50%", identity=False)
    n = len(list(vault.folder.glob("data/*/*")))
    assert f.rc == 0 and f.of("data").startswith(f"{(n + 1) // 2} of {n} blobs"), f
    vault.flip(vault.path(vault.runs()[0]), 100)
    seen = {check(vault, "--read-data-subset", "50%", identity=False).rc for _ in range(12)}
    assert seen == {0, 1}
    f = check(vault, "--read-data-subset", "1%")
    assert "of" in f.of("data") and "not all was read" in f.of("digests") or f.rc == 1, f


def test_age(made, check, tmp_path):
    vault = made.copy("sealed", tmp_path)
    f = check(vault, "--max-age", "1h", identity=False)
    assert f.rc == 0 and "age" in f.named("pass"), f
    time.sleep(1.1)
    f = check(vault, "--max-age", "1s", identity=False)
    assert f.rc == 1 and f.named("fail") == {"too_old"}, f
    f = check(vault, "--max-age", "1h", "--tag", "weekly", identity=False)
    assert f.rc == 1 and "no snapshot with these tags" in f.of("too_old"), f


@pytest.mark.parametrize("identity", [True, False])
def test_repair_and_the_next_backup_heal(made, check, tmp_path, identity):
    vault = made.copy("sealed", tmp_path)
    whole = vault.objects()
    flipped, cut = vault.path(vault.runs()[0]), vault.path(vault.file_blobs("large.bin")[1])
    lost = vault.path(vault.file_blobs("3.txt")[0])
    vault.flip(flipped, 99)
    vault.cut(cut, 500)
    lost.unlink()
    broken = vault.objects()
    f = check(vault, "--read-data", identity=identity)
    assert f.rc == 1 and f.named("fail") == {"flipped", "wrong_size", "missing_blob",
                                             "incomplete"}, f
    if identity:
        assert f"{DB}.orders" in f.of("flipped") and "file large.bin" in f.of("wrong_size")
        assert "file 3.txt" in f.of("missing_blob")
    assert "snapshot" in f.of("flipped") and vault.objects() == broken
    f = check(vault, "--read-data", "--repair", identity=identity)
    assert f.rc == 1 and "put_aside" in f.named("pass"), f
    for path in (flipped, cut):
        key = str(path.relative_to(vault.folder))
        assert not path.exists()
        assert (vault.folder / "damaged" / key).read_bytes() == broken[key]
    assert restored_right(made, vault, tmp_path) != 0
    made.backup("sealed", folder=tmp_path)
    after = vault.objects()
    assert all(after[k] == v for k, v in whole.items() if not k.startswith("locks/"))
    f = check(vault, "--read-data")
    assert f.rc == 0 and "2 objects" in f.of("aside"), f
    shutil.rmtree(tmp_path / "out")
    assert restored_right(made, vault, tmp_path) == 0


def test_repair_puts_in_place(made, check, tmp_path):
    vault = made.copy("sealed", tmp_path)
    whole = vault.objects()
    vault.misplace(vault.runs()[0])
    assert check(vault, "--repair", identity=False).rc == 1
    assert vault.objects() == whole
    f = check(vault, "--read-data")
    assert f.rc == 0, f


def test_repair_of_a_key(made, check, tmp_path):
    """The machine that backs up has it still, and puts it there again."""
    vault = made.copy("sealed", tmp_path)
    path = vault.key_path()
    Damage.cut(path, 100)
    assert check(vault, "--repair").rc == 1 and not path.exists()
    made.backup("sealed", folder=tmp_path)
    assert check(vault, "--read-data").rc == 0
