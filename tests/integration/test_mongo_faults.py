# build: release
"""src/mongo when connections break, servers step down, restart or stay away:
nothing is lost, nothing comes twice, and nobody waits longer than asked."""

import contextlib
import socket
import threading
import time

import bson
import pytest
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from harness.mongod import Mongod, ReplicaSet
from mongo_tool import MongoTool, doc

RAW = CodecOptions(document_class=RawBSONDocument)
N = 3000
PARAMETERS = ["enableTestCommands=1"]


@pytest.fixture(scope="module")
def plain(work):
    with Mongod(work / "mongo-faults", parameters=PARAMETERS) as server:
        yield server


@pytest.fixture(scope="module")
def replica_set(work):
    with ReplicaSet(work / "mongo-faults-rs", auth=True,
                    parameters=PARAMETERS) as server:
        yield server


@pytest.fixture(params=["standalone", "replica set"])
def server(request):
    return request.getfixturevalue(
        "plain" if request.param == "standalone" else "replica_set")


@pytest.fixture
def tool(tmp_path):
    with MongoTool(tmp_path) as tool:
        yield tool


@pytest.fixture
def db(server, tool):
    # What failCommand says is not followed by a change that the server would
    # tell of by itself, so the next heartbeat has to find out.
    tool.ask("open", uri=server.uri(heartbeatFrequencyMS=500))
    server.client().drop_database("s")
    return server.client()["s"]


def fail(db, commands, times=3, skip=0, **data):
    """The next commands of the tool fail: failCommand, for its name only."""
    mode = {"times": times} if not skip else {"skip": skip}
    db.client.admin.command(
        "configureFailPoint", "failCommand", mode=mode, data={
            "failCommands": commands, "appName": "spaceferry", **data})


@contextlib.contextmanager
def failing(db, commands, **how):
    fail(db, commands, **how)
    try:
        yield
    finally:
        db.client.admin.command("configureFailPoint", "failCommand", mode="off")


def raw(collection):
    return [bytes(d.raw) for d in collection.with_options(RAW).find()]


DOCS = [doc(_id=i, s="x" * 100) for i in range(N)]
# (The other codes are in tests/unit/test_mongo_classify.c.)
READ_FAULTS = [
    {"closeConnection": True},
    *({"errorCode": code} for code in (43, 91, 237, 10107, 11602)),
]
WRITE_FAULTS = [
    {"closeConnection": True},
    *({"errorCode": code} for code in (91, 112, 10107, 11602)),
    *({"writeConcernError": {"code": code, "errmsg": "not yet"}}
      for code in (64, 91)),
]


def test_reading_goes_on_where_it_broke(db, tool):
    db.c.insert_many([{"_id": i, "s": "x" * 100} for i in range(N)])
    for fault in READ_FAULTS:
        for commands in (["getMore"], ["find"], ["find", "getMore"]):
            with failing(db, commands, times=2, **fault):
                read = tool.read("s.c", on="a", ranged=True, batch_bytes=20000,
                                 low=None, high=None)
            assert tool.last["ok"], (fault, commands, tool.last)
            assert read == DOCS, (fault, commands)


def test_reading_what_has_no_order_is_given_up(db, tool):
    """Nobody knows where to go on in a capped collection: the job reads it
    anew.  Before the first document nothing is lost, though."""
    db.create_collection("c", capped=True, size=1 << 20)
    db.c.insert_many([{"_id": i, "s": "x" * 100} for i in range(N)])
    with failing(db, ["find"], closeConnection=True):
        assert tool.read("s.c", on="a", batch_bytes=20000) == DOCS
    with failing(db, ["getMore"], closeConnection=True):
        tool.read("s.c", on="a", batch_bytes=20000)
    assert not tool.last["ok"] and tool.last["kind"] == "network"
    assert 0 < tool.last["documents"] < N


def test_reading_at_one_time_goes_on_by_position(replica_set, tool):
    tool.ask("open", uri=replica_set.uri())
    db = replica_set.client()["s"]
    db.drop_collection("c")
    db.c.insert_many([{"_id": i, "s": "x" * 100} for i in range(N)])
    at = tool.ask("time", on="a")["time"]
    db.c.delete_many({"_id": {"$lt": 1000}})
    for request in ({}, {"ranged": True}):
        with failing(db, ["getMore"], closeConnection=True):
            read = tool.read("s.c", on="a", batch_bytes=20000, at=at, **request)
        assert tool.last["ok"] and read == DOCS


