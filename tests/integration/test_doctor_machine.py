"""doctor, group "machine": where the state is to be kept, what earlier runs
left there, memory, descriptors.  (The clock is in test_doctor_files.)"""

import fcntl
import json
import subprocess
import time

import pytest

from doctor_fixtures import iam                             # noqa: F401
from harness import doctor, look
from s3_stand_in import StandIn, once


@pytest.fixture
def uploads(tmp_path):
    folder = tmp_path / "uploads"
    folder.mkdir()
    for i in range(20):
        (folder / f"{i}.bin").write_bytes(bytes([i]) * 20000)
    return folder


@pytest.fixture
def run(spaceferry, uploads, tmp_path):
    """Runs doctor about moving uploads to a folder; returns its checks."""
    def go(*args, files=None, **how):
        r = spaceferry("doctor", "--json", "--files",
                       files or f"{uploads}={tmp_path}/to", *args, **how)
        checks = doctor.checks(r)
        checks.result = r
        return checks
    go.files = "--files", f"{uploads}={tmp_path}/to"
    return go


@pytest.fixture
def disk(tmp_path):
    """A disk of its own, this large."""
    mounted = []

    def make(size):
        path = tmp_path / f"disk{len(mounted)}"
        path.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}",
                               "tmpfs", path], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
        mounted.append(path)
        return path
    yield make
    for path in mounted:
        subprocess.run(["umount", "-l", path], check=True)


def tree(folder):
    """Every path below it with what is in it."""
    return {p.relative_to(folder): p.read_bytes() if p.is_file() else None
            for p in folder.rglob("*")} if folder.exists() else None


def seen(checks, name):
    return checks["machine", name]["seen"]


# --- where it is kept ---

def test_nothing_is_made(run, tmp_path):
    checks = run()
    assert checks.result.rc == 0 and not checks.warned(), checks.result
    assert {"memory", "open-files", "state", "state-room", "state-run"} <= \
        set(checks.group("machine"))
    assert "not there yet" in seen(checks, "state")
    assert not (tmp_path / "home" / "state").exists()
    assert not (tmp_path / "to").exists()


def test_a_state_folder_that_cannot_be(run, tmp_path):
    (tmp_path / "file").write_text("x")
    for state in (tmp_path / "file" / "deep", "/proc/nothing",
                  "file://relative"):
        checks = run("--state", state)
        assert checks.failed() == {("machine", "state")}, checks.result
        assert checks["machine", "state"]["remedy"]


def test_room_for_the_state(run, disk):
    """Hardly any fails, little is a warning; a full disk and one that is
    write-protected are told apart from both."""
    checks = run("--state", disk("8m"))
    assert checks.failed() == {("machine", "state-room")}, checks.result
    path = disk("64m")
    checks = run("--state", path / "deep")
    assert checks.warned() == {("machine", "state-room")}, checks.result
    assert checks.result.rc == 0 and list(path.iterdir()) == []
    subprocess.run(["mount", "-o", "remount,ro", path], check=True)
    checks = run("--state", path / "deep")
    assert checks.failed() == {("machine", "state")}, checks.result
    assert "Read-only" in seen(checks, "state")


# --- what earlier runs left ---

def test_runs_before_this_one(run, spaceferry, uploads, s3_server, bucket):
    """One that goes on, the same killed, with other options, ended well."""
    files, env = f"{uploads}=s3://{bucket}/app", s3_server.aws_env()
    state = spaceferry.home / "state"
    (uploads / "large").write_bytes(bytes(8 << 20))
    running = spaceferry.start("migrate", "--json", "--files", files, "--jobs",
                               "1", "--bwlimit", "500KiB", env=env)
    end = time.monotonic() + 30
    while not any(b"begun" in p.read_bytes() for p in state.rglob("journal")):
        assert running.process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    checks = run(files=files, env=env)
    assert checks.failed() == {("machine", "state-lock")}, checks.result
    assert f"pid {running.pid}" in seen(checks, "state-lock")
    running.kill()
    running.wait()

    before = tree(state)
    checks = run(files=files, env=env)
    assert checks.result.rc == 0, checks.result
    assert checks.warned() == {("machine", "state-run")}, checks.result
    assert "interrupted" in seen(checks, "state-run")
    assert "--restart" in checks["machine", "state-run"]["remedy"]
    checks = run("--rewrite", "http://a.example/=http://b.example/",
                 files=files, env=env)
    assert checks.failed() == {("machine", "state-run")}, checks.result
    assert "rewriting" in seen(checks, "state-run")
    checks = run("--rewrite", "http://a.example/=http://b.example/", "--restart",
                 files=files, env=env)
    assert checks.result.rc == 0 and not checks.warned(), checks.result
    assert tree(state) == before

    r = spaceferry("migrate", "--files", files, env=env)
    assert r.rc == 0, r
    before = tree(state), look.listing(s3_server.client(), bucket)
    checks = run(files=files, env=env)
    assert checks.result.rc == 0 and not checks.warned(), checks.result
    assert "moved before" in seen(checks, "state-run")
    assert before == (tree(state), look.listing(s3_server.client(), bucket))


