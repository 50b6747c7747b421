# build: release
"""The whole program while its own machine fails it: no room for the state or
for the files, a state that can only be read or is gone, signals of every kind.
The same command resumes, and nothing is lost."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from harness import scene, summary

FULL = os.environ.get("SPACEFERRY_TEST_FULL") == "1"    # scripts/faults
DB = "local"


@pytest.fixture(scope="module")
def data(source):
    scene.fill(source.client()[DB])
    yield source.client()[DB]
    source.client().drop_database(DB)


@pytest.fixture(scope="module")
def folder(work):
    path = work / "faults-local-files"
    scene.uploads(path)
    return path


@pytest.fixture
def move(data, folder, source, target, tmp_path, db_name, spaceferry):
    """Data and files to a folder."""
    class Move:
        to = tmp_path / "sent"

        def start(self, *args, **how):
            return spaceferry.start(
                "migrate", "--json", "--jobs", "2", "--files",
                f"{folder}={self.to}", *args, env={
                    "SPACEFERRY_FROM": source.uri(DB),
                    "SPACEFERRY_TO": target.uri(db_name)}, **how)

        def run(self, *args):
            return self.start(*args).wait()

        def check(self):
            scene.assert_equal(data, target.client()[db_name])
            assert scene.listing(self.to) == scene.listing(folder)

        def begun(self, running):
            """Waits until documents arrive."""
            orders = target.client()[db_name]["orders"]
            while orders.estimated_document_count() == 0:
                assert running.process.poll() is None, running.wait()
                time.sleep(0.02)
    return Move()


@pytest.fixture
def disk(tmp_path):
    """A disk of 1 MiB, or of another size."""
    mounted = []

    def make(size="1m"):
        path = tmp_path / f"disk{len(mounted)}"
        path.mkdir()
        r = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}",
                            "tmpfs", path], capture_output=True, text=True)
        if r.returncode != 0:
            pytest.skip(f"no disk can be mounted here: {r.stderr.strip()}")
        mounted.append(path)
        return path
    yield make
    for path in mounted:
        subprocess.run(["umount", "-l", path], check=True)


def remount(path, how):
    subprocess.run(["mount", "-o", f"remount,{how}", path], check=True)


def fill_up(path):
    """Not one byte more fits."""
    with open(path / "ballast", "wb", buffering=0) as f:
        with contextlib.suppress(OSError):
            while True:
                f.write(b"x" * 4096)


def test_state_on_a_disk_that_is_full(move, disk):
    """From the start nothing is changed: 3 all the same, for room may come."""
    path = disk()
    fill_up(path)
    r = move.run("--state", path / "state")
    assert r.rc == 3 and summary.kinds(r) == ["disk"], r
    scene.assert_hint(r)
    assert not move.to.exists() or scene.listing(move.to) == {}
    (path / "ballast").unlink()
    assert move.run("--state", path / "state").rc == 0
    move.check()


@pytest.mark.parametrize("how", ["full", "read-only"] if FULL else ["full"])
def test_state_whose_disk_fills_up_or_is_write_protected(move, disk, how):
    """In the middle of the run."""
    path = disk()
    arguments = ["--state", path / "state", "--bwlimit", "3MiB"]
    running = move.start(*arguments)
    move.begun(running)
    if how == "full":
        fill_up(path)
    else:
        # An open file that is written to keeps its disk writable.
        subprocess.run(["mount", "-o", "remount,ro", path], capture_output=True)
    r = running.wait()
    if r.rc != 0:
        assert r.rc == 3 and summary.kinds(r) == ["disk"], r
        scene.assert_hint(r)
    (path / "ballast").unlink(missing_ok=True)
    remount(path, "rw")
    if r.rc != 0:
        r = move.run(*arguments)
        assert r.rc == 0, r
    move.check()


def test_state_that_can_only_be_read(move, disk):
    path = disk()
    (path / "state").mkdir()
    remount(path, "ro")
    r = move.run("--state", path / "state")
    assert r.rc == 3 and summary.kinds(r) == ["disk"], r
    scene.assert_hint(r)
    remount(path, "rw")
    assert move.run("--state", path / "state").rc == 0
    move.check()


def test_no_room_for_files(move, disk):
    """The folder that files are moved to."""
    path = disk("4m")
    move.to = path / "sent"
    r = move.run()
    assert r.rc == 3 and summary.kinds(r) == ["disk"], r
    scene.assert_hint(r)
    remount(path, "size=64m")
    r = move.run()
    assert r.rc == 0 and "resumed" in r.summary, r
    move.check()


@pytest.mark.skipif(not FULL, reason="scripts/faults runs it")
def test_state_that_is_gone(move, tmp_path):
    """Removed while it is in use: the run ends well or says so; without it the
    next one knows of nothing, so it does not touch what it finds."""
    state = tmp_path / "state-dir"
    running = move.start("--state", state, "--bwlimit", "3MiB")
    move.begun(running)
    shutil.rmtree(state)
    r = running.wait()
    assert r.rc in (0, 3), r
    if r.rc == 3:
        scene.assert_hint(r)
        r = move.run("--state", state)
        assert r.rc == 2 and summary.kinds(r) == ["conflict"], r
    r = move.run("--state", state, "--drop")
    assert r.rc == 0, r
    move.check()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
                         if FULL else [signal.SIGTERM])
def test_asked_to_stop(move, number):
    running = move.start("--bwlimit", "2MiB")
    move.begun(running)
    running.process.send_signal(number)
    r = running.wait(timeout=20)
    assert r.rc == 3 and "interrupted" in summary.kinds(r), r
    scene.assert_hint(r)
    r = move.run()
    assert r.rc == 0 and "resumed" in r.summary, r
    move.check()


def test_asked_twice(move, target):
    """The second time it goes at once, even while a server hangs."""
    running = move.start("--bwlimit", "2MiB")
    move.begun(running)
    target.process.send_signal(signal.SIGSTOP)
    try:
        running.interrupt()
        time.sleep(0.2)
        running.interrupt()
        start = time.monotonic()
        r = running.wait(timeout=20)
        took = time.monotonic() - start
    finally:
        target.process.send_signal(signal.SIGCONT)
    assert r.rc == 3 and took < 5, r
    summary.check(r)
    assert not r.summary["ok"] and r.summary["errors"][0]["kind"] == "interrupted", r
    r = move.run()
    assert r.rc == 0 and "resumed" in r.summary, r
    move.check()


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_terminal_that_goes_away(move):
    """The window is closed: SIGHUP, and nobody reads what is written."""
    terminal = move.start("--bwlimit", "2MiB", wrap=[
        sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])"])
    move.begun(terminal)
    with open(f"/proc/{terminal.pid}/task/{terminal.pid}/children") as f:
        (pid,) = f.read().split()
    terminal.kill()
    for _ in range(200):
        if not alive(pid):
            break
        time.sleep(0.1)
    assert not alive(pid)
    terminal.process.communicate()
    r = move.run()
    assert r.rc == 0 and "resumed" in r.summary, r
    move.check()
