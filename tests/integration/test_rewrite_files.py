"""rewrite FILE...: the rules over text files, as a diff and written.

The diff is applied by the real patch and git and compared with what --write
leaves and with the reference engine over the whole file; what must not change
is held by bytes, inode, times and mode.  Needs no server.
"""

import json
import os
import random
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from harness import summary
from harness.ferry import binary
from harness.textfiles import (ENV, NEW, OLD, RULE, octets, put, reference, rewrites,
                               state, tree)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reference"))

import generate  # noqa: E402
import rewrite_rules  # noqa: E402
import rewrite_stable  # noqa: E402
import rewrite_text  # noqa: E402


@pytest.fixture
def here(spaceferry):
    """The folder the program runs in."""
    return spaceferry.cwd


def applied(tool, patch, folder, to):
    """A copy of folder with the patch applied by tool."""
    shutil.copytree(folder, to, symlinks=True)
    args = {"patch": ["patch", "-p1", "--no-backup-if-mismatch", "--fuzz=0"],
            "git": ["git", "apply", "-p1", "--whitespace=nowarn"]}[tool]
    done = subprocess.run(args, input=patch, cwd=to, capture_output=True,
                          env={**os.environ, "GIT_CEILING_DIRECTORIES": str(to.parent),
                               "GIT_CONFIG_GLOBAL": "/dev/null"})
    assert done.returncode == 0, (done.stdout, done.stderr, patch)
    assert b"fuzz" not in done.stdout and b"offset" not in done.stdout, done
    return to


# The diff


FILES = {
    ".env": ENV,
    "next.config.js": f"module.exports = {{\n  images: {{ domains: ['old.example'] }},\n"
                      f"  assetPrefix: '{OLD}',\n}}\n",
    "conf/nginx.conf": "".join(f"# {n}\n" for n in range(30))
                       + f"return 301 {OLD}$request_uri;\n" + "".join(
                           f"# {n}\n" for n in range(9)) + f"proxy {OLD}/;",
    "docker-compose.yml": f"services:\r\n  web:\r\n    environment:\r\n"
                          f"      - URL={OLD}\r\n",
    "mixed.txt": f"a\r\n{OLD}/1\nb\r\n{OLD}/2\r\n\n\n{OLD}/3",
    "old mac.txt": f"a\r{OLD}/1\rb\r",
    "one": OLD,
    "every": f"{OLD}/x\n" * 20,
    "bom.env": b"\xef\xbb\xbf" + f"{OLD}/a\n/uploads/x\n".encode(),
    "latin1.conf": f"caf\xe9 {OLD}/\xe9\nna\xefve\n".encode("latin-1"),
    "odd \"näme\"\t.txt": f"{OLD}\n",
    "with space.txt": f"x\n{OLD}\n",
    "-dash": f"{OLD}\n",
}
NAMES = ["--", *FILES]


@pytest.fixture
def scene(here):
    for name, data in FILES.items():
        put(here / name, data)
    return here


@pytest.mark.parametrize("tool", ["patch", "git"])
def test_the_diff_applies(spaceferry, scene, tmp_path, tool):
    before = tree(scene)
    r = spaceferry("rewrite", *RULE, *NAMES)
    assert r.rc == 0, r
    assert tree(scene) == before, "only shown"
    got = applied(tool, octets(r.stdout), scene, tmp_path / "applied")
    for name, (data, *_) in before.items():
        assert (got / name).read_bytes() == reference(data), name
    assert reference(FILES["every"].encode()).count(NEW.encode()) == 20
    assert "; nothing was written: --write does" in r.stderr


def test_the_diff_is_that_of_diff(spaceferry, scene, tmp_path):
    r = spaceferry("rewrite", *RULE, *NAMES)
    want = b""
    for name in FILES:
        data = (scene / name).read_bytes()
        done = subprocess.run(
            ["diff", "-u", "--label", "x", "--label", "y", scene / name,
             put(tmp_path / "after", reference(data))], capture_output=True)
        want += b"".join(done.stdout.splitlines(keepends=True)[2:])
    got = b"".join(line for line in octets(r.stdout).splitlines(keepends=True)
                   if not line.startswith((b"--- ", b"+++ ")))
    # What is between two line feeds, not what Python takes for a line.
    assert got == want


