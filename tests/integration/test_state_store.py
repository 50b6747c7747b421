"""State in a bucket: a migration that is killed on one machine goes on from
another, one run at a time, and a run whose lease is gone writes nothing more."""
# build: release

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import bson
import pytest
from bson import encode

from harness import look, raw, summary
from harness.ferry import Ferry
from harness.s3 import Versitygw
from s3_stand_in import StandIn, hang_up, once

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import dataset                                                  # noqa: E402

RULE = "=".join(dataset.RULE)
N_ORDERS, N_LOG = 70_000, 2_000
LARGE = 208 << 20                       # 26 parts
PART = 8 << 20
THIEF = json.dumps({"owner": "them", "host": "elsewhere", "pid": 4711}).encode()


@pytest.fixture(scope="module")
def s3_log(work):
    """versitygw with an access log: who asked for what."""
    if not Versitygw.available():
        pytest.skip("no versitygw in .tools/bin: scripts/setup says why")

    class Logged(Versitygw):
        def argv(self):
            head, *tail = super().argv()
            return [head, "--access-log", str(self.folder / "access.log"), *tail]

        def asked(self, operation):
            """Lines about one operation, as S3's access logs name it."""
            path = self.folder / "access.log"
            lines = path.read_text().splitlines() if path.exists() else []
            return [line for line in lines if operation in line]

    with Logged(work / "s3-logged") as server:
        server.make_bucket("state")
        yield server


@pytest.fixture(scope="module")
def origin(source, work):
    db = source.client()["state-from"]
    db.client.drop_database("state-from")
    dataset.fill(db["orders"], N_ORDERS)
    raw.insert(db["log"], [encode({"_id": n, "n": -n}) for n in range(N_LOG)])
    yield source
    db.client.drop_database("state-from")


class Move:
    """One migration with its state in a bucket: its machines share nothing
    else."""

    def __init__(self, origin, target, s3, folder, name, files=None):
        self.s3, self.folder, self.name = s3, Path(folder), name
        self.bucket = s3.make_bucket(name)
        self.client, self.target = target.client(), target
        self.machines = []
        self.args = ["migrate", "--json", "-v", "--jobs", "4", "--state",
                     f"s3://state/{name}"]
        self.env = dict(s3.aws_env())
        if origin:
            self.args += ["--rewrite", RULE]
            self.env.update(SPACEFERRY_FROM=origin.uri("state-from"),
                            SPACEFERRY_TO=target.uri(name))
        if files:
            self.args += ["--files", f"{files}=s3://{name}/f"]

    def machine(self):
        """Another home, state folder and working folder."""
        self.machines.append(Ferry(self.folder / f"machine{len(self.machines)}"))
        return self.machines[-1]

    def start(self, *args):
        return self.machine().start(*self.args, *args, env=self.env)

    def run(self, *args):
        return self.machine()(*self.args, *args, env=self.env)

    def state(self):
        return look.listing(self.s3.client(), "state", self.name + "/")

    def lock(self):
        """The key of the lock, None while there is none."""
        return next((k for k in self.state() if k.endswith("/lock")), None)

    def age_lock(self):
        """The server says of the lock that it was written a minute ago."""
        path = self.s3.buckets / "state" / self.lock()
        then = time.time() - 60
        os.utime(path, (then, then))

    def close(self):
        for ferry in self.machines:
            ferry.close()
        self.client.drop_database(self.name)


@pytest.fixture(scope="module")
def moves(target, s3_log, work):
    """Callable: a new Move; dropped at the end."""
    made = []

    def make(name, origin=None, files=None):
        made.append(Move(origin, target, s3_log, work / "moves" / name, name,
                         files))
        return made[-1]
    yield make
    for move in made:
        move.close()


@pytest.fixture(scope="module", autouse=True)
def robbed(origin, moves, work):
    """A run whose lock is somebody else's; it learns that from a renewal, up to
    ten seconds later, while the other tests go on."""
    folder = work / "many"
    folder.mkdir()
    for n in range(8):
        (folder / f"{n}.bin").write_bytes(random.Random(n).randbytes(8 << 20))
    move = moves("robbed", origin, folder)
    move.first = move.start("--bwlimit", "2M")
    move.key = until(move.lock, move.first)
    until(lambda: any("journal" in k for k in move.state()), move.first)
    move.s3.client().put_object(Bucket="state", Key=move.key, Body=THIEF)
    return move


