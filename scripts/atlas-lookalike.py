"""What scripts/atlas-lookalike starts: see there."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TREE / "tests/integration"))

from harness import process                             # noqa: E402
from harness.atlas import Atlas, why_not                # noqa: E402


def say(text):
    print(text, file=sys.stderr, flush=True)


def before_server():
    """Ctrl-C is for the command, not for the servers behind it."""
    process.die_with_parent()
    os.setsid()


def stop(*_):
    raise SystemExit(143)


def options(argv):
    split = argv.index("--") if "--" in argv else len(argv)
    parser = argparse.ArgumentParser(prog="scripts/atlas-lookalike")
    parser.add_argument("--db", default="ezia")
    parser.add_argument("--quota", type=int, default=512, metavar="MB")
    parser.add_argument("--ops", type=int, default=100, metavar="N")
    got = parser.parse_args(argv[:split])
    return got, argv[split + 1:] or [os.environ.get("SHELL", "/bin/bash")]


def main():
    asked, command = options(sys.argv[1:])
    if reason := why_not():
        raise SystemExit(f"atlas-lookalike: {reason}")
    process.Server.before_exec = staticmethod(before_server)
    signal.signal(signal.SIGTERM, stop)
    with tempfile.TemporaryDirectory(prefix="atlas-lookalike-") as folder, \
            Atlas(folder, db=asked.db, quota=asked.quota << 20 or None,
                  ops=asked.ops or None) as atlas:
        say(f"atlas-lookalike: {atlas.uri()}")
        say(f"  may read and write {asked.db}; MONGODB_URI holds it.  Whoever may do "
            f"everything:\n  {atlas.server.uri()}")
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        env = {**os.environ, "MONGODB_URI": atlas.uri(),
               "XDG_STATE_HOME": str(Path(folder) / "state")}
        status = subprocess.run(
            [*atlas.enter, *command], env=env,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        front = atlas.front
        say(f"atlas-lookalike: {sum(front.counts.values())} operations, "
            f"{front.cooldowns} made to wait, {len(front.refused)} refused")
        for name, db in sorted(set(front.refused)):
            say(f"  refused: {name} on {db}")
    code = status.returncode
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    raise SystemExit(main())
