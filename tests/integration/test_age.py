# build: release
"""What we encrypt, age(1) decrypts, and the other way round: recipients,
passphrases, identity files that are themselves encrypted, ASCII armor; and with
a seed, byte for byte what tests/reference/age.py makes of it."""

import fcntl
import hashlib
import os
import pty
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

import pytest
from harness.ferry import binary
from harness.process import ROOT

sys.path.insert(0, str(ROOT / "tests" / "reference"))
import age as reference  # noqa: E402

SIZES = [0, 1, 65535, 65536, 65537, 2 * 65536, 3 * 65536 + 1, 5_000_000]
SEED = bytes(range(100, 132))
MODES = [[], ["-b"]]


def data(n):
    return hashlib.shake_256(b"%d" % n).digest(n)


def run(*args, input=b"", ok=True):
    r = subprocess.run([str(a) for a in args], input=input,
                       capture_output=True, timeout=120)
    assert (r.returncode == 0) == ok, (args, r.stderr.decode())
    assert b"Sanitizer" not in r.stderr, r.stderr.decode()
    return r.stdout if ok else r.stderr.decode()


def tool(*args, **kwargs):
    program = Path(os.environ.get("SPACEFERRY_BIN") or binary()).parent
    return run(program / "tests" / "age_tool", *args, **kwargs)


def age_asking(passphrase, *args, input=b""):
    """age(1) asks on its terminal: one of its own."""
    ours, theirs = pty.openpty()

    def own_terminal():
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    with tempfile.TemporaryFile() as file:
        file.write(input)
        file.seek(0)
        p = subprocess.Popen(["age", *map(str, args)], stdin=file,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             preexec_fn=own_terminal, pass_fds=[theirs])
    os.close(theirs)
    said = b""
    for prompt in [b"assphrase", b"onfirm"][:2 if "-p" in args else 1]:
        while prompt not in said:
            said += os.read(ours, 1000)
        said = b""
        os.write(ours, passphrase.encode() + b"\n")
    out, err = p.communicate(timeout=120)
    os.close(ours)
    assert p.returncode == 0, err.decode()
    return out


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Three of (identity file, recipient)."""
    folder = tmp_path_factory.mktemp("keys")
    made = []
    for n in range(3):
        run("age-keygen", "-o", folder / f"id{n}")
        made.append((folder / f"id{n}",
                     run("age-keygen", "-y", folder / f"id{n}").decode().strip()))
    return made


@pytest.mark.parametrize("mode", MODES, ids=["stream", "block"])
@pytest.mark.parametrize("size", SIZES)
def test_age_reads_ours(keys, size, mode):
    plain = data(size)
    (a, to_a), (b, to_b), (c, _) = keys
    file = tool("encrypt", *mode, "-r", to_a, "-r", to_b, input=plain)
    assert run("age", "-d", "-i", a, input=file) == plain
    assert run("age", "-d", "-i", b, input=file) == plain
    assert "no identity matched" in run("age", "-d", "-i", c, input=file,
                                        ok=False)


@pytest.mark.parametrize("mode", MODES, ids=["stream", "block"])
@pytest.mark.parametrize("size", SIZES)
def test_ours_reads_age(keys, size, mode):
    plain = data(size)
    (a, to_a), (b, to_b), (c, _) = keys
    for armor in [], ["-a"]:
        file = run("age", *armor, "-r", to_a, "-r", to_b, input=plain)
        assert tool("decrypt", *mode, "-i", c, "-i", b, input=file) == plain
        assert tool("decrypt", *mode, "-i", c, input=file,
                    ok=False).startswith("auth: ")
        assert tool("decrypt", *mode, "-i", a, input=file[:-1] if not armor
                    else file[:-10], ok=False).startswith("damaged: ")


def test_recipients_file(keys, tmp_path):
    names = tmp_path / "recipients"
    names.write_text("# who may read\n\n" + "\n".join(to for _, to in keys))
    file = tool("encrypt", "-R", names, input=b"hello")
    for identity, _ in keys:
        assert run("age", "-d", "-i", identity, input=file) == b"hello"
    file = run("age", "-R", names, input=b"hello")
    for identity, _ in keys:
        assert tool("decrypt", "-i", identity, input=file) == b"hello"


@pytest.mark.parametrize("size", [0, 5, 65536, 65537])
def test_seed(keys, size):
    plain = data(size)
    recipients = [to for _, to in keys]
    file = tool("encrypt", "-b", "-s", SEED.hex(),
                *(x for to in recipients for x in ("-r", to)), input=plain)
    assert file == reference.encrypt(SEED, recipients, plain)
    assert run("age", "-d", "-i", keys[1][0], input=file) == plain


def test_passphrases():
    plain = data(100_000)
    file = age_asking("correct horse", "-p", input=plain)
    assert tool("decrypt", "-p", "correct horse", input=file) == plain
    file = tool("encrypt", "-p", "battery", "-w", "12", input=plain)
    for mode in MODES:
        assert tool("decrypt", *mode, "-p", "battery", input=file) == plain
        assert "wrong passphrase" in tool("decrypt", *mode, "-p", "batter",
                                          input=file, ok=False)
    assert age_asking("battery", "-d", input=file) == plain


@pytest.mark.parametrize("armor", [[], ["-a"]], ids=["binary", "armor"])
def test_encrypted_identity_file(keys, tmp_path, armor):
    identity, to = keys[0]
    locked = tmp_path / "locked"
    locked.write_bytes(age_asking("staple", "-p", *armor,
                                  input=identity.read_bytes()))
    file = run("age", "-r", to, input=b"hello")
    assert tool("decrypt", "-i", locked, "-a", "staple", input=file,
                ok=False).startswith("auth: ")
    assert tool("decrypt", "-a", "staple", "-i", locked, input=file) == b"hello"


def test_our_encrypted_identity_file(keys, tmp_path):
    identity, to = keys[0]
    locked = tmp_path / "locked"
    locked.write_bytes(tool("encrypt", "-p", "staple",
                            input=identity.read_bytes()))
    file = tool("encrypt", "-r", to, input=b"hello")
    assert age_asking("staple", "-d", "-i", locked, input=file) == b"hello"
    assert tool("decrypt", "-a", "staple", "-i", locked, input=file) == b"hello"
