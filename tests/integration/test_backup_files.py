# build: release
"""backup and restore of files: from folders and buckets to both, byte by byte;
what is stored is cut as docs/FORMAT.md says, and once; what cannot be backed up is
named, and the rest is there."""

import hashlib
import hmac
import os
import random
import re
import threading

import pytest

from harness import look, summary
from harness.vault import Vault, age_key

CHUNK_MIN, CHUNK_AVERAGE, CHUNK_MAX = 512 << 10, 1 << 20, 2 << 20
SIZES = [0, 1, CHUNK_MIN - 1, CHUNK_MIN, CHUNK_MIN + 1, CHUNK_MAX, CHUNK_MAX + 1, 20_000_000]
ODD = ["été/ñandú 🚢.txt", "a b  c.txt", "100%.txt", "%41.txt", "plus+and&more=.txt",
       "quote\"and'.txt", "back\\slash.txt", "~tilde", "-dash", "two\nlines.txt",
       "deep/" * 20 + "file.txt", "#hash?query"]
# Root reads what nobody may; without these two rights it is as any user.
AS_ANYBODY = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")


def contents(n_small=280):
    """{key: bytes}, the same each time."""
    rng = random.Random(6)
    files = {f"size/{n}.bin": rng.randbytes(n) for n in SIZES}
    files["twice/one.bin"] = files["twice/other.bin"] = rng.randbytes(3 << 20)
    files |= {name: name.encode() for name in ODD}
    files |= {f"small/{n % 9}/{n}.jpg": rng.randbytes(rng.randrange(4000))
              for n in range(n_small)}
    return files


def write(folder, files):
    for n, (key, data) in enumerate(files.items()):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, ns=(0, 1_500_000_000_123_456_789 + n))


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes()
            for p in folder.rglob("*") if p.is_file()}


def times(folder):
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns
            for p in folder.rglob("*") if p.is_file()}


def bucket_tree(s3, bucket, prefix):
    return {k[len(prefix):]: look.get_object(s3, bucket, k)[0]
            for k in look.listing(s3, bucket, prefix)}


@pytest.fixture(scope="module")
def files():
    return contents()


@pytest.fixture(scope="module")
def key(work):
    return age_key(work, "files.key")


@pytest.fixture
def up(tmp_path):
    folder = tmp_path / "up"
    folder.mkdir()
    return folder


class Case:
    """A repository in a folder, with what is run on it."""

    def __init__(self, spaceferry, tmp_path, env):
        self.spaceferry, self.tmp, self.env = spaceferry, tmp_path, env
        self.repo = tmp_path / "repo"
        self.vault = Vault(self.repo)

    def run(self, command, *args, rc=0, **kwargs):
        r = self.spaceferry(command, "--json", "--repo", self.repo, *args,
                            env=self.env, **kwargs)
        assert r.rc == rc, r
        summary.check(r, command)
        return r

    def backup(self, *places, args=(), **kwargs):
        options = [word for p in places for word in ("--files", p)]
        return self.run("backup", *options, *args, **kwargs)

    def restore(self, files, *args, **kwargs):
        return self.run("restore", "--files", files, *args, **kwargs)

    def lines(self, index=-1):
        """The details of one snapshot, {kind: [value]}."""
        found = {}
        for line in self.vault.details(self.vault.snapshots()[index]):
            ((kind, value),) = line.items()
            found.setdefault(kind, []).append(value)
        return found

    def data(self):
        return {p.name for p in (self.repo / "data").rglob("*") if p.is_file()}


@pytest.fixture
def case(spaceferry, s3_server, tmp_path):
    return Case(spaceferry, tmp_path, s3_server.aws_env())