def test_errors_that_do_not_pass_are_told_at_once(db, tool):
    db.c.insert_many([{"_id": i} for i in range(10)])
    start = time.monotonic()
    for code, kind in ((13, "denied"), (18, "auth"), (14031, "quota"),
                       (175, "not_found"), (9, "unsupported")):
        with failing(db, ["find"], times=1, errorCode=code):
            tool.read("s.c", on="a", ranged=True)
        assert (tool.last["kind"], tool.last["code"]) == (kind, code)
    with failing(db, ["insert"], times=1, errorCode=14031):
        answer = tool.write("s.d", DOCS)
    assert (answer["kind"], answer["inserted"]) == ("quota", 0), answer
    assert "resumes" in answer["hint"]
    assert time.monotonic() - start < 10


def test_writing_is_tried_again(db, tool):
    for fault in WRITE_FAULTS:
        db.drop_collection("c")
        with failing(db, ["insert"], times=2, **fault):
            answer = tool.write("s.c", DOCS)
        assert answer["ok"] and answer["inserted"] + answer["equal"] == N, \
            (fault, answer)
        assert raw(db.c) == DOCS, fault


def test_conflicts_are_settled_in_spite_of_failures(db, tool):
    theirs = [{"_id": i, "s": "theirs"} for i in range(0, N, 3)]
    for commands in (["find"], ["delete"], ["insert"],
                     ["find", "delete", "insert"]):
        for fault in ({"closeConnection": True},
                      {"writeConcernError": {"code": 64, "errmsg": "no"}}):
            db.drop_collection("c")
            db.c.insert_many(theirs)
            with failing(db, commands, times=3, **fault):
                answer = tool.write("s.c", DOCS, mode="replace")
            assert answer["ok"] and answer["refused"] == 0, (fault, answer)
            assert sorted(raw(db.c)) == sorted(DOCS), (commands, fault)


def test_every_other_command_is_tried_again(db, tool):
    db.c.insert_many([{"_id": i, "a": i} for i in range(100)])
    db.c.create_index("a")
    commands = ["listDatabases", "listCollections", "listIndexes", "aggregate",
                "find", "hello", "create", "createIndexes", "drop"]
    for fault in ({"closeConnection": True}, {"errorCode": 91}):
        for command in commands:
            with failing(db, [command], times=1, **fault):
                found = tool.catalog("a", "x", stats=True)
                assert found["s.c"]["count"] == 100, (command, fault)
                tool.ask("count", on="a", ns="s.c")
                tool.ask("create", on="a", catalog="x", of="s.c", ns="s.d")
                made = tool.ask("indexes", on="a", catalog="x", of="s.c",
                                ns="s.d")
                assert made["failed"] == [], (command, fault)
                assert "a_1" in db.d.index_information()
                tool.ask("drop", on="a", ns="s.d")
                assert "d" not in db.list_collection_names()


class Proxy:
    """Between the tool and the server; swallows the answer to one insert and
    cuts the connection: the documents arrived, and nobody was told."""

    def __init__(self, port):
        self.server = port
        self.armed = threading.Event()
        self.cut = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                there = socket.create_connection(("127.0.0.1", self.server))
                threading.Thread(target=self._serve, args=(client, there),
                                 daemon=True).start()

    @staticmethod
    def _message(s):
        head = s.recv(4, socket.MSG_WAITALL)
        if len(head) < 4:
            raise OSError
        size = int.from_bytes(head, "little")
        return head + s.recv(size - 4, socket.MSG_WAITALL)

    def _serve(self, client, there):
        with contextlib.suppress(OSError), client, there:
            while True:
                request = self._message(client)
                there.sendall(request)
                reply = self._message(there)
                if b"\x02insert\0" in request[:40] and self.armed.is_set():
                    self.armed.clear()
                    self.cut += 1
                    return
                client.sendall(reply)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@pytest.mark.parametrize("kind", ["plain", "capped", "series"])
