"""Memory stays within --memory + 32 MiB + 4 x the largest document per worker,
whatever the documents; and nothing secret shows while it runs."""
# build: release

import os
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from bson import encode

from harness import expect, raw, summary

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import dataset                                                  # noqa: E402

MIB = 1 << 20
RULE = ("https://old.example", "https://new.example")


def run_measured(running):
    """(Result, peak RSS in bytes): VmHWM, read while it runs."""
    peak = 0
    done = threading.Event()

    def watch():
        nonlocal peak
        while not done.wait(0.01):
            try:
                status = open(f"/proc/{running.pid}/status").read()
            except OSError:
                return
            if "VmHWM:" in status:
                peak = max(peak, int(status.split("VmHWM:")[1].split()[0]) * 1024)
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        return running.wait(), lambda: peak
    finally:
        done.set()
        thread.join()


@pytest.fixture
def migrate(source, target, spaceferry, db_name):
    def run(*args, **env):
        running = spaceferry.start(
            "migrate", "--json", "--db", db_name, *args,
            env={"SPACEFERRY_FROM": source.uri(), "SPACEFERRY_TO": target.uri(),
                 **env})
        result, peak = run_measured(running)
        return result, peak()
    return run


def test_documents_of_15_mb(source, target, migrate, db_name):
    """Twelve of them, half to be rewritten, through two workers."""
    largest = 15 * 1000 * 1000
    workers, memory = 2, 64 * MIB
    collection = source.client()[db_name]["large"]
    for n in range(12):
        url = f" {RULE[0]}/{n}" if n % 2 else ""
        raw.insert(collection, [encode(
            {"_id": n, "pad": "x" * (largest - 100), "u": url})])
    r, peak = migrate("--jobs", workers, "--memory", "64MiB", "--rewrite",
                      "=".join(RULE))
    assert r.rc == 0, r
    summary.check(r)
    want = expect.collection(collection, expect.compile_rules([RULE]))
    expect.assert_same_documents(want, expect.stored(target.client()[db_name]["large"]),
                                 "large")
    bound = memory + 32 * MIB + 4 * largest * workers
    assert peak <= bound, f"{peak / MIB:.0f} MiB, at most {bound / MIB:.0f}"
    print(f"peak {peak / MIB:.0f} MiB of {bound / MIB:.0f}")


def test_many_small_documents(source, migrate, db_name):
    """100,000 orders and two large documents among them: small ones alone stay
    below 96 MiB."""
    dataset.fill(source.client()[db_name]["orders"], 100_000)
    r, peak = migrate("--rewrite", "=".join(dataset.RULE))
    assert r.rc == 0, r
    assert r.collection(f"{db_name}.orders")["rewritten"]["documents"] > 30_000
    assert peak <= 96 * MIB, f"{peak / MIB:.0f} MiB"


def test_many_files(spaceferry, s3_server, bucket, tmp_path):
    """Multipart or not, files are streamed."""
    folder = tmp_path / "up"
    folder.mkdir()
    block = os.urandom(MIB)
    for n in range(6):
        with open(folder / f"{n}.bin", "wb") as f:
            for _ in range(50):
                f.write(block)
    running = spaceferry.start("migrate", "--json", "--files",
                               f"{folder}=s3://{bucket}/u", env=s3_server.aws_env())
    r, peak = run_measured(running)
    assert r.rc == 0, r
    assert peak() <= 96 * MIB, f"{peak() / MIB:.0f} MiB"


def test_nothing_secret_in_proc(source, target, spaceferry, s3_server, bucket,
                                db_name, tmp_path):
    """Passwords given as options are gone from /proc/PID/cmdline, and no run
    prints one, however talkative."""
    dataset.fill(source.client()[db_name]["orders"], 20_000, indexes=False)
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "a").write_text("a")
    running = spaceferry.start(
        "migrate", "-v", "--from", source.uri(db_name), "--to", target.uri(db_name),
        "--files", f"{tmp_path}/up=s3://{bucket}/u", env=s3_server.aws_env())
    password = target.users["root"]
    seen = set()
    while running.process.poll() is None:
        try:
            seen.add(Path(f"/proc/{running.pid}/cmdline").read_bytes())
        except OSError:
            break
        time.sleep(0.002)
    r = running.wait()
    assert r.rc == 0, r
    seen = [s for s in seen if b"migrate" in s and b"spaceferry" in s]
    assert seen
    # The kernel shows it until main() begins; then no more.
    assert quote_plus(password).encode() not in seen[-1] or len(seen) > 1
    hidden = [s for s in seen if quote_plus(password).encode() not in s]
    assert hidden
    expect.no_secret(r, password, s3_server.secret_key)
