# build: release
"""Moving to a look-alike of a free Atlas cluster: its URI as guides give it, a
user who may read and write one database and nothing else, the commands that its
tier allows, its quota, its waits, and its ways of saying no."""

import json
import os
import random
import re

import pytest
from pymongo import UpdateOne

import make_app
from harness import atlas as lookalike
from harness import look, raw

pytestmark = pytest.mark.skipif(bool(lookalike.why_not()),
                                reason=lookalike.why_not() or "-")

LITERAL = "mongodb+srv://user:pass@cluster0.abcde.mongodb.net/ezia" \
    "?retryWrites=true&w=majority"
GUIDE = "mongodb+srv://user:pass@cluster.mongodb.net/ezia" \
    "?retryWrites=true&w=majority"

# Every command that spaceferry sends to Atlas, and none that M0 or Flex refuse
# (unsupported-commands): whoever makes it send another looks that up first.
GREETINGS = {"hello", "isMaster", "ismaster", "saslStart", "saslContinue",
             "endSessions", "buildInfo", "connectionStatus", "serverStatus",
             "listDatabases"}
ON_DATA = {"aggregate", "count", "create", "createIndexes", "delete", "drop",
           "find", "getMore", "insert", "killCursors", "listCollections",
           "listIndexes", "update"}


@pytest.fixture(scope="module")
def atlas(work):
    with lookalike.Atlas(work / "atlas") as atlas:
        yield atlas


@pytest.fixture
def empty(atlas):
    """The look-alike without data, and without limits of its own."""
    atlas.client().drop_database(atlas.db)
    front = atlas.front
    front.quota, front.ops, front.per_document = None, None, False
    front.cooldown, front.allowed = 1.0, True
    front.reset()
    yield atlas
    assert not front.refused


@pytest.fixture
def go(empty, spaceferry, source):
    """Runs the program where Atlas' names exist."""
    def go(command, *args, db, to=LITERAL, **options):
        return spaceferry(command, "--json", *args, wrap=empty.enter,
                          env={"SPACEFERRY_FROM": source.uri(db),
                               "SPACEFERRY_TO": to}, **options)
    return go


