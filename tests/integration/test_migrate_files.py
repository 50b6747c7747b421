"""Odd upload folders: what can be moved is moved, what cannot is reported by
name, and nothing outside is touched."""

import os
import threading
import time

import pytest

from harness import expect, look, summary
from harness.s3 import Versitygw


@pytest.fixture
def up(tmp_path):
    folder = tmp_path / "up"
    folder.mkdir()
    (folder / "plain.txt").write_text("plain\n")
    return folder


@pytest.fixture
def move(spaceferry, s3_server, s3, bucket, up):
    """Moves up to the bucket; returns the Result and the keys there."""
    def run(*args, command="migrate", files=None):
        r = spaceferry(command, "--json", "--files", files or f"{up}=s3://{bucket}/k",
                       *args, env=s3_server.aws_env())
        summary.check(r, command)
        return r, [k[2:] for k in look.listing(s3, bucket, "k/")]
    return run


def test_links_inside_are_followed(up, move):
    (up / "sub").mkdir()
    (up / "sub" / "real.txt").write_text("real\n")
    (up / "to-file.txt").symlink_to("sub/real.txt")
    (up / "to-folder").symlink_to("sub")
    (up / "absolute.txt").symlink_to(up / "plain.txt")
    r, keys = move()
    assert r.rc == 0, r
    assert sorted(keys) == ["absolute.txt", "plain.txt", "sub/real.txt",
                            "to-file.txt", "to-folder/real.txt"]


def test_what_cannot_be_moved_is_named(up, move):
    """A loop, a FIFO, a socket's like, a dangling link, a name that is not
    UTF-8: exit 1, each by name, and all others arrive."""
    (up / "sub").mkdir()
    (up / "sub" / "loop").symlink_to("..")
    os.mkfifo(up / "pipe")
    (up / "dangling").symlink_to("nowhere")
    with open(os.fsencode(up) + b"/caf\xe9.txt", "w") as f:
        f.write("latin1")
    (up / "sub" / "good.txt").write_text("good\n")
    r, keys = move()
    assert r.rc == 1, r
    assert sorted(keys) == ["plain.txt", "sub/good.txt"]
    assert r.summary["files"]["failed"] == 4, r
    text = summary.messages(r)
    for name in ("sub/loop", "pipe", "dangling", "caf"):
        assert name in text, (name, r)
    # They can be left out on purpose.
    r, _ = move("--files-exclude", "*loop", "--files-exclude", "pipe",
                "--files-exclude", "dangling", "--files-exclude", "caf*")
    assert r.rc == 0, r


def test_unwritable_bucket_prefix_is_whole(up, move, s3, bucket):
    """An object beside the prefix that only looks alike is no business of
    ours."""
    s3.put_object(Bucket=bucket, Key="kk/other", Body=b"x")
    s3.put_object(Bucket=bucket, Key="k-other", Body=b"x")
    r, keys = move()
    assert r.rc == 0 and r.summary["files"]["extra"] == 0, r
    r, _ = move(command="verify")
    assert r.rc == 0 and r.summary["files"]["extra"] == 0, r


def test_file_that_changes_while_it_is_read(up, move, tmp_path, s3, bucket):
    """It is sent again; one that never rests is reported, and never stands
    half old, half new under a good verdict."""
    path = up / "busy.log"
    path.write_bytes(b"a" * (30 << 20))
    stop = threading.Event()

    def scribble():
        n = 0
        while not stop.wait(0.003):
            n += 1
            with open(path, "r+b") as f:
                f.seek(n * 7919 % (30 << 20))
                f.write(b"%d" % n)
    thread = threading.Thread(target=scribble)
    thread.start()
    try:
        r, keys = move()
    finally:
        stop.set()
        thread.join()
    assert r.rc == 1, r
    assert "busy.log" in summary.messages(r), r
    assert "plain.txt" in keys
    r, _ = move()
    assert r.rc == 0, r
    assert look.get_object(s3, bucket, "k/busy.log")[0] == path.read_bytes()


def test_many_small_files(up, move, s3, bucket):
    """More than one page of a listing."""
    for n in range(2300):
        (up / f"{n % 7}").mkdir(exist_ok=True)
        (up / f"{n % 7}" / f"{n}.txt").write_text(f"{n}")
    r, keys = move()
    assert r.rc == 0 and len(keys) == 2301, r
    r, _ = move()
    assert r.rc == 0 and r.summary["files"]["skipped"] == 2301, r
    assert r.summary["files"]["uploaded"] == 0


def test_bucket_to_folder_and_bucket(up, move, s3, s3_server, bucket, spaceferry,
                                     tmp_path):
    """A store is a source as well."""
    (up / "été + 1%.txt").write_text("x")
    (up / "empty").write_text("")
    assert move()[0].rc == 0
    env = s3_server.aws_env()
    new = tmp_path / "new"
    r = spaceferry("migrate", "--json", "--files", f"s3://{bucket}/k={new}", env=env)
    assert r.rc == 0, r
    found = sorted(p.name for p in new.iterdir())
    assert found == ["empty", "plain.txt", "été + 1%.txt"]
    assert (new / "plain.txt").read_text() == "plain\n"
    other = s3_server.make_bucket(f"{bucket[:50]}-copy")
    r = spaceferry("migrate", "--json", "--files", f"s3://{bucket}/k=s3://{other}",
                   env=env)
    assert r.rc == 0, r
    assert {k: v[0] for k, v in look.listing(s3, other).items()} == \
        {p.name: p.stat().st_size for p in new.iterdir()}


