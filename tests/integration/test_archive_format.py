# build: release
"""What mongodump writes is read by src/archive, and what src/archive writes is
restored by mongorestore: documents byte for byte, options and indexes.  The
interface in C is driven by tests/tools/archive_tool."""

import itertools
import subprocess
import sys

import pytest

from harness import look, peers, raw
from harness.mongod import Mongod
from harness.process import ROOT
from mongo_tool import tool_path

sys.path.insert(0, str(ROOT / "fixtures" / "archives"))
import make as archives                                    # noqa: E402

DATABASES = ("app", "second-db")
VIEWS = ("recent",)


def run(tool, *args, ok=True):
    path = tool_path().parent / tool if tool == "archive_tool" else peers.need(tool)
    done = subprocess.run([str(path), *map(str, args)], capture_output=True, text=True)
    assert (done.returncode == 0) == ok, (args, done.stdout, done.stderr)
    return done.stdout if ok else done.stderr


def content(client):
    """Metadata, and every document as bytes; of a time-series its buckets."""
    found = {}
    for db in DATABASES:
        found[db] = look.metadata(client, db)
        for name in client[db].list_collection_names():
            if name not in (*VIEWS, "weather", "system.views"):
                found[db, name] = sorted(raw.read(client[db][name]))
    return found


def by_turns(data):
    """The archive with a block for each document, of all namespaces by turns,
    and all their ends at the end."""
    def take():
        nonlocal at
        size = int.from_bytes(data[at:at + 4], "little")
        piece = data[at:at + (4 if size == 0xffffffff else size)]
        at += len(piece)
        return piece

    at, end, blocks, ends = 4, b"\xff" * 4, {}, []
    while take() != end:
        pass
    head = data[:at]
    while at < len(data):
        start = take()
        if b"\x08EOF\0\x01" in start:
            ends.append(start + take())
            continue
        while (piece := take()) != end:
            blocks.setdefault(start, []).append(start + piece + end)
    turns = itertools.chain(*itertools.zip_longest(*blocks.values(), fillvalue=b""))
    return head + b"".join(turns) + b"".join(ends)


@pytest.fixture(scope="module")
def source_server(work):
    peers.need("mongodump"), peers.need("mongorestore")
    with Mongod(work / "archive-source") as server:
        archives.fill(server.client())
        yield server


@pytest.fixture(scope="module")
def empty_server(work):
    with Mongod(work / "archive-target") as server:
        yield server


@pytest.fixture(scope="module")
def dumped(source_server, work):
    """The real mongodump's archive and directory."""
    folder = work / "dumped"
    folder.mkdir()
    archives.dump(source_server.uri(), f"--archive={folder}/real.archive")
    archives.dump(source_server.uri(), f"--out={folder}/real", "--gzip")
    (folder / "turns.archive").write_bytes(
        by_turns((folder / "real.archive").read_bytes()))
    return folder


@pytest.mark.parametrize("start, to, restore", [
    ("real.archive", "ours.archive", ["--archive={}"]),
    ("real.archive", "ours.archive.gz", ["--archive={}", "--gzip"]),
    ("turns.archive", "ours.archive", ["--archive={}"]),
    ("turns.archive", "ours.gz/", ["--dir={}", "--gzip"]),
    ("real", "ours/", ["--dir={}"]),
    ("real.archive", "ours.gz/", ["--dir={}", "--gzip"]),
])
def test_mongorestore_restores_ours(source_server, empty_server, dumped, tmp_path,
                                    start, to, restore):
    # (Ours has the documents in the order of the one that is read.)
    client = empty_server.client()
    for db in DATABASES:
        client.drop_database(db)
    run("archive_tool", dumped / start, f"{tmp_path}/{to}")
    run("mongorestore", "--quiet", "--uri", empty_server.uri(),
        "--nsExclude=admin.*", *[a.format(tmp_path / to) for a in restore])
    wanted, got = content(source_server.client()), content(client)
    assert got.keys() == wanted.keys()
    for key in wanted:
        assert got[key] == wanted[key], key
    assert {n for d, n in (k for k in wanted if isinstance(k, tuple))} >= {
        "types", "empty", "capped", "odd/name %é .:*?", "system.js", "c",
        "system.buckets.weather"}


def test_counts_agree_with_the_source(source_server, dumped):
    lines = run("archive_tool", dumped / "real.archive").splitlines()
    assert run("archive_tool", dumped / "real").splitlines() != []
    found = {line.split("\t")[0]: line.split("\t")[1:] for line in lines}
    client = source_server.client()
    for db in DATABASES:
        for info in client[db].list_collections():
            name = info["name"]
            if name == "system.views" or name.startswith("system.buckets."):
                continue
            kind, docs, size = found.pop(f"{db}.{name}")
            assert kind == info["type"]
            data = {"view": None, "timeseries": f"system.buckets.{name}"}.get(kind, name)
            documents = raw.read(client[db][data]) if data else []
            assert (int(docs), int(size)) == (len(documents), sum(map(len, documents)))
    assert set(found) <= {"admin.system.version", "admin.system.users"}


def test_zstd_and_back(dumped, tmp_path):
    run("archive_tool", dumped / "real.archive", tmp_path / "a.zst")
    run("archive_tool", tmp_path / "a.zst", tmp_path / "b.archive")
    assert (tmp_path / "b.archive").stat().st_size > (tmp_path / "a.zst").stat().st_size
    assert run("archive_tool", tmp_path / "b.archive") == \
        run("archive_tool", dumped / "real.archive")


def test_bsondump_reads_our_files(dumped, tmp_path):
    run("archive_tool", dumped / "real.archive", f"{tmp_path}/d/")
    out = run("bsondump", "--quiet", tmp_path / "d/app/types.bson")
    assert len(out.splitlines()) == 6


def test_damage_is_refused(dumped, tmp_path):
    data = bytearray((dumped / "real.archive").read_bytes())
    data[-150] ^= 1
    (tmp_path / "a").write_bytes(data)
    said = run("archive_tool", tmp_path / "a", f"{tmp_path}/d/", ok=False)
    assert said.startswith("damaged: "), said
    assert not (tmp_path / "d").exists()
