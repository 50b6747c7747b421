"""Damaged and hostile archives and directories through the whole program, made
out of what the real mongodump wrote: each is refused with its own message and
exit 2, and nothing on the target changes.  And what mongorestore passes over: a
dump cut between two documents, a flipped byte."""
# build: release

import gzip
import shutil
import subprocess

import pytest
from bson import decode, encode

from harness import look, peers, raw

END = b"\xff\xff\xff\xff"
N = 1000


def document(n):
    return encode({"_id": n, "name": f"name {n}", "pad": "x" * (n % 50)})


@pytest.fixture(scope="module")
def base(source, work):
    """{"archive": bytes, "dump": folder} of a database with 1000 documents."""
    db = source.client()["damaged"]
    db.client.drop_database("damaged")
    raw.insert(db["items"], [document(n) for n in range(N)])
    raw.insert(db["other"], [document(n) for n in range(10)])
    db["items"].create_index("name")
    folder = work / "damaged"
    for args in (f"--archive={folder}.archive", f"--out={folder}"):
        subprocess.run([peers.need("mongodump"), "--uri", source.uri(), "--quiet",
                        "--db=damaged", args], check=True, timeout=60)
    db.client.drop_database("damaged")
    yield {"archive": (work / "damaged.archive").read_bytes(), "dump": folder}


def pieces(data):
    """The archive's parts in their order: magic, documents, terminators."""
    found, at = [data[:4]], 4
    while at < len(data):
        size = 4 if data[at:at + 4] == END else int.from_bytes(
            data[at:at + 4], "little")
        found.append(data[at:at + size])
        at += size
    return found


def where(parts, want):
    """Index of the first piece that decodes to a document with these fields."""
    for i, part in enumerate(parts[1:], 1):
        if part != END:
            fields = decode(part)
            if all(fields.get(k) == v for k, v in want.items()):
                return i
    raise AssertionError(f"no piece with {want}")


def change(want, new):
    """A damage: the first piece with want becomes new(piece), None: is gone."""
    def damage(data):
        parts = pieces(data)
        i = where(parts, want)
        parts[i:i + 1] = filter(None, [new(parts[i])])
        return b"".join(parts)
    return damage


def fields(**new):
    return lambda part: encode({**decode(part), **new})


ITEM = {"_id": 500, "name": "name 500"}
META = {"collection": "items", "type": "collection"}
ITEMS_END = {"collection": "items", "EOF": True}
ITEMS = {"collection": "items", "EOF": False}


def swap(data):
    parts = pieces(data)
    i = where(parts, ITEM)
    parts[i], parts[i + 1] = parts[i + 1], parts[i]
    return b"".join(parts)


def cut_at(want, offset):
    def damage(data):
        parts = pieces(data)
        i = where(parts, want)
        return b"".join(parts[:i]) + parts[i][:offset]
    return damage


def renamed(**new):
    """All pieces that name the collection items, with other names."""
    def damage(data):
        parts = pieces(data)
        for i, part in enumerate(parts[1:], 1):
            if part != END and decode(part).get("collection") == "items":
                parts[i] = encode({**decode(part), **new})
        return b"".join(parts)
    return damage


def no_end(data):
    parts = pieces(data)
    i = where(parts, ITEMS_END)
    return b"".join(parts[:i] + parts[i + 2:])