def test_lost_and_changed_objects_are_mended(up, move, s3, bucket):
    """The same command again sends what is not there or not the same."""
    for n in range(5):
        (up / f"{n}.txt").write_text(f"number {n}")
    assert move()[0].rc == 0
    s3.delete_object(Bucket=bucket, Key="k/1.txt")
    s3.put_object(Bucket=bucket, Key="k/2.txt", Body=b"number X")
    r, _ = move()
    assert r.rc == 0, r
    assert (r.summary["files"]["uploaded"], r.summary["files"]["skipped"]) == (2, 4)
    assert look.get_object(s3, bucket, "k/2.txt")[0] == b"number 2"


def test_state_is_lost(up, move, spaceferry, s3, bucket):
    """Without its manifest --download recognises what is there and equal."""
    assert move()[0].rc == 0
    for path in (spaceferry.home / "state").rglob("*"):
        if path.is_file():
            path.unlink()
    r, _ = move("--download")
    assert r.rc == 0 and r.summary["files"]["skipped"] == 1, r
    for path in (spaceferry.home / "state").rglob("*"):
        if path.is_file():
            path.unlink()
    r, _ = move()
    assert r.rc == 0 and r.summary["files"]["uploaded"] == 1, r


def test_two_places(up, spaceferry, s3, s3_server, bucket, tmp_path):
    """Two --files with a URL each: every link is looked up among its own."""
    two = tmp_path / "two"
    two.mkdir()
    (two / "b.txt").write_text("b")
    r = spaceferry("migrate", "--json", "--files", f"{up}=s3://{bucket}/one",
                   "--files", f"{two}=s3://{bucket}/two", env=s3_server.aws_env())
    assert r.rc == 0, r
    assert sorted(look.listing(s3, bucket)) == ["one/plain.txt", "two/b.txt"]
    # One below the other would mix them.
    r = spaceferry("migrate", "--json", "--files", f"{up}=s3://{bucket}/x",
                   "--files", f"{up}=s3://{bucket}/x", env=s3_server.aws_env())
    assert r.rc == 2 and summary.kinds(r) == ["conflict"], r


def test_plain_locale(up, spaceferry, tmp_path):
    """Names are bytes whatever LANG says."""
    (up / "日本語.txt").write_text("x")
    r = spaceferry("migrate", "--json", "--files", f"{up}={tmp_path}/new",
                   env={"LANG": "C", "LC_ALL": "C"})
    assert r.rc == 0, r
    assert (tmp_path / "new" / "日本語.txt").read_text() == "x"


def test_file_store_keeps_what_it_had(up, spaceferry, tmp_path):
    """A target folder with files of its own: they count as extra and stay."""
    new = tmp_path / "new"
    new.mkdir()
    (new / "mine.txt").write_text("mine")
    r = spaceferry("migrate", "--json", "--files", f"{up}={new}")
    assert r.summary["files"]["extra"] == 1, r
    assert (new / "mine.txt").read_text() == "mine"
    assert not [p for p in new.iterdir() if p.name not in ("mine.txt", "plain.txt")]


def test_store_goes_away_and_comes_back(up, spaceferry, tmp_path):
    """Within the patience a run waits for its store."""
    block = os.urandom(1 << 20)
    for n in range(40):
        (up / f"{n}.bin").write_bytes(block * 3 + b"%d" % n)
    with Versitygw(tmp_path / "s3") as server:
        server.make_bucket("bkt")
        running = spaceferry.start("migrate", "--json", "--patience", "60s", "--files",
                                   f"{up}=s3://bkt/k", env=server.aws_env())
        while running.process.poll() is None and \
                not look.listing(server.client(), "bkt", "k/"):
            time.sleep(0.01)
        server.kill()
        time.sleep(1)
        server.start()
        r = running.wait()
        assert r.rc == 0, r
        expect.assert_files(server.client(), "bkt", "k/", up,
                            [p.name for p in up.iterdir()])


def test_store_stays_away(up, spaceferry, tmp_path):
    """And gives up after it: exit 3, resumable."""
    for n in range(30):
        (up / f"{n}.bin").write_bytes(os.urandom(1 << 20))
    with Versitygw(tmp_path / "s3") as server:
        server.make_bucket("bkt")
        args = ["migrate", "--json", "--patience", "2s", "--files", f"{up}=s3://bkt/k"]
        running = spaceferry.start(*args, env=server.aws_env())
        while running.process.poll() is None and \
                not look.listing(server.client(), "bkt", "k/"):
            time.sleep(0.01)
        server.kill()
        r = running.wait()
        s = summary.check(r)
        assert r.rc == 3 and s["errors"][0]["hint"], r
        server.start()
        r = spaceferry(*args, env=server.aws_env())
        assert r.rc == 0, r
