"""Child processes that never outlive the tests.

Each is stopped by its pid when its context ends; should the test run itself be
killed, the kernel stops it (PR_SET_PDEATHSIG)."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ROOT / ".tools" / "bin"

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    """For preexec_fn: SIGKILL when the thread that forked us ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    """A TCP port of 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def stop(process, grace=10):
    """SIGTERM, then SIGKILL after grace seconds; returns its status."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


class Server:
    """A server process on a free port of 127.0.0.1.  A subclass says how it is
    started (argv) and when it answers (ready); use it as a context manager."""

    host = "127.0.0.1"
    before_exec = staticmethod(die_with_parent)

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "server.log"
        self.port = None
        self.process = None

    def argv(self):
        raise NotImplementedError

    def env(self):
        return dict(os.environ)

    def ready(self):
        """True once it answers; may raise while it does not."""
        raise NotImplementedError

    def prepare(self):
        """Done once after it answers for the first time."""

    def start(self, seconds=60):
        """Starts it, on another port if somebody took the first."""
        port = self.port
        for _ in range(3):
            self.port = port or free_port()
            with open(self.log, "ab") as log:
                self.process = subprocess.Popen(
                    self.argv(), env=self.env(), stdin=subprocess.DEVNULL,
                    stdout=log, stderr=log, preexec_fn=self.before_exec)
            if self._wait(seconds):
                return self
            if port:
                break
        tail = self.log.read_text(errors="replace")[-3000:]
        raise RuntimeError(f"{self.argv()[0]} does not start:\n{tail}")

    def _wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.ready():
                    return True
            except Exception:  # not listening yet, whatever its client says
                pass
            time.sleep(0.05)
        stop(self.process)
        return False

    def stop(self):
        if self.process:
            stop(self.process)

    def kill(self):
        """As a power cut would."""
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        try:
            self.start()
            self.prepare()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