def test_an_answer_that_is_lost(kind, plain, tool):
    """A standalone server has no retryable writes: what arrived is found out
    by comparing; of measurements that cannot be done."""
    db = plain.client()["s"]
    plain.client().drop_database("s")
    if kind == "capped":
        db.create_collection("c", capped=True, size=1 << 20)
    elif kind == "series":
        import datetime
        db.create_collection("c", timeseries={"timeField": "t"})
        day = datetime.datetime(2024, 1, 1)
    docs = DOCS if kind != "series" else [doc(t=day, v=i) for i in range(100)]
    with Proxy(plain.port) as proxy:
        tool.ask("open", uri=f"mongodb://127.0.0.1:{proxy.port}/")
        proxy.armed.set()
        answer = tool.write("s.c", docs, in_order=kind == "capped",
                            timeseries=kind == "series")
        assert proxy.cut == 1
        if kind == "series":
            assert answer["kind"] == "network" and "anew" in answer["hint"]
        else:
            assert answer["ok"] and answer["equal"] == N
        tool.ask("close", on="a")
    assert db.c.count_documents({}) == len(docs)
    if kind != "series":
        assert raw(db.c) == docs


def restart(server):
    time.sleep(0.3)
    server.stop()
    time.sleep(1)
    server.start()


def test_a_server_that_restarts(work, tool):
    with Mongod(work / "mongo-restart", parameters=PARAMETERS) as server:
        # Enough that neither reading nor writing is over before the stop.
        docs = [doc(_id=i, s="x" * 1000) for i in range(60000)]
        server.client()["s"].c.insert_many(
            [RawBSONDocument(d, RAW) for d in docs])
        tool.ask("open", uri=server.uri(), patience_ms=60000)

        tool.start_read("s.c", on="a", ranged=True, batch_bytes=5000,
                        patience_ms=60000)
        restart(server)
        assert tool.end_read() == docs and tool.last["ok"], tool.last
        assert any("trying again" in line for line in tool.last["log"])

        fail(server.client()["s"], ["insert"], times=1000,
             blockConnection=True, blockTimeMS=200)
        tool.start_write("s.d", docs, patience_ms=60000)
        restart(server)
        answer = tool.answer()
        assert answer["ok"] and answer["refused"] == 0, answer
        # Between two bulks nobody notices that the server was away.
        assert answer["inserted"] + answer["equal"] >= len(docs)
        assert sorted(raw(server.client()["s"].d)) == sorted(docs)


def test_patience_and_stop(work, tool):
    with Mongod(work / "mongo-away") as server:
        server.client()["s"].c.insert_many(
            [{"_id": i, "s": "x" * 100} for i in range(100)])
        tool.ask("open", uri=server.uri(), patience_ms=1000)
        tool.catalog("a", "x", ["s"])
        server.stop()

        def timed(op, **request):
            start = time.monotonic()
            if op == "write":
                answer = tool.write("s.c", DOCS, **request)
            elif op == "read":
                tool.read("s.c", on="a", ranged=True, **request)
                answer = tool.last
            else:
                answer = tool(op, on="a", ns="s.c", **request)
            return answer, time.monotonic() - start

        for op in ("write", "read", "count", "any"):
            answer, took = timed(op, patience_ms=1000)
            assert answer["kind"] == "network" and 0.5 < took < 8, (op, took)
            assert "127.0.0.1" in answer["message"]
        for op in ("write", "read"):
            tool("cancel", after_ms=300)
            answer, took = timed(op, patience_ms=60000)
            assert answer["kind"] == "interrupted" and took < 5, (op, took)
            tool.ask("reset")


def test_opening_a_server_that_is_away(tool):
    for patience, most in ((0, 5), (1500, 7), (60000, 14)):
        start = time.monotonic()
        answer = tool("open", uri="mongodb://127.0.0.1:9/", patience_ms=patience)
        assert answer["kind"] == "network", answer
        assert "refused" in answer["message"] and "bindIp" in answer["hint"]
        assert time.monotonic() - start < most
    tool("cancel", after_ms=300)
    start = time.monotonic()
    answer = tool("open", uri="mongodb://127.0.0.1:9/", patience_ms=60000)
    assert answer["kind"] == "interrupted" and time.monotonic() - start < 5


def test_a_quota_met_half_way(db, tool):
    """failCommand's skip lets the first bulks pass."""
    docs = [doc(_id=i, s="x" * 30000) for i in range(2000)]
    with failing(db, ["insert"], skip=1, errorCode=14031):
        answer = tool.write("s.c", docs)
    assert answer["kind"] == "quota" and 0 < answer["inserted"] < len(docs)
    assert db.c.count_documents({}) == answer["inserted"]
    answer = tool.write("s.c", docs)
    assert answer["ok"] and bson.decode(docs[-1])["_id"] == 1999
    assert answer["equal"] + answer["inserted"] == len(docs)
