"""URL rewriting over plain text: the reference engine (docs/REWRITING.md, points
3 to 7).

Written from the text of the contract alone and for literalness, not for speed:
every start position is tried from the left, all rules that match there are
collected, and point 7 chooses among them.

    rules = rewrite_rules.compile_rules([("https://a.example/", "https://b/")])
    result = rewrite_text.rewrite(rules, b"... https://a.example/x ...")
    result.output, result.matches, result.no_rule

Readings (where the text leaves room, and what was taken)
 1. In `%2F` style the colon behind the scheme and the one before a port may be
    `:`, `%3A` or `%3a`, each for itself; in other styles only `:`.  All other
    characters of FROM are matched as they are: path and query case-sensitive,
    scheme and host in any ASCII case; a `?` of FROM is never `%3F`.
 2. Slashes of FROM behind the first: plain, or in the first one's style, each
    with its own hex case and its own number of backslashes (one or more).
    `\\u002F` has exactly one backslash; `&#x2F;` may have a capital X.
 3. "As found" (hex case, number of backslashes) is the spelling of the match's
    first slash; it is also "the first escape" of `%2F` style.
 4. A match begins at the scheme's first letter, else at its first slash, and an
    escaped slash begins with its first backslash: all of the run belong to it
   (a start further in has a backslash on its left, which point 5 refuses).
 5. The default port stands behind the host as exactly 80 or 443, no leading
    zeros, followed by no digit; it is consumed at most once.  Where something
    of FROM follows the host ("FROM has a path" includes a query or fragment)
    it stands between the two.
 6. "The match's first colon" is the first colon of the text that was matched as
    one of FROM or of a port: behind the scheme, else in the host or before the
    port, else in the path.  "`%3A` where it has none" follows the hex case of
    the first escape.
 7. "A quote" (point 6) is one of " ' `.
 8. A `.` or `:` is also one that is written as an escape (next character,
    decoded); but a default port behind an escaped colon is taken only in `%2F`
    style (reading 1).
 9. `\\uD83D\\uDE00` is one character; half a pair alone is like a byte that is
    not UTF-8.  An entity whose number is no Unicode character is plain text.
10. Left neighbours are read in the value as it was, also right behind another
    match.
11. Point 7 after all its criteria: the rule given first.  For a path "from the
    host on" is the whole match; "port not counted" also means FROM's own port.
12. `no_rule`: an occurrence is the host alone (either spelling, any case; of a
    `*` host the label and the rest), without FROM's port.  Left it is bounded
    as a scheme is (not after [A-Za-z0-9+.-]), right as a FROM without path is,
    with 80 or 443 as default port.  Hence `x%252Fold.example` does not count
    (decoded once, F stands before it), and neither does `old.example:3000`.
    Of overlapping occurrences the leftmost longest counts, once however many
    rules share the host; one that overlaps a match does not count.
13. A protocol-relative match under a TO with host becomes TO without its scheme
    and colon.
"""

import re
from dataclasses import dataclass, field

from rewrite_chars import (EDGE, LETTERS_DIGITS, QUOTES, is_foreign_letter,
                           is_white_space, next_char, prev_char)
from rewrite_rules import DEFAULT_PORT

PLAIN, BACKSLASH, UNICODE, PERCENT, ENTITY_HEX, ENTITY_DEC = (
    "plain", "backslash", "unicode", "percent", "entity_hex", "entity_dec")

# Point 4: the escape styles, by the spelling of one slash.
SLASH = {
    PLAIN: re.compile(rb"/"),
    BACKSLASH: re.compile(rb"\\+/"),
    UNICODE: re.compile(rb"(?<!\\)\\u002[Ff]"),
    PERCENT: re.compile(rb"%2[Ff]"),
    ENTITY_HEX: re.compile(rb"&#[Xx]2[Ff];"),
    ENTITY_DEC: re.compile(rb"&#47;"),
}
_COLON = re.compile(rb":")
_COLON_PERCENT = re.compile(rb":|%3[Aa]")
_SCHEME = re.compile(rb"https?", re.IGNORECASE)
_STAR = re.compile(rb"[A-Za-z0-9_-]+")
_DIGITS = re.compile(rb"[0-9]+")
_UNRESERVED = LETTERS_DIGITS | frozenset(b"._~-")
# No match begins with anything else.
_START = re.compile(rb"http|[/\\]|%2f|&#", re.IGNORECASE)

