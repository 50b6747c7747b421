"""--users-and-roles through archives and dump directories, ours and the real
tools': who could sign in before can sign in after, with the old password."""
# build: release

import subprocess

import pytest
from bson import decode_all, encode
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from harness import look, peers, summary

PASSWORD = "pässwörd /:@%"


class Ends:
    def __init__(self, source, target, spaceferry, name, tmp_path):
        self.source, self.target, self.name = source, target, name
        self.ferry, self.path = spaceferry, tmp_path
        self.db = source.client()[name]
        self.db["c"].insert_many([{"_id": n} for n in range(5)])
        self.db.command("createRole", "reader", roles=[], privileges=[{
            "resource": {"db": name, "collection": "c"}, "actions": ["find"]}])
        self.db.command("createUser", "app", pwd=PASSWORD, roles=["readWrite"])
        self.db.command("createUser", "old", pwd=PASSWORD, roles=["reader"])
        source.client()["elsewhere"].command("createUser", "who", pwd="x", roles=[])
        source.client().admin.command("createUser", "boss", pwd="x",
                                      roles=[{"role": "read", "db": name}])

    def close(self):
        for server in (self.source, self.target):
            for name in (self.name, "elsewhere", self.name + "-new"):
                server.client()[name].command("dropAllUsersFromDatabase")
                server.client()[name].command("dropAllRolesFromDatabase")
        self.source.client().admin.command("dropUser", "boss")
        self.target.client().drop_database(self.name + "-new")

    def run(self, command, *args, rc=0, **more):
        env = {} if command == "import" else {"SPACEFERRY_FROM": self.source.uri()}
        if command == "import":
            env["SPACEFERRY_TO"] = self.target.uri()
        env.update(more.pop("env", {}))
        r = self.ferry(command, "--json", "--users-and-roles", "--db", self.name,
                       *args, env=env, **more)
        summary.check(r, command)
        assert r.rc == rc, r
        return r

    def tool(self, tool, server, *args):
        done = subprocess.run([peers.need(tool), "--uri", server.uri(), "--quiet",
                               *map(str, args)], capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr.decode()

    def accounts(self, server, name=None):
        found = {}
        for kind in ("users", "roles"):
            for one in server.client().admin[f"system.{kind}"].find(
                    {"db": name or self.name}):
                one.pop("userId", None)
                found[kind, one["_id"]] = one
        return found

    def forget(self):
        """The target as it was before."""
        self.target.client()[self.name].command("dropAllUsersFromDatabase")
        self.target.client()[self.name].command("dropAllRolesFromDatabase")
        self.target.client().drop_database(self.name)

    def sign_in(self, user, password=PASSWORD, name=None):
        client = MongoClient(self.target.host, self.target.port, username=user,
                             password=password, authSource=name or self.name,
                             directConnection=True)
        client.admin.command("ping")
        return client[name or self.name]

    def assert_arrived(self):
        found = self.accounts(self.target)
        assert found == self.accounts(self.source) and len(found) == 3
        assert self.sign_in("app")["c"].insert_one({"_id": "new"})
        assert self.sign_in("app")["c"].delete_one({"_id": "new"}).deleted_count
        reader = self.sign_in("old")
        assert reader["c"].count_documents({}) == 5
        with pytest.raises(OperationFailure):
            reader["c"].insert_one({})
        with pytest.raises(OperationFailure):
            self.sign_in("app", "wrong")
        rest = self.target.client().admin
        assert rest["system.users"].count_documents({"user": {"$in": ["who", "boss"]}}) == 0
        assert not {"tempusers", "temproles"} & set(rest.list_collection_names())


@pytest.fixture
def ends(source, target, spaceferry, db_name, tmp_path):
    ends = Ends(source, target, spaceferry, db_name, tmp_path)
    yield ends
    ends.close()


FORMS = {
    "archive-gz": (["--archive", "a.gz"], ["--archive={}", "--gzip"]),
    "dir": (["--dir", "d"], ["--dir={}/{db}"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_mongorestore_and_import_take_ours(ends, form):
    (option, name, *more), restore = FORMS[form]
    path = ends.path / name
    r = ends.run("export", option, path, *more)
    assert "user admin.boss has a role" in str(r.summary["notes"]), r
    ends.tool("mongorestore", ends.target, "--db", ends.name,
              "--restoreDbUsersAndRoles",
              *[a.format(path, db=ends.name) for a in restore])
    ends.assert_arrived()
    ends.forget()
    ends.run("import", option, path)
    ends.assert_arrived()
    # The two sides of verify may be either.
    end = ("archive:" if option == "--archive" else "dump:") + str(path)
    ends.run("verify", env={"SPACEFERRY_FROM": end, "SPACEFERRY_TO": ends.target.uri()})
    ends.db.command("updateUser", "app", pwd="another")
    r = ends.run("verify", rc=1, env={"SPACEFERRY_TO": end})
    assert f"user {ends.name}.app is another one" in summary.messages(r)
    if form == "dir":
        # As mongodump has it, to the byte.
        ends.db.command("updateUser", "app", pwd=PASSWORD)
        ends.run("export", option, path, "--drop")
        ends.tool("mongodump", ends.source, "--db", ends.name,
                  "--dumpDbUsersAndRoles", f"--out={ends.path}/real")
        ours, real = path / ends.name, ends.path / "real" / ends.name
        assert {p.name for p in ours.iterdir()} == \
            {p.name for p in real.iterdir()} - {"prelude.json"}
        for kind in "users", "roles":
            file = f"$admin.system.{kind}.bson"
            assert (ours / file).read_bytes() == (real / file).read_bytes() != b""
            assert (ours / file).stat().st_mode & 0o077 == 0
        schema = decode_all((ours / "$admin.system.version.bson").read_bytes())
        assert schema[0] in decode_all((real / "$admin.system.version.bson").read_bytes())


def test_without_being_asked_there_are_none(ends):
    env = {"SPACEFERRY_FROM": ends.source.uri(), "SPACEFERRY_TO": ends.target.uri()}
    path = ends.path / "a"
    assert ends.ferry("export", "--db", ends.name, "--archive", path,
                      env={"SPACEFERRY_FROM": ends.source.uri()}).rc == 0
    assert b"credentials" not in path.read_bytes()
    r = ends.run("import", "--archive", path)
    assert "holds no users or roles" in str(r.summary["notes"]), r
    ends.forget()
    ends.tool("mongodump", ends.source, f"--archive={path}")
    assert ends.ferry("import", "--db", ends.name, "--archive", path,
                      env={"SPACEFERRY_TO": env["SPACEFERRY_TO"]}).rc == 0
    assert ends.accounts(ends.target) == {}


@pytest.mark.parametrize("form", ["--archive={}/x", "--out={}/x --gzip",
                                  "everything"])
def test_import_takes_mongodumps(ends, form):
    """Of the database alone, or of the whole server."""
    path = ends.path / "x"
    form = form.format(ends.path).split()
    if form[0].startswith("everything"):
        option = "--archive"
        ends.tool("mongodump", ends.source, f"--archive={path}")
    else:
        option = "--dir" if form[0].startswith("--out") else "--archive"
        ends.tool("mongodump", ends.source, "--db", ends.name,
                  "--dumpDbUsersAndRoles", *form)
    r = ends.run("import", "--dry-run", option, path)
    assert ends.accounts(ends.target) == {}
    r = ends.run("import", option, path)
    ends.assert_arrived()
    named = "user admin.boss has a role" in str(r.summary["notes"])
    assert named == form[0].startswith("everything"), r
    if option == "--archive":
        ends.forget()
        r = ends.run("import", "--archive", "-", input=path.read_bytes())
        ends.assert_arrived()
        assert named == ("user admin.boss has a role" in str(r.summary["notes"])), r


def test_the_same_rules(ends, app_uri):
    """What is there already, missing rights, another name, half a database:
    as between two servers, and before anything is changed."""
    path = ends.path / "a"
    new = ends.target.client()[ends.name]
    r = ends.run("export", "--archive", path, "--rename", f"{ends.name}.c=x.y", rc=2)
    assert "only a whole database" in summary.messages(r)
    assert not path.exists()
    ends.run("export", "--archive", path)
    new.command("createUser", "app", pwd="theirs", roles=["read"])
    before = look.fingerprint(ends.target.client()), ends.accounts(ends.target)
    for more in [], ["--dry-run"]:
        r = ends.run("import", "--archive", path, *more, rc=2)
        assert f"user {ends.name}.app is there already" in summary.messages(r)
    r = ends.run("import", "--archive", "-", rc=2, input=path.read_bytes())
    assert f"user {ends.name}.app is there already" in summary.messages(r)
    r = ends.run("import", "--archive", path, rc=2,
                 env={"SPACEFERRY_TO": app_uri()})
    assert r.summary["errors"][0]["kind"] == "denied", r
    after = look.fingerprint(ends.target.client()), ends.accounts(ends.target)
    assert after == before
    ends.run("import", "--archive", path, "--on-conflict", "skip")
    ends.sign_in("app", "theirs")
    ends.run("import", "--archive", path, "--on-conflict", "replace", "--restart")
    ends.assert_arrived()
    # Another name, on the way out and on the way in.
    name = ends.name + "-new"
    rename = ["--rename", f"{ends.name}.*={name}.*"]
    ends.run("export", "--dir", ends.path / "d", *rename)
    for option, source, more in ("--dir", "d", ["--db", name]), (
            "--archive", "a", ["--db", ends.name, *rename]):
        assert ends.ferry("import", "--users-and-roles", option, ends.path / source,
                          *more, env={"SPACEFERRY_TO": ends.target.uri()}).rc == 0
        assert len(ends.accounts(ends.target, name)) == 3
        assert ends.sign_in("old", name=name)["c"].count_documents({}) == 5
        with pytest.raises(OperationFailure):
            ends.sign_in("old", name=name)["d"].count_documents({})
        ends.target.client()[name].command("dropAllUsersFromDatabase")
        ends.target.client()[name].command("dropAllRolesFromDatabase")
        ends.target.client().drop_database(name)


def test_who_may_not_read_them_exports_none(ends, target, app_uri):
    target.client()[ends.name]["c"].insert_one({})
    r = ends.run("export", "--archive", ends.path / "b", rc=2,
                 env={"SPACEFERRY_FROM": app_uri()})
    assert r.summary["errors"][0]["kind"] == "denied", r
    assert "backup" in r.summary["errors"][0]["hint"]
    assert list(ends.path.glob("b*")) == []


def test_bad_ones_are_refused(ends):
    """Nothing is written."""
    folder = ends.path / "d" / ends.name
    folder.mkdir(parents=True)
    (folder / "c.bson").write_bytes(encode({"_id": 1}))
    for kind, doc, word in [
            ("version", {"_id": "authSchema", "currentVersion": 1}, "authSchema 1"),
            ("users", {"_id": "admin.root", "user": "app", "db": ends.name},
             "should be a user"),
            ("users", {"_id": f"{ends.name}.app", "user": 1, "db": ends.name},
             "should be a user"),
            ("roles", {"_id": f"{ends.name}.app", "user": "app", "db": ends.name},
             "should be a role")]:
        file = folder / f"$admin.system.{kind}.bson"
        file.write_bytes(encode(doc))
        r = ends.run("import", "--dir", ends.path / "d", rc=2)
        assert word in summary.messages(r), r
        file.unlink()
    assert ends.name not in ends.target.client().list_database_names()


def test_nothing_secret_is_said(ends):
    key = ends.accounts(ends.source)["users", f"{ends.name}.app"]["credentials"][
        "SCRAM-SHA-256"]["storedKey"]
    path = ends.path / "a"
    texts = [ends.run("export", "-v", "--archive", path),
             ends.run("import", "-v", "--archive", path)]
    assert key.encode() in path.read_bytes()
    said = [t for r in texts for t in (r.stdout, r.stderr)] + [
        p.read_bytes().decode("latin-1") for p in ends.ferry.home.rglob("*")
        if p.is_file()]
    assert not any(key in t or PASSWORD in t for t in said)
