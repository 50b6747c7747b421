"""`verify` proves what arrived: whatever is tampered with on the target, it
exits with 1 and names it."""

import struct

import pytest
from bson import Int64, decode
from pymongo import ASCENDING

from harness import expect, look, raw, summary
from harness.app import App, config_args
from harness.ferry import Ferry

NEW_DB = "verified"
PREFIX = "u/"
# The long pages are left out: each of many runs below would rewrite them anew.
ARGS = [*config_args(), "--json", "--exclude", "ezia-prod.user*project*"]


@pytest.fixture(scope="module")
def app(source, work):
    app = App(source, work / "uploads")
    yield app
    app.drop()


@pytest.fixture(scope="module")
def moved(app, target, s3_server, work):
    """A migration that went well; tests below bend the target and mend it."""
    bucket = s3_server.make_bucket("verified")
    run = Ferry(work / "verified")
    run.bucket, run.s3 = bucket, s3_server.client()
    run.env = app.env(target.uri(NEW_DB), f"s3://{bucket}/{PREFIX.rstrip('/')}",
                      **s3_server.aws_env())
    run.db = target.client()[NEW_DB]
    r = run("migrate", *ARGS, env=run.env)
    assert r.rc == 0, r

    def verify(*args):
        return run("verify", *ARGS, *args, env=run.env)
    run.verify = verify
    yield run
    run.close()
    target.client().drop_database(NEW_DB)


def decoded_id(document):
    kind, name, value = next(raw.elements(document))
    body = bytes([kind]) + name + b"\0" + value
    return decode(struct.pack("<i", len(body) + 5) + body + b"\0")["_id"]


def replace(collection, old, new):
    """Puts the bytes new in the place of the document old."""
    collection.delete_one({"_id": decoded_id(old)})
    raw.insert(collection, [new])


def mend(collection, before):
    """Puts back what read_by_id() gave; leaves alone what is as it was."""
    now = raw.read_by_id(collection)
    spoilt = [k for k in before.keys() | now.keys() if before.get(k) != now.get(k)]
    collection.delete_many({"_id": {"$in": [
        decoded_id(now.get(k) or before[k]) for k in spoilt]}})
    lost = [before[k] for k in spoilt if k in before]
    if lost:
        raw.insert(collection, lost)


# --- ways to spoil documents: each takes the collection and returns what must be
# named; undo is by the bytes from before.

def one_byte(users):
    (old,) = raw.read(users, {"email": "user00007@example.org"})
    replace(users, old, old.replace(b"Utilisatrice 7", b"Utilisatrice 8"))
    return "different", {decoded_id(old)}


def one_type(users):
    """int64 instead of double or int32: same number, another type."""
    one = users.find_one({"username": "user00011"})
    users.update_one({"_id": one["_id"]}, {"$set": {"__v": Int64(0)}})
    return "different", {one["_id"]}


def field_order(users):
    (old,) = raw.read(users, {"username": "user00012"})
    fields = [bytes([k]) + n + b"\0" + v for k, n, v in raw.elements(old)]
    fields[1], fields[2] = fields[2], fields[1]
    body = b"".join(fields)
    replace(users, old, struct.pack("<i", len(body) + 5) + body + b"\0")
    return "different", {decoded_id(old)}


def swapped(users):
    """Two documents exchange their contents: an XOR of digests over parts would
    not see it, nor would any count."""
    a, b = (users.find_one({"username": f"user000{n}"}) for n in (13, 14))
    users.delete_many({"_id": {"$in": [a["_id"], b["_id"]]}})
    users.insert_many([{**b, "_id": a["_id"]}, {**a, "_id": b["_id"]}])
    return "different", {a["_id"], b["_id"]}


def missing(users):
    one = users.find_one_and_delete({"username": "user00015"})
    return "missing", {one["_id"]}


def extra(users):
    users.insert_one({"_id": "stranger", "email": "stranger@example.org"})
    return "extra", {"stranger"}


def other_nan(types):
    """Another NaN payload: equal to every driver, not to us."""
    (old,) = raw.read(types, {"_id": "type: double NaN with a payload"})
    replace(types, old, old.replace(struct.pack("<Q", 0x7FF80000DEADBEEF),
                                    struct.pack("<Q", 0x7FF80000DEADBEEE)))
    return "different", {"type: double NaN with a payload"}


def measurement_twice(metrics):
    one = metrics.find_one({"views": 33})
    metrics.insert_one({"at": one["at"], "_id": "twice", "views": 33})
    return "extra", {"twice"}


DOCUMENTS = [(one_byte, "users"), (one_type, "users"), (field_order, "users"),
             (swapped, "users"), (missing, "users"), (extra, "users"),
             (other_nan, "bsontypes")]


