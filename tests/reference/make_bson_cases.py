#!/usr/bin/env python3
"""Writes fixtures/rewriting/bson.jsonl and digest.jsonl.

Both sides of every case are spelled out here, element by element; neither comes
from the reference engine.  An element is (BSON bytes, Extended JSON), so that
the file holds the hex that counts and a text for people.
"""

import json
import struct
from pathlib import Path

import xxhash

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "rewriting"
O, N = "https://old.example/a", "https://new.example/a"
RULES = [["https://old.example/", "https://new.example/"]]
PATHS = [["/uploads/", "https://cdn.example/u/"]]
LONGER = [["https://old.example/", "https://new-host.example/"]]
OID = bytes(range(12))
MAX = 16 * 1024 * 1024
CASES = []
DIGESTS = []


# --- elements ---------------------------------------------------------------

def octets(text):
    return text if isinstance(text, bytes) else text.encode("utf-8")


def shown(text):
    return json.dumps(octets(text).decode("utf-8", "backslashreplace"),
                      ensure_ascii=False)


def lstring(text):
    return struct.pack("<i", len(octets(text)) + 1) + octets(text) + b"\0"


def el(kind, key, value, text):
    return bytes([kind]) + octets(key) + b"\0" + value, f"{shown(key)}: {text}"


def s(key, text):
    return el(0x02, key, lstring(text), shown(text))


def symbol(key, text):
    return el(0x0E, key, lstring(text), f'{{"$symbol": {shown(text)}}}')


def code(key, text):
    return el(0x0D, key, lstring(text), f'{{"$code": {shown(text)}}}')


def scoped(key, text, scope):
    body = lstring(text) + scope[0]
    return el(0x0F, key, struct.pack("<i", len(body) + 4) + body,
              f'{{"$code": {shown(text)}, "$scope": {scope[1]}}}')


def binary(key, data, subtype=0):
    data = octets(data)
    return el(0x05, key, struct.pack("<iB", len(data), subtype) + data,
              f'{{"$binary": {shown(data)}, "$type": "{subtype:02x}"}}')


def regex(key, pattern, options=""):
    return el(0x0B, key, octets(pattern) + b"\0" + octets(options) + b"\0",
              f'{{"$regex": {shown(pattern)}, "$options": {shown(options)}}}')


def pointer(key, text):
    return el(0x0C, key, lstring(text) + OID,
              f'{{"$dbPointer": {{"$ref": {shown(text)}}}}}')


def i(key, number):
    return el(0x10, key, struct.pack("<i", number), str(number))


def raw(kind, key, hexadecimal, text):
    return el(kind, key, bytes.fromhex(hexadecimal), text)


def doc(*elements):
    body = b"".join(element[0] for element in elements)
    return (struct.pack("<i", len(body) + 5) + body + b"\0",
            "{" + ", ".join(element[1] for element in elements) + "}")


def d(key, *elements):
    inner = doc(*elements)
    return el(0x03, key, *inner)


def a(key, *elements):
    """An array; its elements bring their own keys."""
    inner = doc(*elements)
    texts = [element[1].split(": ", 1)[1] for element in elements]
    return el(0x04, key, inner[0], "[" + ", ".join(texts) + "]")


# --- cases ------------------------------------------------------------------

def case(point, slug, before, after=None, rules=None, ns="db.pages", skip=(),
         reading=None, comment=None, **counts):
    """after=None: unchanged.  counts: all that are not named are 0; documents
    is 1 where the document changes."""
    found = {"id": f"{point}-{slug}", "point": point, "rules": rules or RULES,
             "namespace": ns, "skip": list(skip)}
    if reading:
        found["reading"] = reading
    if comment:
        found["comment"] = comment
    found["doc_hex"] = before[0].hex()
    found["out_hex"] = (after or before)[0].hex()
    names = ("documents", "values", "keys", "ids", "binary", "regex",
             "no_rule")
    found["counts"] = {name: counts.pop(name, 0) for name in names}
    found["counts"]["documents"] = 1 if after else 0
    assert not counts, counts
    found["doc"] = before[1]
    if after:
        found["out"] = after[1]
    CASES.append(found)


