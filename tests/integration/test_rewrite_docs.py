"""The C rewriter and the Python reference on random documents: the same bytes,
counts and digests.  Needs no server.

SPACEFERRY_DOCS=200000 runs longer; a failure names the seed and prints the
request, which tests/tools/rewrite_docs answers by itself.
"""

import json
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "reference"))

import docdigest  # noqa: E402
import rewrite_bson  # noqa: E402
import rewrite_rules  # noqa: E402

PROGRAM = Path(os.environ.get("SPACEFERRY_BIN")
               or ROOT / "build" / "release" / "spaceferry")
TOOL = PROGRAM.parent / "tests" / "rewrite_docs"
COUNT = int(os.environ.get("SPACEFERRY_DOCS") or 3000)

RULES = [
    [["https://old.example/", "https://new-host.example/"]],
    [["https://old.example/", "https://n.e/"],
     ["/uploads/", "https://cdn.example/u/"]],
    [["/uploads/", "/u/"]],
    [["https://*.old.example/", "https://new.example/s/$1/"],
     ["https://old.example/", "https://a.b/"]],
]
PIECES = [b"https://old.example/", b"http://old.example/", b"//old.example/a",
          b"/uploads/", b"https:\\/\\/old.example\\/x", b"/uploadsx",
          b"https%3A%2F%2Fold.example%2Fq", b"old.example", b" ", b'"', b"x",
          b"https://app.old.example/", "é".encode(), b"\n", b"\xff"]
NAMES = [b"a", b"b", b"u", b"items", b"", b"0", b"_id", b"filename", b"$ref",
         b"$id", b"$db"]
SKIPPED = [name.decode() for name in NAMES] + ["*", "*", "k1", "k2"]
FIXED = {1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16,
         127: 0, 255: 0}
NESTED = (3, 4, 15)
TYPES = [2, 2, 2, 2, 3, 3, 4, 4, 5, 11, 12, 13, 14, 15, 15, *FIXED]


def sized(body, extra=0):
    return struct.pack("<i", len(body) + extra) + body


class Maker:
    """Random documents that are sound and otherwise as odd as they come."""

    def __init__(self, seed):
        self.dice = random.Random(seed)

    def text(self):
        if self.dice.random() < 0.3:
            return bytes(self.dice.choices(b'abc /"\0\xff:.%',
                                           k=self.dice.randrange(12)))
        return b"".join(self.dice.choices(PIECES, k=self.dice.randint(1, 6)))

    def name(self):
        kind = self.dice.random()
        if kind < 0.4:
            return self.dice.choice(NAMES)
        if kind < 0.5:
            return self.text().replace(b"\0", b"")
        return b"k%d" % self.dice.randrange(5)

    def string(self):
        return sized(self.text() + b"\0")

    def binary(self):
        data, subtype = self.text(), self.dice.choice((0, 2, 4, 128))
        if subtype == 2 and self.dice.random() < 0.7:
            data = sized(data)
        return struct.pack("<iB", len(data), subtype) + data

    def element(self, name, depth):
        kind = self.dice.choice(TYPES)
        while depth > 6 and kind in NESTED:
            kind = self.dice.choice(TYPES)
        if kind in FIXED:
            value = self.dice.randbytes(FIXED[kind])
        elif kind == 3:
            value = self.document(depth + 1, self.dice.random() < 0.3)
        elif kind == 4:
            value = self.document(depth + 1, array=True)
        elif kind == 5:
            value = self.binary()
        elif kind == 11:
            value = b"".join(self.text().replace(b"\0", b"") + b"\0"
                             for _ in range(2))
        elif kind == 12:
            value = self.string() + bytes(12)
        elif kind == 15:
            value = sized(self.string() + self.document(depth + 1), 4)
        else:
            value = self.string()
        return bytes([kind]) + name + b"\0" + value

    def document(self, depth=0, dbref=False, array=False):
        found = []
        if dbref:
            found.append(bytes([self.dice.choice((2, 2, 2, 14))])
                         + b"$ref\0" + self.string())
            name = self.dice.choice((b"$id", b"$id", b"$db"))
            found.append(self.element(name, depth))
        for index in range(self.dice.randrange(5)):
            plain = array and self.dice.random() < 0.95
            found.append(self.element(b"%d" % index if plain else self.name(),
                                      depth))
        if depth == 0 and self.dice.random() < 0.6:
            found.insert(self.dice.randrange(len(found) + 1),
                         self.element(b"_id", 1))
        return sized(b"".join(found) + b"\0", 4)

    def skip(self):
        path = ".".join(self.dice.choices(SKIPPED, k=self.dice.randint(1, 3)))
        return self.dice.choice(("db.*", "*", "db.c", "x.y")) + ":" + path

    def request(self):
        skip = [self.skip() for _ in range(self.dice.choice((0, 0, 1, 3)))]
        return {"rules": self.dice.choice(RULES),
                "namespace": self.dice.choice(("db.c", "db.fs.files", "o.c")),
                "skip": [entry for entry in skip if not entry.endswith(":")],
                "doc_hex": self.document().hex()}


def expected(request):
    document = bytes.fromhex(request["doc_hex"])
    result = rewrite_bson.rewrite(
        rewrite_rules.compile_rules(request["rules"]), document,
        request["namespace"], request["skip"])
    return {"outcome": "same" if result.document == document else "changed",
            "out_hex": result.document.hex(), "counts": result.counts,
            "digest": f"{docdigest.document_digest(result.document):032x}"}


@pytest.mark.parametrize("seed", [1, 2])
def test_same_answers(seed):
    maker = Maker(seed)
    requests = [maker.request() for _ in range(COUNT)]
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    run = subprocess.run([TOOL], input=lines, capture_output=True, text=True,
                         timeout=250, check=True)
    answers = run.stdout.splitlines()
    assert len(answers) == len(requests)
    outcomes = set()
    for request, line in zip(requests, answers):
        answer = json.loads(line)
        answer.get("counts", {}).pop("dbrefs", None)
        assert answer == expected(request), json.dumps(request)
        outcomes.add(answer["outcome"])
    assert outcomes == {"same", "changed"}