# Point 5
_NOT_BEFORE_SCHEME = LETTERS_DIGITS | frozenset(b"+.-")
BEFORE_SLASH = frozenset(b"\"'`([{<>=,;|")
# Point 6
_NOT_BEHIND = LETTERS_DIGITS | frozenset(b"_@~%-")
_NOT_BEHIND_DOT = LETTERS_DIGITS | frozenset(b"_-")


@dataclass(frozen=True)
class Match:
    """One match: text[start:end] becomes `replacement`."""
    start: int
    end: int
    rule: object
    scheme: bytes  # of the text, lowered; None: protocol-relative or a path
    style: str
    slash: bytes   # the first slash as found
    colon: bytes   # the first colon as found, or None
    label: bytes   # what `*` stood for, or None
    weight: int    # length from the host on, port not counted
    replacement: bytes


@dataclass
class Result:
    output: bytes
    matches: list = field(default_factory=list)
    no_rule: int = 0


class _Reader:
    """Reads one candidate match from left to right and notes what it finds."""

    def __init__(self, text, pos, style):
        self.text = text
        self.pos = pos
        self.style = style
        self.slash = None
        self.colon = None
        self.port_length = 0

    def literal(self, wanted, any_case=False):
        found = self.text[self.pos:self.pos + len(wanted)]
        if found != wanted and not (any_case
                                    and found.lower() == wanted.lower()):
            return False
        self.pos += len(wanted)
        return True

    def slash_of_from(self):
        """Point 4: the first slash is in the style, later ones may be plain."""
        found = SLASH[self.style].match(self.text, self.pos)
        if not found and self.slash is not None:
            found = SLASH[PLAIN].match(self.text, self.pos)
        if not found:
            return False
        if self.slash is None:
            self.slash = found.group()
        self.pos = found.end()
        return True

    def colon_of_from(self):
        pattern = _COLON_PERCENT if self.style == PERCENT else _COLON
        found = pattern.match(self.text, self.pos)
        if not found:
            return False
        self.colon = self.colon or found.group()
        self.pos = found.end()
        return True

    def own_port(self, port):
        start = self.pos
        if not self.colon_of_from() or not self.literal(port):
            return False
        self.port_length = self.pos - start
        return True

    def default_port(self, ports):
        """Consumes the default port if it stands here: the whole run of
        digits."""
        start, colon = self.pos, self.colon
        if self.colon_of_from():
            digits = _DIGITS.match(self.text, self.pos)
            if digits and digits.group() in ports:
                self.pos = digits.end()
                self.port_length = self.pos - start
                return True
        self.pos, self.colon = start, colon
        return False

    def host(self, host):
        if not self.literal(host, any_case=True):
            return False
        if b":" in host:  # an IPv6 address
            self.colon = self.colon or b":"
        return True

    def rest(self, rest):
        """FROM's path, query and fragment, byte for byte but for slashes."""
        for byte in rest:
            if byte == ord("/"):
                if not self.slash_of_from():
                    return False
                continue
            if not self.literal(bytes([byte])):
                return False
            if byte == ord(":"):
                self.colon = self.colon or b":"
        return True


def left_end(text, start, scheme):
    """Point 5: "A scheme may not follow `[A-Za-z0-9+.-]`. A `//` or `/` match
    stands only at the start of the value or after white space or one of
    `" ' ` ( [ { < > = , ; |`"."""
    char = prev_char(text, start)
    if scheme:
        return char not in _NOT_BEFORE_SCHEME
    return char == EDGE or is_white_space(char) or char in BEFORE_SLASH


def right_end(reader, ports):
    """Point 6 for a FROM that does not end in `/ ? = #`.  ports: the default
    ports that may follow (none where FROM has a path or a port)."""
    text = reader.text
    char, behind = next_char(text, reader.pos)
    if char == EDGE:
        return True
    if char in _NOT_BEHIND or is_foreign_letter(char):
        return False
    if char == ord("."):
        after, _ = next_char(text, behind)
        return not (after in _NOT_BEHIND_DOT or is_foreign_letter(after))
    if char == ord(":"):
        after, _ = next_char(text, behind)
        if after == EDGE or is_white_space(after) or after in QUOTES:
            return True
        return (bool(ports) and reader.default_port(ports)
                and right_end(reader, ()))
    return True


def _default_ports(rule, scheme):
    """Point 3: "where FROM has no port the default port of the text's scheme
    (80 or 443 when protocol-relative)"."""
    if rule.port is not None:
        return ()
    return (DEFAULT_PORT[scheme],) if scheme else (b"80", b"443")


