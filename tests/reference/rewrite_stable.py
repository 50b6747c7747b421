"""Instability (point 7): may a second pass change what the first one wrote?

"If a FROM matches inside a TO, or a TO or the end of one is the beginning of a
FROM (either scheme; an empty TO too), or a TO ends in one of point 5's
characters, a second pass may differ".

Readings
 1. A TO counts as it is written: as given and, where a protocol-relative match
    can write it so, without its scheme; `$1` is whatever label makes the fault.
 2. "The end of one is the beginning of a FROM" asks for a place where that FROM
    may stand: the left end (point 5) holds inside the TO.  Otherwise the `/` at
    the end of `https://cdn.example/u/` would be the beginning of `/uploads/`
    (and of every `//host/`), and every rule that ends in `/` would be unstable.
    Where the whole TO is the beginning of a FROM nothing is asked.
 3. The beginning of a FROM is any variant of it: either scheme or none, each
    escape style, both spellings of its host.
 4. "Point 5's characters" are white space and the list for `//` and `/`; the
    last character of TO is read as a neighbour is, decoded once.
"""

import itertools
import re

from rewrite_chars import is_white_space, prev_char
from rewrite_text import BEFORE_SLASH, find_matches, left_end

_LABEL = re.compile(rb"[A-Za-z0-9_-]+")
_STAR = object()
# The escape styles that URL characters can spell.
_STYLES = (b"/", b"%2F", b"&#x2F;", b"&#47;")


def _labels(rules):
    """Labels that `$1` may stand for: every piece of every label in a FROM, and
    one that is in none."""
    found = {b"zq9"}
    for rule in rules:
        for text in rule.hosts + (rule.rest, b"https", b"http"):
            for label in _LABEL.findall(text):
                found.update(label[i:j] for i in range(len(label))
                             for j in range(i + 1, len(label) + 1))
    return sorted(found)


def _forms(rule, rules):
    """TO in all the ways it may be written."""
    forms = {rule.to}
    if not rule.is_path and rule.to_has_host:
        forms.add(rule.to[rule.to.index(b"//"):])
    if rule.star and b"$1" in rule.to:
        labels = _labels(rules)
        forms = {form.replace(b"$1", label)
                 for form in forms for label in labels}
    return forms


def _tokens(rule, host, scheme, slash, port):
    """FROM as a list of (spellings, in any case?); _STAR for the `*`."""
    first, later = ((slash,), True), ((slash, b"/"), True)
    colon = ((b":", b"%3A") if slash == b"%2F" else (b":",), True)
    tokens = []
    if not rule.is_path:
        if scheme:
            tokens += [((scheme,), True), colon]
        tokens += [first, later]
        if rule.star:
            tokens.append(_STAR)
        tokens.append(((host,), True))
        if port:
            tokens += [colon, ((port,), False)]
    for byte in rule.rest:
        if byte == ord("/"):
            tokens.append(later if tokens else first)
        else:
            tokens.append(((bytes([byte]),), False))
    return tokens


def _same(a, b, any_case):
    return a == b or (any_case and a.lower() == b.lower())


def _begins(text, tokens):
    """Is text the beginning of something that the tokens spell?"""
    if not text:
        return True
    if not tokens:
        return False
    if tokens[0] is _STAR:
        label = _LABEL.match(text)
        return bool(label) and _begins(text[label.end():], tokens[1:])
    spellings, any_case = tokens[0]
    for spelling in spellings:
        length = min(len(text), len(spelling))
        if _same(text[:length], spelling[:length], any_case):
            if _begins(text[length:], tokens[1:]):
                return True
    return False


def _variants(rule):
    """(scheme, tokens) of every variant of a FROM."""
    schemes = (None,) if rule.is_path else (b"http", b"https", None)
    ports = (None,) if rule.is_path else (None, b"80", b"443")
    if rule.port:
        ports = (rule.port,)
    for slash, host, scheme, port in itertools.product(
            _STYLES, rule.hosts or (None,), schemes, ports):
        yield scheme, _tokens(rule, host, scheme, slash, port)


def _end_begins(form, variants):
    """Is form, or the end of it, the beginning of one of the FROMs?"""
    for start in range(max(1, len(form))):
        tail = form[start:]
        for scheme, tokens in variants:
            if _begins(tail, tokens) and (
                    start == 0 or left_end(form, start, scheme)):
                return True
    return False


def unstable(rules):
    """The indexes of the rules whose TO may make a second pass differ."""
    found = []
    variants = [variant for rule in rules for variant in _variants(rule)]
    for rule in rules:
        for form in _forms(rule, rules):
            last = prev_char(form, len(form))
            if (not form or is_white_space(last) or last in BEFORE_SLASH
                    or find_matches(rules, form)
                    or _end_begins(form, variants)):
                found.append(rule.index)
                break
    return found
