# build: release
"""Each way to damage a repository: check finds it, by name, with and without an
identity; restore delivers what was backed up, or fails."""

import json
import os
import shutil
import subprocess

import pytest
from bson import encode

from harness import checked, raw
from harness.checked import DB, restored_right
from harness.damage import Damage


@pytest.fixture(scope="module")
def made(work, source):
    yield from checked.made(work, source)


@pytest.fixture
def check(made, tmp_path):
    return checked.check(made, tmp_path)


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


def fifo(v):
    path = v.path(run_of(v))
    path.unlink()
    os.mkfifo(path)


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
    "blob misplaced": (lambda v: v.misplace(run_of(v)), {"misplaced_blob", "missing_blob"}, [],
                       {"misplaced_blob"}),
    "blob is no file": (fifo, {"foreign_object", "missing_blob"}, [], {"missing_blob"}),
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
    "snapshot of another repository": (
        other_snapshot, {"missing_blob", "missing_key", "bad_details"}, [],
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
    before = vault.objects()            # regular files
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
