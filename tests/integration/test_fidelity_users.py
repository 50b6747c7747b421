"""--users-and-roles: who may sign in at the source may sign in at the target,
with the same password and the same rights."""

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from harness import look, summary

PASSWORD = "pässwörd /:@%"


@pytest.fixture
def ends(source, target, spaceferry, db_name):
    ends = Ends(source, target, spaceferry, db_name)
    yield ends
    for server in (source, target):
        db = server.client()[db_name]
        db.command("dropAllUsersFromDatabase")
        db.command("dropAllRolesFromDatabase")
    for user in source.client().admin.command("usersInfo")["users"]:
        source.client().admin.command("dropUser", user["user"])


class Ends:
    def __init__(self, source, target, spaceferry, name):
        self.source, self.target, self.name = source, target, name
        self.spaceferry = spaceferry
        self.db, self.new = source.client()[name], target.client()[name]
        self.db["c"].insert_many([{"_id": n} for n in range(5)])
        self.db.command("createRole", "reader", roles=[], privileges=[{
            "resource": {"db": name, "collection": "c"}, "actions": ["find"]}])
        self.db.command("createRole", "heir", roles=["reader"], privileges=[])
        self.db.command("createUser", "app", pwd=PASSWORD, roles=["readWrite"],
                        customData={"z": 1, "a": "é", "db": name})
        self.db.command("createUser", "old", pwd=PASSWORD, roles=["heir"],
                        mechanisms=["SCRAM-SHA-1"])

    def run(self, command="migrate", *args, rc=0, **env):
        env = {"SPACEFERRY_FROM": self.source.uri(),
               "SPACEFERRY_TO": self.target.uri(), **env}
        r = self.spaceferry(command, "--json", "--users-and-roles",
                            "--db", self.name, *args, env=env)
        summary.check(r, command)
        assert r.rc == rc, f"{r.summary['errors']}"
        return r

    def sign_in(self, user, password=PASSWORD, **options):
        client = MongoClient(self.target.host, self.target.port, username=user,
                             password=password, authSource=self.name,
                             directConnection=True, **options)
        client.admin.command("ping")
        return client[self.name]

    def old_accounts(self, name):
        return self.accounts(self.source, name)

    def accounts(self, server, name=None):
        """Both kinds as the server keeps them, but for userId."""
        found = {}
        for kind in ("users", "roles"):
            for one in server.client().admin[f"system.{kind}"].find(
                    {"db": name or self.name}, sort=[("_id", 1)]):
                one.pop("userId", None)
                found[kind, one["_id"]] = one
        return found


def test_they_arrive(ends):
    ends.source.client().admin.command(
        "createUser", "boss", pwd="x", roles=[{"role": "read", "db": ends.name}])
    r = ends.run("migrate", "--dry-run")
    assert ends.accounts(ends.target) == {}
    r = ends.run()
    found = ends.accounts(ends.target)
    assert found == ends.accounts(ends.source) and len(found) == 4
    assert ends.sign_in("app", authMechanism="SCRAM-SHA-256")["c"].insert_one(
        {"_id": "new"})
    assert ends.sign_in("app", authMechanism="SCRAM-SHA-1")["c"].delete_one(
        {"_id": "new"}).deleted_count == 1
    reader = ends.sign_in("old")
    assert reader["c"].count_documents({}) == 5
    with pytest.raises(OperationFailure):
        reader["c"].insert_one({})
    with pytest.raises(OperationFailure):
        ends.sign_in("app", "wrong")
    # Who is not moved is named, and nothing of the way is left.
    assert "user admin.boss has a role" in str(r.summary["notes"]), r
    admin = ends.target.client().admin
    assert "boss" not in str(admin.command("usersInfo"))
    assert not {"tempusers", "temproles"} & set(admin.list_collection_names())
    ends.run("verify")


def test_not_without_being_asked(ends):
    env = {"SPACEFERRY_FROM": ends.source.uri(), "SPACEFERRY_TO": ends.target.uri()}
    assert ends.spaceferry("migrate", "--db", ends.name, env=env).rc == 0
    assert ends.accounts(ends.target) == {}
    r = ends.run("verify", rc=1)
    assert summary.kinds(r) == ["users"] * 4 and "is missing" in summary.messages(r)