@pytest.mark.parametrize("spoil, name", DOCUMENTS,
                         ids=[f.__name__ for f, _ in DOCUMENTS])
def test_documents(moved, spoil, name):
    collection = moved.db[name]
    before = raw.read_by_id(collection)
    try:
        kind, ids = spoil(collection)
        r = moved.verify()
    finally:
        mend(collection, before)
    summary.check(r, "verify")
    assert r.rc == 1, r
    c = r.collection(f"{NEW_DB}.{name}")
    assert not c["ok"] and c[kind] == len(ids), c
    assert sum(c[k] for k in ("missing", "extra", "different")) == len(ids), c
    assert c["source"]["digest"] != c["target"]["digest"]
    messages = [e["message"] for e in r.summary["errors"] if e["kind"] == kind]
    for one in ids:
        assert any(f"{NEW_DB}.{name}" in m and str(one) in m for m in messages), r
    others = [c for c in r.summary["collections"]
              if c["namespace"] != f"{NEW_DB}.{name}"]
    assert all(c["ok"] for c in others)


def test_time_series(moved):
    metrics = moved.db["pagemetrics"]
    kind, ids = measurement_twice(metrics)
    r = moved.verify()
    # A measurement without metaField cannot be deleted by anything else.
    before = raw.read(metrics, {"_id": {"$ne": "twice"}})
    options = metrics.options()
    metrics.drop()
    moved.db.create_collection("pagemetrics", timeseries={
        k: options["timeseries"][k] for k in ("timeField", "metaField",
                                              "granularity")},
        expireAfterSeconds=options["expireAfterSeconds"])
    raw.insert(metrics, before)
    metrics.create_index([("site.id", 1), ("at", -1)])
    assert r.rc == 1, r
    c = r.collection(f"{NEW_DB}.pagemetrics")
    assert c[kind] == 1 and "twice" in summary.messages(r), r
    again = moved.verify()
    assert again.rc == 0, again


# --- metadata

def lost_index(db):
    db["users"].drop_index("email_1")
    return "users", "index", "email_1", \
        lambda: db["users"].create_index([("email", ASCENDING)], unique=True)


def lost_index_option(db):
    """The same name and keys, but no longer hidden."""
    db.command("collMod", "projects", index={"name": "title_1", "hidden": False})
    return "projects", "index", "title_1", lambda: db.command(
        "collMod", "projects", index={"name": "title_1", "hidden": True})


def extra_index(db):
    db["users"].create_index("fullName", name="surplus")
    return "users", "index", "surplus", lambda: db["users"].drop_index("surplus")


def other_ttl(db):
    db.command("collMod", "webinarregistrations",
               index={"name": "ttl", "expireAfterSeconds": 1 << 30})
    return "webinarregistrations", "index", "ttl", lambda: db.command(
        "collMod", "webinarregistrations",
        index={"name": "ttl", "expireAfterSeconds": 86400})


def changed_validator(db):
    old = db["waitlists"].options()
    db.command("collMod", "waitlists", validator={"email": {"$regex": "@@"}})
    return "waitlists", "validator", None, lambda: db.command(
        "collMod", "waitlists", validator=old["validator"],
        validationLevel=old["validationLevel"],
        validationAction=old["validationAction"])


def other_validation_action(db):
    db.command("collMod", "waitlists", validationAction="error")
    return "waitlists", None, None, lambda: db.command(
        "collMod", "waitlists", validationAction="warn")


def lost_view(db):
    (info,) = db.list_collections(filter={"name": "noms"})
    db.drop_collection("noms")
    options = info["options"]
    return "noms", "view", None, lambda: db.create_collection(
        "noms", viewOn=options["viewOn"], pipeline=options["pipeline"],
        collation={"locale": "fr", "strength": 1})


def changed_view(db):
    (info,) = db.list_collections(filter={"name": "publishedprojects"})
    pipeline = info["options"]["pipeline"]
    db.command("collMod", "publishedprojects", viewOn="projects",
               pipeline=pipeline[:1])
    return "publishedprojects", "view", None, lambda: db.command(
        "collMod", "publishedprojects", viewOn="projects", pipeline=pipeline)


METADATA = [lost_index, lost_index_option, extra_index, other_ttl,
            changed_validator, other_validation_action, lost_view, changed_view]


