# build: release
"""check finds each way to damage a repository and names it; restore delivers what
was backed up or fails; --repair lets the next backup heal."""

import json
import os
import random
import shutil
import subprocess
import time

import pytest
from bson import encode

from harness import raw
from harness.damage import Damage
from harness.ferry import Ferry
from harness.vault import age_key

DB = "check-shop"


def fill_files(folder):
    chance = random.Random(7)
    folder.mkdir()
    for n in range(4):
        (folder / f"{n}.txt").write_bytes(chance.randbytes(40 + 3000 * n))
    (folder / "large.bin").write_bytes(chance.randbytes(3_500_000))


def fill_documents(db):
    chance = random.Random(8)
    raw.insert(db["orders"], [encode({"_id": n, "text": chance.randbytes(900).hex()})
                              for n in range(1500)])
    raw.insert(db["users"], [encode({"_id": f"u{n}"}) for n in range(50)])
    db["users"].create_index("name")


class Made:
    """The repositories that cases copy: `sealed` with two snapshots, `plain` and
    `other` with one; made once."""

    def __init__(self, folder, server):
        self.folder, self.uri = folder, server.uri(DB)
        self.ferry = Ferry(folder / "home")
        self.identity, self.recipient = age_key(folder)
        db = server.client()[DB]
        db.client.drop_database(DB)
        fill_documents(db)
        fill_files(folder / "files")
        self.documents = {}             # {id of a snapshot: {collection: {_id: bytes}}}
        self.note(db, self.backup("sealed"))
        db["orders"].update_one({"_id": 0}, {"$set": {"text": "changed"}})
        self.note(db, self.backup("sealed"))
        self.note(db, self.backup("plain", recipient=None))
        self.note(db, self.backup("other", state="other-state"))

    def note(self, db, r):
        self.documents[r.summary["snapshots"][0]["id"]] = {
            name: {raw.id_of(d): d for batch in db[name].find_raw_batches()
                   for d in raw.split(batch)} for name in ("orders", "users")}

    def backup(self, name, recipient=True, folder=None, state="state", **kwargs):
        who = ["--recipient", self.recipient] if recipient else []
        r = self.ferry("backup", "--json", "--repo", (folder or self.folder) / name,
                       "--state", self.folder / state, "--files", self.folder / "files", *who,
                       env={"SPACEFERRY_FROM": self.uri}, **kwargs)
        assert r.rc == 0, r
        return r

    def copy(self, name, to):
        shutil.copytree(self.folder / name, to / name)
        sealed = name != "plain"
        return Damage(to / name, self.identity if sealed else None,
                      self.recipient if sealed else None)


@pytest.fixture(scope="module")
def made(work, source):
    folder = work / "check"
    folder.mkdir()
    made = Made(folder, source)
    yield made
    made.ferry.close()
    source.client().drop_database(DB)


class Found:
    def __init__(self, result):
        self.result, self.rc = result, result.rc
        self.all = [line for line in result.lines if "verdict" in line]

    def named(self, verdict):
        return {line["check"] for line in self.all if line["verdict"] == verdict}

    def of(self, name):
        return " | ".join(f"{x['seen']} -> {x['remedy']}" for x in self.all if x["check"] == name)

    def __repr__(self):
        return "\n".join(map(str, self.all)) + f"\n{self.result!r}"


@pytest.fixture
def check(made, tmp_path):
    """check of a copy; without the machine's naming key."""
    def run(vault, *args, identity=True):
        who = ["--identity", made.identity] if identity and vault.identity else []
        return Found(made.ferry("check", "--json", "--repo", vault.folder, "--state",
                                tmp_path / "state", *who, *args))
    return run


