"""The fixture app is what its README says, whatever machine makes it."""

import datetime
import os
import re
from pathlib import Path

import pytest
import yaml
from bson import encode

import appdocs
import appfiles
import applinks
import appschema
import apptypes
import make_app
from harness import look, raw

# What a TTL monitor may never find due.
LONG_FROM_NOW = datetime.datetime.now() + datetime.timedelta(days=3650)


@pytest.fixture(scope="module")
def app(source):
    counts = make_app.load(source.uri(), "ezia-prod")
    yield source.client()["ezia-prod"], counts
    source.client().drop_database("ezia-prod")


@pytest.fixture(scope="module")
def strings():
    """(namespace, text) of every string value of the ordinary documents."""
    def walk(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for v in value.values():
                yield from walk(v)
        elif isinstance(value, list):
            for v in value:
                yield from walk(v)
    found, _ = appdocs.documents()
    return [(name, s) for name, docs in found.items() for d in docs for s in walk(d)]


def test_everything_is_there(app):
    db, counts = app
    assert 2000 <= sum(counts.values()) <= 2500
    for name, count in counts.items():
        assert db[name].count_documents({}) == count, name
    kinds = {i["name"]: i["type"] for i in db.list_collections()}
    assert kinds["pagemetrics"] == "timeseries"
    assert {n for n, k in kinds.items() if k == "view"} == set(appschema.VIEWS)
    assert db["a_publishedtitles"].count_documents({}) > 10     # through both
    assert db["noms"].count_documents({}) == 3                  # by its collation
    assert db.command("collStats", "activitylogs")["capped"]
    for name, models in appschema.INDEXES.items():
        assert len(list(db[name].list_indexes())) >= len(models), name


def test_two_makings_are_equal(app, source):
    db, _ = app
    make_app.load(source.uri(), "ezia-again")
    try:
        client = source.client()
        one, two = (look.db_hash(client, n) for n in ("ezia-prod", "ezia-again"))
        # Bucket ids of a time series are drawn by the server.
        for h in (one, two):
            h.pop("md5"), h.pop("system.buckets.pagemetrics")
            h.pop("system.views")       # they name their database
        assert one == two
        assert look.metadata(client, "ezia-prod") == look.metadata(client, "ezia-again")
    finally:
        source.client().drop_database("ezia-again")


def test_every_type_is_stored_byte_for_byte(app):
    db, _ = app
    want = [*apptypes.documents(), apptypes.top_level_zero_timestamp()]
    found = raw.read_by_id(db["bsontypes"])
    assert len(found) == len(want)
    for document in want:
        assert found[raw.id_of(document)] == document
    kinds = set()
    for document in want:
        kinds |= {kind for kind, _, _ in raw.elements(document)}
    assert kinds == {*range(0x01, 0x14), 0x7F, 0xFF}


def test_nothing_expires(app):
    db, _ = app
    for name in ("agentsessions", "webinarregistrations"):
        (index,) = [i for i in db[name].list_indexes() if "expireAfterSeconds" in i]
        (field,) = index["key"]
        dates = [d for d in db[name].distinct(field)
                 if isinstance(d, datetime.datetime)]
        assert dates and min(dates) > LONG_FROM_NOW


def test_violators_are_refused_by_their_validator(source, db_name):
    make_app.load(source.uri(), db_name, violators=True)
    collection = source.client()[db_name]["subscriptions"]
    schema = collection.options()["validator"]
    assert {d["_id"] for d in collection.find({"$nor": [schema]})} == {"old 1", "old 2"}


def test_documents_hold_every_spelling(strings):
    texts = [text for _, text in strings]
    for style, (prefix, spell) in applinks.STYLES.items():
        assert any(spell(prefix) in text for text in texts), style
    for text in [*applinks.LOOKALIKES, *applinks.PLACES]:
        assert text in texts


def test_links_lead_to_files(strings):
    described = make_app.describe()
    files = set(described["files"])
    assert set(described["linked"]) <= files
    assert not files & set(described["dangling"])
    assert set(described["dangling"]) == {*applinks.DANGLING, *applinks.UNLUCKY}
    assert set(appfiles.ORPHANS) <= set(described["unreferenced"])
    assert set(appfiles.ODD_NAMES) <= set(described["linked"])
    # A second look at the plainest links, by other means.
    seen = set()
    for _, text in strings:
        seen |= set(re.findall(r"(?<!\w)https://ezia\.ai/uploads/([\w./-]+?\.(?:png|jpg|webp))",
                               text))
    seen = {k for k in seen if not k.startswith("odd/")}
    assert len(seen) > 100
    assert seen <= set(described["linked"]) | set(described["dangling"])


def test_uploads(tmp_path):
    keys = make_app.uploads(tmp_path / "a")
    found = sorted(os.path.relpath(os.path.join(d, n), tmp_path / "a")
                   for d, _, names in os.walk(tmp_path / "a") for n in names)
    assert found == keys and 300 <= len(keys) <= 330
    make_app.uploads(tmp_path / "b")
    for key in keys:
        assert (tmp_path / "a" / key).read_bytes() == (tmp_path / "b" / key).read_bytes()
    assert (tmp_path / "a" / appfiles.SYMLINK).is_symlink()
    assert (tmp_path / "a" / appfiles.LARGE).stat().st_size > 40 << 20
    # No key is a folder of another: an object store could hold both, a disk not.
    assert not any(k.startswith(other + "/") for k in keys for other in keys)


def test_rules_name_what_the_documents_hold(strings):
    path = Path(make_app.__file__).parent / "rules.yaml"
    rules = yaml.safe_load(path.read_text())
    assert set(rules) == {"from", "to", "files", "files-url", "rewrite", "rewrite-skip"}
    texts = [text for _, text in strings]
    for rule in [*rules["files-url"], *rules["rewrite"]]:
        assert set(rule) == {"from", "to"}
        start = rule["from"].split("*")[0]
        assert any(start in text for text in texts), rule
    namespace, field = rules["rewrite-skip"][0].split(":")
    assert namespace == "ezia-prod.businesses"
    assert all(field in d for d in appdocs.documents()[0]["businesses"])


def test_the_reference_finds_the_same_links():
    """The rules, as tests/reference reads them, over every document."""
    import rewrite_bson
    import rewrite_rules
    import rewrite_stable
    path = Path(make_app.__file__).parent / "rules.yaml"
    config = yaml.safe_load(path.read_text())
    pairs = [(r["from"], r["to"].replace("${EZIA_FILES_URL}", "https://files.example/e")
              .replace("$$", "$")) for r in [*config["files-url"], *config["rewrite"]]]
    rules = rewrite_rules.compile_rules(pairs)
    assert not rewrite_stable.unstable(rules)
    documents = [(f"ezia-prod.{name}", encode(d))
                 for name, found in appdocs.documents()[0].items() for d in found]
    documents += [("ezia-prod.bsontypes", d) for d in apptypes.documents()]
    files, linked, dangling = set(appfiles.keys()), set(), set()
    for namespace, document in documents:
        result = rewrite_bson.rewrite(rules, document, namespace,
                                      config["rewrite-skip"])
        if b"lookalike" in document:
            assert result.document == document
        for link in result.links:
            if link.rule >= len(config["files-url"]):
                continue
            forms = [f.decode("utf-8", "replace").lstrip("/") for f in link.forms]
            found = [f for f in forms if f in files]
            linked.update(found[:1])
            if not found:
                dangling.add(forms[-1])
    described = make_app.describe()
    assert sorted(linked) == described["linked"]
    assert sorted(dangling) == described["dangling"]


def test_documents_fit():
    for name, documents in appdocs.documents()[0].items():
        for document in documents:
            assert len(encode(document)) < 15 << 20, name
