"""Around a backup: --before and --after, --ping, --metrics, --every."""

import json
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client.parser import text_string_to_metric_families

from harness import summary

OURS = {"SPACEFERRY_PASSPHRASE": "hush-1", "SPACEFERRY_NAMING_KEY": "ab" * 32,
        "SPACEFERRY_TO": "mongodb://u:hush-2@h/"}
PREFIX = "spaceferry_backup_"


class Monitor:
    """Takes pings; answers with status."""

    def __init__(self):
        self.got, self.status = [], 200
        monitor = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                monitor.got.append((self.path, body.decode()))
                self.send_response(monitor.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/secret-uuid"
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def paths(self):
        return [path for path, _ in self.got]


@pytest.fixture
def monitor():
    m = Monitor()
    yield m
    m.server.shutdown()
    m.server.server_close()


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "up=loads"        # backup takes the text as it is
    folder.mkdir()
    for n in range(3):
        (folder / f"{n}.txt").write_text(f"file {n}\n" * 100)
    return folder


@pytest.fixture
def args(files, tmp_path):
    return ["backup", "--files", files, "--repo", tmp_path / "repo"]


def samples(path):
    """name -> (value, labels), by Prometheus' own parser."""
    found = {}
    for family in text_string_to_metric_families(path.read_text()):
        assert family.type == "gauge" and family.documentation.endswith("."), family
        (sample,) = family.samples
        assert sample.name.startswith(PREFIX)
        found[sample.name[len(PREFIX):]] = sample.value, sample.labels
    return found


def environment(path):
    return dict(line.split("=", 1) for line in path.read_text().splitlines()
                if "=" in line)


def test_hooks_run_around_it(spaceferry, args, tmp_path):
    r = spaceferry(*args, "--json", "--before", f"env >'{tmp_path}/before'; echo said",
                   "--after", f"env >'{tmp_path}/after'; ls '{tmp_path}/repo/snapshots'",
                   env={**OURS, "AWS_REGION": "here"})
    s = summary.check(r, "backup")
    assert r.rc == 0, r
    before, after = environment(tmp_path / "before"), environment(tmp_path / "after")
    for env in before, after:
        assert not set(env) & set(OURS) and "hush" not in str(env), env
        assert env["SPACEFERRY_COMMAND"] == "backup"
        assert env["AWS_REGION"] == "here"
    assert "SPACEFERRY_STATUS" not in before and "SPACEFERRY_SNAPSHOT" not in before
    (snapshot,) = s["snapshots"]
    assert after["SPACEFERRY_STATUS"] == "0"
    assert after["SPACEFERRY_SNAPSHOT"] == snapshot["id"]
    # What they write goes to stderr: stdout is the result's.
    assert "said\n" in r.stderr and f"{snapshot['id']}.jsonl" in r.stderr


def test_a_dry_run_has_none_of_it(spaceferry, args, tmp_path, monitor):
    r = spaceferry(*args, "--dry-run", "--before", f"touch '{tmp_path}/x'", "--after",
                   f"touch '{tmp_path}/x'", "--ping", monitor.url, "--metrics",
                   tmp_path / "x")
    assert r.rc == 0, r
    assert not (tmp_path / "x").exists() and not monitor.got


def test_before_that_fails_ends_it(spaceferry, args, tmp_path, monitor):
    r = spaceferry(*args, "--json", "--before", "exit 7", "--after",
                   f"echo $SPACEFERRY_STATUS,$SPACEFERRY_SNAPSHOT >'{tmp_path}/after'",
                   "--ping", monitor.url + "?rid=1")
    s = summary.check(r, "backup")
    assert r.rc == 2 and summary.kinds(r) == ["denied"], r
    assert summary.messages(r) == "--before: the command ended with status 7"
    assert not (tmp_path / "repo").exists()
    assert (tmp_path / "after").read_text() == "2,\n"
    assert monitor.paths() == ["/secret-uuid/start?rid=1", "/secret-uuid/fail?rid=1"]
    assert "exit status 2" in monitor.got[1][1] and "status 7" in monitor.got[1][1]
    assert "snapshots" not in s


def gone(pid_file):
    """The process whose pid stands there has ended."""
    pid = int(pid_file.read_text())
    for _ in range(100):
        try:
            with open(f"/proc/{pid}/stat") as f:
                if f.read().rsplit(") ", 1)[1][0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def test_before_that_hangs_is_killed(spaceferry, args, tmp_path):
    r = spaceferry(*args, "--patience", "300ms", "--before",
                   f"sleep 60 & echo $! >'{tmp_path}/pid'; wait")
    assert r.rc == 2 and "did not end in 0.3 s" in r.stderr, r
    assert gone(tmp_path / "pid")


def test_a_stop_ends_before_but_not_after(spaceferry, args, tmp_path):
    run = spaceferry.start(*args, "--json", "--before",
                           f"sleep 60 & echo $! >'{tmp_path}/pid'; wait", "--after",
                           f"sleep 0.2; echo $SPACEFERRY_STATUS >'{tmp_path}/after'")
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.02)
    run.interrupt()
    r = run.wait()
    assert r.rc == 3 and summary.kinds(r) == ["interrupted"], r
    assert gone(tmp_path / "pid")
    assert (tmp_path / "after").read_text() == "3\n"


def test_after_that_fails_is_a_note(spaceferry, args):
    r = spaceferry(*args, "--json", "--after", "kill -9 $$")
    s = summary.check(r, "backup")
    assert r.rc == 0, r
    assert "--after: the command was ended by signal 9" in [
        n["message"] for n in s["notes"] if n["kind"] == "after"]
    assert "--after: the command was ended by signal 9" in r.stderr


def test_pings(spaceferry, args, monitor):
    r = spaceferry(*args, "--json", "--ping", monitor.url)
    snapshot = r.summary["snapshots"][0]["id"]
    assert r.rc == 0, r
    assert monitor.paths() == ["/secret-uuid/start", "/secret-uuid"]
    text = monitor.got[1][1]
    assert text.startswith("backup: exit status 0") and snapshot in text
    assert "3 files" in text and "\n" not in text


def test_a_ping_that_fails_is_a_note(spaceferry, args, monitor):
    monitor.status = 404
    r = spaceferry(*args, "--json", env={"SPACEFERRY_PING": monitor.url})
    s = summary.check(r, "backup")
    assert r.rc == 0 and len(s["snapshots"]) == 1, r
    assert [n["message"] for n in s["notes"] if n["kind"] == "ping"] \
        == ["--ping: the answer was status 404"]
    assert len(monitor.got) >= 2        # both were tried
    assert "secret" not in r.stdout + r.stderr
    monitor.server.shutdown()
    monitor.server.server_close()
    r = spaceferry(*args, "--json", "--ping", monitor.url)
    assert r.rc == 0 and "secret" not in r.stdout + r.stderr, r
    assert [n["kind"] for n in r.summary["notes"]].count("ping") == 1


def test_metrics(spaceferry, args, tmp_path):
    file, repo = tmp_path / "m.prom", tmp_path / 'odd "\\ \n name'
    run = [*args[:-1], repo, "--metrics", file, "--json"]
    start = time.time()
    r = spaceferry(*run)
    assert r.rc == 0, r
    first = samples(file)
    assert os.stat(file).st_mode & 0o777 == 0o644
    assert {labels["repository"] for _, labels in first.values()} == {str(repo)}
    values = {name: value for name, (value, _) in first.items()}
    s = r.summary["repository"]
    assert start - 1 < values["last_run_timestamp_seconds"] <= time.time()
    assert values["last_success_timestamp_seconds"] == values["last_run_timestamp_seconds"]
    assert values["status"] == 0 and values["files"] == 3 and values["documents"] == 0
    assert values["bytes_read"] == s["bytes_read"] == sum(
        f.stat().st_size for f in (tmp_path / "up=loads").iterdir())
    assert values["bytes_added"] == s["bytes_added"] > 0
    assert values["repository_bytes"] == s["bytes"] == sum(
        f.stat().st_size for f in repo.glob("data/*/*"))
    assert values["repository_blobs"] == len(list(repo.glob("data/*/*")))
    assert values["snapshots"] == 1

    # A run that fails tells so, and leaves what it cannot know.
    time.sleep(1.1)
    r = spaceferry(*run, "--before", "exit 1")
    assert r.rc == 2, r
    second = {name: value for name, (value, _) in samples(file).items()}
    assert second["status"] == 2
    assert second["last_run_timestamp_seconds"] > values["last_run_timestamp_seconds"]
    changed = {"status", "last_run_timestamp_seconds", "duration_seconds"}
    assert {n: v for n, v in second.items() if n not in changed} \
        == {n: v for n, v in values.items() if n not in changed}

    # That of another repository is not ours; one that cannot be written is a note.
    r = spaceferry(*args, "--metrics", file, "--before", "exit 1")
    assert set(samples(file)) == changed
    r = spaceferry(*args, "--metrics", tmp_path / "none" / "m.prom", "--json")
    assert r.rc == 0 and "metrics" in [n["kind"] for n in r.summary["notes"]], r


def wait_for(file, lines):
    for _ in range(600):
        if file.exists() and file.read_text().count("\n") >= lines:
            return
        time.sleep(0.05)
    raise AssertionError(f"{file}: not {lines} lines")


def test_every(spaceferry, args, tmp_path):
    """Three runs, of which the second fails; a stop between two ends it at once,
    with the status of the last."""
    count = tmp_path / "count"
    run = spaceferry.start(
        *args, "--json", "--every", "1s",
        "--before", f"echo run >>'{count}'; test $(wc -l <'{count}') != 2",
        "--after", f"echo $SPACEFERRY_STATUS >>'{tmp_path}/after'")
    wait_for(tmp_path / "after", 3)
    run.process.send_signal(signal.SIGTERM)
    start = time.monotonic()
    r = run.wait()
    assert time.monotonic() - start < 20
    lines = [json.loads(line) for line in r.stdout.splitlines()]
    assert [line["ok"] for line in lines[:3]] == [True, False, True], r
    assert (tmp_path / "after").read_text().split()[:3] == ["0", "2", "0"]
    ids = [line["snapshots"][0]["id"] for line in lines[:3] if line["ok"]]
    assert len(set(ids)) == 2
    assert {p.name.split("-")[1].split(".")[0]
            for p in (tmp_path / "repo" / "snapshots").iterdir()} >= set(ids)
    assert r.stderr.count("the next run: ") >= 2
    assert r.rc == (0 if len(lines) == 3 else {True: 0, False: 3}[lines[-1]["ok"]]), r


def test_every_ends_while_it_waits(spaceferry, args, tmp_path):
    run = spaceferry.start(*args, "--every", "12h", "--before", "exit 1", "--after",
                           f"echo x >'{tmp_path}/after'")
    wait_for(tmp_path / "after", 1)
    time.sleep(0.3)
    run.interrupt()
    assert run.wait(20).rc == 2
