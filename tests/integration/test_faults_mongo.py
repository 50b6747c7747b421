# build: release
"""The whole program while one of the two servers fails: killed, stepped down,
hung, answering with every code that passes by itself, or with one that does
not.  Whatever happens, it ends in success or in exit 3 with a hint, the same
command resumes, and nothing is lost.

scripts/faults runs all of it; scripts/test what is marked as short."""

import contextlib
import os
import signal
import threading
import time

import pytest

from harness import scene, summary
from harness.mongod import Mongod, ReplicaSet, Trio

FULL = os.environ.get("SPACEFERRY_TEST_FULL") == "1"
BOTH = ["source", "target"]


def sides(short):
    """On which sides a fault is tried: the longer tests only on those given,
    unless everything is asked for."""
    return pytest.mark.parametrize("side", BOTH if FULL else short)


PARAMETERS = ["enableTestCommands=1"]
DB = "shop"
# What passes by itself, as the server names it.
CODES = {6: "HostUnreachable", 7: "HostNotFound", 89: "NetworkTimeout",
         91: "ShutdownInProgress", 112: "WriteConflict",
         189: "PrimarySteppedDown", 262: "ExceededTimeLimit",
         9001: "SocketException", 10107: "NotWritablePrimary",
         11600: "InterruptedAtShutdown", 11602: "InterruptedDueToReplStateChange",
         13435: "NotPrimaryNoSecondaryOk"}
SHORT_CODES = (6, 91, 189, 10107, 11600)
READS = ["find", "getMore", "listCollections", "listIndexes", "aggregate"]
WRITES = ["insert", "create", "createIndexes", "find", "getMore",
          "listCollections", "listIndexes"]


class Ends:
    """Both servers; one of them (side) is the one that fails."""

    def __init__(self, source, target):
        self.source, self.target = source, target

    def server(self, side):
        return {"source": self.source, "target": self.target}[side]

    def env(self, **options):
        """options: of both URIs.  What failCommand says is not followed by a
        change that a server would tell of by itself, so the next heartbeat has
        to find out."""
        options.setdefault("heartbeatFrequencyMS", 500)
        return {"SPACEFERRY_FROM": self.source.uri(DB, **options),
                "SPACEFERRY_TO": self.target.uri(DB, **options)}

    def check(self):
        scene.assert_equal(self.source.client()[DB], self.target.client()[DB])


@pytest.fixture(scope="module")
def servers(work):
    with Mongod(work / "faults-s", parameters=PARAMETERS) as source, \
            ReplicaSet(work / "faults-t", auth=True,
                       parameters=PARAMETERS) as target:
        scene.fill(source.client()[DB])
        yield Ends(source, target)


@pytest.fixture
def ends(servers):
    servers.target.client().drop_database(DB)
    yield servers
    for server in (servers.source, servers.target):
        off(server)


@pytest.fixture
def migrate(spaceferry):
    def run(ends, *args, env=None, **options):
        return spaceferry("migrate", "--json", "--jobs", "2", *args,
                          env={**ends.env(**options), **(env or {})})
    return run


@pytest.fixture
def start(spaceferry):
    def run(ends, *args, **options):
        return spaceferry.start("migrate", "--json", "--jobs", "2", *args,
                                env=ends.env(**options))
    return run


def fail(server, commands, mode, **data):
    """Returns how often a failure has been met so far."""
    reply = server.client().admin.command(
        "configureFailPoint", "failCommand", mode=mode,
        data={"failCommands": commands, "appName": "spaceferry", **data})
    return reply["count"]


def off(server):
    reply = server.client().admin.command("configureFailPoint", "failCommand",
                                          mode="off")
    return reply["count"]


class Trouble:
    """Every fault in turn, each once, as long as the run lasts."""

    def __init__(self, server, commands, faults):
        self.server, self.commands, self.faults = server, commands, faults
        self.met = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)

    def _entered(self):
        (point,) = [v for k, v in self.server.client().admin.command(
            "getParameter", 1, **{"failpoint.failCommand": 1}).items()
            if k.startswith("failpoint")]
        return point["timesEntered"]

    def _work(self):
        for name, data in self.faults.items():
            before = fail(self.server, self.commands, {"times": 1}, **data)
            while self._entered() == before:
                if self.over.wait(0.01):
                    return
            self.met.append(name)
            self.over.wait(0.12)    # something succeeds in between

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


@sides(BOTH)
def test_every_code_that_passes(ends, side, migrate):
    """All of them, at any command, within one run; the plain connection errors
    as well."""
    faults = {name: {"errorCode": code} for code, name in CODES.items()
              if FULL or code in SHORT_CODES}
    faults["closeConnection"] = {"closeConnection": True}
    commands = READS if side == "source" else WRITES
    with Trouble(ends.server(side), commands, faults) as trouble:
        for _ in faults:
            scene.survive(lambda: migrate(ends, "--drop"))
            ends.check()
            if len(trouble.met) == len(faults):
                break
    assert trouble.met == list(faults)