@pytest.mark.parametrize("spoil", METADATA, ids=[f.__name__ for f in METADATA])
def test_metadata(moved, spoil):
    before = look.metadata(moved.db.client, NEW_DB)
    collection, kind, name, mend = spoil(moved.db)
    try:
        r = moved.verify()
    finally:
        mend()
    assert look.metadata(moved.db.client, NEW_DB) == before     # mended
    summary.check(r, "verify")
    assert r.rc == 1, r
    c = r.collection(f"{NEW_DB}.{collection}")
    assert not c["ok"] and len(c["metadata"]) == 1, c
    (entry,) = c["metadata"]
    assert kind in (None, entry["kind"]) and name in (None, entry["name"])
    assert entry["source"] != entry["target"]
    assert f"{NEW_DB}.{collection}" in summary.messages(r)
    assert c["missing"] == c["extra"] == c["different"] == 0


# --- files

def put_back(moved, app, key):
    """As it was: versitygw's ETag is that of the same bytes again."""
    moved.s3.put_object(Bucket=moved.bucket, Key=PREFIX + key,
                        Body=(app.uploads / key).read_bytes())
    assert moved.verify().rc == 0


def test_changed_object_of_the_same_size(moved, app):
    key = "notes/note-2.txt"
    body = (app.uploads / key).read_bytes()
    moved.s3.put_object(Bucket=moved.bucket, Key=PREFIX + key,
                        Body=body[:-2] + b"!\n", ContentType="text/plain")
    r = moved.verify()
    s = summary.check(r, "verify")
    assert r.rc == 1 and s["files"]["different"] == 1, r
    assert key in summary.messages(r)
    assert all(c["ok"] for c in s["collections"])
    put_back(moved, app, key)


def test_lost_object(moved, app):
    key = "odd/été.png"
    moved.s3.delete_object(Bucket=moved.bucket, Key=PREFIX + key)
    r = moved.verify()
    s = summary.check(r, "verify")
    assert r.rc == 1 and s["files"]["missing"] == 1, r
    assert key in summary.messages(r)
    put_back(moved, app, key)


def test_changed_behind_its_etag(moved, app, s3_server):
    """A store whose disk rots answers with the old ETag; --download sees it."""
    key = "documents/facture-0003.pdf"
    path = s3_server.buckets / moved.bucket / PREFIX / key
    body, stat = path.read_bytes(), path.stat()
    with open(path, "r+b") as f:        # in place: attributes stay
        f.seek(100)
        f.write(bytes([body[100] ^ 1]))
    try:
        r = moved.verify("--download")
        assert r.rc == 1 and r.summary["files"]["different"] == 1, r
        assert key in summary.messages(r)
    finally:
        with open(path, "r+b") as f:
            f.write(body)
        assert path.stat().st_size == stat.st_size


def test_an_object_too_many_is_told(moved):
    moved.s3.put_object(Bucket=moved.bucket, Key=PREFIX + "stranger", Body=b"x")
    r = moved.verify()
    moved.s3.delete_object(Bucket=moved.bucket, Key=PREFIX + "stranger")
    assert r.summary["files"]["extra"] == 1, r


def test_without_its_manifest(moved, app, work):
    """On another machine every object is read back, and verify says so."""
    other = Ferry(work / "another-machine")
    r = other("verify", *ARGS, env=moved.env)
    assert r.rc == 0, r
    assert "manifest" in r.stderr
    other.close()


def test_source_changed_since(moved, app):
    """verify compares with the source as it is now."""
    users = app.database["users"]
    old = users.find_one({"username": "user00020"})
    users.update_one({"_id": old["_id"]}, {"$set": {"role": "admin"}})
    r = moved.verify()
    users.replace_one({"_id": old["_id"]}, old)
    assert r.rc == 1 and str(old["_id"]) in summary.messages(r), r


def test_limit(moved):
    """Of many differences --limit are named, and all are counted."""
    users = moved.db["users"]
    before = raw.read_by_id(users)
    users.update_many({}, {"$set": {"tampered": True}})
    try:
        r = moved.verify("--limit", "3")
    finally:
        mend(users, before)
    assert r.collection(f"{NEW_DB}.users")["different"] == len(before), r
    named = [e for e in r.summary["errors"] if "_id" in e["message"]]
    assert len(named) == 3
    assert str(len(before) - 3) in summary.messages(r)


def test_untampered(moved, app, target):
    """Last: all of it was mended, and verify itself changes nothing."""
    before = (look.fingerprint(target.client()), look.listing(moved.s3, moved.bucket),
              look.db_hash(app.source.client(), "ezia-prod"))
    r = moved.verify()
    s = summary.check(r, "verify")
    assert r.rc == 0, r
    assert s["errors"] == []
    after = (look.fingerprint(target.client()), look.listing(moved.s3, moved.bucket),
             look.db_hash(app.source.client(), "ezia-prod"))
    assert before == after
    expect.assert_files(moved.s3, moved.bucket, PREFIX, app.uploads, app.keys)
