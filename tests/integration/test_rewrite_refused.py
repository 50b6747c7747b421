"""rewrite FILE... where something is wrong: what is refused changes nothing,
and whatever happens in the middle loses nothing.  Needs no server."""

import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from harness import summary
from harness.ferry import binary
from harness.textfiles import NEW, OLD, RULE, put, reference, refused, rewrites, state, tree


@pytest.fixture
def here(spaceferry):
    """The folder the program runs in."""
    return spaceferry.cwd


@pytest.mark.parametrize("options", [[], ["--write"]])
def test_all_that_is_wrong_is_told_at_once(spaceferry, here, options):
    put(here / "good", OLD)
    (here / "folder").mkdir()
    (here / "dangling").symlink_to("nowhere")
    (here / "loop").symlink_to("loop")
    os.mkfifo(here / "fifo")
    r = refused(spaceferry, here, [
        *RULE, *options, "good", "folder", "dangling", "loop", "fifo", "missing",
        "good/x", "/dev/null", "-", "mongodb://u:hush@h/"],
        "folder is a folder", "cannot open dangling: No such file",
        "it is a link", "loop", "fifo is no regular file", "cannot open missing",
        "/dev/null is no regular file", "stdin", "mongodb://u:xxxx@h/")
    assert len(r.summary["errors"]) == 9
    assert "hush" not in r.stderr + r.stdout


def test_usage(spaceferry, here):
    put(here / "f", OLD)
    refused(spaceferry, here, RULE, "none is named")
    refused(spaceferry, here, ["f"], "there is no rule")
    refused(spaceferry, here, ["f", "--files", "a=/b"], "there is no rule")
    refused(spaceferry, here, ["f", "--rewrite", "x=y"], "error: ")
    refused(spaceferry, here, ["f", *RULE, "--dry-run"], "does not use --dry-run")
    r = spaceferry("rewrite", "--help")
    assert r.rc == 0 and r.stdout.startswith("Usage: spaceferry rewrite FILE... ")
    r = spaceferry("verify", "f")
    assert r.rc == 2 and "unexpected argument 'f'" in r.stderr


def test_rules_from_files_url_and_config(spaceferry, here):
    put(here / "spaceferry.yaml", "from: mongodb://h/a\nto: mongodb://h/b\n"
        "files: [{from: up, to: 's3://b/up', files-url: {from: /uploads, "
        "to: 'https://cdn.example/up'}}]\n")
    put(here / "f", "img: /uploads/a.png\n")
    r = spaceferry("rewrite", "f", *RULE)
    assert r.rc == 0 and "+img: https://cdn.example/up/a.png" in r.stdout


def test_unstable_rules(spaceferry, here):
    put(here / "f", OLD)
    rules = ["--rewrite", f"{OLD}={OLD}/app"]
    r = refused(spaceferry, here, [*rules, "--write", "f"], "a second run")
    assert r.summary["errors"][0]["kind"] == "rule"
    assert OLD in r.summary["errors"][0]["message"]
    r = spaceferry("rewrite", *rules, "f")
    assert r.rc == 0 and f"+{OLD}/app" in r.stdout and "--write" in r.stderr


def test_a_name_without_room(spaceferry, here):
    put(here / "ok", OLD)
    put(here / ("n" * 252), OLD)
    refused(spaceferry, here, [*RULE, "--write", "ok", "n" * 252], "its name is too long")
    r = spaceferry("rewrite", *RULE, "--write", put(here / ("n" * 251), OLD).name)
    assert r.rc == 0 and (here / ("n" * 251 + ".bak")).read_text() == OLD, r


def test_a_line_without_end(spaceferry, here):
    put(here / "ok", OLD)
    with open(here / "long.json", "wb") as f:
        f.write(b"x" * (17 << 20))
    refused(spaceferry, here, [*RULE, "--write", "ok", "long.json"],
            "long.json: line 1 is longer than 16 MiB")


AS_OTHER = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
AS_ANYBODY = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")


