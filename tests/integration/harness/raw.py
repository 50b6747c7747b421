"""Documents as the bytes they are: pymongo only carries them.

A document is `bytes`; nothing here decodes what it does not look at, so
duplicate keys, odd UTF-8 and NaN payloads stay what they are."""

import struct
from hashlib import sha256

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

RAW = CodecOptions(document_class=RawBSONDocument)

# Bytes of a value by BSON type; None where a length stands in front.
_FIXED = {0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4,
          0x11: 8, 0x12: 8, 0x13: 16, 0x7F: 0, 0xFF: 0}


def _value_size(kind, data, at):
    if kind in _FIXED:
        return _FIXED[kind]
    if kind == 0x0B:                            # regular expression
        end = data.index(0, data.index(0, at) + 1) + 1
        return end - at
    (n,) = struct.unpack_from("<i", data, at)
    if kind in (0x02, 0x0D, 0x0E):              # string, code, symbol
        return 4 + n
    if kind in (0x03, 0x04, 0x0F):              # document, array, code + scope
        return n
    if kind == 0x05:                            # binary
        return 5 + n
    if kind == 0x0C:                            # DBPointer
        return 4 + n + 12
    raise ValueError(f"BSON type {kind:#x} at {at}")


def elements(document):
    """(type, name, value) of each field: int, bytes, bytes."""
    at = 4
    while document[at]:
        kind = document[at]
        end = document.index(0, at + 1)
        name = document[at + 1:end]
        size = _value_size(kind, document, end + 1)
        yield kind, name, document[end + 1:end + 1 + size]
        at = end + 1 + size


def id_of(document):
    """The top-level _id as type byte + value: a key that never collides."""
    for kind, name, value in elements(document):
        if name == b"_id":
            return bytes([kind]) + value
    raise ValueError("no _id")


def id_first(document):
    """The document with _id moved to the front, as the server stores it."""
    fields = list(elements(document))
    fields.sort(key=lambda f: f[1] != b"_id")   # stable
    body = b"".join(bytes([k]) + n + b"\0" + v for k, n, v in fields)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def split(data):
    """The documents of a run of BSON documents."""
    at = 0
    while at < len(data):
        (n,) = struct.unpack_from("<i", data, at)
        yield data[at:at + n]
        at += n


def read(collection, query=None, sort=None):
    """All documents of a collection (pymongo's), as bytes."""
    cursor = collection.find_raw_batches(query or {}, sort=sort)
    return [d for batch in cursor for d in split(batch)]


def read_by_id(collection, query=None):
    """{id_of(document): document}; fails on an _id seen twice."""
    documents = read(collection, query)
    found = {id_of(d): d for d in documents}
    assert len(found) == len(documents), f"{collection.full_name}: twice the same _id"
    return found


def insert(collection, documents):
    """Inserts bytes as they are; validators are not asked."""
    raw = collection.with_options(codec_options=RAW)
    raw.insert_many([RawBSONDocument(d) for d in documents], ordered=False,
                    bypass_document_validation=True)


def digest(documents):
    """One SHA-256 over documents in the order of their bytes."""
    h = sha256()
    for d in sorted(documents):
        h.update(d)
    return h.hexdigest()