def test_there_and_back(case, files, up, tmp_path, s3, bucket):
    write(up, files)
    r = case.backup(up)
    f = r.summary["files"]
    assert (f["count"], f["failed"], f["bytes"]) == \
        (len(files), 0, sum(map(len, files.values()))), r
    assert r.summary["repository"]["bytes_read"] == f["bytes"]
    # What is stored says so itself.
    (place,), lines = case.lines()["place"], case.lines()["file"]
    assert place == {"name": str(up), "files": len(files), "bytes": f["bytes"]}
    assert [v["key"] for v in lines] == sorted(files, key=str.encode)
    stored = {v["key"]: v for v in lines}
    for name, data in files.items():
        assert stored[name]["sha256"] == hashlib.sha256(data).hexdigest(), name
        assert stored[name]["size"] == len(data)
        assert stored[name]["mtime_ns"] == (up / name).stat().st_mtime_ns
    assert stored["size/0.bin"]["blobs"] == []
    assert len(stored[f"size/{CHUNK_MIN}.bin"]["blobs"]) == 1
    assert stored["twice/one.bin"]["blobs"] == stored["twice/other.bin"]["blobs"]
    large = stored["size/20000000.bin"]["blobs"]
    assert len(large) > 9
    assert b"".join(map(case.vault.blob, large)) == files["size/20000000.bin"]
    # To a folder and a bucket.
    case.restore(tmp_path / "new")
    assert tree(tmp_path / "new") == files
    assert times(tmp_path / "new") == times(up)
    case.restore(f"s3://{bucket}/app")
    assert bucket_tree(s3, bucket, "app/") == files


def test_from_a_bucket(case, files, up, tmp_path, s3, bucket, s3_server):
    """What a folder had is not stored again when it comes from a bucket."""
    files = {k: v for k, v in files.items() if not k.startswith("small/") or "/1" in k}
    write(up, files)
    case.backup(up)
    before = case.data()
    assert case.backup(up).summary["files"]["uploaded"] == 0
    again = case.data()
    assert len(again - before) <= 2     # details: who and when
    for name, data in files.items():
        s3.put_object(Bucket=bucket, Key="old/" + name, Body=data)
    r = case.backup(f"s3://{bucket}/old")
    assert r.summary["files"]["count"] == len(files)
    assert r.summary["files"]["uploaded"] == 0, r
    assert len(case.data() - again) <= 2
    case.restore(tmp_path / "new")
    assert tree(tmp_path / "new") == files
    other = s3_server.make_bucket(f"{bucket[:50]}-new")
    case.restore(f"s3://{other}")
    assert bucket_tree(s3, other, "") == files


def test_repository_and_files_in_one_bucket(case, s3, bucket):
    """Read in parts and sent in parts, too."""
    large = random.Random(9).randbytes(3 << 20) * 23
    files = {"large.bin": large, "a": b"a"}
    for name, data in files.items():
        s3.put_object(Bucket=bucket, Key="up/" + name, Body=data)
    case.repo = f"s3://{bucket}/repo"
    case.backup(f"s3://{bucket}/up")
    r = case.restore(f"s3://{bucket}/new")
    assert bucket_tree(s3, bucket, "new/") == files, r
    r = case.backup(f"s3://{bucket}", rc=2)
    assert "lie within each other" in summary.messages(r), r


def test_a_byte_at_the_front(case, files, up):
    path = up / "large.bin"
    path.write_bytes(files["size/20000000.bin"])
    r = case.backup(up)
    assert r.summary["repository"]["blobs_added"] > 9
    path.write_bytes(b"x" + path.read_bytes())
    r = case.backup(up)
    assert r.summary["repository"]["blobs_added"] <= 4, r     # one of them details
    old, new = (set(case.lines(n)["file"][0]["blobs"]) for n in (-2, -1))
    assert 1 <= len(new - old) <= 3


def cuts(data, key):
    """Where a file is cut: docs/FORMAT.md, "Cutting files"."""
    table = []
    for n in range(64):
        block = hmac.digest(key, b"spaceferry chunker" + bytes([n]), "sha256")
        table += [int.from_bytes(block[i:i + 8], "big") for i in range(0, 32, 8)]
    start, ends = 0, []
    while start < len(data):
        end, h = min(start + CHUNK_MAX, len(data)), 0
        for i in range(start + CHUNK_MIN, end):
            h = (2 * h + table[data[i]]) % (1 << 64)
            if h < (1 << (42 if i - start < CHUNK_AVERAGE else 46)):
                end = i + 1
                break
        ends.append(end)
        start = end
    return ends