def restored_right(made, vault, tmp_path):
    """restore's exit status; whatever it delivers must be right, and if it is not the
    newest snapshot that was there, that must be said."""
    newest = sorted(made.folder.joinpath(vault.folder.name, "snapshots").iterdir())[-1]
    out = tmp_path / "out"
    (out / "dump").mkdir(parents=True)
    who = ["--identity", made.identity] if vault.identity else []
    r = made.ferry("restore", "--json", "--repo", vault.folder, "--state", tmp_path / "state",
                   *who, "--to", f"dump:{out}/dump", "--files", f"{out}/files")
    made.last = r
    if r.rc == 0:
        (snapshot,) = [s["id"] for s in r.summary["snapshots"]]
        if f"-{snapshot}." not in newest.name and snapshot in made.documents:
            assert f"warning: snapshots/{newest.name[:17]}" in r.stderr, r
        for name, documents in made.documents.get(snapshot, {}).items():
            data = (out / "dump" / DB / f"{name}.bson").read_bytes()
            assert {raw.id_of(d): d for d in raw.split(data)} == documents, name
    for path in (made.folder / "files").iterdir():
        there = out / "files" / path.name
        if there.exists() or r.rc == 0:
            assert there.read_bytes() == path.read_bytes(), there
    return r.rc


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


# --- the table ---

def flip(where, at):
    def do(v):
        v.flip(v.path(where(v)), at)
    return do


def run_of(v):
    return v.runs()[0]


def detail_of(v):
    return v.detail_blobs()[-1]


