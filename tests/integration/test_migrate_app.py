"""The whole fixture app moves: every document as the reference rewrites it,
options and indexes, every file with its headers, links counted and named."""
# build: tsan too

import os
import re

import pytest
from bson import ObjectId
from bson.json_util import dumps

import appfiles
import make_app
from harness import expect, look, raw, summary
from harness.app import DB, FILES_URL, App, config_args
from harness.ferry import Ferry

PREFIX = "app/uploads/"
NEW_DB = "moved-app"


@pytest.fixture(scope="module")
def app(source, work):
    app = App(source, work / "uploads")
    yield app
    app.drop()


@pytest.fixture(scope="module")
def moved(app, target, s3_server, work):
    """One migration that all tests below look at."""
    bucket = s3_server.make_bucket("moved-app")
    run = Ferry(work / "moved-app")
    run.bucket = bucket
    run.env = app.env(target.uri(NEW_DB), f"s3://{bucket}/{PREFIX.rstrip('/')}",
                      **s3_server.aws_env())
    run.first = run("migrate", *config_args(), "--json", "--limit", "1000",
                    env=run.env)
    yield run
    run.close()
    target.client().drop_database(NEW_DB)


@pytest.fixture(scope="module")
def expected(app, moved, target):
    """{collection: Expected}; asserts on the way that all of it is there."""
    assert moved.first.rc == 0, moved.first
    return expect.assert_moved(app.database, target.client()[NEW_DB], app.rules,
                               app.skips)


def test_it_ends_well(moved):
    s = summary.check(moved.first)
    assert moved.first.rc == 0, moved.first
    assert s["errors"] == [] and s["quarantine"] is None and not s["dry_run"]
    assert all(c["ok"] for c in s["collections"])
    assert not s["source_changed"]
    assert 0 < s["elapsed_seconds"] < 300


def test_documents_are_what_the_reference_makes(expected):
    assert sum(len(e.documents) for e in expected.values()) > 2000
    assert sum(e.counts["values"] for e in expected.values()) > 5000


def test_rewriting_twice_changes_nothing(app, target, expected):
    """The reference finds nothing left to do on the target."""
    for name in ("spellings", "bsontypes", "businesses", "pagemetrics"):
        again = expect.collection(
            target.client()[NEW_DB][name], app.rules,
            [s.replace(DB, NEW_DB) for s in app.skips])
        assert again.rewritten == {"documents": 0, "values": 0}, name


def test_summary_tells_what_happened(app, moved, expected):
    for name, want in expected.items():
        c = moved.first.collection(f"{NEW_DB}.{name}")
        kind = "timeseries" if name == "pagemetrics" else "collection"
        assert (c["type"], c["metadata"]) == (kind, []), name
        assert c["source"] == c["target"] == want.tally, name
        assert c["rewritten"] == want.rewritten, name
        assert c["unrewritten"] == want.unrewritten, name
        assert not any(c[k] for k in ("missing", "extra", "different", "kept",
                                      "expired", "quarantined")), name
    views = {c["namespace"] for c in moved.first.summary["collections"]
             if c["type"] == "view"}
    assert views == {f"{NEW_DB}.{v}" for v in
                     ("publishedprojects", "a_publishedtitles", "noms")}
    assert len(moved.first.summary["collections"]) == len(expected) + len(views)


def test_views_work(target, moved):
    db = target.client()[NEW_DB]
    assert db["a_publishedtitles"].count_documents({}) > 10
    assert db["noms"].count_documents({}) == 3


def test_links(app, moved, expected):
    described = make_app.describe()
    links = moved.first.summary["links"]
    dangling = app.dangling(expected)
    assert links["rewritten"] == sum(len(e.links) for e in expected.values())
    assert links["dangling"] == len(dangling) >= len(described["dangling"])
    assert links["unreferenced_files"] == len(described["unreferenced"])
    # Each is named: its namespace and _id in one line.
    lines = (moved.first.stdout.replace("},{", "},\n{") +
             moved.first.stderr).splitlines()
    named = [line.replace('\\"', '"') for line in lines if "no such file" in line
             or "dangling" in line]
    for name, key in dangling:
        assert any(name in line and _id_text(key) in line for line in named), \
            f"{name} {key} is not named"


def test_hosts(moved, expected):
    """The sums are those of the reference; ports that it leaves out apart."""
    hosts = moved.first.summary["hosts"]
    assert sum(h["rewritten"] for h in hosts) == \
        sum(len(e.links) for e in expected.values())
    assert sum(h["no_rule"] for h in hosts if ":" not in h["host"]) == \
        sum(e.counts["no_rule"] for e in expected.values())
    listed = {h["host"]: h for h in hosts}
    assert {"", "ezia.ai", "localhost:3000", "boulangerie.ezia.ai"} <= set(listed)
    assert listed["ezia.ai:8443"]["missing_rule"] == "http://ezia.ai:8443"


def _id_text(key):
    """What an _id of the fixture app looks like in canonical Extended JSON."""
    if key[0] == 0x07:
        return str(ObjectId(key[1:]))
    if key[0] == 0x02:
        return dumps(key[5:-1].decode())
    raise AssertionError(f"an _id of another type: {key!r}")


def test_a_link_leads_to_its_file(app, moved, target, s3):
    """Read as a visitor would: the URL in a document, then that object."""
    logo = target.client()[NEW_DB]["businesses"].find_one()["logo"]
    assert logo.startswith(FILES_URL + "/logos/")
    key = logo[len(FILES_URL) + 1:]
    body, _ = look.get_object(s3, moved.bucket, PREFIX + key)
    assert body == (app.uploads / key).read_bytes()


