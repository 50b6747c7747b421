"""Every path that data takes stays within the bound: what `scripts/bench
memory` does with 1 GB, with 30 MB of documents and files."""
# build: release

import os
import sys
from pathlib import Path

os.environ["BUILD"] = str(Path(os.environ["SPACEFERRY_BIN"]).parent) \
    if "SPACEFERRY_BIN" in os.environ else os.environ.get("BUILD", "")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import memory                                                   # noqa: E402


def test_every_path(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["memory", "30"])
    assert memory.main() == 0, capsys.readouterr().out
    rows = capsys.readouterr().out.splitlines()[1:]
    assert len(rows) >= 18
    peaks = [int(row.split(" MiB")[0].split()[-1]) for row in rows]
    # A figure of nothing would be within any bound.
    assert all(10 < peak <= memory.BOUND / memory.MIB for peak in peaks), rows