def test_users_that_are_there_already(ends):
    """abort changes nothing, skip keeps the target's, replace ours."""
    ends.new.command("createUser", "app", pwd="theirs", roles=["read"])
    ends.new.command("createRole", "reader", privileges=[], roles=["read"])
    ends.new.command("createUser", "other", pwd="x", roles=["reader"])
    before = look.fingerprint(ends.target.client()), ends.accounts(ends.target)
    for more in ([], ["--dry-run"]):
        r = ends.run("migrate", *more, rc=2)
        (e,) = r.summary["errors"]
        assert f"role {ends.name}.reader is there already" in e["message"], r
        assert "--on-conflict" in e["hint"]
    after = look.fingerprint(ends.target.client()), ends.accounts(ends.target)
    assert after == before
    ends.run("migrate", "--on-conflict", "skip")
    ends.sign_in("app", "theirs")
    assert len(ends.accounts(ends.target)) == 5
    r = ends.run("verify", rc=1)
    assert f"user {ends.name}.app is another one" in summary.messages(r)
    assert f"role {ends.name}.reader is another one" in summary.messages(r)
    ends.run("migrate", "--on-conflict", "replace", "--restart")
    found = ends.accounts(ends.target)
    # Who had a role that was replaced has it still.
    other = found.pop(("users", f"{ends.name}.other"))
    assert other["roles"] == [{"role": "reader", "db": ends.name}]
    assert found == ends.accounts(ends.source)
    ends.sign_in("app")
    ends.run("verify")


def test_no_right_to(ends, app_uri):
    """readWrite alone, on either side: refused before anything is changed."""
    before = look.fingerprint(ends.target.client())
    r = ends.run("migrate", SPACEFERRY_TO=app_uri(), rc=2)
    (e,) = r.summary["errors"]
    assert e["kind"] == "denied" and "Atlas" in e["hint"], r
    # To read them and to write documents is not enough; what the hint names is.
    for name, roles in ("reader", ["backup", "readWriteAnyDatabase"]), (
            "keeper", ["restore", "userAdminAnyDatabase", "readWriteAnyDatabase"]):
        ends.target.add_user(name, "x", [{"role": r, "db": "admin"} for r in roles])
    r = ends.run("migrate", SPACEFERRY_TO=ends.target.uri(user="reader"), rc=2)
    (e,) = r.summary["errors"]
    assert e["kind"] == "denied" and "userAdminAnyDatabase" in e["hint"], r
    assert look.fingerprint(ends.target.client()) == before
    ends.run("migrate", SPACEFERRY_TO=ends.target.uri(user="keeper"))
    assert ends.accounts(ends.target) == ends.accounts(ends.source)
    for name in ("reader", "keeper"):
        ends.target.client().admin.command("dropUser", name)
    ends.target.client()[ends.name]["c"].insert_one({})
    r = ends.run("migrate", "--on-conflict", "skip", rc=2,
                 SPACEFERRY_FROM=app_uri(), SPACEFERRY_TO=ends.source.uri())
    (e,) = r.summary["errors"]
    assert (e["kind"], "backup" in e["hint"]) == ("denied", True), r


def test_a_renamed_database(ends):
    """Its users sign in at the new one; a role's privileges and the roles of
    roles follow, what somebody wrote into customData does not."""
    here = ends.name
    ends.name += "-new"
    ends.new = ends.target.client()[ends.name]
    rename = ["--rename", f"{here}.*={ends.name}.*", "--db", here]
    env = {"SPACEFERRY_FROM": ends.source.uri(), "SPACEFERRY_TO": ends.target.uri()}
    try:
        for command in "migrate", "verify":
            r = ends.spaceferry(command, "--json", "--users-and-roles", *rename, env=env)
            assert r.rc == 0, r
        found = ends.accounts(ends.target)
        assert len(found) == 4
        for (kind, name), old in ends.old_accounts(here).items():
            custom = old.pop("customData", None)
            new = eval(repr(old).replace(f"'{here}", f"'{ends.name}"))
            if custom:
                new["customData"] = custom
            assert found[kind, name.replace(here, ends.name)] == new
        reader = ends.sign_in("old")
        assert reader["c"].count_documents({}) == 5
        with pytest.raises(OperationFailure):
            reader["c"].insert_one({})
        assert ends.sign_in("app")["c"].insert_one({})
    finally:
        ends.new.command("dropAllUsersFromDatabase")
        ends.new.command("dropAllRolesFromDatabase")
        ends.target.client().drop_database(ends.name)


def test_a_renamed_collection(ends):
    r = ends.run("migrate", "--rename", f"{ends.name}.c={ends.name}.d", rc=2)
    (e,) = r.summary["errors"]
    assert e["kind"] == "usage" and "--users-and-roles" in e["message"], r
    assert ends.new.list_collection_names() == []


def test_nothing_secret_is_said(ends):
    r = ends.run("migrate", "-v")
    stored = ends.accounts(ends.source)["users", f"{ends.name}.app"]
    key = stored["credentials"]["SCRAM-SHA-256"]["storedKey"]
    texts = [r.stdout, r.stderr, *(p.read_bytes().decode("latin-1") for p in
                                   ends.spaceferry.home.rglob("*") if p.is_file())]
    assert not any(key in t or PASSWORD in t for t in texts)