# name: (file name, damage, what the message says)
ARCHIVES = {
    "empty": ("a", lambda d: b"", "cut at byte 0"),
    "magic": ("a", lambda d: b"\x6e" + d[1:], "is no mongodump archive"),
    "text": ("a", lambda d: b"{\"a\": 1}\n" * 100, "is no mongodump archive"),
    "cut in the head": ("a", lambda d: d[:20], "cut"),
    "cut in the metadata": ("a", cut_at(META, 30), "cut"),
    "cut in a document": ("a", cut_at(ITEM, 12), "cut"),
    "cut between documents": ("a", cut_at(ITEM, 0), "cut behind document"),
    "cut before the end": ("a", lambda d: d[:-4], "at the end of a collection"),
    "cut before an end": ("a", cut_at(ITEMS_END, 0), "without the end"),
    "no end of a collection": ("a", no_end, "without the end of damaged.items"),
    "flipped bit": ("a", change(ITEM, lambda p: p.replace(b"name 5", b"nane 5")),
                    "checksum"),
    "flipped type": ("a", change(ITEM, lambda p: p[:4] + b"\x33" + p[5:]),
                     "no valid BSON"),
    "wrong checksum": ("a", change(ITEMS_END, lambda p: fields(
        CRC=decode(p)["CRC"] ^ 1)(p)), "the checksum of damaged.items"),
    "length too small": ("a", change(ITEM, lambda p: b"\4\0\0\0" + p[4:]),
                         "its length, 4"),
    "length too large": ("a", change(ITEM, lambda p: b"\xff\xff\xff\x7f" + p[4:]),
                         "its length, 2147483647"),
    "length off by one": ("a", change(ITEM, lambda p: bytes([p[0] + 1]) + p[1:]),
                          "BSON"),
    "a document lost": ("a", change(ITEM, lambda p: None), "checksum"),
    "two documents swapped": ("a", swap, "checksum"),
    "unknown collection": ("a", change(ITEMS, fields(collection="nobody")),
                           "nobody"),
    "metadata no JSON": ("a", change(META, fields(metadata="{oops")),
                         "metadata"),
    "metadata of another kind": ("a", change(META, fields(
        metadata='{"indexes": 3}')), '"indexes" is no array'),
    "hostile database": ("a", renamed(db="../../x"), "in the database name"),
    "hostile collection": ("a", renamed(collection="a\0b"),
                           "NUL in the collection name"),
    "name too long": ("a", renamed(collection="x" * 300), "longer than"),
    "twice the same": ("a", lambda d: d[:4] + b"".join(
        [p if i != where(pieces(d), META) else p + p
         for i, p in enumerate(pieces(d))][1:]), "twice"),
    "not gzip": ("a.gz", lambda d: d, "--compress none"),
    "gzip unsaid": ("a", gzip.compress, "--compress gzip"),
    "gzip cut": ("a.gz", lambda d: gzip.compress(d)[:-2000], "it is cut"),
    "gzip flipped": ("a.gz", lambda d: flip(gzip.compress(d), 3000), "at byte"),
    "gzip with more": ("a.gz", lambda d: gzip.compress(d) + b"more", "at byte"),
    "zstd flipped": ("a.zst", lambda d: flip(zstd(d), 3000), "at byte"),
    "zstd cut": ("a.zst", lambda d: zstd(d)[:-5], "it is cut"),
}


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:]


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c", "--check"], input=data, check=True,
                          capture_output=True).stdout


def refused(r, word, path):
    """Exit 2, one error that says word and names the file; returns it."""
    assert r.rc == 2, r
    (error,) = r.summary["errors"]
    assert error["kind"] in ("damaged", "not_found", "unsupported"), r
    text = error["message"] + " " + error["hint"]
    assert word in text, (word, text)
    assert str(path) in text, text
    return error["message"].replace(str(path), "")


def test_archives(base, target, spaceferry, tmp_path):
    before, messages = look.fingerprint(target.client()), {}
    for name, (file, damage, word) in ARCHIVES.items():
        path = tmp_path / file
        path.write_bytes(damage(base["archive"]))
        r = spaceferry("import", "--json", "--archive", path,
                       env={"SPACEFERRY_TO": target.uri()})
        messages[name] = refused(r, word, path)
        assert "damaged" not in target.client().list_database_names(), name
    assert len(ARCHIVES) >= 25
    assert len(set(messages.values())) >= len(messages) - 4, messages
    assert look.fingerprint(target.client()) == before


def truncate(size):
    def damage(folder):
        path = folder / "damaged" / "items.bson"
        path.write_bytes(path.read_bytes()[:size(path.stat().st_size)])
    return damage


def rewrite(name, new):
    def damage(folder):
        path = folder / "damaged" / name
        path.write_bytes(new(path.read_bytes()))
    return damage


