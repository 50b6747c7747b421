# build: release
"""doctor about both ends together: rights, what is there, and whether the
source fits the target; each failing condition apart from its neighbours.
Neither side is changed by being looked at."""

import secrets
import time

import pytest

from harness import atlas as lookalike
from harness import doctor, look
from harness.liar import Liar, error

OLD = "https://old.example"


@pytest.fixture(scope="module")
def atlas(work):
    if lookalike.why_not():
        pytest.skip(lookalike.why_not())
    with lookalike.Atlas(work / "atlas") as atlas:
        yield atlas


@pytest.fixture
def examine(spaceferry, source, target, db_name):
    def examine(*args, uri=None, to=None, wrap=()):
        def now():
            return [look.fingerprint(s.client()) for s in (source, target)]
        before = now()
        env = {"SPACEFERRY_FROM": uri or source.uri(db_name),
               "SPACEFERRY_TO": to or target.uri(db_name)}
        r = spaceferry("doctor", "--json", *args, env=env, wrap=wrap, timeout=60)
        assert now() == before
        found = doctor.checks(r)
        found.result = r
        return found
    return examine


@pytest.fixture
def base(source, db_name):
    db = source.client()[db_name]
    db["a"].insert_many([{"_id": n, "u": f"{OLD}/{n}"} for n in range(100)])
    return db


def sound(found):
    assert not found.failed() | found.warned(), found.result
    assert found.result.rc == 0
    assert all(line["verdict"] == "pass" for line in found.every
               if line["group"] in ("source", "target", "fit")), found.result


def only(found, key, *words, verdict="fail", also=()):
    """This check is bad, with these words; no other is, but those named."""
    line = found[key]
    assert line["verdict"] == verdict, (line, found.result)
    for word in words:
        assert word in line["seen"] + line["remedy"], (word, line)
    assert found.failed() | found.warned() == {key, *also}, found.result
    assert found.result.rc == (1 if found.failed() else 0)
    return line


# --- nothing wrong ---

def test_sound(examine, base, source, target, db_name, app_uri):
    base["a"].create_index("u")
    base.command("create", "v", viewOn="a", pipeline=[])
    sound(examine())
    sound(examine("--rewrite", f"{OLD}=https://new.example"))
    # As the guide has it: a user who may read and write and nothing else.
    sound(examine(to=app_uri(db_name)))
    # From set to set, here one and the same, under another name.
    twin = target.client()[f"{db_name}-x"]
    twin["a"].insert_many([{"_id": n} for n in range(10)])
    try:
        found = examine(uri=target.uri(f"{db_name}-x"))
        sound(found)
        assert "one time" in found["source", "moment"]["seen"]
    finally:
        target.client().drop_database(f"{db_name}-x")
    assert found["target", "write"]["seen"].endswith(db_name)


def test_sound_with_a_validator_that_holds(examine, base, app_uri, db_name):
    base.command("collMod", "a", validator={"u": {"$type": "string"}})
    sound(examine(to=app_uri(db_name)))
    base.command("collMod", "a", validationLevel="moderate")
    base["a"].insert_one({"_id": "old"}, bypass_document_validation=True)
    only(examine(to=app_uri(db_name)), ("target", "validators"), f"{db_name}.a",
         "dbAdmin", verdict="warn")
    sound(examine())


def test_archives(examine, base, spaceferry, tmp_path, source, db_name):
    file = tmp_path / "a.archive"
    sound(examine(to=f"archive:{file}"))
    assert spaceferry("export", "--archive", file, env={
        "SPACEFERRY_FROM": source.uri(db_name)}).rc == 0
    found = examine(uri=f"archive:{file}")
    assert not found.failed() | found.warned(), found.result
    only(examine(to=f"archive:{file}"), ("target", "file"), "is there already",
         "--drop")
    only(examine(to=f"archive:{tmp_path}/none/a"), ("target", "file"), "mkdir")
    only(examine(uri=f"archive:{tmp_path}/none"), ("source", "file"), "none")
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])
    only(examine(uri=f"archive:{file}"), ("source", "file"))


# --- rights ---

