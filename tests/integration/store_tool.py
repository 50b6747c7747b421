"""Drives tests/tools/store_tool: the C interface of the stores, from Python."""

import json
import os
import subprocess
from pathlib import Path

from harness.process import ROOT, die_with_parent


def tool_path():
    """Beside the program under test: the same build."""
    program = os.environ.get("SPACEFERRY_BIN")
    build = Path(program).parent if program else ROOT / "build" / "release"
    return build / "tests" / "store_tool"


class StoreTool:
    """with StoreTool(url, env, "patience_ms=0") as tool: tool("put", key=…)

    The answer to the opening is `opened`; each call returns the answer as a
    dictionary.  A sanitizer's report fails the test at the end."""

    def __init__(self, url, env=None, *options):
        clean = {k: v for k, v in os.environ.items()
                 if not k.startswith("AWS_") and "proxy" not in k.lower()}
        self.process = subprocess.Popen(
            [str(tool_path()), str(url), *options],
            env={**clean, **(env or {})}, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=die_with_parent)
        self.opened = self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return json.loads(line)

    def __call__(self, op, **request):
        request = {k: str(v) if isinstance(v, Path) else v
                   for k, v in request.items()}
        self.process.stdin.write(json.dumps({"op": op, **request}) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def peak_kib(self):
        """The most memory it ever had."""
        for line in Path(f"/proc/{self.process.pid}/status").open():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
        raise AssertionError("no VmHWM")

    def is_sanitized(self):
        return b"__asan_init" in tool_path().read_bytes()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        report = self.process.stderr.read()
        self.process.stderr.close()
        assert self.process.wait(30) == 0 and not report, report

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.process.kill()
            self.process.wait()
        else:
            self.close()
