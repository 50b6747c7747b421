"""The program under test: runs it, and refuses to overlook a sanitizer.

    r = spaceferry("migrate", "--from", uri, "--to", uri2, "--json")
    assert r.rc == 0, r
    assert r.summary["ok"]
"""

import json
import os
import signal
import subprocess
from pathlib import Path

from .process import ROOT, die_with_parent

SANITIZER_EXIT = 99
SANITIZER_WORDS = ("Sanitizer", "runtime error:")
KEPT_ENV = ("PATH", "LANG", "LC_ALL", "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS",
            "LSAN_OPTIONS", "TSAN_OPTIONS")


def binary():
    """SPACEFERRY_BIN, else the release build's."""
    path = Path(os.environ.get("SPACEFERRY_BIN")
                or ROOT / "build" / "release" / "spaceferry")
    assert path.exists(), f"{path}: build it first (scripts/test does)"
    return path


class Result:
    """rc, stdout, stderr; lines: the JSON lines of stdout; summary: the last of
    them, None where the last line of stdout is no JSON object."""

    def __init__(self, args, rc, stdout, stderr):
        self.args, self.rc = args, rc
        self.stdout, self.stderr = stdout, stderr
        self.lines, self.summary = [], None
        for line in stdout.splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                value = None
            self.summary = value if isinstance(value, dict) else None
            if self.summary is not None:
                self.lines.append(value)

    def collection(self, namespace):
        """The summary's entry of one namespace."""
        (entry,) = [c for c in self.summary["collections"]
                    if c["namespace"] == namespace]
        return entry

    def __repr__(self):
        return (f"spaceferry {' '.join(self.args)}\n-- status {self.rc}\n"
                f"-- stdout\n{self.stdout[-4000:]}\n-- stderr\n{self.stderr[-4000:]}")


class Running:
    """A run that goes on while the test does something else."""

    def __init__(self, args, process):
        self.args, self.process = args, process

    @property
    def pid(self):
        return self.process.pid

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def kill(self):
        self.process.kill()

    def wait(self, timeout=300):
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"no end after {timeout} s:\n" + repr(
                Result(self.args, None, _text(out), _text(err)))) from None
        result = Result(self.args, self.process.returncode, _text(out), _text(err))
        bad = result.rc == SANITIZER_EXIT or any(
            w in result.stderr for w in SANITIZER_WORDS)
        assert not bad, f"a sanitizer spoke:\n{result!r}"
        return result


def _text(data):
    return (data or b"").decode("utf-8", "surrogateescape")


class Ferry:
    """Callable; every run has home as its HOME, state and working folder, and
    none of the caller's credentials."""

    def __init__(self, home):
        self.home = Path(home)
        self.cwd = self.home / "cwd"
        self.cwd.mkdir(parents=True, exist_ok=True)
        self._running = []

    def environment(self, env=None):
        kept = {k: os.environ[k] for k in KEPT_ENV if k in os.environ}
        kept.setdefault("LANG", "C.UTF-8")
        asan = kept.get("ASAN_OPTIONS", "")
        kept["ASAN_OPTIONS"] = f"{asan}:exitcode={SANITIZER_EXIT}".lstrip(":")
        kept.update(HOME=str(self.home), XDG_STATE_HOME=str(self.home / "state"),
                    TMPDIR=str(self.home),
                    # A killed one leaves its counters there, and libmongoc
                    # warns whoever gets its pid later.
                    MONGOC_DISABLE_SHM="1", **(env or {}))
        return kept

    def start(self, *args, env=None, input=None, cwd=None, wrap=()):
        """Starts a run and returns it; wrap: a program to run it under."""
        args = [str(a) for a in args]
        stdin = subprocess.PIPE if input is not None else subprocess.DEVNULL
        process = subprocess.Popen(
            [*wrap, str(binary()), *args], env=self.environment(env),
            cwd=cwd or self.cwd, stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        if input is not None:
            process.stdin.write(input if isinstance(input, bytes) else input.encode())
            process.stdin.close()
            process.stdin = None
        running = Running(args, process)
        self._running.append(running)
        return running

    def __call__(self, *args, timeout=300, **kwargs):
        """Runs to the end and returns a Result."""
        return self.start(*args, **kwargs).wait(timeout)

    def close(self):
        """Ends what a failed test left running."""
        for running in self._running:
            if running.process.poll() is None:
                running.process.kill()
                running.process.communicate()