def test_what_an_interrupted_run_left_on_the_target(run, spaceferry, source, uploads,
                                                    tmp_path, db_name):
    """Doctor on the target fails where the same command would, and only there."""
    client, there = source.client(), db_name + "-2"
    env = {"SPACEFERRY_FROM": source.uri(db_name), "SPACEFERRY_TO": source.uri(there)}
    files = f"{uploads}={tmp_path}/to"
    client[db_name]["users"].insert_many([{"_id": n, "x": "x" * 10_000}
                                          for n in range(800)])
    try:
        running = spaceferry.start("migrate", "--files", files, "--bwlimit", "500KiB",
                                   env=env)
        end = time.monotonic() + 30
        while client[there]["users"].count_documents({}) == 0:
            assert running.process.poll() is None and time.monotonic() < end
            time.sleep(0.01)
        running.kill()
        running.wait()

        checks = run(files=files, env=env)
        assert checks.result.rc == 0, checks.result
        assert "interrupted run began" in checks["target", "empty"]["seen"]
        checks = run("--restart", files=files, env=env)
        assert checks.failed() == {("target", "empty")}, checks.result
        assert spaceferry("migrate", "--restart", "--files", files, env=env).rc == 2
        r = spaceferry("migrate", "--files", files, env=env)
        assert r.rc == 0, r
        checks = run(files=files, env=env)
        assert checks.failed() == {("target", "empty")}, checks.result
        assert "--delta" in checks["target", "empty"]["remedy"]
        checks = run("--delta", files=files, env=env)
        assert checks.result.rc == 0 and not checks.warned(), checks.result
    finally:
        client.drop_database(there)


def test_a_run_between_databases(run, spaceferry, source, db_name):
    """The state is found by both ends, whatever the command."""
    client, env = source.client(), {"SPACEFERRY_FROM": source.uri(db_name),
                                    "SPACEFERRY_TO": source.uri(db_name + "-2")}
    client[db_name]["users"].insert_one({"_id": 1})
    try:
        checks = run(env=env)
        assert "no run between" in seen(checks, "state-run"), checks.result
        r = spaceferry("migrate", *run.files, env=env)
        assert r.rc == 0, r
        checks = run(env=env)
        assert "moved before" in seen(checks, "state-run"), checks.result
    finally:
        client.drop_database(db_name + "-2")


def test_a_damaged_journal(run, spaceferry, uploads, tmp_path):
    """It would stop the run: fail, and nothing is mended by looking."""
    assert spaceferry("migrate", "--files", f"{uploads}={tmp_path}/to").rc == 0
    (folder,) = (spaceferry.home / "state" / "spaceferry").iterdir()
    (folder / "journal").write_text("this is no journal\nat all\n")
    checks = run()
    assert checks.failed() == {("machine", "state-run")}, checks.result
    assert (folder / "journal").read_text().startswith("this is no")