def test_files(app, moved, s3):
    files = moved.first.summary["files"]
    assert files == {
        "count": len(app.keys), "uploaded": len(app.keys), "skipped": 0,
        "bytes": sum((app.uploads / k).stat().st_size for k in app.keys),
        "failed": 0, "missing": 0, "extra": 0, "different": 0}
    expect.assert_files(s3, moved.bucket, PREFIX, app.uploads, app.keys)
    assert look.uploads_in_progress(s3, moved.bucket) == []


# What a browser must be told: by content, whatever the name says.
TYPES = [
    (r"logos/.*\.png|odd/(?!point).*\.png|deep/.*", "image/png"),
    (r"images/.*|orphans/.*|lying/sans", "image/jpeg"),
    (r"avatars/.*", "image/webp"),
    (r"animations/.*|lying/image\.jpg", "image/gif"),
    (r"documents/.*|lying/texte\.txt", "application/pdf"),
    (r"videos/.*", "video/mp4"),
    (r"sites/.*\.html|lying/photo\.png", "text/html"),
    (r"sites/.*\.css", "text/css"),
    (r"sites/.*\.js", "text/javascript"),
    (r"sites/.*\.json", "application/json"),
    (r"sites/.*\.svg|lying/rapport\.pdf", "image/svg+xml"),
    (r"lying/page\.html", "image/png"),
    (r"notes/.*", "text/plain"),
]
DANGEROUS = {"text/html", "image/svg+xml"}
DISPLAYED = {"image/png", "image/jpeg", "image/webp", "image/gif", "video/mp4"}


def test_headers_of_files(app, moved, s3):
    seen = set()
    for key in app.keys:
        (kind, *_) = [t for pattern, t in TYPES if re.fullmatch(pattern, key)] or [None]
        if kind is None:
            continue
        head = s3.head_object(Bucket=moved.bucket, Key=PREFIX + key)
        assert head["ContentType"].split(";")[0] == kind, key
        disposition = head.get("ContentDisposition") or "inline"
        if kind in DANGEROUS:
            assert disposition.startswith("attachment"), key
        if kind in DISPLAYED:
            assert disposition.startswith("inline"), key
        seen.add(kind)
    assert seen == {t for _, t in TYPES}
    html = s3.head_object(Bucket=moved.bucket, Key=PREFIX + "lying/photo.png")
    assert html["ContentDisposition"].startswith("attachment")
    large = s3.head_object(Bucket=moved.bucket, Key=PREFIX + appfiles.LARGE)
    assert large["ContentLength"] == appfiles.LARGE_SIZE


def test_source_is_left_alone(app, moved, target):
    """The rewriting happened on the way, not at home."""
    plain = raw.read(app.database["businesses"])
    assert all(b"https://ezia.ai/uploads/logos/" in d for d in plain)


def test_again_after_success(app, moved, target, expected):
    """A second identical run finds the target filled and touches nothing."""
    before = look.db_hash(target.client(), NEW_DB)
    again = moved("migrate", *config_args(), "--json", env=moved.env)
    s = summary.check(again)
    assert again.rc == 2, again
    (error,) = s["errors"]
    assert error["kind"] == "conflict" and "already moved" in error["hint"]
    assert "verify" in error["hint"]
    assert look.db_hash(target.client(), NEW_DB) == before


def test_verify_agrees(moved, expected):
    r = moved("verify", *config_args(), "--json", env=moved.env)
    s = summary.check(r, "verify")
    assert r.rc == 0, r
    for name, want in expected.items():
        c = r.collection(f"{NEW_DB}.{name}")
        assert c["source"] == c["target"] == want.tally, name
    files = moved.first.summary["files"]
    assert s["files"] == {**files, "uploaded": 0, "skipped": 0}
    assert s["links"] == moved.first.summary["links"]


def test_for_people(app, moved, target, s3, s3_server, tmp_path):
    """Without --json: a report that names every collection, and --drop."""
    r = moved("migrate", *config_args(), "--drop", env=moved.env)
    assert r.rc == 0, r
    assert r.summary is None
    for name in ("users", "pagemetrics", "bsontypes"):
        assert f"{NEW_DB}.{name}" in r.stdout
    # The manifest outlives success: nothing is sent again.
    again = moved("verify", *config_args(), "--json", env=moved.env)
    assert again.rc == 0, again
    expect.no_secret(r, s3_server.secret_key, target.users["root"])


@pytest.fixture
def files_only(app, s3_server, bucket, spaceferry):
    def run(*args):
        r = spaceferry("migrate", "--json", "--files",
                       f"{app.uploads}=s3://{bucket}/x", *args,
                       env=s3_server.aws_env())
        return r, summary.check(r)
    return run


def test_files_alone_and_again(app, s3, bucket, files_only):
    r, s = files_only()
    assert r.rc == 0, r
    assert s["files"]["uploaded"] == len(app.keys) and s["collections"] == []
    written = {o["Key"]: o["LastModified"] for o in
               s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert len(written) == len(app.keys)
    r, s = files_only()
    assert r.rc == 0, r
    assert (s["files"]["uploaded"], s["files"]["skipped"]) == (0, len(app.keys))
    assert written == {o["Key"]: o["LastModified"] for o in
                       s3.list_objects_v2(Bucket=bucket)["Contents"]}


def test_one_changed_file_is_sent_again(app, s3, bucket, files_only, tmp_path):
    files_only()
    key = "notes/note-3.txt"
    path = app.uploads / key
    before, stat = path.read_bytes(), path.stat()
    try:
        path.write_bytes(before[::-1])          # same size
        r, s = files_only()
        assert r.rc == 0 and s["files"]["uploaded"] == 1, r
        assert look.get_object(s3, bucket, "x/" + key)[0] == before[::-1]
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
