"""Links (point 10): the names of files that the tail behind a match may mean.

"the tail after FROM ends at the quote that opened it, else at white space or
`< > " ' )`. It is tried as it is, percent-decoded (after undoing the style),
without `?...` and `#...`, without trailing `.,;:!?)`; the first form that names
a file wins, none is `dangling`."

Readings
 1. A quote opened the match if its left neighbour, decoded once, is one of
    " ' `.  The tail ends where the same quote stands again, written in the same
    way (`"`, `\\"`, `&quot;`, `%22` ...: a `\\"` does not end what a `"` opened);
    if it never does, the "else" holds.
 2. In the "else" the characters that end the tail are read as neighbours are,
    but for %XX, which is one of the forms: so `\\n`, `\\"`, `&quot;`, `&lt;` end
    it and `%20` does not.
 3. Undoing the style: `%2F` style is percent-decoded as a whole, in the others
    each slash in the match's style becomes `/`.
 4. The forms build on each other.  What is removed is removed from the text
    with its style undone and before the percent-decoding, so that `%3F` in a
    file's name is not taken for a query: the tail; decoded; cut at the first
    `?` or `#` and decoded; that without trailing `.,;:!?)` and decoded.  A form
    equal to an earlier one is left out.
 5. Every match has a link, also one with an empty tail.
"""

import re
from dataclasses import dataclass

from rewrite_chars import (EDGE, QUOTES, is_white_space, next_char,
                           prev_escape)
from rewrite_text import SLASH, PERCENT, PLAIN

_ENDS = frozenset(b"<>\"')")
_PERCENT_XX = re.compile(rb"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Link:
    rule: int
    forms: tuple


def percent_decode(text):
    return _PERCENT_XX.sub(lambda found: bytes([int(found[1], 16)]), text)


def _undo_style(match, tail):
    if match.style == PERCENT:
        return percent_decode(tail)
    if match.style == PLAIN:
        return tail
    return SLASH[match.style].sub(b"/", tail)


def _closing_quote(text, pos, spelling):
    """Where the quote stands again, or None."""
    while pos < len(text):
        _, behind = next_char(text, pos)
        if text[pos:behind] == spelling:
            return pos
        pos = behind
    return None


def tail_of(text, match):
    """The tail behind a match, as it stands in the text."""
    quote, quote_start = prev_escape(text, match.start)
    if quote in QUOTES:
        end = _closing_quote(text, match.end, text[quote_start:match.start])
        if end is not None:
            return text[match.end:end]
    pos = match.end
    while True:
        char, behind = next_char(text, pos, percent=False)
        if char == EDGE or char in _ENDS or is_white_space(char):
            return text[match.end:pos]
        pos = behind


def forms_of(match, tail):
    whole = _undo_style(match, tail)
    cut = re.split(rb"[?#]", whole, maxsplit=1)[0]
    bare = cut.rstrip(b".,;:!?)")
    forms = [tail, percent_decode(whole), percent_decode(cut),
             percent_decode(bare)]
    return tuple(dict.fromkeys(forms))


def links(text, matches):
    """One Link for each match, in order."""
    return [Link(match.rule.index, forms_of(match, tail_of(text, match)))
            for match in matches]