def in_mid_document(size):
    return sum(len(document(n)) for n in range(600)) + 17


def empty(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def link(folder):
    path = folder / "damaged" / "items.bson"
    path.rename(folder / "elsewhere")
    path.symlink_to(folder / "elsewhere")


DUMPS = {
    "cut in a document": (truncate(in_mid_document), "document 601 at byte"),
    "cut in a length": (truncate(lambda n: n - len(document(N - 1)) + 2), "cut"),
    "wrong length": (rewrite("items.bson", lambda d: b"\3" + d[1:]), "its length"),
    "no BSON": (rewrite("items.bson", lambda d: d[:4] + b"\x33" + d[5:]),
                "no valid BSON"),
    "metadata no JSON": (rewrite("items.metadata.json", lambda d: d[:-5]),
                         "items.metadata.json"),
    "metadata of another kind": (rewrite("items.metadata.json", lambda d:
                                         b'{"indexes": [3]}'), "index"),
    "gzip that is none": (lambda f: (f / "damaged/items.bson").rename(
        f / "damaged/items.bson.gz"), "items.bson.gz"),
    "outside a database": (lambda f: shutil.copy(f / "damaged/items.bson",
                                                 f / "items.bson"), "no database"),
    "a symbolic link": (link, "symbolic link"),
    "empty": (empty, "no collection"),
    "missing": (shutil.rmtree, ""),
}


def test_directories(base, target, spaceferry, tmp_path):
    before, messages = look.fingerprint(target.client()), {}
    for name, (damage, word) in DUMPS.items():
        folder = tmp_path / "d"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(base["dump"], folder)
        damage(folder)
        r = spaceferry("import", "--json", "--dir", folder,
                       env={"SPACEFERRY_TO": target.uri()})
        messages[name] = refused(r, word, folder)
        assert "damaged" not in target.client().list_database_names(), name
    assert len(set(messages.values())) == len(DUMPS), messages
    assert look.fingerprint(target.client()) == before


def cut_between(folder):
    (folder / "damaged/items.bson").write_bytes(
        b"".join(document(n) for n in range(600)))


OURS = {
    "cut between documents": (cut_between, "damaged.items holds 600 documents"),
    "flipped byte": (rewrite("items.bson", lambda d: d.replace(b"name 5", b"nane 5",
                                                               1)),
                     "not the same any more"),
    "a file is missing": (lambda f: [p.unlink() for p in
                                     (f / "damaged").glob("other.*")],
                          "damaged.other is missing"),
    "sums cut": (lambda f: (f / "spaceferry.sums").write_bytes(
        (f / "spaceferry.sums").read_bytes()[:-9]), "cut"),
}


def test_what_only_our_dumps_tell(base, source, target, spaceferry, tmp_path):
    """mongodump's directory tells nobody when whole documents are missing at the
    end of a file; ours has spaceferry.sums, and mongorestore does not mind."""
    env = {"SPACEFERRY_TO": target.uri()}
    assert spaceferry("migrate", "--json", "--from", f"dump:{base['dump']}", "--to",
                      f"dump:{tmp_path}/ours").rc == 0
    before = look.fingerprint(target.client())
    for name, (damage, word) in OURS.items():
        folder = tmp_path / "d"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tmp_path / "ours", folder)
        damage(folder)
        r = spaceferry("import", "--json", "--dir", folder, env=env)
        refused(r, word, folder)
    assert look.fingerprint(target.client()) == before
    # Of mongodump's own, the same cut arrives, and nobody can tell: verify
    # against the archive, or the server, does.
    shutil.copytree(base["dump"], tmp_path / "theirs")
    cut_between(tmp_path / "theirs")
    (tmp_path / "a").write_bytes(base["archive"])
    r = spaceferry("verify", "--json", "--from", f"archive:{tmp_path}/a", "--to",
                   f"dump:{tmp_path}/theirs")
    assert r.rc == 1 and r.collection("damaged.items")["missing"] == 400, r
