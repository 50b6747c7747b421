"""What the benchmarks share: programs run side by side with their time and
peak memory, and the figures made of several rounds."""

import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TREE / "tests" / "integration"))

BUILD = Path(os.environ.get("BUILD") or TREE / "build" / "release")
MIB = 1 << 20


def spaceferry():
    return str(BUILD / "spaceferry")


def peer(name):
    """Where a tool to compare with is; ends the benchmark where it is not."""
    found = shutil.which(name, path=os.environ.get("SPACEFERRY_PEERS", "")) \
        or shutil.which(name)
    if not found:
        raise SystemExit(f"bench: no {name} in $SPACEFERRY_PEERS or on PATH")
    return found


def _peak(pid):
    """VmHWM in bytes; 0 when the process is gone.  ru_maxrss would also count
    this Python, whose image the child is before it execs."""
    try:
        with open(f"/proc/{pid}/status") as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


class Measured:
    """seconds, and peaks: bytes of each program in the order given."""

    def __init__(self, seconds, peaks, out):
        self.seconds, self.peaks, self.out = seconds, peaks, out


def run(*commands, env=None, unset=(), status=0, stdin=None):
    """Runs commands as a pipeline (a list: one), its first one reading stdin;
    fails when one of them ends with anything but status."""
    environment = {k: v for k, v in {**os.environ, **(env or {})}.items() if k not in unset}
    begin = time.monotonic()
    processes, before = [], None
    for i, command in enumerate(commands):
        last = i == len(commands) - 1
        processes.append(subprocess.Popen(
            command, stdin=before or stdin or subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if last else subprocess.DEVNULL,
            env=environment))
        if before:
            before.close()
        before = processes[-1].stdout
    peaks = [0] * len(processes)
    done = threading.Event()

    def watch():
        while not done.wait(0.02):
            for i, p in enumerate(processes):
                peaks[i] = max(peaks[i], _peak(p.pid))
    watcher = threading.Thread(target=watch)
    watcher.start()
    out, err = processes[-1].communicate()
    for p in processes:
        p.wait()
    seconds = time.monotonic() - begin
    done.set()
    watcher.join()
    for p, command in zip(processes, commands):
        if p.returncode != status:
            raise SystemExit(f"bench: {command[0]} ended with {p.returncode}:\n"
                             + out.decode(errors="replace")[-2000:]
                             + err.decode(errors="replace")[-2000:])
    return Measured(seconds, peaks, out)


def memory(peaks):
    """"61 MiB", "110 + 118 MiB"."""
    return " + ".join(f"{p / MIB:.0f}" for p in peaks) + " MiB"


def table(name, rounds):
    """Prints the rounds [(ours, theirs)] and what they come to: the ratio is
    their time by ours in the same round."""
    print(f"{'round':>5}  {'spaceferry':>22}  {name:>26}  ratio")
    for n, (ours, theirs) in enumerate(rounds, 1):
        print(f"{n:>5}  {ours.seconds:>8.2f} s {memory(ours.peaks):>11}  "
              f"{theirs.seconds:>8.2f} s {memory(theirs.peaks):>15}  "
              f"{theirs.seconds / ours.seconds:.2f}")
    ratios = [t.seconds / o.seconds for o, t in rounds]
    ours = statistics.median(o.seconds for o, _ in rounds)
    theirs = statistics.median(t.seconds for _, t in rounds)
    print(f"median {ours:.2f} s against {theirs:.2f} s; ratio {statistics.median(ratios):.2f}"
          f" (from {min(ratios):.2f} to {max(ratios):.2f}); "
          f"peak {max(sum(o.peaks) for o, _ in rounds) / MIB:.0f} MiB against "
          f"{max(sum(t.peaks) for _, t in rounds) / MIB:.0f} MiB")