def test_write_leaves_what_the_diff_says(spaceferry, scene):
    modes = {".env": 0o600, "one": 0o444, "every": 0o755, "mixed.txt": 0o640,
             "-dash": 0o4711}
    for name, mode in modes.items():
        (scene / name).chmod(mode)
    before = tree(scene)
    r = spaceferry("rewrite", *RULE, "--write", *NAMES)
    assert r.rc == 0, r
    after = tree(scene)
    assert set(after) == set(before) | {name + ".bak" for name in before}
    for name, was in before.items():
        assert after[name][0] == reference(was[0]), name
        assert after[name][4:] == was[4:], name
        # The backup is the very file that was there.
        assert after[name + ".bak"][:3] == was[:3]
        assert after[name + ".bak"][4:] == was[4:]
    assert f".env: 2 URLs in 2 lines; kept as .env.bak\n" in r.stdout
    # Again there is nothing to do, and nothing is touched.
    r = spaceferry("rewrite", *RULE, "--write", "--json", *NAMES)
    assert r.rc == 0 and tree(scene) == after
    assert not any(e["written"] or e["matches"] for e in rewrites(r).values())


@pytest.mark.parametrize("seed", range(12))
def test_as_the_reference_does_it(spaceferry, here, tmp_path, seed):
    """Nasty rules and texts, line by line against the whole at once."""
    maker = generate.Maker(f"files {seed}")
    pairs = maker.rules()
    config = {"rewrite": [{"from": f.replace("$", "$$"), "to": t.replace("$", "$$")}
                          for f, t in pairs]}
    put(here / "spaceferry.yaml", json.dumps(config))
    pick = random.Random(seed).choice
    files = here / "files"
    for n in range(3):
        text = b"".join(maker.text(pairs) + pick([b"\n", b"\n", b"\r\n", b"\n\n\n"])
                        for _ in range(120))
        put(files / f"f{n}", text.replace(b"\0", b"?") + pick([b"", b"end"]))
    before = {p.name: p.read_bytes() for p in files.iterdir()}
    rules = rewrite_rules.compile_rules(pairs)
    want = {name: rewrite_text.rewrite(rules, data) for name, data in before.items()}
    assert any(w.output != before[n] for n, w in want.items()), pairs
    names = [f"../files/f{n}" for n in range(3)]
    r = spaceferry("rewrite", "--json", "--config", "../spaceferry.yaml", *names,
                   cwd=put(here / "in" / "x", b"").parent)
    for name, entry in rewrites(r).items():
        w = want[Path(name).name]
        assert (entry["matches"], entry["no_rule"]) == (len(w.matches), w.no_rule)
    r = spaceferry("rewrite", "--config", "../spaceferry.yaml", *sorted(before),
                   cwd=files)
    assert r.rc == 0, r
    got = applied("patch", octets(r.stdout), files, tmp_path / "applied")
    for name, w in want.items():
        assert (got / name).read_bytes() == w.output, (pairs, name)
    r = spaceferry("rewrite", "--write", "--config", "../spaceferry.yaml",
                   *sorted(before), cwd=files)
    if rewrite_stable.unstable(rules):
        assert r.rc == 2 and {p.name: p.read_bytes() for p in files.iterdir()} == before
        return
    assert r.rc == 0, r
    for name, w in want.items():
        assert (files / name).read_bytes() == w.output, (pairs, name)


