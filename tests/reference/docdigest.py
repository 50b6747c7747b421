"""The digests that verification compares.

"The digest of a document is XXH3-128 (seed 0) of its bytes with `_id` moved
first (the server moves it), the digest of a collection their sum modulo 2^128,
printed as big-endian hex ... A time-series measurement is first put in canonical
order: its top-level fields sorted by the bytes of their names, the metaField's
likewise at every depth (arrays keep theirs)."

Readings
 1. Only a top-level `_id` moves, and of several the first one.
 2. Canonical order comes first, then `_id` moves.  Fields of the same name keep
    their order.  Documents inside an array of the metaField are sorted, the
    array's elements are not.
"""

import xxhash

import bson_walk
from bson_walk import ARRAY, DOCUMENT, Element

MODULUS = 1 << 128


def id_first(document):
    """The document's bytes with `_id` moved first."""
    found = list(bson_walk.elements(document))
    for index, element in enumerate(found):
        if element.key == b"_id":
            found.insert(0, found.pop(index))
            break
    return bson_walk.join(element.raw() for element in found)


def _sorted(kind, value):
    if kind not in (DOCUMENT, ARRAY):
        return value
    inner = [Element(element.kind, element.key,
                     _sorted(element.kind, element.value))
             for element in bson_walk.elements(value)]
    if kind == DOCUMENT:
        inner.sort(key=lambda element: element.key)
    return bson_walk.join(element.raw() for element in inner)


def canonical_measurement(document, meta_field=None):
    """A time-series measurement in canonical order; meta_field: the name of the
    collection's metaField, if it has one."""
    meta = meta_field.encode("utf-8") if meta_field is not None else None
    found = []
    for element in bson_walk.elements(document):
        if element.key == meta:
            element = Element(element.kind, element.key,
                              _sorted(element.kind, element.value))
        found.append(element)
    found.sort(key=lambda element: element.key)
    return bson_walk.join(element.raw() for element in found)


def document_digest(document):
    """The digest of one document as an integer."""
    return xxhash.xxh3_128_intdigest(id_first(document), seed=0)


def collection_digest(digests):
    """The digest of a collection, of the digests of its documents."""
    return f"{sum(digests) % MODULUS:032x}"
