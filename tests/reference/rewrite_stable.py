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

Three more ways in which a second pass does differ, which the text does not
name; all are counted as unstable:
 5. A TO, or the beginning of one, is how a FROM goes on, and the match may stand
    behind that FROM's beginning: `/p/https://b.example/` beside a rule that
    writes `https://b.example/`; `https:/` before a match that becomes `/u` and
    a FROM `https://*.b.example/`.
 6. A TO begins with `/`, and a FROM without an open end ends in a character
    behind which a scheme may stand (`https://[::1]`): before the scheme there
    was no right end, before the `/` there is one.
 7. A TO ends in the beginning of a %XX, which what follows may complete.
"""

import itertools
import re

from rewrite_chars import is_white_space, prev_char
from rewrite_text import BEFORE_SLASH, find_matches, left_end

_LABEL = re.compile(rb"[A-Za-z0-9_-]+")
_STAR = object()
_OPEN_ESCAPE = re.compile(rb"%[0-9A-Fa-f]?\Z")
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
    """TO in all the ways it may be written: (bytes, the kinds of match that
    write it so: "scheme" or None)."""
    if rule.is_path:
        forms = [(rule.to, (None,))]
    elif rule.to_has_host:
        forms = [(rule.to, (b"scheme",)),
                 (rule.to[rule.to.index(b"//"):], (None,))]
    else:
        forms = [(rule.to, (b"scheme", None))]
    if rule.star and b"$1" in rule.to:
        forms = [(form.replace(b"$1", label), kinds)
                 for form, kinds in forms for label in _labels(rules)]
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


def _continues(form, tokens):
    """Does form, or the beginning of it, spell the tokens to their end?"""
    if not tokens or not form:
        return True
    if tokens[0] is _STAR:
        label = _LABEL.match(form)
        return bool(label) and _continues(form[label.end():], tokens[1:])
    spellings, any_case = tokens[0]
    for spelling in spellings:
        length = min(len(form), len(spelling))
        if _same(form[:length], spelling[:length], any_case):
            if _continues(form[length:], tokens[1:]):
                return True
    return False


def _by_char(tokens):
    """The tokens with hosts and other words cut into characters."""
    cut = []
    for token in tokens:
        if token is _STAR or len(token[0]) > 1 or token[0][0] in _STYLES:
            cut.append(token)
        else:
            cut += [((bytes([byte]),), token[1]) for byte in token[0][0]]
    return cut


def _later_parts(variants):
    """Fault 5: (kind, tokens) of each part of a FROM, to its end, before which
    a match of that kind may begin."""
    parts = {}
    for _, tokens in variants:
        tokens = _by_char(tokens)
        for index in range(1, len(tokens)):
            if tokens[index - 1] is _STAR:
                continue
            before = tokens[index - 1][0][0]
            for kind in (b"scheme", None):
                if left_end(before, len(before), kind):
                    part = (kind, tuple(tokens[index:]))
                    parts[part] = None
    return list(parts)


def _needs_right_end(rule):
    """Fault 6: may a scheme stand right behind this FROM?"""
    end = rule.rest or rule.port or (rule.hosts[0] if rule.hosts else b"")
    return not rule.open_end and left_end(end, len(end), b"scheme")


def unstable(rules):
    """The indexes of the rules whose TO may make a second pass differ."""
    found = []
    variants = [variant for rule in rules for variant in _variants(rule)]
    parts = _later_parts(variants)
    brittle = any(_needs_right_end(rule) for rule in rules)
    for rule in rules:
        for form, kinds in _forms(rule, rules):
            last = prev_char(form, len(form))
            if (not form or is_white_space(last) or last in BEFORE_SLASH
                    or _OPEN_ESCAPE.search(form)
                    or (brittle and form[:1] == b"/" and b"scheme" in kinds)
                    or find_matches(rules, form)
                    or _end_begins(form, variants)
                    or any(kind in kinds and _continues(form, tokens)
                           for kind, tokens in parts)):
                found.append(rule.index)
                break
    return found