def test_names_of_the_diff(spaceferry, here, tmp_path):
    """Relative to the folder one stands in, else to the root; never through a
    link, which neither patch nor git follows."""
    put(here / "real" / "a", OLD)
    (here / "link").symlink_to("real")
    put(tmp_path / "outside", OLD)
    r = spaceferry("rewrite", *RULE, "./link/../link/a", here / "real" / "a",
                   tmp_path / "outside")
    assert [line for line in r.stdout.splitlines() if line.startswith("--- ")] == \
        ["--- a/real/a", f"--- a{(tmp_path / 'outside').resolve()}"]
    r = spaceferry("rewrite", *RULE, "tmp/../etc/../" + str(tmp_path)[1:] + "/outside",
                   cwd="/")
    assert r.stdout.startswith(f"--- a{(tmp_path / 'outside').resolve()}\n")


def test_no_colour_but_on_a_terminal(spaceferry, here):
    put(here / "f", f"x\n{OLD}\n")
    assert "\x1b" not in spaceferry("rewrite", *RULE, "f").stdout
    master, slave = os.openpty()
    subprocess.run([binary(), "rewrite", *RULE, "f"], stdout=slave, cwd=here,
                   stderr=subprocess.PIPE, check=True, timeout=60,
                   env=spaceferry.environment({"TERM": "xterm"}))
    os.close(slave)
    shown = os.read(master, 65536)
    os.close(master)
    assert b"\x1b[31m-" + OLD.encode() + b"\x1b[m\r\n" in shown


# What is left alone


UNTOUCHED = {
    "empty": b"",
    "nothing.conf": b"server { listen 80; }\n",
    "no-end": b"https://older.example",
    "nul.bin": b"\x7fELF\0" + OLD.encode() + b"\n",
    "late-nul": OLD.encode() + b"\n" * 70000 + b"\0",
    "utf16le.txt": ("\ufeff" + OLD).encode("utf-16-le"),
    "utf16be.txt": ("\ufeff" + OLD).encode("utf-16-be"),
    "utf16-plain.txt": OLD.encode("utf-16-le"),
    "same.env": f"URL={NEW}/x\n".encode(),
    "mongo.env": b"MONGODB_URI=mongodb://old.example/app\n",
}


def test_untouched(spaceferry, here):
    for name, data in UNTOUCHED.items():
        put(here / name, data)
    with open(here / "sparse.img", "wb") as f:
        f.truncate(1 << 33)
    os.utime(here / "empty", (1, 1))
    before = {name: state(here / name) for name in UNTOUCHED}
    size = (here / "sparse.img").stat()
    for options in ([], ["--write"]):
        r = spaceferry("rewrite", *RULE, "--json", *options, *UNTOUCHED, "sparse.img")
        got = rewrites(r)
        assert r.rc == 0 and r.stderr.count("left as it is") == 6
        assert {name: state(here / name) for name in UNTOUCHED} == before
        assert (here / "sparse.img").stat()[:9] == size[:9]
        assert [e["note"] for e in got.values()] == [
            None, None, None, "binary", "binary", "UTF-16", "UTF-16", "binary",
            None, None, "binary"]
        # mongodb://old.example is a host of the rules that no rule covers.
        assert got["mongo.env"]["no_rule"] == 1
        assert [n["kind"] for n in r.summary["notes"]].count("no_rule") == 1
    r = spaceferry("rewrite", *RULE, *UNTOUCHED)
    assert r.rc == 0 and r.stdout == "" and "nothing to rewrite in 10 files" in r.stderr
    assert sorted(p.name for p in here.iterdir()) == sorted([*UNTOUCHED, "sparse.img"])


def test_a_rule_that_changes_nothing(spaceferry, here):
    """Matches whose bytes stay are no reason to touch a file."""
    put(here / "f", f"{NEW}/x\n")
    before = state(here / "f")
    r = spaceferry("rewrite", "--rewrite", "/uploads=https://cdn.example/u",
                   "--rewrite", f"{OLD}=//other.example", "--json", "f", "--write")
    assert r.rc == 0 and state(here / "f") == before and not r.summary["rewrites"][0]["written"]


# Backups, links