def test_a_lock_that_another_process_holds(run, spaceferry, uploads, tmp_path):
    assert spaceferry("migrate", "--files", f"{uploads}={tmp_path}/to").rc == 0
    (folder,) = (spaceferry.home / "state" / "spaceferry").iterdir()
    assert run().result.rc == 0
    with open(folder / "lock", "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        checks = run()
        assert checks.failed() == {("machine", "state-lock")}, checks.result
    assert run().result.rc == 0


# --- state in a store ---

def test_state_in_a_bucket(run, iam):
    """Good; not there; without the right to delete, which the lock needs."""
    bucket = iam.make_bucket("state")
    checks = run("--state", f"s3://{bucket}/here", env=iam.aws_env())
    assert checks.result.rc == 0 and not checks.warned(), checks.result
    assert checks.verdict("machine", "state-conditions") == "pass"
    assert look.listing(iam.client(), bucket) == {}
    checks = run("--state", "s3://nothing/here", env=iam.aws_env())
    assert checks.failed() == {("machine", "state-bucket")}, checks.result
    checks = run("--state", f"s3://{bucket}/here",
                 env=iam.aws_env("another-secret-word"))
    assert checks.failed() == {("machine", "state-keys")}, checks.result
    user = iam.add_user()
    iam.allow(bucket, user, "s3:ListBucket", "s3:GetObject", "s3:PutObject")
    checks = run("--state", f"s3://{bucket}/here", env=user)
    assert checks.failed() == {("machine", "state-delete")}, checks.result
    (left,) = look.listing(iam.client(), bucket)
    assert left in checks["machine", "state-delete"]["remedy"]


def test_a_store_that_minds_no_conditions(run):
    with StandIn() as fake:
        fake.ignores_conditions = True
        checks = run("--state", "s3://bucket/here", env=fake.env())
        assert checks.warned() == {("machine", "state-conditions")}, checks.result
        assert fake.objects == {}


def test_a_lock_of_unknown_age(run):
    with StandIn() as fake:
        fake.faults.append(lambda handler, r: r.method == "HEAD" and
                           r.path.endswith("/lock") and not handler.answer(
                               r, 200, {"ETag": '"x"'}, b""))
        checks = run("--state", "s3://bucket/here", env=fake.env())
        assert checks.warned() == {("machine", "state-lock")}, checks.result


def test_a_state_whose_writing_fails(run):
    with StandIn() as fake:
        fake.faults.append(once(403, "AccessDenied", "PUT", times=9))
        checks = run("--state", "s3://bucket/here", env=fake.env())
        assert checks.failed() == {("machine", "state-write")}, checks.result
        assert fake.objects == {}


def test_a_lease_in_a_bucket(run, spaceferry, uploads, s3_server, bucket, s3):
    """While another run holds it."""
    (uploads / "large").write_bytes(bytes(30 << 20))
    to = f"s3://{bucket}/app"
    args = "--files", f"{uploads}={to}", "--state", f"s3://{bucket}/state"
    running = spaceferry.start("migrate", "--json", *args, "--bwlimit", "1MiB",
                               "--jobs", "1", env=s3_server.aws_env())
    try:
        end = time.monotonic() + 30
        while not any(k.endswith("/lock") for k in look.listing(s3, bucket)):
            assert time.monotonic() < end
            time.sleep(0.05)
        checks = run("--state", f"s3://{bucket}/state", files=f"{uploads}={to}",
                     env=s3_server.aws_env())
        assert checks.failed() == {("machine", "state-lock")}, checks.result
    finally:
        running.interrupt()
        assert running.wait().rc == 3


# --- what a run would have ---

def test_memory(run):
    checks = run("--memory", "900GiB")
    assert checks.failed() == {("machine", "memory")}, checks.result
    assert "--memory" in checks["machine", "memory"]["remedy"]


def test_descriptors(run):
    checks = run(wrap=("prlimit", "--nofile=60:1000"))
    assert checks.warned() == {("machine", "open-files")}, checks.result
    assert "ulimit -n" in checks["machine", "open-files"]["remedy"]
    checks = run("--jobs", "64", wrap=("prlimit", "--nofile=512:1000"))
    assert checks.warned() == {("machine", "open-files")}, checks.result


def test_without_ends(spaceferry, tmp_path):
    """Only the app is given: no state is looked for by its ends."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "package.json").write_text(json.dumps({"name": "a"}))
    r = spaceferry("doctor", "--json", "--app", tmp_path / "app")
    checks = doctor.checks(r)
    assert ("machine", "state") in checks, r
    assert ("machine", "state-run") not in checks, r