def fill(server, db, n, size, name="docs"):
    server.client()[db][name].insert_many(
        [{"_id": i, "text": os.urandom(size // 2).hex()} for i in range(n)])


class Log:
    """The commands in the server's own log, from now on."""

    def __init__(self, atlas):
        self.path, self.client = atlas.server.log, atlas.client()
        self.begin = self.path.stat().st_size
        self._verbosity(2)

    def _verbosity(self, level):
        self.client.admin.command("setParameter", 1, logComponentVerbosity={
            "command": {"verbosity": level}})

    def commands(self):
        """{(database, command)} of spaceferry's connections."""
        self._verbosity(0)
        ours, found = set(), set()
        with open(self.path, "rb") as log:
            log.seek(self.begin)
            for line in map(json.loads, log):
                attr = line.get("attr", {})
                if line["msg"] == "client metadata" and attr["doc"].get(
                        "application", {}).get("name") == "spaceferry":
                    ours.add(line["ctx"])
                if line["msg"] == "About to run the command" and \
                        line["ctx"] in ours:
                    command = attr["commandArgs"]
                    # The server's own look for a retryable write's session.
                    if command.get("find") != "transactions":
                        found.add((command["$db"], next(iter(command))))
        return found


def test_the_literal_uri(empty, go, source, db_name):
    fill(source, db_name, 100, 50)
    for uri in (LITERAL, GUIDE):
        r = go("migrate", "--drop", db=db_name, to=uri)
        assert r.rc == 0 and r.summary["ok"], r
    assert LITERAL == empty.uri()
    assert "user:pass" not in r.stdout + r.stderr
    assert look.db_hash(empty.client(), "ezia") == look.db_hash(
        source.client(), db_name)


def app_with_expiry(source, db):
    make_app.load(source.uri(), db, violators=True)
    base = source.client()[db]
    base.create_collection("sessions_by_day", clusteredIndex={
        "key": {"_id": 1}, "unique": True}, expireAfterSeconds=10 ** 7)
    return base


def test_only_commands_that_it_allows(empty, go, spaceferry, source, db_name):
    base = app_with_expiry(source, db_name)
    log = Log(empty)
    r = go("migrate", "--dry-run", db=db_name)
    assert r.rc == 1 and r.collection("ezia.subscriptions")["violations"] == 2, r
    # Without the right to bypass the validator two stay behind, by name.
    r = go("migrate", db=db_name)
    kinds = [e["kind"] for e in r.summary["errors"]]
    assert r.rc == 1 and set(kinds) == {"validation"}, r
    assert r.collection("ezia.subscriptions")["quarantined"] == 2
    for message in (e["message"] for e in r.summary["errors"]):
        assert '"old 1"' in message or '"old 2"' in message
    base.subscriptions.delete_many({"_id": {"$in": ["old 1", "old 2"]}})
    r = go("migrate", "--restart", "--drop", db=db_name)
    assert r.rc == 0, r
    empty.client()["ezia"]["users"].update_one({}, {"$set": {"changed": 1}})
    users = ["--include", "*.users"]
    assert (r := go("verify", *users, db=db_name)).rc == 1, r
    r = go("migrate", "--on-conflict", "replace", *users, db=db_name)
    assert r.rc == 0, r
    # And away from Atlas.
    r = spaceferry("migrate", "--json", "--dry-run", wrap=empty.enter, env={
        "SPACEFERRY_FROM": LITERAL, "SPACEFERRY_TO": source.uri(f"{db_name}2")})
    assert r.rc == 0, r
    # collMod is not in readWrite: the expiry is there from the beginning.
    (there,) = empty.client()["ezia"].list_collections(
        filter={"name": "sessions_by_day"})
    assert there["options"]["expireAfterSeconds"] == 10 ** 7
    found = log.commands()
    assert found, "nothing of spaceferry in the server's log"
    strange = {(db, name) for db, name in found
               if name not in (GREETINGS if db in ("admin", "config", "local")
                               else ON_DATA | GREETINGS)}
    assert not strange
    # The log is the right one: the front saw no other names.
    assert set(empty.front.counts) - {"serverStatus"} <= {n for _, n in found}


def test_quota(empty, go, source, db_name):
    """Full in the middle: nothing is lost, and the figures are told."""
    fill(source, db_name, 12000, 1000)
    empty.front.quota = 4 << 20
    r = go("migrate", db=db_name)
    assert r.rc == 3, r
    (error,) = r.summary["errors"]
    assert error["kind"] == "quota"
    assert "over your space quota, using " in error["message"]
    assert "MB of 4 MB" in error["message"]
    arrived = empty.client()["ezia"]["docs"].count_documents({})
    assert 0 < arrived < 12000
    told = re.match(r"([\d.]+) MB of documents and ([\d.]+) MB of indexes are to "
                    r"be moved, ([\d.]+) MB of documents are there", error["hint"])
    size, _, there = (float(number) for number in told.groups())
    stats = source.client()[db_name].command("dbStats")
    assert abs(size - stats["dataSize"] / 2 ** 20) < 0.1
    assert 0 < there <= arrived / 12000 * size + 0.1
    for word in ("tier", "--exclude", "20 minutes", "resumes"):
        assert word in error["hint"], r
    assert (r := go("migrate", db=db_name)).rc == 3, r
    empty.front.quota = None
    r = go("migrate", db=db_name)
    assert r.rc == 0 and r.summary["ok"], r
    assert look.db_hash(empty.client(), "ezia") == look.db_hash(
        source.client(), db_name)


def test_quota_passed_while_documents_are_replaced(empty, go, source, db_name):
    """The old ones are gone, the new ones not let in: it is said, nothing that
    did not differ is touched, and the same command brings all of them."""
    db, there = source.client()[db_name], empty.client()[db_name]
    db["c"].insert_many([{"_id": n, "pad": "x" * 1000} for n in range(5000)])
    args = ["--rename", f"{db_name}=ezia"]
    there = empty.client()["ezia"]
    r = go("migrate", *args, db=db_name)
    assert r.rc == 0, r
    # Nothing that compression makes small: the front counts what passes it.
    rng = random.Random("pads")
    db["c"].bulk_write([UpdateOne({"_id": n}, {"$set": {"pad": rng.randbytes(5000)}})
                        for n in range(2000)])
    empty.front.quota = empty.used() + (1 << 20)
    r = go("migrate", "--delta", "--delete", *args, db=db_name)
    assert r.rc == 3, r
    (error,) = r.summary["errors"]
    assert error["kind"] == "quota" and "may be missing there" in error["hint"]
    assert there["c"].count_documents({"_id": {"$gte": 2000}}) == 3000
    empty.front.quota = None
    r = go("migrate", "--delta", "--delete", *args, db=db_name)
    assert r.rc == 0, r
    assert raw.read_by_id(there["c"]) == raw.read_by_id(db["c"])


@pytest.mark.parametrize("ops, per_document", [(5, False), (100, True)])
def test_waits_are_borne(empty, go, source, db_name, ops, per_document):
    """Who sends too many operations is slowed down, and told nothing."""
    front = empty.front
    front.ops, front.cooldown, front.per_document = ops, 0.05, per_document
    fill(source, db_name, 20000, 200)
    r = go("migrate", db=db_name)
    assert r.rc == 0 and r.summary["ok"], r
    assert front.cooldowns > 0
    # 4.4 MB: there are few operations to slow down.
    assert front.counts["insert"] < 20 and front.counts["getMore"] < 10, front.counts
    assert sum(front.counts.values()) < 60, front.counts


def refused(r, rc, kind, *words):
    (error,) = r.summary["errors"]
    assert (r.rc, error["kind"]) == (rc, kind), r
    for word in words:
        assert word in error["message"] + error["hint"], r
    assert "S3CRET" not in r.stdout + r.stderr


def test_wrong_password(empty, go, source, db_name):
    fill(source, db_name, 1, 50)
    r = go("migrate", db=db_name, to=empty.uri(password="S3CRET"))
    refused(r, 2, "auth", "bad auth", "Database Access")


def test_no_such_cluster(empty, go, db_name, source):
    fill(source, db_name, 1, 50)
    r = go("migrate", db=db_name,
           to=empty.uri(password="S3CRET", cluster="cluster9.abcde.mongodb.net"))
    refused(r, 2, "dns", "cluster9.abcde.mongodb.net", "paused or deleted")


def test_an_at_sign_in_the_password(empty, go, db_name, source):
    fill(source, db_name, 1, 50)
    r = go("migrate", db=db_name, to=empty.uri(password="S3CRET@ss"))
    refused(r, 2, "uri", "'@'", "percent-encode")


def test_not_on_the_access_list(empty, go, db_name, source):
    fill(source, db_name, 1, 50)
    empty.front.allowed = False
    r = go("migrate", "--patience", "1s", db=db_name)
    refused(r, 3, "network", "alert internal error", "Network Access")
