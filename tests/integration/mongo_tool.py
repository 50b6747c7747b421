"""Drives tests/tools/mongo_tool: the C interface of src/mongo, from Python."""

import json
import os
import subprocess
from pathlib import Path

import bson

from harness.process import ROOT, die_with_parent


def tool_path():
    """Beside the program under test: the same build."""
    program = os.environ.get("SPACEFERRY_BIN")
    build = Path(program).parent if program else ROOT / "build" / "release"
    return build / "tests" / "mongo_tool"


def doc(**fields):
    return bson.encode(fields)


def id_of(value):
    """{"_id": value} as the tool wants it."""
    return bson.encode({"_id": value}).hex()


class MongoTool:
    """with MongoTool() as tool: tool("open", uri=…)["ok"]

    Each call returns the answer as a dictionary; ask() asserts that it is ok.
    A sanitizer's report fails the test at the end."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.process = subprocess.Popen(
            # Else libmongoc leaves /dev/shm/mongoc-PID behind when it is
            # killed, and says so to the next process with that PID.
            [str(tool_path())], env={**os.environ, "MONGOC_DISABLE_SHM": "1"},
            text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=die_with_parent)

    def send(self, op, **request):
        self.process.stdin.write(json.dumps({"op": op, **request}) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return json.loads(line)

    def __call__(self, op, **request):
        self.send(op, **request)
        return self.answer()

    def ask(self, op, **request):
        answer = self(op, **request)
        assert answer["ok"], answer
        return answer

    def catalog(self, on, name, dbs=(), stats=False):
        """{namespace: description}, also kept under name."""
        found = self.ask("catalog", on=on, **{"as": name}, dbs=list(dbs),
                         stats=stats)["collections"]
        for one in found:
            one["options"] = bson.decode(bytes.fromhex(one["options"]))
            one["indexes"] = {
                i["name"]: {**i, "spec": bson.decode(bytes.fromhex(i["spec"]))}
                for i in one["indexes"]}
        return {one["ns"]: one for one in found}

    def start_read(self, ns, **request):
        self.send("read", ns=ns, file=str(self.folder / "read.bson"), **request)

    def end_read(self):
        self.last = self.answer()
        return list(split_docs((self.folder / "read.bson").read_bytes()))

    def read(self, ns, **request):
        """The raw documents, in order, as bytes; the answer is in last."""
        self.start_read(ns, **request)
        return self.end_read()

    def start_write(self, ns, docs, **request):
        path = self.folder / "write.bson"
        path.write_bytes(b"".join(docs))
        self.send("write", ns=ns, file=str(path), **request)

    def write(self, ns, docs, **request):
        """Writes raw documents; returns the answer."""
        self.start_write(ns, docs, **request)
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        report = self.process.stderr.read()
        self.process.stderr.close()
        assert self.process.wait(60) == 0 and not report, report

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()
        else:
            self.process.kill()
            self.process.wait()


def split_docs(data):
    """The raw documents that lie one behind the other."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "little")
        yield data[at:at + size]
        at += size
    assert at == len(data)
