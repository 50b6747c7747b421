# build: release
"""An identity file with a passphrase, as the real age makes it: asked for on the
terminal, without showing what is typed, or taken from the environment."""

import os
import pty
import select
import time

import pytest

from harness.ferry import binary
from harness.vault import age_key

PASSPHRASE = "correct horse; ü"


def on_a_terminal(args, answers, env, cwd):
    """Runs args with a terminal of its own; answers: [(what is asked, what is typed)].
    Returns (status, all that was shown)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execve(str(args[0]), [str(a) for a in args], env)
    shown, seen, waiting = b"", 0, list(answers)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if waiting and waiting[0][0].encode() in shown[seen:]:
            seen = len(shown)
            os.write(fd, waiting.pop(0)[1].encode() + b"\n")
        if not select.select([fd], [], [], 0.05)[0]:
            continue
        try:
            data = os.read(fd, 65536)
        except OSError:         # whoever wrote is gone
            break
        if not data:
            break
        shown += data
    os.close(fd)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert not waiting, (waiting, shown)
    return status, shown.decode()


@pytest.fixture(scope="module")
def locked(work):
    """(identity file with a passphrase, recipient)"""
    plain, recipient = age_key(work)
    path = work / "key.age"
    status, shown = on_a_terminal(
        ["/usr/bin/env", "age", "-p", "-o", path, plain],
        [("nter passphrase", PASSPHRASE), ("onfirm", PASSPHRASE)], dict(os.environ), work)
    assert status == 0 and path.exists(), shown
    plain.unlink()
    return path, recipient


@pytest.fixture
def restore(spaceferry, locked, tmp_path):
    path, recipient = locked
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "a").write_text("a")
    r = spaceferry("backup", "--files", tmp_path / "up", "--repo", tmp_path / "repo",
                   "--recipient", recipient)
    assert r.rc == 0, r
    return ["restore", "--repo", tmp_path / "repo", "--identity", path, "--files",
            tmp_path / "there"]


def test_it_is_asked_for(spaceferry, restore, tmp_path):
    status, shown = on_a_terminal(
        [binary(), *restore], [("Passphrase of ", PASSPHRASE)],
        spaceferry.environment(), spaceferry.cwd)
    assert status == 0, shown
    assert (tmp_path / "there" / "a").read_text() == "a"
    assert shown.count("Passphrase of ") == 1 and "key.age: " in shown
    assert "horse" not in shown


def test_a_wrong_one(spaceferry, restore, tmp_path):
    status, shown = on_a_terminal(
        [binary(), *restore], [("Passphrase of ", "wrong horse")],
        spaceferry.environment(), spaceferry.cwd)
    assert status == 2 and "key.age" in shown and "horse" not in shown, shown
    assert not (tmp_path / "there").exists()


def test_from_the_environment(spaceferry, restore, tmp_path):
    # Without a terminal there is nobody to be asked.
    r = spaceferry(*restore, wrap=["setsid", "-w"])
    assert r.rc == 2 and "passphrase" in r.stderr, r
    assert not (tmp_path / "there").exists()
    r = spaceferry(*restore, wrap=["setsid", "-w"],
                   env={"SPACEFERRY_PASSPHRASE": PASSPHRASE})
    assert r.rc == 0 and "horse" not in r.stdout + r.stderr, r
    assert (tmp_path / "there" / "a").read_text() == "a"