def large(slug, url, fill, out_url, rules, error=None, comment=None):
    """A document of one URL and a long string, given as [hex, times] parts."""
    def parts(text):
        body = s("u", text)[0]
        size = 4 + len(body) + 3 + 4 + fill + 1 + 1
        head = (struct.pack("<i", size) + body + b"\x02f\0"
                + struct.pack("<i", fill + 1))
        return [[head.hex(), 1], ["78", fill], ["0000", 1]]

    found = {"id": f"8-{slug}", "point": 8, "rules": rules,
             "namespace": "db.pages", "skip": [], "comment": comment,
             "doc_parts": parts(url)}
    if error:
        found["error"] = error
    else:
        found["out_parts"] = parts(out_url)
        changed = 1 if url != out_url else 0
        found["counts"] = {"documents": changed, "values": changed, "keys": 0,
                           "ids": 0, "binary": 0, "regex": 0, "no_rule": 0}
    CASES.append(found)


def places():
    """Point 2: which values change."""
    case(2, "string", doc(i("_id", 1), s("url", O)),
         doc(i("_id", 1), s("url", N)), values=1)
    case(2, "two-in-one-value", doc(s("t", f"{O} {O}")),
         doc(s("t", f"{N} {N}")), values=1, comment="values, not matches")
    case(2, "depth", doc(d("a", s("u", O), d("b", s("u", O)))),
         doc(d("a", s("u", N), d("b", s("u", N)))), values=2)
    case(2, "arrays", doc(a("a", s("0", O), a("1", s("0", O)),
                            d("2", s("u", O)))),
         doc(a("a", s("0", N), a("1", s("0", N)), d("2", s("u", N)))),
         values=3)
    case(2, "symbol-and-code", doc(symbol("s", O), code("c", f'f("{O}")')),
         doc(symbol("s", N), code("c", f'f("{N}")')), values=2)
    case(2, "code-with-scope",
         doc(scoped("c", f'f("{O}")', doc(s("u", O), d("d", s("u", O))))),
         doc(scoped("c", f'f("{N}")', doc(s("u", N), d("d", s("u", N))))),
         values=3)
    case(2, "scope-only", doc(scoped("c", "f(u)", doc(s("u", O)))),
         doc(scoped("c", "f(u)", doc(s("u", N)))), values=1)
    case(2, "start-of-value", doc(s("a", "/uploads/x"), s("b", "x/uploads/x")),
         doc(s("a", "https://cdn.example/u/x"), s("b", "x/uploads/x")),
         rules=PATHS, values=1)
    case(2, "inner-nul", doc(s("a", f"x\0{O}\0")), doc(s("a", f"x\0{N}\0")),
         values=1)
    deep_old, deep_new = s("u", O), s("u", N)
    for _ in range(40):
        deep_old, deep_new = d("d", deep_old), d("d", deep_new)
    case(2, "forty-deep", doc(deep_old), doc(deep_new), values=1)
    case(2, "no-rule", doc(s("a", "old.example"), s("b", f"{O} old.example"),
                           s("old.example", "x")),
         doc(s("a", "old.example"), s("b", f"{N} old.example"),
             s("old.example", "x")), values=1, no_rule=2,
         reading="bson 3", comment="not in keys")
    case(2, "becomes-itself", doc(s("a", O)),
         rules=[["https://old.example/", "https://old.example/"]],
         reading="bson 3")


