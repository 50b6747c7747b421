"""What must stand on the target, worked out by tests/reference: a second engine
made from the same words, sharing no code with the program under test."""

from collections import Counter

import docdigest
import rewrite_bson
import rewrite_rules
from bson import encode

from . import look, raw


class Expected:
    """One collection after its move: documents {raw.id_of(): bytes} (a time
    series in canonical form), order (their ids as read), counts, links
    [(id, Link)], and what the summary must say of it."""

    def __init__(self):
        self.documents, self.order, self.links = {}, [], []
        self.counts = Counter()
        self.bytes = self._sum = 0

    def add(self, stored, rewritten=None):
        key = raw.id_of(stored)
        assert key not in self.documents, f"twice the same _id: {key!r}"
        self.documents[key] = stored
        self.order.append(key)
        self.bytes += len(stored)
        self._sum += docdigest.document_digest(stored)
        if rewritten is not None:
            self.counts.update(rewritten.counts)
            self.links += [(key, link) for link in rewritten.links]

    @property
    def tally(self):
        return {"count": len(self.documents), "bytes": self.bytes,
                "digest": f"{self._sum % docdigest.MODULUS:032x}"}

    @property
    def rewritten(self):
        return {k: self.counts[k] for k in ("documents", "values")}

    @property
    def unrewritten(self):
        return {k: self.counts[k]
                for k in ("keys", "ids", "binary", "regex", "metadata", "no_rule")}


def compile_rules(pairs):
    return rewrite_rules.compile_rules(list(pairs))


def _time_series(collection):
    """(True, metaField or None) for a time series."""
    options = collection.options().get("timeseries")
    return options is not None, (options or {}).get("metaField")


def collection(source, rules, skips=(), query=None):
    """What becomes of a source's collection (pymongo's)."""
    series, meta = _time_series(source)
    expected = Expected()
    for document in raw.read(source, query):
        result = rewrite_bson.rewrite(rules, document, source.full_name, skips)
        stored = docdigest.id_first(result.document)
        if series:
            stored = docdigest.canonical_measurement(stored, meta)
        expected.add(stored, result)
    expected.counts["metadata"] = metadata_matches(source, rules)
    return expected


def metadata_matches(source, rules):
    """Matches in options and indexes: counted, never rewritten."""
    found = [source.options()]
    if not _is_view(source):
        found += source.list_indexes()
    return sum(rewrite_bson.count_metadata(rules, encode(d)) for d in found)


def _is_view(collection):
    return "viewOn" in collection.options()


def stored(target):
    """The same form of what stands in a target's collection."""
    series, meta = _time_series(target)
    found = Expected()
    for document in raw.read(target):
        found.add(docdigest.canonical_measurement(document, meta) if series
                  else document)
    return found


def names(database):
    """Collections and time series (no views), sorted."""
    return sorted(i["name"] for i in database.list_collections()
                  if i["type"] != "view" and not i["name"].startswith("system."))


def assert_same_documents(want, found, name):
    """Byte for byte; says which documents differ and where."""
    missing = sorted(want.documents.keys() - found.documents.keys())
    extra = sorted(found.documents.keys() - want.documents.keys())
    different = [k for k, d in want.documents.items()
                 if found.documents.get(k, d) != d]
    assert not (missing or extra or different), \
        f"{name}: missing {missing[:3]}, extra {extra[:3]}, different:" + "".join(
            f"\n  {k!r}\n   want {_around(want.documents[k], found.documents[k])}"
            f"\n  found {_around(found.documents[k], want.documents[k])}"
            for k in different[:3])


def _around(document, other):
    at = next((i for i, (a, b) in enumerate(zip(document, other)) if a != b),
              min(len(document), len(other)))
    return f"{len(document)} bytes, from {at}: {document[max(0, at - 30):at + 50]!r}"


def assert_moved(source_db, target_db, rules, skips=()):
    """Every document and all metadata of a database; returns {name: Expected}."""
    assert look.metadata(source_db.client, source_db.name) == \
        look.metadata(target_db.client, target_db.name)
    all_expected = {}
    for name in names(source_db):
        want = collection(source_db[name], rules, skips)
        found = stored(target_db[name])
        assert_same_documents(want, found, name)
        if source_db[name].options().get("capped"):
            assert want.order == found.order, f"{name}: another order"
        all_expected[name] = want
    return all_expected


def assert_copied(source_db, target_db):
    """The same bytes and metadata on both sides, nothing rewritten: compared
    without the reference, time-series by their buckets."""
    assert look.metadata(source_db.client, source_db.name) == \
        look.metadata(target_db.client, target_db.name)
    for name in names(source_db):
        options = source_db[name].options()
        held = f"system.buckets.{name}" if "timeseries" in options else name
        want, found = raw.read(source_db[held]), raw.read(target_db[held])
        if not options.get("capped"):
            want, found = sorted(want), sorted(found)
        assert want == found, name


def assert_files(s3, bucket, prefix, folder, keys):
    """Every object equals its file, and there is no other below prefix."""
    found = look.listing(s3, bucket, prefix)
    assert sorted(found) == sorted(prefix + k for k in keys)
    for key in keys:
        body, _ = look.get_object(s3, bucket, prefix + key)
        assert body == (folder / key).read_bytes(), key


def no_secret(result, *secrets):
    """Nothing a run printed holds a secret, nor its percent-encoded form."""
    from urllib.parse import quote, quote_plus
    for secret in secrets:
        for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
            assert form not in result.stdout, "a secret on stdout"
            assert form not in result.stderr, "a secret on stderr"