@pytest.fixture
def user(target, db_name):
    """user(roles, privileges) -> the URI of such a user on the target."""
    made, admin = [], target.client().admin

    def user(roles=(), privileges=()):
        name, password = f"u{len(made)}-{db_name}", secrets.token_hex(8)
        if privileges:
            admin.command("createRole", name, roles=[], privileges=[
                {"resource": {"db": db_name, "collection": c}, "actions": actions}
                for c, actions in privileges])
            roles = [*roles, name]
        admin.command("createUser", name, pwd=password, roles=list(roles))
        made.append((name, bool(privileges)))
        return target.uri(db_name, user=name, password=password)
    yield user
    for name, has_role in made:
        admin.command("dropUser", name)
        if has_role:
            admin.command("dropRole", name)


def test_rights_on_the_target(examine, base, user, db_name):
    found = examine(to=user(["readAnyDatabase"]))
    only(found, ("target", "rights"), f"insert, createCollection, createIndex on {db_name}.a",
         "readWrite")
    assert found.verdict("target", "write") == "skipped"
    found = examine(to=user(["clusterMonitor"]))
    only(found, ("target", "rights"), "find", "listCollections")
    assert found.verdict("target", "collections") == "skipped"
    assert found["target", "collections"]["seen"] == "needs the rights above"
    # What could not be removed again is not written.
    most = ["find", "insert", "update", "remove", "createCollection",
            "createIndex", "listIndexes", "listCollections", "dbStats"]
    poor = user(privileges=[("", most)])
    found = examine(to=poor)
    only(found, ("target", "rights"), f"dropCollection on {db_name}.a",
         verdict="warn")
    assert "could not remove" in found["target", "write"]["seen"]
    only(examine("--drop", to=poor), ("target", "rights"), "dropCollection")


def test_rights_on_the_source(examine, base, user, source, target, db_name):
    there = target.client()[db_name]
    there["a"].insert_one({})
    there["b"].insert_one({})
    to = source.uri(f"{db_name}-x")
    found = examine(uri=user(privileges=[("a", ["find"])]), to=to)
    only(found, ("source", "rights"), f"listCollections on {db_name}", "role read")
    assert found["source", "collections"]["seen"] == "needs the rights above"
    line = only(examine(uri=user(privileges=[
        ("", ["listCollections", "listIndexes", "collStats"]), ("a", ["find"])]),
        to=to), ("source", "rights"), f"find on {db_name}.b")
    assert f"{db_name}.a" not in line["seen"]
    only(examine(uri=user(privileges=[
        ("", ["listCollections", "listIndexes", "find"])]), to=to),
        ("source", "rights"), "collStats", verdict="warn")
    sound(examine(uri=user(privileges=[("", [
        "listCollections", "listIndexes", "find", "collStats"])]), to=to))


@pytest.mark.parametrize("command", ["insert", "delete", "create"])
def test_a_write_that_fails(examine, base, source, spaceferry, db_name, command):
    """Whatever fails on the way, nothing of it stays."""
    other = f"{db_name}-x"
    with Liar(source) as liar:
        liar.answer[command] = lambda _: error(8000, "you are over your space "
                                               "quota, using 513 MB of 512 MB")
        found = examine(to=liar.uri(other))
        assert "drop" in liar.seen or command == "create"
    only(found, ("target", "write"), "over your space quota", command)
    assert other not in source.client().list_database_names()


def test_interrupted_while_it_writes(base, source, spaceferry, db_name):
    """What was made to try is gone, even so."""
    other, runs = f"{db_name}-x", []

    def interrupt(_):
        runs[0].interrupt()
        time.sleep(0.5)
    with Liar(source) as liar:
        liar.answer["insert"] = interrupt
        runs.append(spaceferry.start("doctor", "--json", env={
            "SPACEFERRY_FROM": source.uri(db_name),
            "SPACEFERRY_TO": liar.uri(other)}))
        r = runs[0].wait(timeout=20)
        assert "insert" in liar.seen and "drop" in liar.seen
    assert r.rc == 3, r
    assert other not in source.client().list_database_names()


# --- what is there ---

