# build: release
"""Eight SIGKILLs at random moments of backups, prunes and restores:
soak_backup.py, which scripts/soak backup runs for longer."""

import os

import soak_backup


def test_eight_kills(source, target, work):
    seed = int(os.environ.get("SPACEFERRY_TEST_SEED", "1"))
    soak = soak_backup.Soak(target, source, work / "soak-backup", seed)
    try:
        tally = soak.soak(8)
    finally:
        soak.close()
    print(soak_backup.report(tally))
    assert tally.kills == 8 and tally.restored >= 8
    assert len(tally.killed) >= 2, tally.killed
