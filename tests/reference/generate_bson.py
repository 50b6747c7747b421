#!/usr/bin/env python3
"""Makes N random documents from a seed, as JSON lines for rewrite_cli.py and
its C counterpart: {"id", "rules", "namespace", "skip", "doc_hex"}.

    python3 generate_bson.py --seed 1 --count 10000 > documents

Strings and keys come from generate.py's texts; the shapes are those that point
2 speaks of: DBRefs and what only looks like one, GridFS files, scopes, arrays in
arrays, old types, duplicate and empty keys.
"""

import argparse
import json
import struct

import bson_walk
import generate
from bson_walk import Element, join, make_text

KEYS = [b"a", b"b", b"u", b"items", b"_id", b"filename", b"$ref", b"$id",
        b"$db", b"", b"0", b"a.b", b"\xff"]
NAMESPACES = ["db.c", "db.fs.files", "db.files", "db.x.y", "d.fs.chunks"]
SKIPS = ["db.*:a", "db.c:items.u", "*:a.*.u", "db.c:*.b", "db.fs.files:u",
         "*:_id", "db.?:u.u", "other.*:u", "*:items.*", "db.[bc]:a.b",
         "*:items.0"]
FIXED = [(0x01, "efbeadde0000f87f"), (0x01, "0000000000000080"), (0x06, ""),
         (0x07, "000102030405060708090a0b"), (0x08, "01"), (0x09, "ff" * 8),
         (0x0A, ""), (0x10, "01000000"), (0x11, "00" * 8), (0x12, "ff" * 8),
         (0x13, "ff" * 16), (0x7F, ""), (0xFF, "")]


class DocumentMaker(generate.Maker):
    """Documents around the texts of generate.Maker."""

    def short_text(self, rules):
        """Mostly something that a rule of the case meets."""
        if rules and self.odds(0.5):
            source = self.random.choice(rules)[0].replace("*", "app")
            return source.encode("utf-8") + b"/x"[:self.random.randrange(3)]
        return self.text(rules)

    def key(self, rules):
        if self.odds(0.05):
            return self.short_text(rules).replace(b"\0", b"")
        return self.random.choice(KEYS)

    def value(self, rules, depth):
        """(kind, raw value)"""
        pick = self.random.choice
        text = make_text(self.short_text(rules))
        kind = pick([0x02] * 5 + [0x03] * 3 + [0x04] * 2
                    + [0x05, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0])
        if kind in (0x03, 0x04, 0x0F) and depth > 4:
            kind = 0x02
        if kind in (0x02, 0x0D, 0x0E):
            return kind, text
        if kind == 0x03:
            return kind, self.document(rules, depth + 1)
        if kind == 0x04:
            values = [self.value(rules, depth + 1)
                      for _ in range(self.random.randrange(4))]
            return kind, join(Element(inner, b"%d" % index, value).raw()
                              for index, (inner, value) in enumerate(values))
        if kind == 0x05:
            data = self.short_text(rules)
            subtype = pick([0, 0, 2, 5, 0x80])
            if subtype == 2:
                data = struct.pack("<i", len(data)) + data
            return kind, struct.pack("<iB", len(data), subtype) + data
        if kind == 0x0B:
            pattern = self.short_text(rules).replace(b"\0", b"")
            return kind, pattern + b"\0i\0"
        if kind == 0x0C:
            return kind, text + bytes(12)
        if kind == 0x0F:
            return kind, bson_walk.make_code_and_scope(
                text, self.document(rules, depth + 1))
        kind, raw = pick(FIXED)
        return kind, bytes.fromhex(raw)

    def document(self, rules, depth=0):
        keys = [self.key(rules) for _ in range(self.random.randrange(5))]
        if self.odds(0.2):
            keys[:0] = [b"$ref", b"$id"]
        elements = []
        for key in keys:
            kind, value = self.value(rules, depth)
            if key == b"$ref" and self.odds(0.7):
                kind, value = 0x02, make_text(self.short_text(rules))
            elements.append(Element(kind, key, value).raw())
        return join(elements)


def cases(seed, count):
    """The cases of a seed, one dict each."""
    maker = DocumentMaker(seed)
    rules = []
    for number in range(count):
        if number % 4 == 0:
            rules = maker.rules()
        skips = maker.random.sample(SKIPS, maker.random.choice([0, 0, 1, 2]))
        yield {"id": f"{seed}-{number}", "rules": rules,
               "namespace": maker.random.choice(NAMESPACES), "skip": skips,
               "doc_hex": maker.document(rules).hex()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    arguments = parser.parse_args()
    for case in cases(arguments.seed, arguments.count):
        print(json.dumps(case))


if __name__ == "__main__":
    main()
