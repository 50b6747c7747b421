# build: release
"""rewrite over large files: memory stays where it is, and the diff is right to
the last byte.  Needs no server."""

import subprocess
import time
from pathlib import Path

import pytest

from harness.ferry import binary

MIB = 1 << 20
OLD, NEW = b"https://old.example", b"https://new.example"
RULE = ("--rewrite", f"{OLD.decode()}={NEW.decode()}")
LINE = b"2026-01-01T00:00:00Z GET %s/page?q=1 200 Mozilla/5.0 (X11; Linux x86_64)\n"


def run(spaceferry, folder, *args):
    """(bytes of stdout, peak RSS); stdout goes to a file, as a diff would."""
    peak = 0
    with open(folder.parent / "out", "wb") as out:
        p = subprocess.Popen([binary(), "rewrite", *RULE, *args], stdout=out,
                             stderr=subprocess.PIPE, cwd=folder,
                             env=spaceferry.environment())
        while p.poll() is None:
            for line in Path(f"/proc/{p.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak = max(peak, int(line.split()[1]) * 1024)
            time.sleep(0.002)
    assert p.returncode == 0, p.stderr.read()
    p.stderr.close()
    return (folder.parent / "out").read_bytes(), peak


@pytest.mark.parametrize("every", [1, 5, 1000])
def test_sixty_megabytes(spaceferry, tmp_path, every):
    """One hunk of the whole file; one of lines and gaps; many."""
    folder = tmp_path / "d"
    folder.mkdir()
    other = LINE % b"https://elsewhere.example"
    block = LINE % OLD + other * (every - 1)
    n = 60 * MIB // len(block)
    (folder / "log").write_bytes(block * n)
    patch, shown = run(spaceferry, folder, "log")
    _, written = run(spaceferry, folder, "--write", "log")
    want = block.replace(OLD, NEW) * n
    assert (folder / "log").read_bytes() == want
    (folder / "log.bak").rename(folder / "log")
    subprocess.run(["patch", "-p1", "-s", "--fuzz=0"], input=patch, cwd=folder,
                   check=True, timeout=120)
    assert (folder / "log").read_bytes() == want
    assert 0 < shown <= 32 * MIB and 0 < written <= 32 * MIB, (shown, written)


def test_one_line_of_fifteen_megabytes(spaceferry, tmp_path):
    """A minified file: a line, its new text and no more are held."""
    folder = tmp_path / "d"
    folder.mkdir()
    text = b'{"u":"' + OLD + b'/x","n":1},'
    text = b"[" + text * (15 * MIB // len(text)) + b"]"
    (folder / "data.json").write_bytes(text)
    patch, shown = run(spaceferry, folder, "data.json")
    assert patch.count(b"\n") == 7 and patch.endswith(b"file\n")
    _, written = run(spaceferry, folder, "--write", "data.json")
    assert (folder / "data.json").read_bytes() == text.replace(OLD, NEW)
    assert 0 < shown <= 96 * MIB and 0 < written <= 96 * MIB, (shown, written)