@pytest.mark.parametrize("encrypted", (False, True))
def test_cut_as_written_down(case, up, key, encrypted):
    data = random.Random(7).randbytes(5_000_000)
    (up / "a.bin").write_bytes(data)
    (up / "zeros.bin").write_bytes(bytes(CHUNK_MAX + 5))
    case.backup(up, args=("--recipient", key[1]) if encrypted else ())
    naming_key = b""
    if encrypted:
        case.vault = Vault(case.repo, key[0])
        (path,) = (case.repo / "keys").iterdir()
        naming_key = case.vault.naming_key(path.stem)
    ends = cuts(data, hmac.digest(naming_key, b"chunker\0", "sha256"))
    pieces = [data[a:b] for a, b in zip([0] + ends, ends)]
    assert len(pieces) > 2
    a, zeros = case.lines()["file"]
    assert [case.vault.blob(n) for n in a["blobs"]] == pieces
    assert [len(case.vault.blob(n)) for n in zeros["blobs"]] == [CHUNK_MAX, 5]
    if encrypted:
        plain = {hashlib.sha256(p).hexdigest() for p in pieces}
        assert not plain & set(a["blobs"])
        r = case.restore(case.tmp / "new", rc=2)
        assert not (case.tmp / "new").exists()
        case.restore(case.tmp / "new", "--identity", key[0])
        assert (case.tmp / "new" / "a.bin").read_bytes() == data


def test_links_and_what_is_no_file(case, up, tmp_path):
    write(up, {"sub/real.txt": b"real", "plain.txt": b"plain"})
    (up / "link.txt").symlink_to("sub/real.txt")
    (up / "folder").symlink_to("sub")
    (up / "dangling").symlink_to("nowhere")
    os.mkfifo(up / "pipe")
    r = case.backup(up, rc=1)
    assert r.summary["files"]["failed"] == 2
    assert "dangling" in summary.messages(r) and "pipe" in summary.messages(r)
    case.backup(up, args=("--files-exclude", "dangling", "--files-exclude", "pipe"))
    for which in ("latest", case.vault.snapshots()[0][0]["id"]):
        case.run("restore", "--from", f"snapshot:{which}", "--files", tmp_path / which)
        assert tree(tmp_path / which) == {
            "sub/real.txt": b"real", "plain.txt": b"plain", "link.txt": b"real",
            "folder/real.txt": b"real"}
    (up / "out").symlink_to("/etc/hostname")
    r = case.backup(up, rc=2)
    assert "out" in summary.messages(r)


def test_unreadable_and_removed_files(case, up, tmp_path):
    write(up, {"a.txt": b"a", "closed.txt": b"closed", "z.txt": b"z"})
    (up / "closed.txt").chmod(0)
    r = case.backup(up, rc=1, wrap=AS_ANYBODY)
    assert (r.summary["files"]["failed"], r.summary["files"]["count"]) == (1, 2)
    assert "closed.txt" in summary.messages(r) and summary.kinds(r) == ["file"], r
    assert [v["key"] for v in case.lines()["file"]] == ["a.txt", "z.txt"]
    case.restore(tmp_path / "new")
    assert tree(tmp_path / "new") == {"a.txt": b"a", "z.txt": b"z"}


def test_file_that_changes_while_it_is_read(case, up, tmp_path):
    """Never half old, half new: it is read again, then left out by name."""
    busy = up / "busy.log"
    write(up, {"plain.txt": b"plain"})
    busy.write_bytes(b"a" * (30 << 20))
    stop = threading.Event()

    def append():
        while not stop.wait(0.003):
            with open(busy, "ab") as f:
                f.write(b"more\n")
    thread = threading.Thread(target=append)
    thread.start()
    try:
        r = case.backup(up, rc=1)
    finally:
        stop.set()
        thread.join()
    assert "busy.log" in summary.messages(r), r
    assert [v["key"] for v in case.lines()["file"]] == ["plain.txt"]
    case.backup(up)
    case.restore(tmp_path / "new")
    assert tree(tmp_path / "new") == tree(up)


def test_only_some(case, files, up, tmp_path):
    write(up, files)
    small = {k: v for k, v in files.items() if k.startswith("small/")}
    case.backup(up, args=("--files-include", "small/*", "--files-exclude", "small/3/*"))
    wanted = {k: v for k, v in small.items() if not k.startswith("small/3/")}
    case.restore(tmp_path / "new")
    assert tree(tmp_path / "new") == wanted
    r = case.restore(tmp_path / "some", "--files-include", "*7.jpg")
    assert tree(tmp_path / "some") == {k: v for k, v in wanted.items() if k.endswith("7.jpg")}
    assert r.summary["files"]["count"] == len(tree(tmp_path / "some"))


