"""A small walker over raw BSON (bsonspec.org, version 1.1): bytes in, elements
out, nothing decoded that need not be.  Raises BsonError on damage."""

import struct
from dataclasses import dataclass

DOUBLE, STRING, DOCUMENT, ARRAY, BINARY = 0x01, 0x02, 0x03, 0x04, 0x05
REGEX, DBPOINTER, CODE, SYMBOL, CODE_W_SCOPE = 0x0B, 0x0C, 0x0D, 0x0E, 0x0F
_FIXED = {0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4,
          0x11: 8, 0x12: 8, 0x13: 16, 0x7F: 0, 0xFF: 0}
_TEXTS = (STRING, CODE, SYMBOL)


class BsonError(ValueError):
    """The bytes are no BSON document."""


@dataclass(frozen=True)
class Element:
    kind: int
    key: bytes
    value: bytes

    def raw(self):
        return bytes([self.kind]) + self.key + b"\0" + self.value


def _int32(data, pos):
    if pos + 4 > len(data):
        raise BsonError("cut short")
    return struct.unpack_from("<i", data, pos)[0]


def _cstring_end(data, pos):
    end = data.find(b"\0", pos)
    if end < 0:
        raise BsonError("name without end")
    return end + 1


def _value_length(kind, data, pos):
    if kind in _FIXED:
        return _FIXED[kind]
    if kind in (DOCUMENT, ARRAY, CODE_W_SCOPE):
        length = _int32(data, pos)
        least = 14 if kind == CODE_W_SCOPE else 5
    elif kind in _TEXTS:
        length, least = _int32(data, pos) + 4, 5
    elif kind == BINARY:
        length, least = _int32(data, pos) + 5, 5
    elif kind == DBPOINTER:
        length, least = _int32(data, pos) + 16, 17
    elif kind == REGEX:
        return _cstring_end(data, _cstring_end(data, pos)) - pos
    else:
        raise BsonError(f"unknown type 0x{kind:02x}")
    if length < least:
        raise BsonError("impossible length")
    return length


def elements(document):
    """The elements of one raw document (or array), in order."""
    if len(document) < 5 or _int32(document, 0) != len(document):
        raise BsonError("wrong length")
    if document[-1] != 0:
        raise BsonError("no end")
    pos, last = 4, len(document) - 1
    while pos < last:
        kind = document[pos]
        behind_key = _cstring_end(document, pos + 1)
        end = behind_key + _value_length(kind, document, behind_key)
        if end > last:
            raise BsonError("element passes the end")
        value = document[behind_key:end]
        if kind in _TEXTS and value[-1] != 0:
            raise BsonError("string without end")
        yield Element(kind, document[pos + 1:behind_key - 1], value)
        pos = end


def join(parts):
    """A document made of raw elements."""
    body = b"".join(parts)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def text_of(value):
    """The bytes of a string, symbol or code value."""
    return value[4:-1]


def make_text(text):
    return struct.pack("<i", len(text) + 1) + text + b"\0"


def code_and_scope(value):
    """(code, scope): the raw string value and the raw document."""
    length = _int32(value, 4) + 4
    if length < 5 or 4 + length > len(value) or value[4 + length - 1] != 0:
        raise BsonError("code without end")
    return value[4:4 + length], value[4 + length:]


def make_code_and_scope(code, scope):
    return struct.pack("<i", len(code) + len(scope) + 4) + code + scope


def binary_of(value):
    """The data of a binary value; the old subtype 2 repeats its length."""
    data = value[5:]
    if value[4] == 2 and len(data) >= 4 and _int32(data, 0) == len(data) - 4:
        return data[4:]
    return data


def regex_of(value):
    """(pattern, options)."""
    pattern, options, _ = value.split(b"\0")
    return pattern, options