def test_not_empty(examine, base, target, db_name):
    there = target.client()[db_name]
    there.create_collection("a")
    sound(examine())
    there["a"].insert_one({"_id": 1})
    only(examine(), ("target", "empty"), f"{db_name}.a", "--on-conflict")
    for how, word in (("skip", "kept"), ("replace", "replaced")):
        found = examine("--on-conflict", how)
        sound(found)
        assert word in found["target", "empty"]["seen"]
    only(examine("--drop"), ("target", "empty"), f"removes what is there: "
         f"{db_name}.a", verdict="warn")
    there["a"].drop()
    there.command("create", "a", viewOn="b", pipeline=[])
    only(examine(), ("target", "empty"), "something else", "--drop")
    base["a"].drop()
    base.create_collection("a", capped=True, size=4096)
    base["a"].insert_one({})
    there["a"].drop()
    there.create_collection("a", capped=True, size=4096)
    there["a"].insert_one({})
    only(examine("--on-conflict", "replace"), ("target", "empty"), "capped",
         "--drop")
    only(examine("--delta"), ("target", "empty"), "should they differ", "--delete",
         verdict="warn")
    sound(examine("--delta", "--delete"))


def test_made_by_the_app_before_the_move(examine, base, target, db_name):
    """Empty, but not as on the source: the run would end with a difference."""
    there = target.client()[db_name]
    base["a"].create_index("x")
    there["a"].create_index("x")
    sound(examine())
    there["a"].create_index("of_the_app")
    only(examine(), ("target", "metadata"), f"of_the_app_1 of {db_name}.a", "--drop")
    sound(examine("--drop"))
    there["a"].drop()
    there.create_collection("a", collation={"locale": "fr"})
    only(examine(), ("target", "metadata"), f"collation of {db_name}.a", "--drop")
    there["a"].drop()
    there.create_collection("a")
    base.command("collMod", "a", validator={"b": {"$exists": False}})
    only(examine(), ("target", "metadata"), f"validator of {db_name}.a", "--drop")


def test_the_same(examine, base, source, db_name):
    only(examine(to=source.uri(db_name)), ("target", "same"),
         "same deployment", "--rename")
    sound(examine(to=source.uri(f"{db_name}-x")))


def test_nothing_to_move(examine, source, db_name):
    only(examine(), ("source", "collections"), "nothing to move", db_name)


def test_consistent(examine, base):
    only(examine("--consistent"), ("source", "moment"), "standalone",
         "rs.initiate")


# --- versions ---

def version(text):
    def lie(_, reply):
        reply["version"] = text
    return lie


def test_versions(examine, base, source, db_name):
    other = f"{db_name}-x"
    with Liar(source) as liar:
        def ask(text, compatible="6.0"):
            liar.change["buildInfo"] = version(text)
            liar.change["getParameter"] = lambda _, reply: reply.update(
                featureCompatibilityVersion={"version": compatible})
            return examine(to=liar.uri(other))
        sound(ask("7.0.4"))
        only(ask("5.0.9"), ("fit", "version"), "older", "5.0.9", "6.0.5",
             verdict="warn")
        base.create_collection("days", clusteredIndex={
            "key": {"_id": 1}, "unique": True})
        line = only(ask("5.0.9"), ("fit", "features"), f"{db_name}.days",
                    "clustered", also={("fit", "version")})
        assert f"{db_name}.a" not in line["seen"]
        only(ask("6.0.5", "5.0"), ("fit", "features"), "clustered",
             "featureCompatibilityVersion 5.0")
        base["days"].drop()
        base.create_collection("t", timeseries={"timeField": "t"})
        only(ask("4.4.1"), ("fit", "features"), "time-series",
             also={("fit", "version")})


def test_an_index_that_is_no_more(examine, base, source, db_name):
    def lie(_, reply):
        reply["cursor"]["firstBatch"].append(
            {"v": 2, "key": {"at": "geoHaystack", "x": 1}, "name": "hay",
             "bucketSize": 1})
    with Liar(source) as liar:
        liar.change["listIndexes"] = lie
        only(examine(uri=liar.uri(db_name)), ("fit", "indexes"), "hay",
             "2dsphere")


def test_a_query_that_is_none(examine, base):
    only(examine("--query", "{x"), ("source", "query"))


def test_names(examine, base, source, target, db_name):
    long = "d" * 64
    only(examine("--rename", f"{db_name}.*={long}.*"), ("fit", "names"), "64 bytes",
         "--rename")
    there = target.client()
    try:
        there["Shop"]["a"].insert_one({})
        # Writing there tells it, too.
        only(examine("--rename", f"{db_name}.*=shop.*"), ("fit", "case"),
             "Shop", "differ in case", also={("target", "write")})
    finally:
        there.drop_database("Shop")