def _write(rule, reader, scheme, label):
    """What the match becomes (points 1, 3 and 4)."""
    to = rule.to
    if not rule.is_path and scheme is None and rule.to_has_host:
        to = to[to.index(b"//"):]
    if rule.star:
        to = to.replace(b"$1", label)
    if reader.style != PERCENT:
        return to.replace(b"/", reader.slash)
    form = "%%%02x" if reader.slash.endswith(b"f") else "%%%02X"
    written = bytearray()
    for byte in to:
        if byte in _UNRESERVED:
            written.append(byte)
        elif byte == ord(":") and reader.colon is not None:
            written += reader.colon
        else:
            written += (form % byte).encode("ascii")
    return bytes(written)


def _candidate(text, start, rule, host, style):
    """The match of one rule, one spelling of its host and one style at start,
    or None."""
    reader = _Reader(text, start, style)
    scheme = label = None
    from_host = start
    if rule.is_path:
        if not reader.rest(rule.rest):
            return None
        ports = ()
    else:
        found = _SCHEME.match(text, start)
        if found:
            scheme = found.group().lower()
            reader.pos = found.end()
            if not reader.colon_of_from():
                return None
        if not reader.slash_of_from() or not reader.slash_of_from():
            return None
        from_host = reader.pos
        if rule.star:
            found = _STAR.match(text, reader.pos)
            if not found:
                return None
            label = found.group()
            reader.pos = found.end()
        if not reader.host(host):
            return None
        ports = _default_ports(rule, scheme)
        if rule.port is not None and not reader.own_port(rule.port):
            return None
        if rule.rest:
            reader.default_port(ports)
            ports = ()
        if not reader.rest(rule.rest):
            return None
    if not left_end(text, start, scheme):
        return None
    if not rule.open_end and not right_end(reader, ports):
        return None
    weight = reader.pos - from_host - reader.port_length
    return Match(start, reader.pos, rule, scheme, style, reader.slash,
                 reader.colon, label, weight,
                 _write(rule, reader, scheme, label))


def _candidates(text, start, rules):
    for style in SLASH:
        for rule in rules:
            for host in rule.hosts or (None,):
                match = _candidate(text, start, rule, host, style)
                if match:
                    yield match


def _preference(match):
    """Point 7: "the longest matched text from the host on (port not counted),
    then a FROM without `*`, then the rule whose scheme the text has, else the
    https one"."""
    rule = match.rule
    if rule.is_path or rule.scheme == match.scheme:
        scheme = 0
    else:
        scheme = 1 if rule.scheme == b"https" else 2
    return -match.weight, rule.star, scheme, rule.index


def find_matches(rules, text):
    """Point 7: "leftmost match ... One pass; what was written is not read
    again"."""
    matches = []
    pos = 0
    while True:
        start = _START.search(text, pos)
        if not start:
            return matches
        pos = start.start()
        found = list(_candidates(text, pos, rules))
        if found:
            best = min(found, key=_preference)
            matches.append(best)
            pos = max(best.end, pos + 1)
        else:
            pos += 1


def _host_occurrences(rules, text):
    """(start, end) of every bounded occurrence of a FROM's host."""
    patterns = {(b"[A-Za-z0-9_-]+" if rule.star else b"")
                + re.escape(host.lower())
                for rule in rules for host in rule.hosts}
    for pattern in patterns:
        for found in re.finditer(b"(?=(" + pattern + b"))", text,
                                 re.IGNORECASE):
            start, end = found.span(1)
            if not left_end(text, start, scheme=b"bare host"):
                continue
            if right_end(_Reader(text, end, PLAIN), (b"80", b"443")):
                yield start, end


def count_no_rule(rules, text, matches):
    """Point 4: "`no_rule` counts occurrences of a FROM's host, bounded as in 5
    and 6, that lie in no match" (reading 12)."""
    count = 0
    covered = 0  # end of the last occurrence counted
    in_order = sorted(_host_occurrences(rules, text),
                      key=lambda span: (span[0], -span[1]))
    for start, end in in_order:
        if start < covered:
            continue
        if any(match.start < end and start < match.end for match in matches):
            continue
        count += 1
        covered = end
    return count


def rewrite(rules, text):
    """Rewrites one value; bytes in, bytes out (point 8: no match, same
    bytes)."""
    text = bytes(text)
    matches = find_matches(rules, text)
    pieces = []
    pos = 0
    for match in matches:
        pieces += [text[pos:match.start], match.replacement]
        pos = match.end
    pieces.append(text[pos:])
    return Result(b"".join(pieces), matches,
                  count_no_rule(rules, text, matches))
