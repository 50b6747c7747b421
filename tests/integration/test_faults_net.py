# build: release
"""The whole program over bad networks, to each of its ends: toxiproxy makes
connections slow, slices and limits them, resets them, swallows what is sent,
and is away for a while."""

import os
import time

import pytest

from harness import scene

FULL = os.environ.get("SPACEFERRY_TEST_FULL") == "1"    # scripts/faults
DB = "net"
ENDS = ["source", "target", "s3"]
SLOW = {
    "latency": [("latency", {"latency": 40, "jitter": 40})],
    "slicer": [("slicer", {"average_size": 700, "size_variation": 600,
                           "delay": 2})],
    "bandwidth": [("bandwidth", {"rate": 4000})],
}
SLOW["all"] = [toxic for toxics in SLOW.values() for toxic in toxics]
BROKEN = {
    "reset": ("reset_peer", {"timeout": 150}),
    "swallowed": ("timeout", {"timeout": 0}),
    "limited": ("limit_data", {"bytes": 100_000}),
    "away": None,
}


@pytest.fixture(scope="module")
def data(source, work):
    scene.fill(source.client()[DB])
    scene.uploads(work / "net-files", large=66 << 20)
    yield source.client()[DB]
    source.client().drop_database(DB)


class Move:
    """Data through a proxy before one of its ends, or files through a proxy
    before the store."""

    def __init__(self, end, proxy, spaceferry):
        self.end, self.proxy, self.spaceferry = end, proxy, spaceferry

    def through(self, text):
        return text.replace(f":{self.end.port}", f":{self.proxy.port}")

    def uri(self, end, db):
        # A member of a set names itself, past the proxy.
        return self.through(end.uri(
            db, socketTimeoutMS=1000, directConnection="true",
            heartbeatFrequencyMS=500).replace("replicaSet=rs0&", ""))

    def start(self, *args):
        return self.spaceferry.start("migrate", "--json", "--jobs", "2",
                                     *self.what, *args, env=self.env)


@pytest.fixture
def move(end_name, data, source, target, s3_server, s3, bucket, toxiproxy, work,
         db_name, spaceferry):
    end = {"source": source, "target": target, "s3": s3_server}[end_name]
    m = Move(end, toxiproxy.to(end.port), spaceferry)
    if end is not s3_server:
        m.what, m.limit = [], "1MiB"
        m.env = {"SPACEFERRY_FROM": m.uri(source, DB),
                 "SPACEFERRY_TO": m.uri(target, db_name)}
        m.check = lambda: scene.assert_equal(data, target.client()[db_name])
        return m
    # Each of 8 workers has its share of the limit; one has a large file to send.
    m.what, m.limit = ["--files", f"{work / 'net-files'}=s3://{bucket}/f"], "100MiB"
    m.env = {k: m.through(v) for k, v in s3_server.aws_env().items()}

    def check():
        want = scene.listing(work / "net-files")
        got = {key: scene.look.get_object(s3, bucket, key)[0]
               for key in scene.look.listing(s3, bucket)}
        assert got == {f"f/{k}": v for k, v in want.items()}
        # An upload in parts whose id was lost with its answer may stay behind.
        assert len(scene.look.uploads_in_progress(s3, bucket)) <= 1
    m.check = check
    return m


@pytest.mark.parametrize("end_name", ENDS if FULL else ["target"])
@pytest.mark.parametrize("toxics", SLOW if FULL else ["all"])
def test_a_slow_network(move, toxics):
    """Both ways, from beginning to end."""
    for stream in ("upstream", "downstream"):
        for kind, attributes in SLOW[toxics]:
            if kind == "bandwidth" and move.what:
                attributes = {"rate": 30_000}
            move.proxy.spoil(kind, stream=stream, **attributes)
    r = move.start().wait()
    assert r.rc == 0, r
    move.check()


@pytest.mark.parametrize("end_name", ENDS)
def test_a_broken_network(move):
    """One kind of trouble after the other, for a moment each, within one run
    (or those that resume it)."""
    met = []

    def trouble(running):
        for name, toxic in BROKEN.items():
            if running.process.poll() is not None or name in met:
                continue
            met.append(name)
            if toxic is None:
                move.proxy.cut()
            else:
                move.proxy.spoil(toxic[0], **toxic[1])
                move.proxy.spoil(toxic[0], stream="upstream", **toxic[1])
            time.sleep(0.5)
            move.proxy.mend()
            move.proxy.restore()
            time.sleep(0.2)

    def run():
        running = move.start("--bwlimit", move.limit, "--patience", "30s")
        time.sleep(0.5)
        trouble(running)
        return running.wait(timeout=60)
    scene.survive(run)
    assert len(met) == len(BROKEN)
    move.check()
