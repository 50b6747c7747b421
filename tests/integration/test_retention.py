# build: release
"""Which snapshots a policy keeps, against another implementation: dates and
zones as Python counts them, over random times around changes of the clock."""

import json
import os
import random
import subprocess
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from store_tool import tool_path

ZONES = ["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe",
         "America/Sao_Paulo", "America/St_Johns", "Asia/Kathmandu",
         "Pacific/Apia", "Africa/Casablanca", "Antarctica/Troll"]
SECOND = 10 ** 9
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def local(ns, zone):
    return (EPOCH + timedelta(seconds=ns // SECOND)).astimezone(zone)


PERIODS = {
    "hourly": lambda t: (t.date(), t.hour, t.utcoffset()),
    "daily": lambda t: t.date(),
    "weekly": lambda t: t.isocalendar()[:2],
    "monthly": lambda t: (t.year, t.month),
    "yearly": lambda t: t.year,
}


def expected(policy, times, tz):
    """The reasons of each, worked out set by set."""
    zone, n = ZoneInfo(tz), len(times)
    why = defaultdict(set)
    for i in range(max(0, n - policy.get("last", 0)), n):
        why[i].add("last")
    for word, period in PERIODS.items():
        newest = {}
        for i, t in enumerate(times):
            newest[period(local(t, zone))] = i
        for i in sorted(newest.values(), reverse=True)[:policy.get(word, 0)]:
            why[i].add(word)
    within = policy.get("within_ns", 0)
    for i, t in enumerate(times):
        if within and times[-1] - t <= within:
            why[i].add("within")
    order = ["last", *PERIODS, "within"]
    return [", ".join(w for w in order if w in why[i]) for i in range(n)]


def changes(tz, rng):
    """An instant within two days of a change of the clock, if it has any."""
    zone = ZoneInfo(tz)
    t = rng.randrange(0, 60 * 365 * 86400)
    for _ in range(400):
        after = t + 86400
        if (local(t * SECOND, zone).utcoffset()
                != local(after * SECOND, zone).utcoffset()):
            break
        t = after
    return t + rng.randrange(-2 * 86400, 2 * 86400)


def some_times(tz, rng):
    start = changes(tz, rng) * SECOND
    step = rng.choice([600, 1800, 3600, 6 * 3600, 86400, 9 * 86400]) * SECOND
    n = rng.randrange(0, 200)
    times = [start + i * step + rng.randrange(step) * rng.randrange(2)
             for i in range(-n // 2, n // 2)]
    times += rng.choices(times, k=len(times) // 10)    # of one instant
    if rng.randrange(4) == 0:     # the clock was set back: some come earlier
        times += [t - 3 * step for t in times[-10:]]
    return sorted(times)


def some_policy(rng):
    policy = {w: rng.choice([1, 2, 3, 7, 30, 1000])
              for w in ["last", *PERIODS] if rng.randrange(2)}
    if rng.randrange(3) == 0:
        policy["within_ns"] = rng.randrange(1, 40 * 86400 * SECOND)
    return policy


@pytest.fixture(scope="module")
def ask():
    tool = subprocess.Popen([str(tool_path().with_name("retention_tool"))],
                            text=True, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)

    def answer(policy, times, tz):
        tool.stdin.write(json.dumps(
            {"tz": tz, "policy": policy, "times": times}) + "\n")
        tool.stdin.flush()
        return json.loads(tool.stdout.readline())
    yield answer
    tool.stdin.close()
    assert tool.wait() == 0
    tool.stdout.close()


def test_as_python_counts(ask):
    if not Path("/usr/share/zoneinfo/Europe/Paris").exists():
        pytest.fail("no zone files: install tzdata")
    seed = int(os.environ.get("SEED", random.randrange(2 ** 32)))
    print("SEED", seed)
    rng = random.Random(seed)
    kept = 0
    for _ in range(400):
        tz = rng.choice(ZONES)
        times, policy = some_times(tz, rng), some_policy(rng)
        got = ask(policy, times, tz)
        assert got["reasons"] == expected(policy, times, tz), (tz, policy)
        assert got["kept"] == sum(r != "" for r in got["reasons"])
        kept += got["kept"]
    assert kept > 1000