def left_alone():
    """Point 2: where matches stay and are counted."""
    case(2, "key", doc(i(O, 1)), keys=1)
    case(2, "keys-deep", doc(d(O, a("a", d("0", i(O, 1)))),
                             scoped("c", "x", doc(i(O, 1)))), keys=3)
    case(2, "key-and-value", doc(s(O, O)), doc(s(O, N)), values=1, keys=1)
    case(2, "id", doc(s("_id", O), s("u", O)), doc(s("_id", O), s("u", N)),
         values=1, ids=1)
    case(2, "id-later", doc(s("u", O), s("_id", f"{O} {O}")),
         doc(s("u", N), s("_id", f"{O} {O}")), values=1, ids=2,
         comment="matches, not values")
    case(2, "id-document", doc(d("_id", s("u", O), s(O, "x"),
                                 binary("b", O), d("d", s("u", O)))),
         ids=4, reading="bson 1")
    case(2, "id-not-top", doc(d("a", s("_id", O))), doc(d("a", s("_id", N))),
         values=1)
    case(2, "binary", doc(binary("b", O), binary("c", f"{O} {O}", 0x80),
                          binary("d", b"\xff\0" + octets(O), 5)), binary=4)
    case(2, "binary-old", doc(binary("b", struct.pack("<i", 10) + b"/uploads/a",
                                     2)), rules=PATHS, binary=1,
         reading="bson 4", comment="the data begin behind the inner length")
    case(2, "regex", doc(regex("r", "^https://old.example/", "i"),
                         regex("q", r"^https:\/\/old.example\/")), regex=2)
    case(2, "dbpointer", doc(pointer("p", O)), ids=1, reading="bson 1")
    case(2, "dbref", doc(d("r", s("$ref", O), s("$id", O), s("$db", O),
                           s("u", O))),
         doc(d("r", s("$ref", O), s("$id", O), s("$db", O), s("u", N))),
         values=1, ids=3)
    case(2, "dbref-db-later", doc(d("r", s("$ref", "c"), i("$id", 1),
                                    s("u", O), s("$db", O))),
         doc(d("r", s("$ref", "c"), i("$id", 1), s("u", N), s("$db", O))),
         values=1, ids=1)
    case(2, "dbref-id-document", doc(a("r", d("0", s("$ref", "c"),
                                              d("$id", s("u", O), s(O, O))))),
         ids=3, reading="bson 1")
    case(2, "dbref-other-order", doc(d("r", s("$id", O), s("$ref", O))),
         doc(d("r", s("$id", N), s("$ref", N))), values=2,
         comment="$ref must come first")
    case(2, "dbref-not-string", doc(d("r", i("$ref", 1), s("$id", O))),
         doc(d("r", i("$ref", 1), s("$id", N))), values=1)
    case(2, "dbref-not-first", doc(d("r", i("x", 1), s("$ref", O),
                                     s("$id", O))),
         doc(d("r", i("x", 1), s("$ref", N), s("$id", N))), values=2)
    case(2, "dbref-top", doc(s("$ref", O), s("$id", O)),
         doc(s("$ref", N), s("$id", N)), values=2,
         comment="the document itself is no subdocument")
    case(2, "dbref-inside", doc(d("r", s("$ref", "c"), i("$id", 1),
                                  d("x", s("$id", O)))),
         doc(d("r", s("$ref", "c"), i("$id", 1), d("x", s("$id", N)))),
         values=1, comment="$id of another subdocument")
    case(2, "files", doc(s("filename", O), s("u", O),
                         d("metadata", s("filename", O))),
         doc(s("filename", O), s("u", N), d("metadata", s("filename", N))),
         ns="db.fs.files", values=2, ids=1, reading="bson 1")
    case(2, "files-not", doc(s("filename", O)), doc(s("filename", N)),
         ns="db.files", values=1,
         comment="the collection's name is files; it does not end in .files")
    case(2, "files-chunks", doc(s("filename", O)), doc(s("filename", N)),
         ns="db.fs.chunks", values=1)