def test_a_dry_run_stores_nothing(case, up):
    write(up, {"a": b"1", "b/c": b"22"})
    r = case.backup(up, args=("--dry-run",))
    assert (r.summary["files"]["count"], r.summary["files"]["bytes"]) == (2, 3)
    assert not case.repo.exists() or tree(case.repo) == {}


def test_several_places(case, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    write(a, {"x": b"in a"})
    write(b, {"x": b"in b"})
    r = case.backup(a, a, rc=2)
    assert "twice" in summary.messages(r)
    for place in (tmp_path, case.repo / "data"):
        place.mkdir(parents=True, exist_ok=True)
        r = case.backup(place, rc=2)
        assert "lie within each other" in summary.messages(r), r
    case.backup(b, a)
    r = case.restore(tmp_path / "new", rc=2)
    text = re.sub(r"\s+", " ", summary.messages(r) + str(r.summary["errors"]))
    assert str(a) in text and str(b) in text, r
    r = case.restore(f"{tmp_path}/c={tmp_path}/new", rc=2)
    assert str(a) in str(r.summary["errors"]), r
    case.run("restore", "--files", f"{a}={tmp_path}/new", "--files", f"{b}={tmp_path}/new/b")
    assert tree(tmp_path / "new") == {"x": b"in a", "b/x": b"in b"}
    r = case.restore(f"{a}={case.repo}/data", rc=2)
    assert "lie within each other" in summary.messages(r), r


def test_a_place_that_cannot_be_named(case, tmp_path):
    """Refused before anything is stored; by another name it is backed up."""
    odd = tmp_path / os.fsdecode(b"odd\xff")
    write(odd, {"a": b"1"})
    r = case.backup(odd, rc=2)
    assert "not UTF-8" in r.summary["errors"][0]["message"], r
    assert not case.data()
    (tmp_path / "link").symlink_to(odd)
    assert case.backup(tmp_path / "link").summary["files"]["uploaded"] == 1


def test_verify_and_diff(case, up, tmp_path):
    write(up, {"a": b"1", "b": b"2" * 3_000_000, "c": b"3"})
    case.backup(up)
    args = ("--from", "snapshot:latest", "--files", f"{up}={up}")
    case.run("verify", *args)
    case.run("diff", *args)
    (up / "a").unlink()
    (up / "b").write_bytes(b"2" * 2_999_999 + b"x")
    (up / "d").write_bytes(b"4")
    r = case.run("verify", *args, rc=1)
    f = r.summary["files"]
    assert (f["missing"], f["different"], f["extra"]) == (1, 1, 1), r
    r = case.run("diff", *args, rc=1)
    told = {(d["type"], d["key"]) for d in r.lines[:-1] if d["kind"] == "file"}
    assert told == {("missing", "a"), ("different", "b"), ("extra", "d")}, r


def test_damage_is_never_restored(case, files, up, tmp_path):
    """A blob that is gone stops it before anything is written.  One with a byte
    flipped, two that were exchanged: those files are named, none of them arrives,
    all others do."""
    rng = random.Random(8)
    wanted = {k: files[f"size/{n}.bin"] for k, n in
              (("large", 20_000_000), ("gone", CHUNK_MIN), ("ok", CHUNK_MAX))}
    wanted |= {"one": rng.randbytes(CHUNK_MIN), "other": rng.randbytes(CHUNK_MIN),
               "fine": b"fine"}
    write(up, wanted)
    case.backup(up)
    stored = {v["key"]: v["blobs"] for v in case.lines()["file"]}

    def path(key, n=0):
        name = stored[key][n]
        return case.repo / "data" / name[:2] / f"{name}.zst"
    path("gone").unlink()
    r = case.restore(tmp_path / "new", rc=2)
    assert stored["gone"][0] in summary.messages(r), r
    assert not (tmp_path / "new").exists()
    data = bytearray(path("large", 5).read_bytes())
    data[len(data) // 2] ^= 1
    path("large", 5).write_bytes(data)
    one, other = path("one").read_bytes(), path("other").read_bytes()
    assert len(one) == len(other)
    path("one").write_bytes(other)
    path("other").write_bytes(one)
    r = case.restore(tmp_path / "new", "--files-exclude", "gone", rc=1)
    assert tree(tmp_path / "new") == {k: wanted[k] for k in ("ok", "fine")}, r
    assert r.summary["files"]["failed"] == 3, r
    for key in ("large", "one", "other"):
        assert key in summary.messages(r), r