def middle(v):
    path = v.path(run_of(v))
    v.flip(path, path.stat().st_size // 2)


def write(pick, change):
    """Replaces the bytes of the file that pick names."""
    def do(v):
        path = pick(v)
        path.write_bytes(change(path.read_bytes()))
    return do


def unlink(pick):
    return lambda v: pick(v).unlink()


def swap(v):
    a, b = (v.path(name) for name in v.runs()[:2])
    one, two = a.read_bytes(), b.read_bytes()
    a.write_bytes(two)
    b.write_bytes(one)


def swap_of_one_size(v):
    """Not even the sizes tell: the recorded ones are those of the swapped."""
    swap(v)
    names = {n: v.record(n)[1] for n in v.runs()[:2]}
    for n in range(2):
        v.rewrite([[x[0], names.get(x[0], x[1]), *x[2:]] if isinstance(x, list) else x
                   for x in v.lines(n)], n)


def replace_blob(v):
    """Valid in itself, encrypted to the same recipients, of other documents."""
    v.path(run_of(v)).write_bytes(v.sealed(encode({"_id": 1, "a": "wrong"})))


def replace_details(v):
    details = v.details(v.snapshots()[-1])
    text = "".join(json.dumps(line) + "\n" for line in details if "run" not in line)
    v.path(detail_of(v)).write_bytes(v.sealed(text.encode()))


def blob_left_out(v):
    gone = run_of(v)
    v.rewrite([x for x in v.lines() if not (isinstance(x, list) and x[0] == gone)])


def blob_made_up(v):
    lines = v.lines()
    v.rewrite([lines[0], ["ab" * 32, 100, "cd" * 32], *lines[1:]])


def other_snapshot(v):
    """That of another repository."""
    other = Damage(v.folder.parent.parent / "other-source", v.identity)
    shutil.copy(other.manifest(), v.folder / "snapshots")


def renamed(v):
    path = v.manifest()
    path.rename(path.with_name(path.name.replace(path.name[17:25], "0123abcd")))


def copied_over(v):
    v.manifest().write_bytes(v.manifest(0).read_bytes())


def another_key(v):
    data = subprocess.run(["age", "-r", v.recipient], check=True, capture_output=True,
                          input=b"spaceferry naming key " + b"42" * 32 + b"\n").stdout
    v.key_path().write_bytes(data)


def misplace(v):
    path = v.path(run_of(v))
    wrong = v.folder / "data" / ("00" if path.parent.name != "00" else "01") / path.name
    wrong.parent.mkdir(exist_ok=True)
    path.rename(wrong)


def config(v):
    return v.folder / "config"


def half(data):
    return data[:len(data) // 2]


def cut_lines(data):
    return b"".join(data.splitlines(keepends=True)[:-2])


def digit(data):
    """Another size of the first blob."""
    at = data.index(b'["') + 68
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


READ = ["--read-data"]
MANIFEST = Damage.manifest
RUN = lambda v: v.path(run_of(v))               # noqa: E731
DETAIL = lambda v: v.path(detail_of(v))         # noqa: E731

# What is done, what check must call it with the identity, with which options, and
# without one (None: that cannot tell).
TABLE = {
    "blob, first byte": (flip(run_of, 0), {"flipped"}, READ, {"flipped"}),
    "blob, header": (flip(run_of, 60), {"flipped"}, READ, {"flipped"}),
    "blob, middle": (middle, {"flipped"}, READ, {"flipped"}),
    "blob, last byte": (flip(run_of, -1), {"flipped"}, READ, {"flipped"}),
    "blob cut": (write(RUN, half), {"wrong_size"}, [], {"wrong_size"}),
    "blob empty": (write(RUN, lambda d: b""), {"wrong_size"}, [], {"wrong_size"}),
    "blob goes on": (write(RUN, lambda d: d + b"x"), {"wrong_size"}, [], {"wrong_size"}),
    "blob missing": (unlink(RUN), {"missing_blob"}, [], {"missing_blob"}),
    "blob misplaced": (misplace, {"misplaced_blob", "missing_blob"}, [], {"misplaced_blob"}),
    "blobs swapped": (swap, {"wrong_content"}, [], {"wrong_size"}),
    "blobs swapped, sizes too": (swap_of_one_size, {"wrong_content"}, READ, {"flipped"}),
    "blob of other contents": (replace_blob, {"wrong_content"}, [], {"wrong_size"}),
    "details flipped": (flip(detail_of, -1), {"flipped", "bad_details"}, [], None),
    "details cut": (write(DETAIL, half), {"wrong_size", "bad_details"}, [], {"wrong_size"}),
    "details missing": (unlink(DETAIL), {"missing_blob", "bad_details"}, [], {"missing_blob"}),
    "details of other contents": (replace_details, {"wrong_content", "bad_details"}, [],
                                  {"wrong_size"}),
    "snapshot, head": (write(MANIFEST, lambda d: d.replace(b'"key":"', b'"kez":"', 1)),
                       {"bad_manifest"}, [], {"bad_manifest"}),
    "snapshot, a size": (write(MANIFEST, digit), {"bad_manifest"}, [], {"bad_manifest"}),
    "snapshot cut at a line": (write(MANIFEST, cut_lines), {"bad_manifest"}, [],
                               {"bad_manifest"}),
    "snapshot cut in a line": (write(MANIFEST, half), {"bad_manifest"}, [], {"bad_manifest"}),
    "snapshot empty": (write(MANIFEST, lambda d: b""), {"bad_manifest"}, [], {"bad_manifest"}),
    "snapshot goes on": (write(MANIFEST, lambda d: d + d), {"bad_manifest"}, [],
                         {"bad_manifest"}),
    "snapshot renamed": (renamed, {"bad_manifest"}, [], {"bad_manifest"}),
    "snapshot copied over another": (copied_over, {"bad_manifest"}, [], {"bad_manifest"}),
    "snapshot of another repository": (other_snapshot, {"missing_blob", "missing_key", "bad_details"}, [],
                                       {"missing_blob", "missing_key"}),
    "snapshot without a blob": (blob_left_out, {"detail_mismatch"}, [], None),
    "snapshot with one too many": (blob_made_up, {"missing_blob"}, [], {"missing_blob"}),
    "key flipped": (write(Damage.key_path, lambda d: d[:60] + b"#" + d[61:]), {"bad_key"}, [],
                    None),
    "key cut": (write(Damage.key_path, half), {"bad_key"}, [], None),
    "key empty": (write(Damage.key_path, lambda d: b""), {"bad_key"}, [], {"bad_key"}),
    "key missing": (unlink(Damage.key_path), {"missing_key"}, [], {"missing_key"}),
    "key of another repository": (another_key, {"wrong_key"}, [], None),
    "config flipped": (write(config, lambda d: d.replace(b"encrypted", b"enkrypted")),
                       {"bad_config"}, [], {"bad_config"}),
    "config cut": (write(config, half), {"bad_config"}, [], {"bad_config"}),
    "config empty": (write(config, lambda d: b""), {"bad_config"}, [], {"bad_config"}),
    "config something else": (write(config, lambda d: b"[core]\n\tbare = true\n"),
                              {"bad_config"}, [], {"bad_config"}),
    "config missing": (unlink(config), {"missing_config"}, [], {"missing_config"}),
    "foreign object in data": (
        lambda v: (v.folder / "data" / "00-note.txt").write_text("hello"),
        {"foreign_object"}, [], {"foreign_object"}),
    "foreign object in snapshots": (
        lambda v: (v.folder / "snapshots" / "latest").write_text("hello"),
        {"foreign_object"}, [], {"foreign_object"}),
}


@pytest.mark.parametrize("name", TABLE)
def test_damage(made, check, tmp_path, name):
    do, wanted, args, closed = TABLE[name]
    if name == "snapshot of another repository":
        shutil.copytree(made.folder / "other", tmp_path.parent / "other-source",
                        dirs_exist_ok=True)
    vault = made.copy("sealed", tmp_path)
    do(vault)
    before = vault.objects()
    f = check(vault, *args)
    assert f.rc == 1 and wanted <= f.named("fail"), f
    assert not f.named("fail") - wanted - {"incomplete"}, f
    assert all(line["seen"] and line["remedy"] for line in f.all if line["verdict"] == "fail"), f
    if "flipped" in wanted or "missing_blob" in wanted:
        assert f"{DB}.orders" in f.of("flipped") + f.of("missing_blob") + f.of("bad_details") \
            or "details" in name or "another" in name or "too many" in name, f
    f = check(vault, *args, identity=False)
    if closed is None:
        assert f.rc == 0 or name == "key flipped", f
    else:
        assert f.rc == 1 and closed <= f.named("fail"), f
    assert vault.objects() == before
    restored_right(made, vault, tmp_path)


# --- what only the backup itself could have made wrong: everything is named right ---

def of_kind(details, kind):
    return next(line[kind] for line in details if kind in line)


def wrong_documents(v):
    def change(details):
        run = of_kind(details, "run")
        first, *rest = raw.split(v.blob(run[0]))
        wrong = bytearray(first)
        wrong[-3] ^= 1
        run[0] = v.put(bytes(wrong) + b"".join(rest))
    v.forge(change)


def cut_documents(v):
    def change(details):
        run = of_kind(details, "run")
        run[0] = v.put(v.blob(run[0])[:-7])
    v.forge(change)


def wrong_file(name):
    def do(v):
        def change(details):
            (file,) = [line["file"] for line in details
                       if line.get("file", {}).get("key") == name]
            data = bytearray(v.blob(file["blobs"][-1]))
            data[7] ^= 1
            file["blobs"][-1] = v.put(bytes(data))
        v.forge(change)
    return do


def changed(kind, member, value):
    def do(v):
        v.forge(lambda details: of_kind(details, kind).__setitem__(member, value))
    return do


def run_left_out(v):
    v.forge(lambda details: details.remove(next(x for x in details if "run" in x)))


def not_their_order(v):
    v.forge(lambda details: details.reverse())


FORGED = {
    "documents changed": (wrong_documents, {"digest"}),
    "documents cut": (cut_documents, {"bad_run"}),
    "file changed": (wrong_file("2.txt"), {"digest"}),
    "file of several blobs changed": (wrong_file("large.bin"), {"digest"}),
    "metadata": (changed("collection", "metadata", "{"), {"bad_metadata"}),
    "digest": (changed("collection", "digest", "00" * 16), {"digest"}),
    "counts at the end": (changed("end", "files", 99), {"bad_details"}),
    "documents of a collection": (changed("collection", "count", 1), {"bad_details"}),
    "a run missing": (run_left_out, {"bad_details"}),
    "order": (not_their_order, {"bad_details"}),
    "id": (changed("snapshot", "id", "01234567"), {"detail_mismatch"}),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged(made, check, tmp_path, name):
    do, wanted = FORGED[name]
    vault = made.copy("plain", tmp_path)
    do(vault)
    f = check(vault, "--read-data")
    assert f.rc == 1 and f.named("fail") == wanted, f
    restored_right(made, vault, tmp_path)


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
    misplace(vault)
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