def test_too_large_once_rewritten(examine, base):
    size = 16 * 1024 * 1024 - 500
    urls = f"{OLD}/ " * 100
    base["large"].insert_one({"u": urls, "pad": "x" * (size - len(urls))})
    sound(examine())
    only(examine("--rewrite", f"{OLD}/=https://much.longer.example/"),
         ("fit", "documents"), "large", "16 MiB", "--rewrite-skip")


# --- M0 and Flex ---

@pytest.fixture
def m0(examine, atlas, base, db_name):
    """Looks at the look-alike as target."""
    def m0(*args, refused=(), **options):
        atlas.front.reset()
        before = look.fingerprint(atlas.client())
        found = examine(*args, to=atlas.uri(), wrap=atlas.enter, **options)
        assert look.fingerprint(atlas.client()) == before
        assert [name for name, _ in atlas.front.refused] == list(refused)
        return found
    return m0


def nested(levels):
    doc = {"x": 1}
    for _ in range(levels - 1):
        doc = {"d": doc}
    return doc


def test_m0(m0, atlas, base, db_name):
    found = m0("--rewrite", f"{OLD}=https://new.example")
    sound(found)
    assert "M0" in found["fit", "tier"]["seen"]
    base["deep"].insert_one(nested(50))
    sound(m0())
    base["deep"].insert_one(nested(51))
    only(m0(), ("fit", "depth"), "deep", "51", "50")
    base["deep"].drop()
    only(m0("--rename", f"{db_name}.a=ezia.{'n' * 100}"), ("fit", "names"),
         "95", "--rename")
    base.create_collection("tuned", storageEngine={
        "wiredTiger": {"configString": "block_compressor=zlib"}})
    only(m0(), ("fit", "options"), "tuned", "storageEngine", verdict="warn")
    base["tuned"].drop()
    base.command("create", "js", viewOn="a", pipeline=[{"$match": {
        "$expr": {"$function": {"body": "function() { return true }", "args": [],
                                "lang": "js"}}}}])
    only(m0(), ("fit", "options"), "js", "JavaScript", verdict="warn")


def sizes(bytes_, indexes):
    """A source whose collStats say so."""
    def lie(_, reply):
        for doc in reply.get("cursor", {}).get("firstBatch", []):
            if "storageStats" in doc:
                doc["storageStats"].update(size=bytes_, totalIndexSize=indexes,
                                           count=10 ** 6)
    return lie


def test_quota(m0, source, base, db_name):
    mib = 1 << 20
    # More than are read, so that it must be estimated.
    base["a"].insert_many([{"u": OLD} for _ in range(3000)])
    with Liar(source) as liar:
        def ask(documents, indexes, *args):
            liar.change["aggregate"] = sizes(documents * mib, indexes * mib)
            return m0(*args, uri=liar.uri(db_name))
        only(ask(400, 90), ("fit", "quota"), "of 512 MiB", verdict="warn")
        only(ask(400, 150), ("fit", "quota"), "400.0 MiB", "150.0 MiB", "Flex")
        # Only rewriting makes it too large.
        sound(ask(400, 40))
        only(ask(400, 40, "--rewrite", f"{OLD}=https://{'long' * 15}.example"),
             ("fit", "quota"), "once rewritten")
        line = only(ask(11 * 1024, 1), ("fit", "quota"), "dedicated",
                    also={("fit", "transfer")})
        assert "Flex" not in line["remedy"]


def test_what_is_there_counts(m0, atlas, source, base, db_name):
    mib = 1 << 20
    base["a"].insert_many([{"u": OLD} for _ in range(3000)])
    atlas.client()["ezia"]["big"].insert_one({"x": "y" * (15 * mib)})
    try:
        with Liar(source) as liar:
            liar.change["aggregate"] = sizes(500 * mib, 0)
            only(m0(uri=liar.uri(db_name)), ("fit", "quota"), "15.0 MiB are there")
    finally:
        atlas.client()["ezia"]["big"].drop()


def test_too_many_collections(m0, source, base, db_name):
    def lie(_, reply):
        reply["cursor"]["firstBatch"] += [
            {"name": f"v{n}", "type": "view", "info": {"readOnly": True},
             "options": {"viewOn": "a", "pipeline": []}} for n in range(500)]
    with Liar(source) as liar:
        liar.change["listCollections"] = lie
        only(m0(uri=liar.uri(db_name)), ("fit", "count"), "501", "500")


def test_users_and_roles(m0, base):
    only(m0("--users-and-roles", refused=["find"]), ("fit", "users"), "Database Access")