@pytest.fixture
def open_to_all(spaceferry):
    """Whoever is not root can come here too."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    folder = Path("/tmp") / f"rewrite-files-{os.getpid()}"
    folder.mkdir(mode=0o755)
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_rights(spaceferry, open_to_all):
    here = open_to_all
    put(here / "theirs", OLD)
    refused(spaceferry, here, [*RULE, "--write", "theirs"], "another user",
            cwd=here, wrap=AS_OTHER)
    assert spaceferry("rewrite", *RULE, "theirs", cwd=here, wrap=AS_OTHER).rc == 0
    mine = put(here / "locked" / "mine", OLD)
    os.chown(mine, 65534, 65534)
    refused(spaceferry, here, [*RULE, "--write", "locked/mine"], "its folder",
            "Permission denied", cwd=here, wrap=AS_OTHER)
    put(here / "hidden", OLD, 0o600)
    refused(spaceferry, here, [*RULE, "hidden"], "Permission denied", cwd=here,
            wrap=AS_OTHER)
    # As root the owner is kept.
    r = spaceferry("rewrite", *RULE, "--write", "locked/mine", cwd=here)
    assert r.rc == 0 and (mine.stat().st_uid, mine.stat().st_gid) == (65534, 65534)
    assert (here / "locked" / "mine.bak").stat().st_uid == 65534


def test_a_folder_of_ones_own_that_is_closed(spaceferry, here):
    put(here / "d" / "f", OLD)
    (here / "d").chmod(0o555)
    wrap = AS_ANYBODY if os.geteuid() == 0 else ()
    refused(spaceferry, here, [*RULE, "--write", "d/f"], "its folder", wrap=wrap)
    (here / "d").chmod(0o755)


@pytest.fixture
def disk(tmp_path):
    """A disk of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder],
                          capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk(spaceferry, disk):
    put(disk / "a", f"{OLD}\n" * 10)
    put(disk / "b", f"{OLD}\n" * 2000)
    before = tree(disk)
    r = spaceferry("rewrite", *RULE, "--write", "--json", "a", "b", cwd=disk)
    assert r.rc == 3 and "No space left" in r.stderr, r
    got = rewrites(r)
    assert got["a"]["written"] and not got["b"]["written"]
    assert state(disk / "b") == before["b"]
    assert sorted(p.name for p in disk.iterdir()) == ["a", "a.bak", "b"]
    subprocess.run(["mount", "-o", "remount,size=1m", disk], check=True)
    r = spaceferry("rewrite", *RULE, "--write", "--json", "a", "b", cwd=disk)
    assert rewrites(r)["b"]["written"] and not rewrites(r)["a"]["written"]
    assert (disk / "b").read_bytes() == reference(before["b"][0])


def test_a_disk_that_is_read_only_and_a_mounted_file(spaceferry, disk):
    put(disk / "f", OLD)
    put(disk / "of", OLD)
    subprocess.run(["mount", "--bind", disk / "f", disk / "of"], check=True)
    try:
        r = refused(spaceferry, disk, [*RULE, "--write", "of"], "a mount of its own",
                    cwd=disk)
    finally:
        subprocess.run(["umount", disk / "of"], check=True)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    r = refused(spaceferry, disk, [*RULE, "--write", "f"], "Read-only", cwd=disk)
    assert r.summary["errors"][0]["kind"] == "denied"


def test_a_reader_who_leaves(spaceferry, here):
    put(here / "f", f"{OLD}\n" * 50000)
    running = subprocess.Popen(
        ["sh", "-c", '"$@" | head -n 3', "sh", binary(), "rewrite", *RULE, "f"],
        cwd=here, env=spaceferry.environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    out, err = running.communicate(timeout=60)
    assert out.splitlines()[0] == b"--- a/f" and b"error" not in err, err


# Killed, interrupted, raced


def test_killed_in_the_middle(spaceferry, here):
    """At whatever moment: under the name is the old text or the new one."""
    text = (f"x {OLD}/y\n" * 15000).encode()
    want = text.replace(OLD.encode(), NEW.encode())
    seen = set()
    for n in range(12):
        folder = here / str(n)
        put(folder / "f", text, 0o600)
        running = spaceferry.start("rewrite", *RULE, "--write", "f", cwd=folder)
        wanted = [".spaceferry-tmp-", "f.bak", ""][n % 3]
        while running.process.poll() is None and not any(
                p.startswith(wanted) for p in os.listdir(folder) if p != "f"):
            pass
        time.sleep(0.002 * (n // 3))
        running.kill()
        running.process.communicate()
        now = (folder / "f").read_bytes()
        assert now in (text, want)
        seen.add(now == text)
        for p in folder.iterdir():
            assert stat.S_IMODE(p.stat().st_mode) & 0o077 == 0, p
        # The same command finishes, and clears up what the killed one left.
        r = spaceferry("rewrite", *RULE, "--write", "f", cwd=folder)
        assert r.rc == 0, r
        assert (folder / "f").read_bytes() == want
        names = sorted(p.name for p in folder.iterdir())
        assert names[:2] == ["f", "f.bak"] and set(names[2:]) <= {"f.bak.1"}, names
        assert (folder / "f.bak").read_bytes() == text
    assert True in seen, "never killed before the end"


def test_interrupted(spaceferry, here):
    put(here / "f", f"x {OLD}/y\n" * 250000)
    put(here / "g", f"x {OLD}/y\n")
    before = tree(here)
    running = spaceferry.start("rewrite", *RULE, "--write", "--json", "f", "g")
    while not any(p.startswith(".spaceferry") for p in os.listdir(here)):
        assert running.process.poll() is None
    running.process.send_signal(signal.SIGINT)
    r = running.wait(60)
    assert r.rc == 3 and summary.kinds(r) == ["interrupted"], r
    assert tree(here) == before


def test_changed_meanwhile(spaceferry, here):
    """Somebody saves the file while it is rewritten: theirs stays."""
    put(here / "f", f"x {OLD}/y\n" * 250000)
    running = spaceferry.start("rewrite", *RULE, "--write", "--json", "f")
    while not any(p.startswith(".spaceferry") for p in os.listdir(here)):
        assert running.process.poll() is None
    put(here / "new", f"theirs {OLD}\n").rename(here / "f")
    r = running.wait(60)
    assert r.rc == 3 and summary.kinds(r) == ["changed"], r
    assert (here / "f").read_text() == f"theirs {OLD}\n"
    assert [p.name for p in here.iterdir()] == ["f"]