def until(condition, running=None, seconds=60):
    """Waits for condition() to be true and returns it."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "not in time"
        assert running is None or running.process.poll() is None, running.wait()
        time.sleep(0.01)
    return value


def kill(running):
    running.kill()
    assert running.wait().rc == -signal.SIGKILL


def tree(folder):
    return sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*"))


def test_killed_here_resumed_there(origin, moves):
    move = moves("elsewhere", origin)
    orders = move.client[move.name]["orders"]
    running = move.start()
    until(lambda: orders.estimated_document_count() > 30_000, running)
    kill(running)
    assert any("journal" in k for k in move.state())
    move.age_lock()
    r = move.run()
    s = summary.check(r)
    assert r.rc == 0, r
    assert "resuming" in r.stderr and "lapsed" in r.stderr, r
    for c in s["collections"]:
        assert c["source"] == c["target"] and c["ok"], c
    assert s["resumed"]["documents"] <= 4 * 65536 and not s["quarantine"]
    # Nothing was kept on either machine, and the lock is given back.
    for ferry in move.machines:
        assert tree(ferry.home) == ["cwd"]
    assert move.lock() is None
    r = move.run()
    assert r.rc == 2 and "already moved" in r.summary["errors"][0]["hint"], r
    # An undisturbed run gives the same.
    other = moves("elsewhere-not", origin)
    assert other.run().rc == 0
    a, b = (look.db_hash(m.client, m.name) for m in (move, other))
    assert a == b


@pytest.fixture
def large(tmp_path):
    """A file of 26 parts; most of it is a hole."""
    path = tmp_path / "large" / "large.bin"
    path.parent.mkdir()
    rng = random.Random(4)
    with path.open("wb") as f:
        for part in range(0, LARGE, PART):
            f.seek(part)
            f.write(rng.randbytes(1000))
        f.truncate(LARGE)
    return path


def test_one_at_a_time_and_parts_are_kept(moves, large, s3_log):
    """While a run holds the lease another waits for its patience and ends; once
    it was killed the next takes over, and sends the missing parts only."""
    move = moves("parts", files=large.parent)
    s3 = s3_log.client()

    def parts():
        found = s3.list_multipart_uploads(Bucket=move.bucket).get("Uploads", [])
        if not found:
            return []
        return s3.list_parts(Bucket=move.bucket, Key=found[0]["Key"],
                             UploadId=found[0]["UploadId"]).get("Parts", [])

    first = move.start("--bwlimit", f"{8 * 6}M")     # a worker gets an eighth
    until(lambda: len(parts()) >= 2, first)
    second = move.run("--patience", "1s", "--bwlimit", f"{8 * 6}M")
    assert second.rc == 3 and summary.kinds(second) == ["locked"], second
    (error,) = second.summary["errors"]
    assert f"pid {first.pid} on {os.uname().nodename}" in error["message"]
    assert "waiting" in second.stderr
    assert first.process.poll() is None
    kill(first)
    there = parts()
    assert 2 <= len(there) < LARGE // PART
    assert all(p["Size"] == PART for p in there)
    before = len(s3_log.asked("UploadPart"))
    move.age_lock()
    r = move.run()
    assert r.rc == 0 and r.summary["files"]["uploaded"] == 1, r
    sent = len(s3_log.asked("UploadPart")) - before
    assert sent == LARGE // PART - len(there), (sent, len(there))
    assert look.uploads_in_progress(s3, move.bucket) == []
    body, _ = look.get_object(s3, move.bucket, "f/large.bin")
    assert body == large.read_bytes()


def test_state_that_cannot_be_kept_is_found_first(origin, target, moves, s3_log):
    """Exit 2 with what to do, and nothing is changed."""
    move = moves("nowhere", origin)
    before = look.fingerprint(target.client()), move.state()
    for change, kind in (
            ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "auth"),
            ({"state": "s3://no-such-bucket/x"}, "not_found"),
            ({"state": "sftp://host/x"}, "uri"),
            ({"state": "s3://KEY:seKRET@bucket/x"}, "uri"),
            ({"state": "s3://state/x", "AWS_ENDPOINT_URL_S3":
              "http://127.0.0.1:1"}, None)):
        args = list(move.args) + ["--patience", "1s"]
        state = change.pop("state", None)
        if state:
            args[args.index("--state") + 1] = state
        r = move.machine()(*args, env={**move.env, **change})
        s = summary.check(r)
        assert r.rc == (2 if kind else 3), r
        assert kind is None or summary.kinds(r) == [kind], r
        assert "seKRET" not in r.stderr + r.stdout
        assert "state" in s["errors"][0]["message"] and s["errors"][0]["hint"], r
    with StandIn() as s3:
        for code, status, kind in (("AccessDenied", 403, "denied"),
                                   ("ExpiredToken", 400, "auth")):
            s3.faults[:] = [once(status, code, method="PUT", times=99)]
            args = list(move.args)
            args[args.index("--state") + 1] = "s3://bucket/deep/state/"
            r = move.machine()(*args, env={**move.env, **s3.env()})
            assert r.rc == 2 and summary.kinds(r) == [kind], r
            assert r.summary["errors"][0]["hint"], r
        assert s3.objects == {}
    assert (look.fingerprint(target.client()), move.state()) == before


def stand_in_args(move):
    args = list(move.args)
    args[args.index("--state") + 1] = "s3://bucket/state"
    return args


@pytest.mark.parametrize("conditions", ["minded", "ignored", "refused"])
def test_a_store_that_lies_and_forgets(moves, source, db_name, conditions):
    """A store with a clock of its own making, which loses answers and may mind
    no conditions: state is kept there all the same, and somebody else's lock is
    respected."""
    raw.insert(source.client()[db_name]["c"],
               [encode({"_id": n}) for n in range(100)])
    move = moves(f"liar-{conditions}")
    with StandIn() as s3:
        s3.ignores_conditions = conditions == "ignored"
        if conditions == "refused":
            s3.faults.append(once(501, "NotImplemented", times=999, match=(
                lambda r: {"if-match", "if-none-match"} & set(r.headers))))
        env = {**move.env, **s3.env(), "SPACEFERRY_FROM": source.uri(db_name),
               "SPACEFERRY_TO": move.target.uri(move.name)}
        # Each kind of object is written, but the first answer is lost.
        for word in ("lock", "journal"):
            s3.faults.append(hang_up("PUT", after=None, carry_out=True, match=(
                lambda w: lambda r: r.path.endswith(w))(word)))
        r = move.machine()(*stand_in_args(move), env=env)
        assert r.rc == 0, r
        assert not s3.rejected or {c for _, c, _ in s3.rejected} <= \
            {"PreconditionFailed", "NoSuchKey"}, s3.rejected
        assert (conditions == "minded") == any(
            c == "PreconditionFailed" for _, c, _ in s3.rejected)
        names = {k.split("-", 1)[-1].split(".", 1)[-1] for k in s3.objects}
        assert names == {"about.json", "last.journal"}, s3.objects.keys()
        # Somebody's lock is as old as everything there: it is not believed.
        key = next(iter(s3.objects)).rsplit("/", 1)[0] + "/lock"
        s3.store(key, b'{"owner":"them","host":"h","pid":7}')
        r = move.machine()(*stand_in_args(move), "--patience", "1s", env=env)
        assert r.rc == 3 and summary.kinds(r) == ["locked"], r
        assert "pid 7 on h" in r.summary["errors"][0]["message"]
        assert s3.objects[key][0] == b'{"owner":"them","host":"h","pid":7}'


def test_quarantine_is_kept_there(moves, source, target, app_uri, db_name):
    """Documents that the target refuses stand in the bucket as BSON."""
    db = source.client()[db_name]
    good = [encode({"_id": n, "n": n}) for n in range(50)]
    bad = [encode({"_id": 100 + n, "n": "no"}) for n in range(2)]
    raw.insert(db["strict"], good + bad)
    db.command("collMod", "strict", validator={"n": {"$type": "int"}})
    move = moves("kept")
    # A user without the right to bypass validation.
    env = {**move.env, "SPACEFERRY_FROM": source.uri(db_name),
           "SPACEFERRY_TO": app_uri(move.name)}
    r = move.machine()(*move.args, env=env)
    s = summary.check(r)
    assert r.rc == 1 and r.collection("kept.strict")["quarantined"] == 2, r
    assert s["quarantine"].startswith("s3://state/kept/")
    prefix = s["quarantine"].removeprefix("s3://state/") + "/"
    found = look.listing(move.s3.client(), "state", prefix)
    assert {k.removeprefix(prefix) for k in found} == {
        f"0001-0000.{db_name}.strict.bson", f"0001-0000.{db_name}.strict.jsonl"}
    body, _ = look.get_object(move.s3.client(), "state",
                              f"{prefix}0001-0000.{db_name}.strict.bson")
    assert body in (bad[0] + bad[1], bad[1] + bad[0])
    assert [d["n"] for d in bson.decode_all(body)] == ["no", "no"]
    lines, _ = look.get_object(move.s3.client(), "state",
                               f"{prefix}0001-0000.{db_name}.strict.jsonl")
    assert {json.loads(x)["reason"] for x in lines.splitlines()} == {"validation"}
    # Seen again by the next run, none stands there twice.
    r = move.machine()(*move.args, env=env)
    assert r.rc == 1, r
    body, _ = look.get_object(move.s3.client(), "state", next(
        k for k in look.listing(move.s3.client(), "state", prefix)
        if k.endswith(".bson")))
    assert sorted(d["_id"] for d in bson.decode_all(body)) == [100, 101]


def test_verify_and_dry_run_read_it_from_anywhere(moves, tmp_path):
    """The manifest in the bucket spares the next machine reading files back;
    looking needs no lease and changes nothing."""
    folder = tmp_path / "few"
    folder.mkdir()
    for n in range(20):
        (folder / f"{n}.bin").write_bytes(random.Random(n).randbytes(20_000))
    move = moves("looked-at", files=folder)
    assert move.run().rc == 0
    (lock,) = {k.rsplit("/", 1)[0] + "/lock" for k in move.state()}
    move.s3.client().put_object(Bucket="state", Key=lock, Body=b"{}")
    before = move.state()
    reads = len(move.s3.asked("GetObject"))
    rest = [a for a in move.args if a != "migrate"]
    r = move.machine()("verify", *rest, env=move.env)
    assert r.rc == 0 and r.summary["files"]["different"] == 0, r
    bodies = [x for x in move.s3.asked("GetObject")[reads:] if ".bin" in x]
    assert bodies == []
    r = move.machine()(*move.args, "--dry-run", env=move.env)
    assert r.rc == 0 and r.summary["files"]["skipped"] == 20, r
    assert move.state() == before


def test_interrupted_in_order(origin, moves):
    """SIGINT: what was done is sent, and the lock given back, so that the next
    run need not wait."""
    move = moves("in-order", origin)
    running = move.start()
    until(lambda: move.client[move.name]["orders"].estimated_document_count()
          > 20_000, running)
    running.interrupt()
    r = running.wait()
    assert r.rc == 3 and "interrupted" in summary.kinds(r), r
    assert move.lock() is None
    # A flipped byte is no end of the file: refused, and nothing is changed.
    s3 = move.s3.client()
    (key,) = (k for k in move.state() if k.endswith("-0000.journal"))
    journal, _ = look.get_object(s3, "state", key)
    at = journal.index(b"\n") + 20
    s3.put_object(Bucket="state", Key=key,
                  Body=journal[:at] + bytes([journal[at] ^ 1]) + journal[at + 1:])
    before = move.state(), look.db_hash(move.client, move.name)
    r = move.run()
    assert r.rc == 2 and summary.kinds(r) == ["damaged"], r
    assert "line 2" in r.summary["errors"][0]["message"]
    assert "--restart" in r.summary["errors"][0]["hint"]
    assert (move.state(), look.db_hash(move.client, move.name)) == before
    s3.put_object(Bucket="state", Key=key, Body=journal)
    r = move.run()
    assert r.rc == 0 and "resuming" in r.stderr, r
    assert "waiting" not in r.stderr


def test_credentials_that_expire_on_the_way(moves, source, db_name):
    """What the state no longer takes ends the run with the way out; with fresh
    ones it goes on."""
    for name in "ab":
        raw.insert(source.client()[db_name][name],
                   [encode({"_id": n}) for n in range(100)])
    move = moves("expired")
    with StandIn() as s3:
        env = {**move.env, **s3.env(), "SPACEFERRY_FROM": source.uri(db_name),
               "SPACEFERRY_TO": move.target.uri(move.name)}
        s3.faults.append(once(400, "ExpiredToken", method="PUT", times=99, match=(
            lambda r: r.body.count(b'"ours:') >= 3)))
        r = move.machine()(*stand_in_args(move), env=env)
        summary.check(r)
        assert r.rc == 3 and summary.kinds(r) == ["auth"], r
        assert "AWS_SESSION_TOKEN" in r.summary["errors"][0]["hint"]
        s3.faults.clear()
        r = move.machine()(*stand_in_args(move), env=env)
        assert r.rc == 0 and "resuming" in r.stderr, r


def test_a_lost_lease_ends_the_run(robbed):
    """Somebody else's lock: the run stops within a renewal, and after that
    nothing is written to state, files or database."""
    move = robbed
    until(lambda: move.first.process.poll() is not None)
    left = move.state(), look.listing(move.s3.client(), move.bucket), \
        look.db_hash(move.client, move.name)
    r = move.first.wait()
    assert r.rc == 3 and summary.kinds(r) == ["locked"], r
    (error,) = r.summary["errors"]
    assert "pid 4711 on elsewhere" in error["message"] and error["hint"]
    assert look.get_object(move.s3.client(), "state", move.key)[0] == THIEF
    # It had a good deal still to send.
    assert len(left[1]) < 8
    time.sleep(0.5)
    assert left == (move.state(), look.listing(move.s3.client(), move.bucket),
                    look.db_hash(move.client, move.name))
    # The thief gone, the same command finishes.
    move.age_lock()
    r = move.run()
    assert r.rc == 0 and r.summary["files"]["count"] == 8, r
