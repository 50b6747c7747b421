# build: release
"""The whole program while the object store fails, as the place files go to and
as the one they come from: errors that pass, outages longer than the patience,
slowness, answers cut, credentials that expire, a clock that is wrong."""

import os
import time

import pytest

from harness import scene, summary
from s3_stand_in import StandIn, hang_up, once

LARGE = 66 << 20            # goes in parts


@pytest.fixture(scope="module")
def folder(work):
    path = work / "faults-s3-files"
    scene.uploads(path, large=1 << 20)
    return path


@pytest.fixture(scope="module")
def large(work):
    path = work / "faults-s3-large"
    scene.uploads(path, large=LARGE)
    return path


@pytest.fixture
def s3():
    with StandIn() as server:
        yield server


class Move:
    """The files of folder on their way to s3 ("target") or back ("source")."""

    def __init__(self, side, s3, folder, tmp_path, spaceferry):
        self.side, self.s3, self.folder = side, s3, folder
        self.spaceferry, self.back = spaceferry, tmp_path / "back"
        if side == "source":
            for name, body in scene.listing(folder).items():
                s3.store(f"f/{name}", body)
        self.files = f"{folder}=s3://bucket/f" if side == "target" else \
            f"s3://bucket/f={self.back}"
        self.method = "PUT" if side == "target" else "GET"

    def start(self, *args, **env):
        return self.spaceferry.start("migrate", "--json", "--jobs", "2",
                                     "--files", self.files, *args,
                                     env=self.s3.env(**env))

    def run(self, *args, **env):
        return self.start(*args, **env).wait()

    def of_a_file(self, request):
        return request.path.startswith("/bucket/f/")

    def check(self):
        want = scene.listing(self.folder)
        if self.side == "source":
            assert scene.listing(self.back) == want
        else:
            assert {k.removeprefix("f/"): v[0]
                    for k, v in self.s3.objects.items()} == want
        assert self.s3.uploads == {} and self.s3.rejected == []


@pytest.fixture(params=["target", "source"])
def move(request, s3, folder, tmp_path, spaceferry):
    return Move(request.param, s3, folder, tmp_path, spaceferry)


def every_third(faults):
    """One after the other, so that what is tried again succeeds."""
    left, seen = list(faults), [0]

    def spread(handler, request):
        seen[0] += 1
        if seen[0] % 3 or not left:
            return False
        if left[0](handler, request):
            left.pop(0)
            return True
        return False
    return spread, left


def test_what_passes_by_itself(move):
    """Each once, somewhere in the run; an answer cut, and one lost though the
    request was carried out."""
    m = move.method
    spread, left = every_third([
        once(503, "SlowDown"), once(500, "InternalError"),
        once(429, "TooManyRequests"), once(502, ""), once(504, ""),
        once(400, "RequestTimeout", method=m), once(503, "SlowDown", method=m),
        once(500, "InternalError", method=m, instead=False),
        hang_up(m, after=10 if m == "GET" else None),
        hang_up(m, after=10 if m == "GET" else None, carry_out=True)])
    move.s3.faults = [spread]
    r = move.run()
    assert r.rc == 0 and not left, r
    summary.check(r)
    assert "trying again" in r.stderr
    move.check()


def test_slow_answers(move):
    left = [15]

    def slow(handler, request):
        if left[0] > 0:
            left[0] -= 1
            time.sleep(0.1)
        return False
    move.s3.lock = DummyLock()          # others are served meanwhile
    move.s3.faults = [slow]
    assert move.run().rc == 0
    move.check()


class DummyLock:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def after(n, fault, match):
    """The fault, for fitting requests, but not for the first n."""
    seen = [0]

    def later(handler, request):
        if not match(request):
            return False
        seen[0] += 1
        return seen[0] > n and fault(handler, request)
    return later


LASTING = [
    (503, "SlowDown", "throttled", "--patience"),
    (400, "ExpiredToken", "auth", "AWS_SESSION_TOKEN"),
    (403, "RequestTimeTooSkewed", "auth", "clock"),
]
if os.environ.get("SPACEFERRY_TEST_FULL") == "1":       # scripts/faults
    LASTING += [(500, "InternalError", "network", "--patience"),
                (507, "XMinioStorageFull", "quota", "quota")]


@pytest.mark.parametrize("status, code, kind, hint", LASTING)
def test_what_lasts(move, status, code, kind, hint):
    """It begins in the middle, and is over when the same command is run again:
    what had arrived does not travel twice."""
    move.s3.faults = [after(12, once(status, code, times=10 ** 6),
                            lambda r: r.method == move.method and
                            move.of_a_file(r))]
    r = move.run("--patience", "1s")
    assert r.rc == 3 and summary.kinds(r)[0] == kind, r
    assert hint in r.summary["errors"][0]["hint"], r
    there = len(move.s3.objects)
    move.s3.faults = []
    before = len(move.s3.requests)
    r = move.run("--patience", "1s")
    assert r.rc == 0 and "resumed" in r.summary, r
    assert r.summary["resumed"]["files"] <= 8, r
    move.check()
    if move.side == "target":
        sent = {req.path for req in move.s3.requests[before:]
                if req.method == "PUT"}
        assert len(sent) <= len(move.s3.objects) - there + 8


@pytest.mark.parametrize("status, code", [(400, "ExpiredToken"),
                                          (403, "RequestTimeTooSkewed")])
def test_wrong_from_the_start(move, status, code):
    """Nothing was changed, and only a person can help: exit 2."""
    move.s3.faults = [once(status, code, times=10 ** 6)]
    r = move.run()
    assert r.rc == 2 and summary.kinds(r) == ["auth"], r
    move.s3.faults = []
    assert move.run().rc == 0
    move.check()


def test_credentials_that_expire_between_parts(s3, large, tmp_path, spaceferry):
    """The upload goes on with the parts that are there."""
    move = Move("target", s3, large, tmp_path, spaceferry)
    s3.faults = [after(4, once(400, "ExpiredToken", times=10 ** 6),
                       lambda r: "partNumber" in r.query)]
    r = move.run()
    assert r.rc == 3 and summary.kinds(r) == ["auth"], r
    ((key, _, parts),) = s3.uploads.values()
    there = set(parts)
    assert key == "f/large.bin" and len(there) == 4
    s3.faults = []
    before = len(s3.requests)
    assert move.run().rc == 0
    again = {int(q.query["partNumber"]) for q in s3.requests[before:]
             if "partNumber" in q.query}
    assert again == set(range(1, 10)) - there
    move.check()
