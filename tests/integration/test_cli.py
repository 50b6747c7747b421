"""The command line without any server: help, usage and config errors, exit
statuses, what goes to stdout and what to stderr."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import time

import pytest

from harness.ferry import binary

SUMMARY_KEYS = ["ok", "command", "dry_run", "elapsed_seconds", "consistent_at",
                "source_changed", "collections", "files", "links", "quarantine",
                "errors", "notes", "samples", "target_bytes", "hosts"]
FILES_KEYS = ["count", "bytes", "uploaded", "skipped", "failed", "missing",
              "extra", "different"]
LINKS_KEYS = ["rewritten", "dangling", "unreferenced_files"]
COMMANDS = ["migrate", "verify", "diff", "doctor", "export", "import", "rewrite",
            "backup", "restore", "snapshots", "check", "prune"]
# Every option of the contract that exists so far.
OPTIONS = """from to archive dir documents namespace compress db include exclude query rename files files-url
    files-include files-exclude rewrite rewrite-skip rewrite-files on-conflict
    drop delta delete max-delete users-and-roles dry-run restart consistent download jobs memory bwlimit
    patience state limit report stat ignore write app env-file app-url
    cache-control content-disposition config json quiet verbose log-format
    version help repo recipient recipients-file identity tag every keep-last
    keep-hourly keep-daily keep-weekly keep-monthly keep-yearly keep-within
    drill read-data read-data-subset repair max-age before after ping
    metrics""".split()
FILES = {"files", "files-url", "files-include", "files-exclude", "rewrite-files",
         "download", "cache-control", "content-disposition"}
ONE_END = {"archive", "dir", "documents"}
CHANGES = {"on-conflict", "drop", "dry-run", "restart", "cache-control",
           "content-disposition", "delta", "delete", "max-delete"}
APP = {"app", "env-file", "app-url"}
DIFF = {"stat", "ignore"}
KEEP = {o for o in OPTIONS if o.startswith("keep-")}
BACKUP = KEEP | {"recipient", "recipients-file", "every", "before", "after", "ping",
                 "metrics"}
CHECK = {"read-data", "read-data-subset", "repair", "max-age"}
READS = {"repo", "identity", "tag"}  # what an end that is a snapshot takes
REPO = BACKUP | CHECK | READS | {"tag", "drill"}
# Every command has these.
ALL = {"config", "json", "quiet", "verbose", "log-format", "version", "help"}
RUN = {"jobs", "memory", "bwlimit", "patience", "state"}
UNUSED = {
    "migrate": ONE_END | APP | DIFF | REPO | {"write"},
    "verify": ONE_END | APP | DIFF | CHANGES | (REPO - READS) | {"write"},
    "diff": ONE_END | APP | CHANGES | (REPO - READS) | {"write"},
    "doctor": ONE_END | DIFF | REPO | {"write", "download"} | (
        CHANGES - {"on-conflict", "drop", "delta", "delete", "restart"}),
    "export": FILES | APP | DIFF | (REPO - READS) | (CHANGES - {"drop", "dry-run"}) | {
        "to", "documents", "namespace", "state", "write", "report"},
    "import": FILES | APP | DIFF | (REPO - READS) | {
        "query", "consistent", "write", "report", "delta", "delete",
        "max-delete"},
    "rewrite": set(OPTIONS) - {
        "files", "files-url", "rewrite", "write", "limit"} - ALL,
    "backup": set(OPTIONS) - ALL - RUN - BACKUP - {
        "repo", "from", "db", "include", "exclude", "files", "files-include",
        "files-exclude", "tag", "dry-run", "consistent"},
    "restore": ONE_END | APP | DIFF | BACKUP | CHECK | {
        "namespace", "delta", "delete", "max-delete", "consistent", "write"},
    "snapshots": set(OPTIONS) - ALL - RUN - READS - {"tag"},
    "check": set(OPTIONS) - ALL - RUN - READS - CHECK - {"tag", "limit"},
    "prune": set(OPTIONS) - ALL - RUN - KEEP - {"repo", "from", "tag", "dry-run"},
}
ENDS = ("--from", "mongodb://127.0.0.1:1/a", "--to", "mongodb://127.0.0.1:2/b")


def failed(result, message, hint=None, status=2):
    """The run ended so, and said so once, on stderr only."""
    assert result.rc == status, result
    assert result.stdout == "", result
    lines = result.stderr.splitlines()
    assert lines[0] == f"spaceferry: error: {message}", result
    assert re.match("  hint: .", lines[1]), result
    if hint is not None:
        assert lines[1] == f"  hint: {hint}", result
    assert len(lines) == 2, result
    return result


# Help


def test_overview_fits_a_screen(spaceferry):
    r = spaceferry("--help")
    assert r.rc == 0 and r.stderr == "", r
    lines = r.stdout.splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 80, r
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", r.stdout, re.M), r
    assert spaceferry("-h").stdout == r.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(spaceferry, command):
    r = spaceferry(command, "--help")
    assert r.rc == 0 and r.stderr == "", r
    lines = r.stdout.splitlines()
    assert len(lines) <= 56 and max(map(len, lines)) <= 80, r
    listed = re.findall(r"^  --([a-z-]+)", r.stdout, re.M)
    assert len(listed) == len(set(listed))
    assert set(listed) == set(OPTIONS) - UNUSED[command]


def test_version(spaceferry):
    r = spaceferry("--version")
    assert r.rc == 0 and r.stderr == "", r
    assert re.match(r"spaceferry \d+\.\d+\.\d+\n", r.stdout), r
    for library in ("libmongoc", "libcurl", "jansson"):
        assert re.search(rf"^{library}\S* \d+\.\d+", r.stdout, re.M), r


# Usage errors


@pytest.mark.parametrize("args, message, hint", [
    ([], "no command is given", "spaceferry --help"),
    (["verfy"], "unknown command 'verfy'", "did you mean verify?"),
    (["teleport"], "unknown command 'teleport'",
     "commands: migrate, verify, diff, doctor, export, import, rewrite, backup, "
     "restore, snapshots, check, prune"),
    (["backup", "--repo", "/r"],
     "nothing to back up: neither --from nor --files is given", None),
    (["prune"], "--repo is missing", "give it, or set SPACEFERRY_REPO"),
    (["restore", "--repo=/r", "--from=mongodb://h", "--to=mongodb://i"],
     "--from: restore reads a snapshot", None),
    (["rewrite", "x"], "there is no rule to rewrite by", None),
    (["rewrite", "--rewrite=/a=/b"], "rewrite which files? none is named", None),
    (["migrate", "--form", "x"], "unknown option --form", "did you mean --from?"),
    (["migrate", "--on-conflct=skip"], "unknown option --on-conflct",
     "did you mean --on-conflict?"),
    (["migrate", "--teleport"], "unknown option --teleport",
     "spaceferry migrate --help lists them"),
    (["verify", *ENDS, "--drop"], "verify does not use --drop",
     "it belongs to: migrate, doctor, export, import, restore"),
    (["migrate", *ENDS, "--to=x"], "--to is given twice", None),
    (["migrate", "--from"], "--from needs a value", None),
    (["migrate", *ENDS[:2]], "--to is missing", "give it, or set SPACEFERRY_TO"),
    (["migrate"], "nothing to migrate: neither --from and --to nor --files is given",
     None),
    (["migrate", *ENDS, "--memory", "lots"], "--memory: 'lots' is not a size", None),
    (["migrate", *ENDS, "--patience", "10"], "--patience: '10' is not a duration",
     "write a number with its unit: 90s, 10m, 2h, 1h30m"),
    (["migrate", *ENDS, "--on-conflict", "keep"],
     "--on-conflict: 'keep' is none of its values", "one of abort|skip|replace"),
    (["migrate", *ENDS, "--rewrite", "/a"], "--rewrite: there is no = in it",
     "write it as FROM=TO"),
    (["migrate", *ENDS, "--files-url", "/a=/b"],
     "--files-url: there is no --files for it",
     "it belongs to the --files before it"),
    (["migrate", *ENDS, "--drop", "--on-conflict=skip"],
     "--drop leaves nothing that could be in conflict: --on-conflict contradicts it",
     None),
    (["migrate", "mongodb://u:hush@h/db"],
     "unexpected argument 'mongodb://u:xxxx@h/db'", None),
])
def test_usage_errors(spaceferry, args, message, hint):
    failed(spaceferry(*args), message, hint)


@pytest.mark.parametrize("args, command, kind", [
    (["--json"], None, "usage"),
    (["nonsense", "--json"], None, "usage"),
    (["migrate", "--json", "--bad"], "migrate", "usage"),
    (["migrate", "--bad", "--json"], "migrate", "usage"),
    (["verify", "--json"], "verify", "usage"),
    (["migrate", *ENDS, "--json", "--dry-run", "--config=none.yaml"], "migrate",
     "config"),
])
def test_json_on_every_exit(spaceferry, args, command, kind):
    r = spaceferry(*args)
    assert r.rc == 2, r
    (line,) = r.stdout.splitlines()
    summary = json.loads(line)
    assert list(summary) == SUMMARY_KEYS, r
    assert list(summary["files"]) == FILES_KEYS
    assert list(summary["links"]) == LINKS_KEYS
    assert summary["ok"] is False and summary["command"] == command
    assert summary["dry_run"] is ("--dry-run" in args)
    assert summary["collections"] == [] and summary["quarantine"] is None
    (error,) = summary["errors"]
    assert list(error) == ["kind", "message", "hint"]
    assert error["kind"] == kind
    assert f"spaceferry: error: {error['message']}\n" in r.stderr


def test_log_as_json(spaceferry):
    r = spaceferry("migrate", *ENDS, "--log-format=json", "--config=none.yaml")
    assert r.rc == 2, r
    (line,) = r.stderr.splitlines()
    entry = json.loads(line)
    assert entry["level"] == "error" and "none.yaml" in entry["message"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["time"])


# The config file


@pytest.mark.parametrize("text, line, words", [
    ("from: a\n\tto: b\n", 2, "tab"),
    ("from: a\nto: 'b\n", 3, "quoted scalar"),
    ("from: a\n\nfrmo: b\n", 3, "unknown key 'frmo'"),
    ("from: a\nto: b\nfrom: c\n", 3, "from: it is given twice, first in line 1"),
    ("memory:\n  - 1\n", 2, "memory: a size is wanted, not a list"),
    ("to: b\nfrom: mongodb://u:${SF_NO_SUCH}@h\n", 2, "${SF_NO_SUCH} is not set"),
    ("rewrite:\n  - from: /a\n", 2, "rewrite: it needs both from and to"),
    ("just words\n", 1, "the file is not a mapping"),
])
def test_config_errors_name_their_line(spaceferry, text, line, words):
    (spaceferry.cwd / "bad.yaml").write_text(text)
    r = spaceferry("migrate", "--config", "bad.yaml")
    assert r.rc == 2 and r.stdout == "", r
    first = r.stderr.splitlines()[0]
    assert first.startswith(f"spaceferry: error: bad.yaml:{line}: "), r
    assert words in first, r


def test_default_config_is_read_and_said(spaceferry):
    config = spaceferry.cwd / "spaceferry.yaml"
    config.write_text("from: mongodb://h/a\nmemory: ${SF_MEMORY}\n")
    r = spaceferry("migrate", env={"SF_MEMORY": "lots"})
    assert r.rc == 2, r
    assert "options of ./spaceferry.yaml are in force" in r.stderr
    assert "spaceferry.yaml:2: memory: 'lots' is not a size" in r.stderr
    # What the file gives counts: only --to is missing now.
    r = spaceferry("migrate", "-q", env={"SF_MEMORY": "1MiB"})
    failed(r, "--to is missing")
    # Another file takes its place.
    (spaceferry.cwd / "other.yaml").write_text("to: mongodb://h/b\n")
    r = spaceferry("migrate", "--config=other.yaml")
    failed(r, "--from is missing")


def test_environment_and_flags_fill_in(spaceferry):
    ferry = spaceferry
    failed(ferry("migrate", env={"SPACEFERRY_FROM": "mongodb://h/a"}),
           "--to is missing")
    failed(ferry("migrate", env={"SPACEFERRY_TO": "mongodb://h/a"}),
           "--from is missing")
    failed(ferry("migrate", env={"SPACEFERRY_FROM": "", "SPACEFERRY_TO": ""}),
           "nothing to migrate: neither --from and --to nor --files is given")


def test_config_that_is_no_file(spaceferry):
    r = spaceferry("migrate", "--config", spaceferry.cwd)
    failed(r, f"config file: cannot read {spaceferry.cwd}: Is a directory")
    r = spaceferry("migrate", "--config", "none.yaml")
    failed(r, "config file: cannot open none.yaml: No such file or directory")


# Secrets, signals, descriptors


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


@pytest.fixture
def waiting(spaceferry):
    """Starts a run that waits for its config in a pipe; calling finish() gives
    it one that ends the run with status 2."""
    fifo = spaceferry.cwd / "pipe.yaml"
    os.mkfifo(fifo)

    def start(*args):
        running = spaceferry.start("migrate", "--config", fifo, *args)
        writer = []

        def open_writer():
            try:
                writer.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                return False
            return True
        wait_for(open_writer)

        def finish():
            os.write(writer[0], b"nonsense: 1\n")
            os.close(writer[0])
            return running.wait()
        return running, finish
    return start


def test_password_leaves_the_command_line(waiting):
    running, finish = waiting("--from", "mongodb://joe:hush-hush@h/a",
                              "--to=mongodb+srv://jim:p@ss/w?rd@i/b")
    with open(f"/proc/{running.pid}/cmdline", "rb") as f:
        seen = f.read().decode().split("\0")
    assert "mongodb://joe:xxxxxxxxx@h/a" in seen
    assert "--to=mongodb+srv://jim:xxxxxxxxx@i/b" in seen
    r = finish()
    assert r.rc == 2, r
    assert "warning: a password on the command line (--from)" in r.stderr
    for secret in ("hush", "p@ss"):
        assert secret not in r.stdout + r.stderr


def test_second_interrupt_ends_it_at_once(waiting):
    running, _ = waiting()
    running.interrupt()
    wait_for(lambda: b"again to quit" in os.read(running.process.stderr.fileno(), 200))
    assert running.process.poll() is None
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(20) == 3


def run_with(spaceferry, *args, **kwargs):
    return subprocess.run([binary(), *args], env=spaceferry.environment(),
                          cwd=spaceferry.cwd, stdin=subprocess.DEVNULL, timeout=60,
                          **kwargs)


def test_result_that_cannot_be_written(spaceferry):
    with open("/dev/full", "wb") as full:
        r = run_with(spaceferry, "--help", stdout=full, stderr=subprocess.PIPE)
    assert r.returncode == 3
    assert b"cannot write the result to stdout" in r.stderr

    read, write = os.pipe()
    os.close(read)
    r = run_with(spaceferry, "--help", stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert r.returncode == 3
    assert b"cannot write the result to stdout: Broken pipe" in r.stderr


def test_standard_descriptors_may_be_closed(spaceferry):
    r = run_with(spaceferry, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert r.returncode == 2
    shell = subprocess.run(
        ["sh", "-c", 'exec "$0" migrate <&- >&- 2>&-', binary()],
        env=spaceferry.environment(), cwd=spaceferry.cwd, timeout=60)
    assert shell.returncode == 2


def on_terminal(spaceferry, *args, **env):
    """What a run writes to a terminal behind stdout and stderr."""
    master, slave = pty.openpty()
    p = subprocess.Popen([binary(), *args], stdin=slave, stdout=slave, stderr=slave,
                         env=spaceferry.environment({"TERM": "xterm", **env}),
                         cwd=spaceferry.cwd)
    os.close(slave)
    out = b""
    while True:
        try:
            data = os.read(master, 4096)
        except OSError:
            break
        if not data:
            break
        out += data
    os.close(master)
    return p.wait(60), out.decode()


def test_colour_on_a_terminal_only(spaceferry):
    status, out = on_terminal(spaceferry, "migrate")
    assert status == 2 and "\x1b[31merror: \x1b[0m" in out
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        status, out = on_terminal(spaceferry, "migrate", **env)
        assert status == 2 and "error: " in out and "\x1b" not in out
    assert "\x1b[31m" in on_terminal(spaceferry, "migrate", NO_COLOR="")[1]
    assert "\x1b" not in spaceferry("migrate").stderr


# What the program writes about itself


def test_man_page(spaceferry, tmp_path):
    r = spaceferry("--generate", "man")
    assert r.rc == 0 and r.stderr == "", r
    documented = re.findall(r"^\\fB(?:\\-\w\\fR, \\fB)?\\-\\-([a-z\\-]+)\\fR",
                            r.stdout, re.M)
    assert [d.replace("\\-", "-") for d in documented] == \
        list(dict.fromkeys(d.replace("\\-", "-") for d in documented))
    assert {d.replace("\\-", "-") for d in documented} == set(OPTIONS)
    for title in ("NAME", "SYNOPSIS", "COMMANDS", "OPTIONS", "CONFIGURATION FILE",
                  "ENVIRONMENT", "EXIT STATUS"):
        assert f".SH {title}\n" in r.stdout
    if shutil.which("groff"):
        page = tmp_path / "spaceferry.1"
        page.write_text(r.stdout)
        groff = subprocess.run(["groff", "-ww", "-man", "-Tutf8", page],
                               capture_output=True, text=True, timeout=60)
        assert groff.returncode == 0 and groff.stderr == "", groff.stderr
        assert "--content-disposition" in re.sub(r".\x08|\x1b\[[\d;]*m", "",
                                                 groff.stdout)


@pytest.mark.parametrize("words, want", [
    (["m"], ["migrate"]),
    (["migrate", "--on"], ["--on-conflict"]),
    (["migrate", "--on-conflict", ""], ["abort", "skip", "replace"]),
    (["migrate", "--on-conflict", "=", "s"], ["skip"]),
    (["verify", "--dr"], []),
    (["rewrite", "--wr"], ["--write"]),
    (["rewrite", "--write", "fi"], ["file with rules"]),
    (["verify", "fi"], []),
    (["migrate", "--from", "m"], []),
])
def test_bash_completion(spaceferry, tmp_path, words, want):
    r = spaceferry("--generate", "bash")
    assert r.rc == 0, r
    (tmp_path / "completion").write_text(r.stdout)
    script = ('source "$1"; shift; COMP_WORDS=(spaceferry "$@"); COMP_CWORD=$#; '
              '_spaceferry; printf "%s\\n" "${COMPREPLY[@]}"')
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file with rules").touch()
    bash = subprocess.run(
        ["bash", "-c", script, "bash", tmp_path / "completion", *words],
        capture_output=True, text=True, timeout=60, cwd=folder)
    assert bash.returncode == 0 and bash.stderr == "", bash.stderr
    assert bash.stdout.splitlines() == (want or [""])


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_completions(spaceferry, tmp_path, shell):
    r = spaceferry("--generate", shell)
    assert r.rc == 0, r
    for option in OPTIONS:
        assert re.search(rf"(--{option}\b|-l {option}\b)", r.stdout), option
    if shutil.which(shell):
        (tmp_path / "completion").write_text(r.stdout)
        subprocess.run([shell, "-n", tmp_path / "completion"], check=True,
                       timeout=60)


def test_generate_nothing_else(spaceferry):
    assert spaceferry("--generate", "csh").rc == 2
