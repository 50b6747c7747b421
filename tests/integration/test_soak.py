# build: release
"""Ten SIGKILLs at random moments of a migration of data and files, each resumed:
soak.py, which scripts/soak runs for longer."""

import os

import soak


def test_ten_kills(source, target, s3_server, work):
    seed = int(os.environ.get("SPACEFERRY_TEST_SEED", "1"))
    here = soak.Source(source, work, soak.SHORT)
    tally = soak.soak(
        lambda name: soak.Move(here, target, s3_server, work / name, name),
        kills=10, per_move=5, seed=seed)
    print(soak.report(tally))
    assert tally.kills == 10
    # Kills that all came at the same moment would prove little.
    assert len(tally.phases) >= 2, tally.phases
    assert tally.again > 0