@sides(["target"])
def test_every_command_in_turn(ends, side, migrate):
    """The first two of each command fail, each in another way."""
    faults = [{"errorCode": 91}, {"closeConnection": True},
              {"blockConnection": True, "blockTimeMS": 300}]
    commands = READS if side == "source" else WRITES
    for n, command in enumerate(commands if FULL else commands[:4]):
        fault = faults[n % len(faults)]
        ends.target.client().drop_database(DB)
        met = fail(ends.server(side), [command], {"times": 2}, **fault)
        results = scene.survive(lambda: migrate(ends, "--include", f"{DB}.pages",
                                                "--include", f"{DB}.log"))
        assert off(ends.server(side)) > met or command == "getMore", \
            (command, results)
        for name in ("pages", "log"):
            assert ends.source.client()[DB].command("dbHash")["collections"][name] \
                == ends.target.client()[DB].command("dbHash")["collections"][name]


QUOTA = "you are over your space quota, using 513 MB of 512 MB"


@pytest.mark.parametrize("fault, kind, hint", [
    ({"writeConcernError": {"code": 8000, "errmsg": QUOTA}}, "quota", "resumes"),
    ({"errorCode": 14031}, "quota", "resumes"),
    ({"errorCode": 8000}, "unsupported", None),
], ids=["8000", "14031", "8000-other"])
def test_out_of_room(ends, migrate, fault, kind, hint):
    """No waiting: it stops with what to do, and goes on where it was."""
    fail(ends.target, ["insert"], {"skip": 4}, **fault)
    r = migrate(ends)
    assert r.rc == 3 and summary.kinds(r) == [kind], r
    if hint:
        assert hint in r.summary["errors"][0]["hint"], r
    off(ends.target)
    r = migrate(ends)
    assert r.rc == 0 and "resumed" in r.summary, r
    ends.check()


def test_rights_taken_away(ends, migrate):
    """In the middle: exit 3, not 2, for something has been changed."""
    fail(ends.target, ["insert"], {"skip": 4}, errorCode=13)
    r = migrate(ends)
    assert r.rc == 3 and summary.kinds(r) == ["denied"], r
    assert "readWrite" in r.summary["errors"][0]["hint"]
    off(ends.target)
    assert migrate(ends).rc == 0
    ends.check()


@contextlib.contextmanager
def stopped(server):
    """It hangs: connections stay, answers do not come."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


@sides(["source"])
def test_a_server_that_hangs(ends, side, start):
    """For longer than socketTimeoutMS: the run waits, says so, and gives up when
    its patience is over."""
    options = {"socketTimeoutMS": 1500, "connectTimeoutMS": 1500}
    arguments = ["--drop", "--bwlimit", "2MiB", "--patience", "1s"]
    running = start(ends, *arguments, **options)
    time.sleep(0.7)
    with stopped(ends.server(side)):
        r = running.wait()
    assert r.rc == 3 and "network" in summary.kinds(r), r
    scene.assert_hint(r)
    assert "trying again for 1 s" in r.stderr, r
    r = start(ends, *arguments, **options).wait()
    assert r.rc == 0 and "resumed" in r.summary, r
    ends.check()


@sides(["target"])
def test_stop_while_a_server_hangs(ends, side, start):
    """A read that would block for minutes does not keep a stop waiting."""
    running = start(ends, "--bwlimit", "2MiB")
    time.sleep(0.7)
    with stopped(ends.server(side)):
        time.sleep(0.3)
        running.interrupt()
        r = running.wait(timeout=20)
    assert r.rc == 3 and "interrupted" in summary.kinds(r), r
    r = start(ends).wait()
    assert r.rc == 0 and "resumed" in r.summary, r
    ends.check()


@pytest.mark.skipif(not FULL, reason="scripts/faults runs it")
@sides(BOTH)
def test_killed_and_restarted(ends, side, start):
    """Later than the patience lasts.  (test_resume.py: sooner.)"""
    server = ends.server(side)
    running = start(ends, "--drop", "--bwlimit", "2MiB", "--patience", "2s")
    time.sleep(0.8)
    server.kill()
    r = running.wait()
    server.start()
    assert r.rc == 3 and "network" in summary.kinds(r), r
    scene.assert_hint(r)
    r = start(ends, "--drop", "--bwlimit", "2MiB", "--patience", "2s").wait()
    assert r.rc == 0 and "resumed" in r.summary, r
    ends.check()


@pytest.fixture(scope="module")
def three(work):
    with Trio(work / "faults-three") as trio:
        yield trio


@sides(BOTH)
def test_primary_steps_down(servers, side, three, start):
    """Twice while documents are copied."""
    one = servers.source
    if side == "source":
        scene.fill(three.client()[DB])
        one = servers.target
        one.client().drop_database(DB)
        ends = Ends(three, one)
    else:
        three.client().drop_database(DB)
        ends = Ends(one, three)
    args = ["--bwlimit", "2MiB", "--patience", "60s"]

    def run():
        running = start(ends, *args)
        for _ in range(2):
            time.sleep(0.9)
            if running.process.poll() is None:
                three.step_down()
                three.primary()
        return running.wait()
    scene.survive(run)
    ends.check()
