# build: release
"""Backup and its sisters, told something wrong: the exit status, one line that
says what, a hint, a summary that keeps to its contract, nothing lost.  And what is
right, but easily not what was meant."""

import json
import shutil
import time

import pytest

from harness import stored, summary
from harness.ferry import Ferry
from harness.vault import age_key

SECRET = "s3cr3t"
AWAY = f"mongodb://root:{SECRET}@127.0.0.1:1/app"
S3 = {"AWS_ACCESS_KEY_ID": "K", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "auto",
      "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}


class Lab:
    """Repositories of files, made once: plain, sealed, empty ones and others."""

    def __init__(self, folder):
        self.ferry = Ferry(folder)
        self.here = self.ferry.cwd
        self.key, self.recipient = age_key(self.here)
        age_key(self.here, "other.txt")
        for name in ("up", "void", "other"):
            (self.here / name).mkdir()
        (self.here / "up" / "a").write_text("one")
        (self.here / "up" / "b").write_text("two")
        (self.here / "file").write_text("hello\n")
        (self.here / "other" / "x").write_text("x")
        self.plain = [self.backup("plain", "--tag", "red")]
        time.sleep(1.1)         # names of snapshots know seconds
        self.plain += [self.backup("plain", "--tag", "blue")]
        self.backup("sealed", "--recipient", self.recipient)
        self.backup("none")
        for path in (self.here / "none" / "snapshots").iterdir():
            path.unlink()
        shutil.copytree(self.here / "plain", self.here / "newer")
        config = self.here / "newer" / "config"
        config.write_text(config.read_text().replace('"version":1', '"version":2'))

    def run(self, command, *args, rc=0, env=None):
        r = self.ferry(command, "--json", *args, env=env)
        assert r.rc == rc, r
        summary.check(r, command)
        return r

    def backup(self, repo, *args):
        r = self.run("backup", "--repo", repo, "--files", "up", *args)
        return r.summary["snapshots"][0]["id"]


@pytest.fixture(scope="module")
def lab(work):
    lab = Lab(work / "misuse")
    yield lab
    lab.ferry.close()


# What is written on the command line, the kind of the error, words of the message
# or of the hint.
WRONG = [
    # no repository, or none that can be used
    *[(f"{command} --to mongodb://h" if command == "restore" else
       f"{command} --files up" if command == "backup" else command, "usage", "SPACEFERRY_REPO")
      for command in ("backup", "restore", "snapshots", "check", "prune")],
    *[(f"{command} --repo {repo}{more}", kind, words)
      for command, more in (("restore", " --files x"), ("snapshots", ""), ("check", ""),
                            ("prune", " --keep-last 1"), ("verify", " --from snapshot:latest --to a"))
      for repo, kind, words in (("file", "config", "not a directory"),
                                ("void", "not_found", "it has no config"),
                                ("other", "not_found", "`spaceferry backup` makes one"),
                                ("nowhere", "not_found", "name the repository"),
                                ("newer", "unsupported", "a newer spaceferry"),
                                ("s3:/bucket/x", "uri", "s3://bucket/prefix"),
                                ("ftp://h/x", "uri", "no kind of store"))],
    ("backup --files up --repo other", "conflict", "something else (x)"),
    ("backup --files up --repo newer", "unsupported", "newer"),
    ("backup --files up --repo s3:/bucket/x", "uri", "s3://bucket/prefix"),
    ("backup --files up --repo up/repo", "same", "lie within each other"),
    # who can read it
    ("backup --files up --repo plain --recipient RECIPIENT", "conflict", "not encrypted"),
    ("backup --files up --repo sealed", "conflict", "--recipient"),
    ("backup --files up --repo new --recipient age1xyz", "usage", "mistyped"),
    ("backup --files up --repo new --recipients-file key.txt", "usage", "age-keygen -y"),
    ("backup --files up --repo new --recipients-file /dev/null", "usage", "no recipients"),
    ("restore --repo sealed --files x", "auth", "--identity"),
    ("restore --repo sealed --files x --identity other.txt", "auth", "none of the identities"),
    ("restore --repo sealed --files x --identity nofile", "not_found", "nofile"),
    ("restore --repo sealed --files x --identity file", "usage", "not an age identity"),
    ("check --repo sealed --identity other.txt", "auth", "leave --identity out"),
    # which snapshot
    ("restore --repo none --files x", "not_found", "holds no snapshot"),
    ("restore --repo plain --files x --from latest", "usage", "snapshot:ID"),
    ("restore --repo plain --files x --from snapshot:", "usage", "snapshot:latest"),
    ("restore --repo plain --files x --from snapshot:xyz", "usage", "digits of an id"),
    ("restore --repo plain --files x --from snapshot:RED --tag blue", "not_found", "BLUE"),
    ("restore --repo plain --files x --tag green", "not_found", "with these tags"),
    ("restore --repo plain --files x --tag a,b", "usage", "cannot be a tag"),
    ("verify --repo plain --from snapshot:latest --files up=up --tag green", "not_found", "tags"),
    # what it does not go with
    ("backup --repo new", "usage", "nothing to back up"),
    ("backup --repo new --from snapshot:latest", "usage", "a backup already"),
    ("backup --repo new --files up --to mongodb://h", "usage", "does not use --to"),
    ("backup --repo new --files up --every 0", "usage", "--every"),
    ("backup --repo new --files up --every 6", "usage", "unit"),
    ("backup --repo new --files up --every 6h --dry-run", "usage", "contradicts"),
    ("backup --repo new --files up --keep-last 0", "usage", "keep nothing"),
    ("backup --repo new --files up --keep-daily 0 --keep-weekly 0", "usage", "keep nothing"),
    ("backup --repo new --files up --keep-last -1", "usage", "whole number"),
    ("backup --repo new --files up --ping hc-ping.com/x", "usage", "http"),
    ("backup --repo new --files nowhere", "not_found", "nowhere"),
    ("backup --repo new --files up --files up", "usage", "twice"),
    ("restore --repo plain", "usage", "restore to where"),
    ("restore --repo plain --files x --from mongodb://h", "usage", "restore reads a snapshot"),
    ("restore --repo plain --to snapshot:latest", "usage", "restore reads"),
    ("restore --repo plain --files nope=x", "usage", "it has up"),
    ("restore --repo plain --files x --files-include nothing", "not_found", "globs"),
    ("restore --repo plain --files x --delta", "usage", "does not use --delta"),
    ("restore --repo plain --drill --to mongodb://h --drop", "usage", "contradicts"),
    ("check --repo plain --read-data-subset 0%", "usage", "part of 100"),
    ("check --repo plain --read-data-subset 101%", "usage", "part of 100"),
    ("check --repo plain --read-data-subset x", "usage", "part of 100"),
    ("check --repo plain --read-data --read-data-subset 5%", "usage", "contradicts"),
    ("prune --repo plain --keep-daily 0", "usage", "--keep-last 0"),
    ("prune --repo plain --identity key.txt", "usage", "does not use"),
    ("migrate --from snapshot:latest --to mongodb://h", "usage", "restore brings one back"),
    ("migrate --from mongodb://h --to snapshot:x", "usage", "takes no snapshot"),
    ("export --from snapshot:latest --archive a", "usage", "--repo is missing"),
    ("export --repo plain --from snapshot:latest", "usage", "--archive"),
    ("import --repo plain --from snapshot:latest --archive a --to mongodb://h", "usage",
     "reads one thing"),
    ("import --repo plain --from snapshot:latest --dir d --to mongodb://h", "usage", "one thing"),
    ("import --from mongodb://h --archive a --to mongodb://h", "usage", "one thing"),
    ("import --repo plain --archive a --to snapshot:latest", "usage", "import writes no"),
]


def test_refused(lab):
    before = stored.tree(lab.here)
    for line, kind, words in WRONG:
        for name, value in (("RECIPIENT", lab.recipient), ("RED", lab.plain[0])):
            line = line.replace(name, value)
        r = lab.run(*line.split(), rc=2)
        (error,) = r.summary["errors"]
        said = f"{error['message']}\n{error['hint']}"
        assert error["kind"] == kind and error["hint"], (line, error)
        assert words.replace("BLUE", lab.plain[1]).lower() in said.lower(), (line, error)
    after = stored.tree(lab.here)
    assert after == before, set(after) ^ set(before)


def test_out_of_reach(lab):
    """Exit status 3, and no password anywhere."""
    for args, env in (
            (["backup", "--repo", "new"], {"SPACEFERRY_FROM": AWAY}),
            (["backup", "--from", AWAY, "--repo", "new"], {}),
            (["backup", "--files", "up"], {**S3, "SPACEFERRY_REPO": "s3://bucket/x"}),
            (["restore", "--files", "x"], {**S3, "SPACEFERRY_REPO": "s3://bucket/x"}),
            (["snapshots"], {**S3, "SPACEFERRY_REPO": "s3://bucket/x"}),
            (["check"], {**S3, "SPACEFERRY_REPO": "s3://bucket/x"}),
            (["prune", "--keep-last", "1"], {**S3, "SPACEFERRY_REPO": "s3://bucket/x"})):
        r = lab.run(*args, "--patience", "100ms", "-v", rc=3, env=env)
        assert summary.kinds(r) == ["network"] and SECRET not in r.stdout + r.stderr, r


def test_from_of_another_run_is_no_contradiction(lab):
    """In the environment, where it stands for all commands."""
    env = {"SPACEFERRY_FROM": "mongodb://h/x", "SPACEFERRY_REPO": "plain"}
    lab.run("restore", "--files", "env-restored", env=env)
    r = lab.run("import", "--archive", "a", "--to", "mongodb://127.0.0.1:1", "--patience", "1ms",
                env=env, rc=3)
    assert summary.messages(r).startswith("target")


def test_in_a_config_file(lab):
    (lab.here / "c.yaml").write_text(f"""
repo: cfg
files: [up]
recipient: {lab.recipient}
recipients-file: [more.txt]
identity: key.txt
tag: [x, y]
keep-last: 2
keep-within: 1h
read-data-subset: 50%
max-age: 1d
before: echo $$HOME > before
after: echo $$SPACEFERRY_STATUS > after
metrics: m.prom
""")
    (lab.here / "more.txt").write_text(lab.recipient)
    with_config = ["--config", "c.yaml"]
    (snapshot,) = lab.run("backup", *with_config).summary["snapshots"]
    assert snapshot["tags"] == ["x", "y"]
    assert (lab.here / "after").read_text() == "0\n"
    assert (lab.here / "before").read_text().strip() == str(lab.ferry.home)
    assert (lab.here / "m.prom").exists()
    lab.run("check", *with_config)
    lab.run("prune", *with_config)
    (listed,) = lab.run("snapshots", *with_config).summary["snapshots"]
    assert listed["files"] == 2
    (lab.here / "d.yaml").write_text(
        "repo: cfg\nidentity: [key.txt]\nfiles:\n  - from: up\n    to: cfg-restored\n")
    lab.run("restore", "--config", "d.yaml")
    assert stored.tree(lab.here / "cfg-restored") == stored.tree(lab.here / "up")


def test_the_latest_is_damaged(lab, tmp_path):
    """An older one is never taken for it."""
    repo = tmp_path / "repo"
    shutil.copytree(lab.here / "plain", repo)
    red, blue = (next((repo / "snapshots").glob(f"*-{i}.jsonl")) for i in lab.plain)
    blue.write_bytes(blue.read_bytes()[:-9])
    out = tmp_path / "out"
    for args in ([], ["--tag", "red"], ["--from", f"snapshot:{lab.plain[1]}"]):
        (error,) = lab.run("restore", "--repo", repo, "--files", out, *args,
                           rc=2).summary["errors"]
        assert error["kind"] == "damaged" and blue.name in error["message"]
        assert f"snapshot:{lab.plain[0]}" in error["hint"] and not out.exists()
    r = lab.run("restore", "--repo", repo, "--files", out, "--from", f"snapshot:{lab.plain[0]}")
    assert stored.tree(out) == stored.tree(lab.here / "up")
    assert r.summary["repository"]["name"] == str(repo)
    # An older damaged one is in nobody's way; where there is no other, that is said.
    shutil.copy(lab.here / "plain" / "snapshots" / blue.name, blue)
    whole = red.read_bytes()
    red.write_bytes(whole[:-9])
    lab.run("restore", "--repo", repo, "--files", out)
    blue.unlink()
    (error,) = lab.run("restore", "--repo", repo, "--files", out, rc=2).summary["errors"]
    assert error["kind"] == "damaged" and "no other" in error["hint"]


def test_the_latest_of_several(lab, tmp_path):
    """Backups of other ends in one repository: what was chosen is said."""
    repo = tmp_path / "repo"
    shutil.copytree(lab.here / "plain", repo)

    def chosen(*args):
        r = lab.run("restore", "--repo", repo, "--files", tmp_path / "out", "--dry-run", *args)
        return [n["message"] for n in r.summary["notes"] if n["kind"] == "chosen"]

    assert chosen() == []
    r = lab.run("backup", "--repo", repo, "--files", "other")
    (said,) = chosen()
    assert r.summary["snapshots"][0]["id"] in said and "other" in said
    assert chosen("--tag", "red") == chosen("--from", f"snapshot:{lab.plain[0]}") == []


@pytest.mark.parametrize("rewritten", [[], ["--rewrite", "https://o.example=https://n.example",
                                            "--rewrite-files", "*"]])
def test_files_that_are_there_already(lab, tmp_path, rewritten):
    """Nothing is overwritten unless that is said: also files."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "a").write_text("new")           # of the same size
    (out / "own").write_text("mine")
    before = stored.tree(out)
    restore = ["restore", "--repo", "plain", "--files", out, "--state", tmp_path / "state",
               *rewritten]
    for more in ([], ["--dry-run"]):
        (error,) = lab.run(*restore, *more, rc=2).summary["errors"]
        assert error["kind"] == "conflict" and error["message"].endswith(": a")
        assert stored.tree(out) == before
    r = lab.run(*restore, "--on-conflict", "skip")
    assert stored.tree(out) == {**before, "b": b"two"}
    assert [n["kind"] for n in r.summary["notes"]] == ["kept"]
    assert (r.summary["files"]["count"], r.summary["files"]["extra"]) == (1, 1)
    r = lab.run(*restore, "--on-conflict", "replace")
    assert stored.tree(out) == {"a": b"one", "b": b"two", "own": b"mine"}
    # Once they are equal nothing is in the way, whatever their times are.
    (out / "b").touch()
    lab.run(*restore)
    (out / "b").write_text("longer")
    assert lab.run(*restore, rc=2)


def test_a_ping_that_fails_is_told_without_its_secret(lab):
    r = lab.run("backup", "--repo", "pinged", "--files", "up", "--ping",
                f"http://127.0.0.1:1/{SECRET}")
    assert [n["kind"] for n in r.summary["notes"]].count("ping") == 1
    assert SECRET not in json.dumps(r.summary) + r.stderr


def test_one_snapshot_is_removed(lab, tmp_path):
    """prune --from: that one, and never the last one by mistake."""
    repo = tmp_path / "repo"
    shutil.copytree(lab.here / "plain", repo)
    other = lab.run("backup", "--repo", repo, "--files", "other").summary["snapshots"][0]["id"]
    prune, one = ["prune", "--repo", repo], ["--from", f"snapshot:{other}"]
    ids = {*lab.plain, other}

    def there():
        return {p.stem.split("-")[1] for p in (repo / "snapshots").iterdir()}

    for more, words in ((["--from", "snapshot:00000000"], "begins with"),
                        ([*one, "--keep-daily", "1"], "contradicts"),
                        ([*one, "--tag", "red"], "begins with"),
                        (["--from", "mongodb://h"], "removes a snapshot")):
        assert words in summary.messages(lab.run(*prune, *more, rc=2))
    for more, env in ((one + ["--dry-run"], {}), ([], {"SPACEFERRY_FROM": "mongodb://h/a"}),
                      ([], {"SPACEFERRY_FROM": f"snapshot:{other}"})):
        lab.run(*prune, *more, env=env)
        assert there() == ids
    r = lab.run(*prune, *one)
    assert [s["id"] for s in r.summary["snapshots"] if s.get("removed")] == [other]
    assert there() == set(lab.plain) and r.summary["repository"]["blobs_removed"] > 0
    lab.run("restore", "--repo", repo, "--files", tmp_path / "out")
    assert stored.tree(tmp_path / "out") == stored.tree(lab.here / "up")
    lab.run(*prune, "--from", f"snapshot:{lab.plain[1]}")
    last = [*prune, "--from", "snapshot:latest"]
    assert "--keep-last 0" in lab.run(*last, rc=2).summary["errors"][0]["hint"]
    lab.run(*last, "--keep-last", "0")
    assert there() == set() and not list((repo / "data").glob("*/*"))
    lab.run("check", "--repo", repo)
