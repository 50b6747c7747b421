"""What diff writes: for people on a terminal and elsewhere, as lines of JSON,
counts only, and to somebody who stops reading."""

import os
import pty
import re
import struct
import subprocess

import pytest
from bson import Int64, ObjectId

from harness import raw
from harness.ferry import binary

OID = ObjectId("65f000000000000000000001")
LONG = "u" * 40_000
# A terminal that shows this as it is turns green, beeps, and writes backwards.
EVIL = "\x1b[42m\x07\u202eevil"


def document(*fields):
    """(type, name, value) as the bytes of a document."""
    body = b"".join(bytes([kind]) + name + b"\0" + value for kind, name, value in fields)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def string(text):
    return struct.pack("<i", len(text) + 1) + text + b"\0"


def odd(nan, text, payload):
    """What only bytes tell apart, under the _id "odd"."""
    return document((2, b"_id", string(b"odd")), (1, b"nan", struct.pack("<Q", nan)),
                    (2, b"text", string(text)), (5, b"b", struct.pack("<i", len(payload))
                                                 + b"\0" + payload))


@pytest.fixture(scope="module")
def ends(source, target):
    """Two databases and two folders that differ in known places."""
    name = "diff-print"
    a, b = source.client()[name], target.client()[name]
    for db in (a, b):
        db.client.drop_database(name)
        db.users.insert_many([{"_id": i, "city": "Sfax"} for i in range(300)])
    a.users.insert_one({"_id": OID, "n": 5, "city": "Sfax", "tags": ["x"],
                        "long": LONG + "OLD" + LONG, "who": {"a": 1, "b": 2}})
    b.users.insert_one({"_id": OID, "n": Int64(5), "city": EVIL, "tags": ["x", EVIL],
                        "long": LONG + "NEW" + LONG, "who": {"b": 2, "a": 1}})
    raw.insert(a.users, [odd(0x7ff8000000000000, b"ab\xff", b"\0" * 200_000 + b"\1")])
    raw.insert(b.users, [odd(0x7ff8000000000abc, b"ab\xfe", b"\0" * 200_000 + b"\2")])
    b.users.delete_one({"_id": 4})
    b.users.insert_one({"_id": "only " + EVIL})
    a.posts.create_index("when")
    b.posts.create_index("who")
    yield {"SPACEFERRY_FROM": source.uri(name), "SPACEFERRY_TO": target.uri(name)}
    a.client.drop_database(name)
    b.client.drop_database(name)


