"""Characters as docs/REWRITING.md sees them: decoded neighbours, white
space, letters outside ASCII.

A neighbour is a code point (int), or one of

    EDGE      there is nothing: the start or the end of the value
    NOT_UTF8  a byte (raw or written %XX) that is not UTF-8, or a lone
              surrogate written \\uXXXX: it stands for no character

Point 5: "Neighbours are read decoded once: `%XX` (a run as UTF-8), `&#N; &#xH;
&quot; &apos; &lt; &gt; &amp; &nbsp;`, and after one or more backslashes `n r t b
f " ' /` or `uXXXX`, count as the one character they stand for."
"""

import re

EDGE = -1
NOT_UTF8 = -2

_HEX = rb"[0-9A-Fa-f]"
_PERCENT_RUN = re.compile(rb"(?:%" + _HEX + rb"{2})+")
_PERCENT_RUN_END = re.compile(rb"(?:%" + _HEX + rb"{2})+\Z")
_ENTITY = re.compile(
    rb"&(?:#(?P<dec>[0-9]+)|#[xX](?P<hex>" + _HEX + rb"+)"
    rb"|(?P<name>quot|apos|lt|gt|amp|nbsp));")
_BACKSLASH = re.compile(
    rb"\\+(?:(?P<short>[nrtbf\"'/])|u(?P<hex>" + _HEX + rb"{4}))")
_LOW_SURROGATE = re.compile(rb"\\+u(?P<hex>[Dd][C-Fc-f]" + _HEX + rb"{2})")

_NAMED = {b"quot": 0x22, b"apos": 0x27, b"lt": 0x3C, b"gt": 0x3E,
          b"amp": 0x26, b"nbsp": 0xA0}
_SHORT = {b"n": 0x0A, b"r": 0x0D, b"t": 0x09, b"b": 0x08, b"f": 0x0C,
          b'"': 0x22, b"'": 0x27, b"/": 0x2F}

QUOTES = frozenset(b"\"'`")
LETTERS_DIGITS = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_ENTITY_BODY = LETTERS_DIGITS | frozenset(b"#")

# Point 5: "White space in this section".
_WHITE_SPACE = ((0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0),
                (0x2000, 0x200B), (0x2028, 0x2028), (0x2029, 0x2029),
                (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
                (0xFEFF, 0xFEFF))

# Point 6: what is outside ASCII and yet no letter ("a fixed table").
_NOT_LETTERS = ((0x80, 0xA9), (0xAB, 0xB4), (0xB6, 0xB9), (0xBB, 0xBF),
                (0xD7, 0xD7), (0xF7, 0xF7), (0x2000, 0x2BFF),
                (0x3001, 0x3020), (0xFE00, 0xFE6F), (0xFF01, 0xFF0F),
                (0x1F000, 0x1FAFF))


def _within(char, ranges):
    return any(first <= char <= last for first, last in ranges)


def is_white_space(char):
    return _within(char, _WHITE_SPACE)


def is_foreign_letter(char):
    """Point 6: "every character from U+0080 and every byte that is not UTF-8,
    except white space and" the table."""
    if char == NOT_UTF8:
        return True
    return (char >= 0x80 and not is_white_space(char)
            and not _within(char, _NOT_LETTERS))


def _is_surrogate(char):
    return 0xD800 <= char <= 0xDFFF


def _one_char(raw):
    """The code point that these bytes are, or None."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return ord(text) if len(text) == 1 else None


def _first_char(raw):
    """(code point, length) of what the bytes begin with."""
    for length in range(1, 5):
        char = _one_char(raw[:length])
        if char is not None:
            return char, min(length, len(raw))
    return NOT_UTF8, 1


def _last_char(raw):
    for length in range(1, 5):
        char = _one_char(raw[-length:])
        if char is not None:
            return char
    return NOT_UTF8


def _percent_bytes(run):
    return bytes.fromhex(run.replace(b"%", b"").decode("ascii"))


def _entity_value(match):
    """The code point an entity stands for, or None where there is none."""
    if match["name"]:
        return _NAMED[match["name"]]
    digits, base = (match["dec"], 10) if match["dec"] else (match["hex"], 16)
    digits = digits.lstrip(b"0") or b"0"
    if len(digits) > 8:
        return None
    value = int(digits, base)
    if value > 0x10FFFF or _is_surrogate(value):
        return None
    return value


def _surrogates(match, text):
    """(code point, end) of a \\uXXXX, with the second half of a pair."""
    char = int(match["hex"], 16)
    if not _is_surrogate(char):
        return char, match.end()
    if char <= 0xDBFF:
        low = _LOW_SURROGATE.match(text, match.end())
        if low:
            low_half = int(low["hex"], 16) - 0xDC00
            return 0x10000 + ((char - 0xD800) << 10) + low_half, low.end()
    return NOT_UTF8, match.end()


def next_char(text, pos, percent=True):
    """(neighbour, where it ends) for what stands at pos, decoded once.

    percent=False leaves %XX as three plain characters (used for link tails).
    """
    if pos >= len(text):
        return EDGE, pos
    byte = text[pos:pos + 1]
    if byte == b"%" and percent:
        run = _PERCENT_RUN.match(text, pos, pos + 12)
        if run:
            char, length = _first_char(_percent_bytes(run.group()))
            return char, pos + 3 * length
    elif byte == b"&":
        entity = _ENTITY.match(text, pos)
        if entity and _entity_value(entity) is not None:
            return _entity_value(entity), entity.end()
    elif byte == b"\\":
        escape = _BACKSLASH.match(text, pos)
        if escape and escape["short"]:
            return _SHORT[escape["short"]], escape.end()
        if escape:
            return _surrogates(escape, text)
    char, length = _first_char(text[pos:pos + 4])
    return char, pos + length


def prev_escape(text, pos):
    """(neighbour, where it starts) for what stands before pos, decoded once."""
    if pos == 0:
        return EDGE, 0
    window = text[max(0, pos - 12):pos]
    run = _PERCENT_RUN_END.search(window)
    if run:
        raw = _percent_bytes(run.group())
        char = _last_char(raw)
        length = 1 if char == NOT_UTF8 else len(chr(char).encode("utf-8"))
        return char, pos - 3 * length
    if text[pos - 1:pos] == b";":
        start = pos - 2
        while start >= 0 and text[start] in _ENTITY_BODY:
            start -= 1
        if start >= 0 and text[start:start + 1] == b"&":
            entity = _ENTITY.match(text, start, pos)
            if entity and _entity_value(entity) is not None:
                return _entity_value(entity), start
    for length in (1, 5):
        start = pos - length
        if start < 1 or text[start - 1:start] != b"\\":
            continue
        escape = _BACKSLASH.match(text, start - 1, pos)
        if not escape or escape.end() != pos:
            continue
        while start > 0 and text[start - 1:start] == b"\\":
            start -= 1
        if escape["short"]:
            return _SHORT[escape["short"]], start
        char = int(escape["hex"], 16)
        # Either half of a pair is no character of point 5's lists.
        return (NOT_UTF8 if _is_surrogate(char) else char), start
    char = _last_char(text[max(0, pos - 4):pos])
    length = 1 if char == NOT_UTF8 else len(chr(char).encode("utf-8"))
    return char, pos - length


def prev_char(text, pos):
    """The neighbour on the left of pos."""
    return prev_escape(text, pos)[0]
