"""Rewriting one BSON document: the reference for points 2 and 8.

"String, symbol and code values at any depth, code-with-scope and its scope too.
Not keys, not the top-level `_id`, not binary, regular expressions, DBPointer,
the `$ref`, `$id`, `$db` of a DBRef (a subdocument whose first two keys are
`$ref`, a string, and `$id`), the top-level `filename` in a collection whose name
ends in `.files`, nor metadata. `rewritten` counts documents and values changed,
`unrewritten` counts matches left in those places. `--rewrite-skip NS:PATH`
(source names, globs in NS; arrays are transparent, `*` is any key) leaves a
subtree alone."

    out = rewrite_bson.rewrite(rules, raw, "db.coll", skips)
    out.document, out.counts, out.links

Readings
 1. Counters: keys; ids for the top-level `_id`, DBPointer, the three keys of a
    DBRef and the GridFS filename; binary; regex (pattern and options).  The
    outermost place wins: all that lies inside `_id` or a DBRef's `$id`, keys
    and binaries too, counts as ids.
 2. Of a code-with-scope, the code is one value; its scope's values count for
    themselves.  A scope is no subdocument, so it is never a DBRef itself.  The
    keys of arrays count as keys.
 3. "Changed" is what has other bytes afterwards: a match that becomes itself
    changes nothing.  `no_rule` is counted in the values that rules may change.
 4. Binary of subtype 2 is its data without the inner length.
 5. NS:PATH is split at the first colon; in NS `*` is any run of characters, dots
    too, and `?` one byte, nothing else is special; PATH is split at dots and
    names keys only, never positions in an array, and goes on into a scope.  In
    what is left alone nothing is counted; the key that names it is.
 6. The collection's name is what follows the first dot of the namespace; both
    are those of the source.
 7. Above 16 MiB means more than 16777216 bytes after a change; such a document
    is not counted as rewritten.
"""

import re
from collections import Counter
from dataclasses import dataclass

import bson_walk
import rewrite_links
import rewrite_text
from bson_walk import (ARRAY, BINARY, CODE, CODE_W_SCOPE, DBPOINTER, DOCUMENT,
                       REGEX, STRING, SYMBOL)

MAX_DOCUMENT = 16 * 1024 * 1024
COUNTERS = ("documents", "values", "keys", "ids", "binary", "regex", "no_rule")
_DBREF_KEYS = (b"$ref", b"$id", b"$db")


class TooLarge(ValueError):
    """The rewritten document would pass 16 MiB: quarantine."""


@dataclass
class Rewritten:
    document: bytes
    counts: dict
    links: list


def _glob_matches(glob, name):
    pattern = re.escape(glob.encode("utf-8"))
    pattern = pattern.replace(rb"\*", b".*").replace(rb"\?", b".")
    return re.fullmatch(pattern, name.encode("utf-8"), re.DOTALL) is not None


def skips_for(specs, namespace):
    """The paths (tuples of keys) that NS:PATH specs name in a namespace."""
    paths = []
    for spec in specs:
        glob, path = spec.split(":", 1)
        if _glob_matches(glob, namespace):
            paths.append(tuple(path.encode("utf-8").split(b".")))
    return paths


def _step(paths, key):
    """What is left of the paths behind a key."""
    return [path[1:] for path in paths if path[0] in (b"*", key)]


class _Walk:
    """One document on its way through the rules."""

    def __init__(self, rules):
        self.rules = rules
        self.counts = Counter()
        self.links = []
        self.known = {}

    def text(self, text):
        """Rewrites one value."""
        result = rewrite_text.rewrite(self.rules, text)
        self.counts["no_rule"] += result.no_rule
        self.links += rewrite_links.links(text, result.matches)
        if result.output != text:
            self.counts["values"] += 1
        return result.output

    def matches(self, text):
        if text not in self.known:
            self.known[text] = len(rewrite_text.find_matches(self.rules, text))
        return self.known[text]

    def leave(self, element, counter):
        """Counts the matches of an element that stays as it is; its own key is
        not looked at."""
        kind, value = element.kind, element.value
        if kind in (STRING, SYMBOL, CODE):
            self.counts[counter] += self.matches(bson_walk.text_of(value))
        elif kind == BINARY:
            self.counts[counter] += self.matches(bson_walk.binary_of(value))
        elif kind == REGEX:
            self.counts[counter] += sum(map(self.matches,
                                            bson_walk.regex_of(value)))
        elif kind == DBPOINTER:
            self.counts[counter] += self.matches(
                bson_walk.text_of(value[:-12]))
        elif kind in (DOCUMENT, ARRAY):
            self.leave_document(value, counter)
        elif kind == CODE_W_SCOPE:
            code, scope = bson_walk.code_and_scope(value)
            self.counts[counter] += self.matches(bson_walk.text_of(code))
            self.leave_document(scope, counter)

    def leave_document(self, document, counter):
        for element in bson_walk.elements(document):
            self.counts[counter] += self.matches(element.key)
            self.leave(element, counter)

    def value(self, element, paths):
        """The new bytes of a value that rules may change."""
        kind, value = element.kind, element.value
        if kind in (STRING, SYMBOL, CODE):
            old = bson_walk.text_of(value)
            new = self.text(old)
            return value if new == old else bson_walk.make_text(new)
        if kind == DOCUMENT:
            return self.document(value, paths, self.dbref_places(value))
        if kind == ARRAY:
            return self.document(value, paths, array=True)
        if kind == CODE_W_SCOPE:
            code, scope = bson_walk.code_and_scope(value)
            new = self.text(bson_walk.text_of(code))
            return bson_walk.make_code_and_scope(
                bson_walk.make_text(new), self.document(scope, paths))
        if kind == BINARY:
            self.leave(element, "binary")
        elif kind == REGEX:
            self.leave(element, "regex")
        elif kind == DBPOINTER:
            self.leave(element, "ids")
        return value

    @staticmethod
    def dbref_places(document):
        """The keys that stay if this subdocument is a DBRef."""
        first = list(bson_walk.elements(document))[:2]
        if ([element.key for element in first] == [b"$ref", b"$id"]
                and first[0].kind == STRING):
            return _DBREF_KEYS
        return ()

    def document(self, document, paths, stay=(), array=False):
        """Rewrites a document; stay: the keys whose values are ids."""
        parts = []
        for element in bson_walk.elements(document):
            self.counts["keys"] += self.matches(element.key)
            left = paths if array else _step(paths, element.key)
            value = element.value
            if not array and () in left:
                pass
            elif element.key in stay:
                self.leave(element, "ids")
            else:
                value = self.value(element, left)
            parts.append(bson_walk.Element(element.kind, element.key,
                                           value).raw())
        return bson_walk.join(parts)


def rewrite(rules, document, namespace, skips=()):
    """Rewrites a raw document of a namespace (its name on the source).

    Raises TooLarge, or bson_walk.BsonError on damage."""
    walk = _Walk(rules)
    stay = [b"_id"]
    if namespace.split(".", 1)[-1].endswith(".files"):
        stay.append(b"filename")
    new = walk.document(bytes(document), skips_for(skips, namespace),
                        tuple(stay))
    if new != document:
        if len(new) > MAX_DOCUMENT:
            raise TooLarge(f"{len(new)} bytes")
        walk.counts["documents"] = 1
    return Rewritten(new, {name: walk.counts[name] for name in COUNTERS},
                     walk.links)


def count_metadata(rules, document):
    """Matches in a document of metadata (options, pipeline, filter ...)."""
    walk = _Walk(rules)
    walk.leave_document(bytes(document), "metadata")
    return walk.counts["metadata"]