@pytest.fixture
def files(tmp_path):
    for folder, size in (("old", 1), ("new", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.txt").write_text("same")
        (tmp_path / folder / "changed.txt").write_text("c" * size)
        (tmp_path / folder / f"only-{folder}.txt").write_text(folder)
    return f"{tmp_path}/old={tmp_path}/new"


def test_for_people(ends, files, spaceferry):
    r = spaceferry("diff", "--files", files, env=ends)
    assert r.rc == 1, r
    assert "\x1b" not in r.stdout and "\x07" not in r.stdout and "\u202e" not in r.stdout
    lines = r.stdout.splitlines()
    assert "diff-print.users" in lines and "diff-print.posts" in lines
    assert "  - _id 4, missing on the target" in lines
    assert any(line.startswith('  + _id "only \\u001b[42m') and
               line.endswith(", only on the target") for line in lines), r

    at = lines.index(f'  ~ _id ObjectId("{OID}")')
    assert lines[at + 1:at + 4] == ["    n", "      - 5", "      + Long(5)"]
    assert lines[at + 4:at + 6] == ["    city", '      - "Sfax"']
    at = lines.index("    tags.1")
    assert lines[at + 1].startswith("      + ") and lines[at + 2].startswith("    ")
    at = lines.index("    long")
    assert re.search("^      - .*uuuOLDuuu", lines[at + 1])
    assert re.search("^      [+] .*uuuNEWuuu", lines[at + 2])
    assert "    who: the same fields in another order" in lines
    at = lines.index('  ~ _id "odd"')
    assert lines[at + 2:at + 4] == ["      - NaN [double 000000000000f87f]",
                                    "      + NaN [double bc0a00000000f87f]"]
    assert "  - index when_1, missing on the target" in lines
    assert "  + index who_1, only on the target" in lines
    assert "  - only-old.txt (3 bytes), missing on the target" in lines
    assert "  ~ changed.txt" in lines
    assert max(len(line) for line in lines) < 1100
    assert "The two sides differ: 1 document missing, 2 documents different, " \
        "1 document only on the target" in r.stdout
    assert r.stdout.endswith("moves what differs;\n"
                             "--delete with it removes what only the target has.\n")


def test_bytes_in_json(ends, spaceferry):
    """What Extended JSON does not show is there as bytes; what is long is cut."""
    r = spaceferry("diff", "--json", env=ends)
    assert len(r.lines) == len(r.stdout.splitlines()), "a line that is no JSON"
    (line,) = [x for x in r.lines if x.get("_id") == "odd"]
    fields = {f["path"]: f for f in line["fields"]}
    assert fields["nan"]["target"] == {
        "$value": {"$numberDouble": "NaN"}, "$type": "double",
        "$bytes": struct.pack("<Q", 0x7ff8000000000abc).hex()}
    assert fields["text"]["source"]["$bytes"] == b"ab\xff".hex()
    assert fields["text"]["target"]["$bytes"] == b"ab\xfe".hex()
    for side, last in (("source", "01"), ("target", "02")):
        cut = fields["b"][side]
        assert cut["$length"] == 200_001 and cut["$type"] == "binData"
        assert cut["$cut"] == "00" * (200_000 - cut["$from"]) + last
    (line,) = [x for x in r.lines if x.get("_id") == {"$oid": str(OID)}]
    fields = {f["path"]: f for f in line["fields"]}
    cut = fields["long"]["source"]
    assert cut["$length"] == 80_003
    text = LONG + "OLD" + LONG
    assert text[cut["$from"]:].startswith(cut["$cut"]) and "OLD" in cut["$cut"]
    assert fields["who"] == {"path": "who", "order": True}
    assert fields["city"]["target"] == EVIL
    kinds = {(x["kind"], x.get("name")) for x in r.lines[:-1] if x["kind"] == "metadata"}
    assert kinds == {("metadata", "when_1"), ("metadata", "who_1")}


def test_stat(ends, files, spaceferry):
    r = spaceferry("diff", "--stat", "--files", files, env=ends)
    assert r.rc == 1
    table = [line.split() for line in r.stdout.splitlines()]
    assert ["diff-print.users", "302", "1", "1", "2", "-"] in table, r
    assert ["diff-print.posts", "0", "-", "-", "-", "2"] in table
    assert ["files", "3", "1", "1", "1", "-"] in table
    assert "_id" not in r.stdout and "only-old" not in r.stdout
    r = spaceferry("diff", "--stat", "--json", env=ends)
    assert (r.rc, len(r.lines)) == (1, 1)
    assert r.collection("diff-print.users")["different"] == 2


def test_limit(ends, spaceferry):
    r = spaceferry("diff", "--limit", "2", env=ends)
    assert r.rc == 1 and "  and 4 more, which --limit left out\n" in r.stdout, r
    assert len(re.findall("^  [-+~] ", r.stdout, re.M)) == 2


class Screen:
    """As much of a terminal as is needed to know what stays on it."""

    def __init__(self):
        self.lines, self.row, self.column = [""], 0, 0

    def write(self, text):
        for piece in re.findall(r"\x1b\[[\d;]*[a-zA-Z]|.", text, re.S):
            self.obey(piece)

    def obey(self, piece):
        if piece == "\n":
            self.row += 1
            while len(self.lines) <= self.row:
                self.lines.append("")
        elif piece == "\r":
            self.column = 0
        elif piece[0] == "\x1b":
            n = int(re.sub(r"\D", "", piece) or 1)
            if piece[-1] == "A":
                self.row = max(0, self.row - n)
            elif piece[-1] == "J":
                del self.lines[self.row + 1:]
                self.lines[self.row] = self.lines[self.row][:self.column]
            elif piece[-1] == "K":
                self.lines[self.row] = self.lines[self.row][:self.column]
            else:
                assert re.fullmatch(r"\x1b\[(0|1|31|32|33)m", piece), piece
        else:
            assert piece >= " ", repr(piece)
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[:self.column] + piece + line[self.column + 1:]
            self.column += 1


def on_terminal(spaceferry, *args, env):
    master, slave = pty.openpty()
    p = subprocess.Popen([binary(), *args], stdin=slave, stdout=slave, stderr=slave,
                         env=spaceferry.environment({"TERM": "xterm", **env}),
                         cwd=spaceferry.cwd)
    os.close(slave)
    out = b""
    while True:
        try:
            data = os.read(master, 4096)
        except OSError:
            break
        if not data:
            break
        out += data
    os.close(master)
    return p.wait(60), out.decode()


def test_terminal(ends, spaceferry):
    """In colour; data never moves the cursor; progress leaves nothing behind."""
    status, out = on_terminal(spaceferry, "diff", env=ends)
    assert status == 1
    assert "  \x1b[31m- _id 4\x1b[0m" in out and "      \x1b[32m+ Long(5)\x1b[0m" in out
    assert "\x1b[42m" not in out and "\x07" not in out
    screen = Screen()
    screen.write(out)
    shown = [line.rstrip() for line in screen.lines]
    plain = spaceferry("diff", env=ends).stdout.splitlines()
    short = [line for line in plain if len(line) < 70]
    assert len(short) > 15
    assert set(short) <= set(shown), (short, shown)
    assert len([line for line in shown if "users" in line]) == 1, shown
    assert all(len(line) <= 80 for line in shown if line.startswith("  ")), shown
    status, out = on_terminal(spaceferry, "diff", env={**ends, "NO_COLOR": "1"})
    assert status == 1 and "\x1b[3" not in out and "  - _id 4, missing" in out


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_reader_stops(source, target, db_name, spaceferry, options):
    """head -n 1 has what it wants: no complaint, and no reading on."""
    source.client()[db_name].c.insert_many([{"_id": i, "pad": "x" * 100}
                                            for i in range(30_000)])
    target.client()[db_name].c.insert_one({"_id": -1})
    p = subprocess.Popen(
        [binary(), "diff", "--from", source.uri(db_name), "--to", target.uri(db_name),
         *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=spaceferry.environment(), cwd=spaceferry.cwd)
    assert p.stdout.readline()
    p.stdout.close()
    said = p.stderr.read().decode()
    assert p.wait(120) == 3
    assert "error" not in said and "Broken pipe" not in said, said


def test_full_disk(ends, spaceferry):
    with open("/dev/full", "w") as full:
        p = subprocess.run([binary(), "diff", "--json"], stdout=full,
                           stderr=subprocess.PIPE, cwd=spaceferry.cwd,
                           env=spaceferry.environment(ends), timeout=120)
    assert p.returncode == 3
    assert b"cannot write the result to stdout: No space left on device" in p.stderr
    assert p.stderr.count(b"error") == 1, p.stderr