def skips():
    """Point 2: --rewrite-skip."""
    both, one = doc(s("u", O), s("v", O)), doc(s("u", O), s("v", N))
    case(2, "skip", both, one, skip=["db.pages:u"], values=1)
    case(2, "skip-glob", both, one, skip=["db.*:u"], values=1)
    case(2, "skip-question-mark", both, one, skip=["d?.p?ges:u"], values=1)
    case(2, "skip-no-class", both, doc(s("u", N), s("v", N)),
         skip=["db.[p]ages:u"], values=2, reading="bson 5",
         comment="* and ? are all that a glob has")
    case(2, "skip-other-namespace", both, doc(s("u", N), s("v", N)),
         skip=["other.*:u", "db.page:u"], values=2)
    case(2, "skip-subtree", doc(d("m", s("u", O), d("x", s("u", O), i(O, 1)),
                                  s("h", "old.example")), s("v", O)),
         doc(d("m", s("u", O), d("x", s("u", O), i(O, 1)),
               s("h", "old.example")), s("v", N)),
         skip=["db.pages:m"], values=1, reading="bson 5",
         comment="nothing is counted in what is left alone")
    items = [a("items", d("0", s("u", O), s("v", O)), d("1", s("u", O))),
             a("items", d("0", s("u", O), s("v", N)), d("1", s("u", O)))]
    case(2, "skip-array", doc(items[0]), doc(items[1]),
         skip=["db.pages:items.u"], values=1)
    case(2, "skip-array-of-arrays", doc(a("x", a("0", d("0", s("u", O))))),
         skip=["db.pages:x.u"])
    case(2, "skip-no-position", doc(a("x", d("0", s("u", O)))),
         doc(a("x", d("0", s("u", N)))), skip=["db.pages:x.0.u"], values=1,
         reading="bson 5")
    case(2, "skip-star", doc(d("x", d("a", s("u", O)), d("b", s("u", O),
                                                         s("v", O)))),
         doc(d("x", d("a", s("u", O)), d("b", s("u", O), s("v", N)))),
         skip=["db.pages:x.*.u"], values=1)
    case(2, "skip-star-one-key", doc(d("x", s("u", O), d("y", s("u", O)))),
         doc(d("x", s("u", N), d("y", s("u", O)))),
         skip=["db.pages:x.*.u"], values=1, comment="* is one key")
    case(2, "skip-scope", doc(scoped("f", f'g("{O}")', doc(s("u", O)))),
         doc(scoped("f", f'g("{N}")', doc(s("u", O)))),
         skip=["db.pages:f.u"], values=1, reading="bson 5")
    case(2, "skip-id", doc(s("_id", O), binary("b", O), s("v", O)),
         doc(s("_id", O), binary("b", O), s("v", N)),
         skip=["db.pages:_id", "db.pages:b"], values=1, reading="bson 5")
    case(2, "skip-key-counts", doc(d("m", s(O, O))), skip=["db.pages:m.*"],
         keys=1, reading="bson 5")
    case(2, "skip-prefix", doc(s("url", O)), doc(s("url", N)),
         skip=["db.pages:u", "db.pages:url.x"], values=1)


def bytes_kept():
    """Point 8."""
    odd = [raw(0x01, "nan", "efbeadde0000f87f", "NaN with payload"),
           raw(0x01, "zero", "0000000000000080", "-0.0"),
           raw(0x06, "undefined", "", '{"$undefined": true}'),
           raw(0x13, "decimal", "ff" * 15 + "7f", "odd decimal"),
           raw(0x11, "ts", "00" * 8, "Timestamp(0,0)"),
           raw(0xFF, "min", "", '{"$minKey": 1}'),
           raw(0x7F, "max", "", '{"$maxKey": 1}'),
           raw(0x07, "oid", OID.hex(), "an ObjectId"),
           raw(0x09, "date", "ff" * 8, "a date"),
           raw(0x0A, "null", "", "null"), raw(0x08, "bool", "01", "true"),
           raw(0x12, "long", "00" * 7 + "80", "the least int64"),
           pointer("p", "db.c"), regex("r", "a", "xi")]
    case(8, "odd-types", doc(*odd))
    case(8, "odd-types-around", doc(*odd, s("u", O), *odd),
         doc(*odd, s("u", N), *odd), values=1)
    case(8, "empty", doc())
    case(8, "duplicate-keys", doc(i("a", 1), s("a", O), i("a", 2)),
         doc(i("a", 1), s("a", N), i("a", 2)), values=1)
    case(8, "empty-keys", doc(s("", O), i("", 1)), doc(s("", N), i("", 1)),
         values=1)
    case(8, "not-utf8", doc(s("a", b"\xff\xfe"), i(b"\xc3", 1), s("u", O)),
         doc(s("a", b"\xff\xfe"), i(b"\xc3", 1), s("u", N)), values=1)
    case(8, "not-utf8-in-value", doc(s("u", b"\xff " + octets(O) + b"\xc3")),
         doc(s("u", b"\xff " + octets(N) + b"\xc3")), values=1)
    case(8, "array-keys", doc(a("a", s("7", O), s("0", O), s("x", "y"))),
         doc(a("a", s("7", N), s("0", N), s("x", "y"))), values=2)
    case(8, "dollar-keys", doc(d("$set", s("a.b", O), s("$x", O))),
         doc(d("$set", s("a.b", N), s("$x", N))), values=2)
    case(8, "shorter", doc(a("a", d("0", s("u", O), i("n", 1)))),
         doc(a("a", d("0", s("u", "/a"), i("n", 1)))), values=1,
         rules=[["https://old.example/", "/"]])
    case(8, "to-nothing", doc(s("u", "https://old.example")), doc(s("u", "")),
         values=1, rules=[["https://old.example", ""]])
    case(8, "lengths-three-deep",
         doc(d("a", scoped("c", f'"{O}"', doc(a("x", s("0", O)))), i("n", 1))),
         doc(d("a", scoped("c", '"https://new-host.example/a"',
                           doc(a("x", s("0", "https://new-host.example/a")))),
               i("n", 1))), rules=LONGER, values=2)
    longer = "https://new-host.example/a"
    fill = MAX - (4 + len(s("u", longer)[0]) + 3 + 4 + 1 + 1)
    large("exactly-16-mib", O, fill, longer, LONGER,
          comment="16777216 bytes after the change")
    large("passes-16-mib", O, fill + 1, longer, LONGER, error="too_large",
          comment="one byte more: quarantine")
    large("large-without-match", "x", MAX, "x", LONGER,
          comment="no match: byte for byte, whatever its size")