def test_backups_are_never_overwritten(spaceferry, here):
    put(here / ".env", ENV, 0o600)
    put(here / ".env.bak", "the user's own")
    (here / ".env.bak.1").symlink_to("/nonexistent/target")
    r = spaceferry("rewrite", *RULE, "--write", "--json", ".env")
    assert rewrites(r)[".env"]["backup"] == ".env.bak.2"
    assert (here / ".env.bak").read_text() == "the user's own"
    assert os.readlink(here / ".env.bak.1") == "/nonexistent/target"
    assert (here / ".env.bak.2").read_text() == ENV
    assert stat.S_IMODE((here / ".env.bak.2").stat().st_mode) == 0o600


def test_links_and_the_same_file_twice(spaceferry, here):
    put(here / "real" / ".env", ENV, 0o600)
    (here / ".env").symlink_to("real/.env")
    r = spaceferry("rewrite", *RULE, "--write", "--json", ".env", "real/.env",
                   "./real/../.env")
    entry, = summary.check(r, "rewrite")["rewrites"]
    assert (entry["file"], entry["backup"], entry["written"]) == \
        (".env", "real/.env.bak", True)
    assert os.readlink(here / ".env") == "real/.env"
    assert (here / "real" / ".env").read_bytes() == reference(ENV.encode())
    assert sorted(p.name for p in here.rglob("*env*")) == [".env", ".env", ".env.bak"]


def test_hard_links_part(spaceferry, here):
    put(here / "a", OLD)
    os.link(here / "a", here / "b")
    r = spaceferry("rewrite", *RULE, "--write", "a")
    assert r.rc == 0 and "a has 2 names: only this one gets the new text" in r.stderr
    assert (here / "a").read_text() == NEW and (here / "b").read_text() == OLD


def test_access_list_is_kept(spaceferry, here):
    """A list of a folder must not open a file that had none."""
    put(here / "f", OLD, 0o640)
    entries = [(0x01, 7, 0xffffffff), (0x02, 7, 12345), (0x04, 5, 0xffffffff),
               (0x10, 7, 0xffffffff), (0x20, 0, 0xffffffff)]
    acl = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + perm.to_bytes(2, "little")
        + who.to_bytes(4, "little") for tag, perm, who in entries)
    try:
        os.setxattr(here, "system.posix_acl_default", acl)
    except OSError as e:
        pytest.skip(f"no access lists on this file system: {e}")
    put(here / "listed", OLD, 0o660)
    assert "system.posix_acl_access" in os.listxattr(here / "listed")
    was = os.getxattr(here / "listed", "system.posix_acl_access")
    r = spaceferry("rewrite", *RULE, "--write", "f", "listed")
    assert r.rc == 0, r
    assert (here / "f").read_text() == NEW
    assert "system.posix_acl_access" not in os.listxattr(here / "f")
    assert os.getxattr(here / "listed", "system.posix_acl_access") == was
    assert stat.S_IMODE((here / "f").stat().st_mode) == 0o640


# What --json holds


def test_json_holds_no_contents(spaceferry, here):
    put(here / ".env", ENV)
    put(here / "x", "nothing")
    r = spaceferry("rewrite", *RULE, "--json", ".env", "x")
    got = rewrites(r)
    assert got == {
        ".env": {"file": ".env", "matches": 2, "lines": 2, "no_rule": 0,
                 "written": False, "backup": None, "note": None},
        "x": {"file": "x", "matches": 0, "lines": 0, "no_rule": 0,
              "written": False, "backup": None, "note": None}}
    assert r.summary["dry_run"]
    assert "hush" not in r.stdout + r.stderr and "SITE_URL" not in r.stdout
    r = spaceferry("rewrite", *RULE, "--json", "--write", ".env")
    assert not r.summary["dry_run"] and rewrites(r)[".env"]["backup"] == ".env.bak"
    # As a person sees it, with a secret of the changed lines' neighbours: the
    # diff must apply; nothing of it is on stderr.
    shutil.move(here / ".env.bak", here / ".env")
    r = spaceferry("rewrite", *RULE, "-v", ".env")
    assert "not-for-others" in r.stdout and "not-for-others" not in r.stderr
    assert "hush" not in r.stderr