def digest(slug, document, ordered, meta=None, comment=None):
    """ordered: the document as it is to be hashed."""
    found = {"id": slug, "doc_hex": document[0].hex()}
    if meta:
        found["meta_field"] = meta
    found["time_series"] = meta is not None
    if comment:
        found["comment"] = comment
    found["digest"] = xxhash.xxh3_128_hexdigest(ordered[0], seed=0)
    found["doc"] = document[1]
    DIGESTS.append(found)


def digests():
    """Digests of documents."""
    digest("id-first", *[doc(i("_id", 1), s("a", "x"))] * 2)
    digest("id-later", doc(s("a", "x"), i("_id", 1), s("b", "y")),
           doc(i("_id", 1), s("a", "x"), s("b", "y")))
    digest("id-missing", *[doc(s("a", "x"))] * 2)
    digest("empty", *[doc()] * 2)
    digest("id-twice", doc(s("a", "x"), i("_id", 1), i("_id", 2)),
           doc(i("_id", 1), s("a", "x"), i("_id", 2)),
           comment="the first one moves")
    digest("id-inside", *[doc(d("a", s("x", "y"), i("_id", 1)))] * 2,
           comment="only the top-level one")
    digest("order-counts", *[doc(i("_id", 1), i("b", 1), i("a", 2))] * 2)
    digest("measurement",
           doc(raw(0x09, "t", "00" * 8, "date"), d("m", i("b", 1), i("a", 2)),
               i("_id", 1), d("v", i("b", 1), i("a", 2)), i("A", 3)),
           doc(i("_id", 1), i("A", 3), d("m", i("a", 2), i("b", 1)),
               raw(0x09, "t", "00" * 8, "date"),
               d("v", i("b", 1), i("a", 2))), meta="m",
           comment="top level and metaField sorted, other fields as they are")
    digest("measurement-deep",
           doc(d("m", d("y", i("b", 1), i("a", 2)),
                 a("x", d("0", i("b", 1), i("a", 2)), i("1", 9), i("0", 8))),
               i("_id", 1)),
           doc(i("_id", 1), d("m", a("x", d("0", i("a", 2), i("b", 1)),
                                     i("1", 9), i("0", 8)),
                              d("y", i("a", 2), i("b", 1)))), meta="m",
           comment="documents in the metaField at every depth; arrays keep "
                   "their order")


def write(name, found):
    with open(FIXTURES / name, "w", encoding="utf-8") as lines:
        for entry in found:
            lines.write(json.dumps(entry, ensure_ascii=False) + "\n")
    print(f"{name}: {len(found)}")


def main():
    for group in (places, left_alone, skips, bytes_kept, digests):
        group()
    write("bson.jsonl", CASES)
    write("digest.jsonl", DIGESTS)


if __name__ == "__main__":
    main()
