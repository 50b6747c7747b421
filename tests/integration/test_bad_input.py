"""What a person gets wrong: each is one line that says what failed, a hint how
to mend it, the right exit status, and nothing is changed anywhere."""

import os
import subprocess
from urllib.parse import quote_plus

import pytest

from harness import expect, look, summary
from harness.ferry import Ferry
from harness.process import free_port

DB, NEW_DB = "bad-input", "bad-input-target"
WRONG = "wr0ng/p@ssword"
USED, CANNOT = 2, 3


@pytest.fixture(scope="module")
def world(source, target, s3_server, work):
    """Two good ends, and a callable that says whether anything changed."""
    db = source.client()[DB]
    db["c"].insert_many([{"_id": n, "u": "https://old.example/a"} for n in range(9)])
    target.client()["occupied"]["c"].insert_one({"_id": 1})

    class World:
        pass
    w = World()
    w.source, w.target, w.s3_server = source, target, s3_server
    w.folder = work / "bad-uploads"
    w.folder.mkdir()
    (w.folder / "a.png").write_bytes(b"a")
    w.bucket = s3_server.make_bucket("bad-input")
    w.s3 = s3_server.client()
    w.state = lambda: (
        look.db_hash(source.client(), DB), look.fingerprint(target.client()),
        look.listing(w.s3, w.bucket), sorted(os.listdir(w.folder)),
        [b["Name"] for b in w.s3.list_buckets()["Buckets"]])
    w.secrets = [s3_server.secret_key, target.users["root"], WRONG]
    yield w
    source.client().drop_database(DB)
    target.client().drop_database("occupied")


class Case:
    """What differs from a command that would work."""

    def __init__(self, name, status, kinds, words, env=None, args=(), config=None,
                 prepare=None, files=None, wrap=()):
        self.name, self.status, self.kinds = name, status, kinds
        self.words = [words] if isinstance(words, str) else words
        self.env, self.args, self.config = env or {}, list(args), config
        self.prepare, self.files, self.wrap = prepare, files, wrap


def uri(host, user="u", password="p", scheme="mongodb", path=""):
    return f"{scheme}://{user}:{password}@{host}/{path}"


def symlink_out(w, tmp):
    (tmp / "up").mkdir()
    (tmp / "up" / "passwd").symlink_to("/etc/passwd")


def unreadable(w, tmp):
    (tmp / "up").mkdir(mode=0)


# Root reads what nobody may; without these two rights it is as any user.
AS_ANYBODY = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")


def make_file(w, tmp):
    (tmp / "up").write_bytes(b"not a folder")


def file_beside_folder(w, tmp):
    """Two sources that would make key x beside x/y."""
    for name in ("one", "two"):
        (tmp / name).mkdir()
    (tmp / "one" / "x").write_bytes(b"1")
    (tmp / "two" / "x").mkdir()
    (tmp / "two" / "x" / "y").write_bytes(b"2")


def rules(name, words, *rewrites):
    args = [a for r in rewrites for a in ("--rewrite", r)]
    return Case("rule: " + name, USED, "rule", words, args=args)


CASES = [
    # the target
    Case("wrong password", USED, "auth", "authentication",
         env={"SPACEFERRY_TO": lambda w: w.target.uri(NEW_DB, password=WRONG)}),
    Case("unreachable host", CANNOT, "network", "127.0.0.1",
         env={"SPACEFERRY_TO": lambda w: f"mongodb://127.0.0.1:{free_port()}/x"},
         args=["--patience", "2s"]),
    Case("unreachable source", CANNOT, "network", "127.0.0.1",
         env={"SPACEFERRY_FROM": lambda w: f"mongodb://127.0.0.1:{free_port()}/x"},
         args=["--patience", "2s"]),
    Case("malformed URI", USED, "uri", "mongodb://",
         env={"SPACEFERRY_TO": "mongo:/127.0.0.1"}),
    Case("URI without host", USED, "uri", "",
         env={"SPACEFERRY_TO": "mongodb://"}),
    Case("URI with a port that is none", USED, "uri", "",
         env={"SPACEFERRY_TO": "mongodb://127.0.0.1:99999/x"}),
    Case("unescaped @", USED, "uri", ["@", "%40"],
         env={"SPACEFERRY_TO": f"mongodb://root:{WRONG}@127.0.0.1:1/x"}),
    Case("placeholder left in", USED, "uri", "<",
         env={"SPACEFERRY_TO": "mongodb://root:<password>@127.0.0.1:1/x"}),
    Case("SRV name that does not resolve", USED, "dns", "cluster0.nowhere.invalid",
         env={"SPACEFERRY_TO": uri("cluster0.nowhere.invalid", "root", quote_plus(WRONG),
                                   "mongodb+srv", "x")}),
    Case("host that does not resolve", USED, "dns", "nowhere.invalid",
         env={"SPACEFERRY_TO": "mongodb://nowhere.invalid/x"},
         args=["--patience", "5s"]),
    Case("non-empty target", USED, "conflict", "occupied.c",
         env={"SPACEFERRY_TO": lambda w: w.target.uri("occupied")}),
    Case("source is target", USED, "same", "c",
         env={"SPACEFERRY_TO": lambda w: w.source.uri(DB)}),
    Case("source is target by another name", USED, "same", "c",
         env={"SPACEFERRY_TO": lambda w:
              f"mongodb://localhost:{w.source.port}/{DB}"}),
    Case("no such database", USED, "not_found", "no-such-db",
         env={"SPACEFERRY_FROM": lambda w: w.source.uri("no-such-db")}),
    Case("one end missing", USED, "usage", "to",
         env={"SPACEFERRY_TO": None}),
    Case("query that is no JSON", USED, ("usage", "config"), "--query",
         args=["--query", "{a: }"]),
    # the files
    Case("missing upload folder", USED, "not_found", "nothing-here",
         files="{tmp}/nothing-here=s3://{bucket}/u"),
    Case("unreadable upload folder", USED, "denied", "up",
         files="{tmp}/up=s3://{bucket}/u", prepare=unreadable, wrap=AS_ANYBODY),
    Case("upload folder that is a file", USED, "config", "up",
         files="{tmp}/up=s3://{bucket}/u", prepare=make_file),
    Case("target folder that is a file", USED, "config", "up",
         files="{folder}={tmp}/up", prepare=make_file),
    Case("symlink pointing out", USED, "denied", "passwd",
         files="{tmp}/up=s3://{bucket}/u", prepare=symlink_out),
    Case("key x beside x/y", USED, "conflict", "x",
         files=["{tmp}/one=s3://{bucket}/u", "{tmp}/two=s3://{bucket}/u"],
         prepare=file_beside_folder),
    Case("wrong S3 secret", USED, "auth", "s3://",
         env={"AWS_SECRET_ACCESS_KEY": WRONG}, files="{folder}=s3://{bucket}/u"),
    Case("unknown S3 key", USED, "auth", "s3://",
         env={"AWS_ACCESS_KEY_ID": "AKNOBODY"}, files="{folder}=s3://{bucket}/u"),
    Case("no S3 secret", USED, "config", "AWS_SECRET_ACCESS_KEY",
         env={"AWS_SECRET_ACCESS_KEY": None}, files="{folder}=s3://{bucket}/u"),
    Case("missing bucket", USED, "not_found", "no-such-bucket",
         files="{folder}=s3://no-such-bucket/u"),
    Case("unreachable S3", CANNOT, "network", "s3://",
         env={"AWS_ENDPOINT_URL_S3": lambda w: f"http://127.0.0.1:{free_port()}"},
         args=["--patience", "2s"], files="{folder}=s3://{bucket}/u"),
    Case("files source is target", USED, "same", "",
         files="{folder}={folder}"),
    Case("keys in the S3 URL", USED, "uri", "***@",
         files="{folder}=s3://AKIA0:wrong-" + WRONG + "@{bucket}/u"),
    Case("no such store", USED, "uri", "gopher", files="{folder}=gopher://x/y"),
    # rules that break section 4
    rules("FROM without scheme", "old.example", "old.example=https://new.example"),
    rules("FROM is /", "/", "/=https://new.example/"),
    rules("TO without scheme", "new.example", "https://old.example=new.example"),
    rules("slash at one end only", "/", "https://old.example/=https://new.example"),
    rules("same FROM twice", "the same FROM", "https://old.example=https://a.example",
          "HTTPS://Old.Example:443=https://b.example"),
    rules("* in the middle", "*", "https://a.*.example/=https://new.example/"),
    rules("two *", "*", "https://*.*.example/=https://new.example/"),
    rules("not ASCII in the path", "", "https://old.example/é=https://new.example/e"),
    # the command line and the config
    Case("unknown option", USED, "usage", ["--dorp", "--drop"], args=["--dorp"]),
    Case("option without its value", USED, "usage", "--db", args=["--db"]),
    Case("value that is no size", USED, "usage", "--memory",
         args=["--memory", "much"]),
    Case("unknown choice", USED, "usage", "--on-conflict",
         args=["--on-conflict", "panic"]),
    Case("stray word", USED, "usage", "everything", args=["everything"]),
    Case("drop and on-conflict", USED, "usage", "--drop",
         args=["--drop", "--on-conflict", "skip"]),
    Case("bad YAML", USED, "config", [".yaml", "3"],
         config="db: [bad-input]\njobs: 2\n  memory: 1\n"),
    Case("unknown key", USED, "config", ["memroy", "2", "memory"],
         config="db: [bad-input]\nmemroy: 64MiB\n"),
    Case("unset variable", USED, "config", ["NOWHERE_SET", "2"],
         config="db: [bad-input]\nstate: ${NOWHERE_SET}/x\n"),
    Case("key twice", USED, "config", ["jobs", "3"],
         config="db: [bad-input]\njobs: 1\njobs: 2\n"),
    Case("list where a word belongs", USED, "config", ["query", "1"],
         config="query: [a, b]\n"),
    Case("missing config", USED, ("config", "not_found"), "nowhere.yaml",
         args=["--config", "nowhere.yaml"]),
    # the state
    Case("state that is a file", (USED, CANNOT), None, "state-file",
         args=["--state", "{tmp}/state-file"],
         prepare=lambda w, tmp: (tmp / "state-file").write_text("")),
]


def run_case(case, w, ferry, tmp):
    if case.prepare:
        case.prepare(w, tmp)
    env = {"SPACEFERRY_FROM": w.source.uri(DB),
           "SPACEFERRY_TO": w.target.uri(NEW_DB), **w.s3_server.aws_env()}
    for key, value in case.env.items():
        env[key] = value(w) if callable(value) else value
    env = {k: v for k, v in env.items() if v is not None}

    def fill(text):
        return text.replace("{tmp}", str(tmp)).replace("{bucket}", w.bucket) \
            .replace("{folder}", str(w.folder))
    args = ["migrate", "--json"]
    files = case.files or []
    for pair in [files] if isinstance(files, str) else files:
        args += ["--files", fill(pair)]
    if case.config is not None:
        (tmp / "bad.yaml").write_text(case.config)
        args += ["--config", str(tmp / "bad.yaml")]
    wrap = case.wrap if os.getuid() == 0 else ()
    return ferry(*args, *[fill(a) for a in case.args], env=env, timeout=60,
                 wrap=wrap)


def says(result):
    """(the error's line, the hint's) of what a person sees on stderr."""
    lines = result.stderr.splitlines()
    errors = [line for line in lines if "error: " in line]
    hints = [line for line in lines if "hint: " in line]
    assert len(errors) == 1, result
    return errors[0], " ".join(hints)


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_bad_input(case, world, spaceferry, tmp_path):
    before = world.state()
    r = run_case(case, world, spaceferry, tmp_path)
    assert world.state() == before, "something was changed"
    expect.no_secret(r, *world.secrets)
    s = summary.check(r)
    statuses = case.status if isinstance(case.status, tuple) else (case.status,)
    assert r.rc in statuses, r
    assert len(s["errors"]) == 1, r
    (found,) = s["errors"]
    kinds = (case.kinds,) if isinstance(case.kinds, str) else case.kinds
    assert kinds is None or found["kind"] in kinds, r
    text = found["message"] + " " + found["hint"]
    for word in case.words:
        assert word.lower() in text.lower(), (word, r)
    assert found["hint"], r
    error, hint = says(r)
    assert found["message"] in error
    assert found["hint"] in hint
    assert "\x1b" not in r.stderr           # no colours into a pipe


@pytest.mark.parametrize("command", [[], ["--help"], ["migrate", "--help"],
                                     ["--version"]])
def test_help_is_no_error(command, spaceferry):
    r = spaceferry(*command)
    if command:
        assert r.rc == 0 and r.stdout, r
    else:
        assert r.rc == 2 and "--help" in r.stderr, r


def test_unknown_command(spaceferry):
    r = spaceferry("migrat")
    assert r.rc == 2 and "migrate" in r.stderr, r


def test_password_on_the_command_line(world, spaceferry, db_name):
    """It works, with a warning, and other users see it only until it is
    overwritten."""
    running = spaceferry.start(
        "migrate", "--json", "--from", world.source.uri(DB),
        "--to", world.target.uri(db_name, password=WRONG))
    seen = ""
    while running.process.poll() is None:
        try:
            seen = open(f"/proc/{running.pid}/cmdline").read() or seen
        except OSError:
            break
    r = running.wait()
    assert r.rc == 2, r
    assert "SPACEFERRY_TO" in r.stderr
    assert "migrate" in seen and quote_plus(WRONG) not in seen
    expect.no_secret(r, WRONG)


@pytest.fixture
def small_disk(tmp_path):
    """Callable: mounts a tmpfs of so many KiB and returns where."""
    mounted = []

    def mount(kib):
        folder = tmp_path / "small"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)],
            capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no tmpfs can be mounted: {done.stderr.strip()}")
        mounted.append(folder)
        return folder
    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_for_the_state(world, spaceferry, small_disk, db_name):
    """No room at all: exit 3 before anything is changed."""
    folder = small_disk(64)
    ballast = os.open(folder / "ballast", os.O_CREAT | os.O_WRONLY)
    try:
        while True:
            os.write(ballast, bytes(4096))
    except OSError:
        os.close(ballast)
    before = world.state()
    env = {"SPACEFERRY_FROM": world.source.uri(DB),
           "SPACEFERRY_TO": world.target.uri(db_name)}
    r = spaceferry("migrate", "--json", "--state", folder, env=env)
    s = summary.check(r)
    assert r.rc == 3 and summary.kinds(r) == ["disk"], r
    assert str(folder) in s["errors"][0]["message"]
    assert s["errors"][0]["hint"]
    assert world.state() == before
    (folder / "ballast").unlink()
    r = spaceferry("migrate", "--json", "--state", folder, env=env)
    assert r.rc == 0, r


def test_disk_that_fills_up(world, spaceferry, small_disk, tmp_path):
    """It fills up on the way: exit 3; with more room the same command ends
    well."""
    folder = small_disk(64)
    uploads = tmp_path / "many"
    uploads.mkdir()
    for n in range(1500):
        (uploads / f"file-{n:04}-{'x' * 40}.txt").write_text(f"{n}\n")
    new = tmp_path / "new"
    args = ["migrate", "--json", "--state", folder, "--files", f"{uploads}={new}"]
    r = spaceferry(*args)
    summary.check(r)
    assert r.rc == 3 and "disk" in summary.kinds(r), r
    subprocess.run(["mount", "-o", "remount,size=16m", str(folder)], check=True)
    r = spaceferry(*args)
    assert r.rc == 0, r
    assert len(os.listdir(new)) == 1500


def test_state_stays_private(world, work, db_name):
    """What is noted of the ends is for nobody else."""
    ferry = Ferry(work / "private")
    r = ferry("migrate", "--json", env={"SPACEFERRY_FROM": world.source.uri(DB),
                                        "SPACEFERRY_TO": world.target.uri(db_name)})
    assert r.rc == 0, r
    found = [p for p in ferry.home.rglob("*") if p.is_file()]
    assert found
    for path in found:
        assert path.stat().st_mode & 0o077 == 0, path
        content = path.read_bytes()
        for secret in world.secrets:
            assert secret.encode() not in content, path
            assert quote_plus(secret).encode() not in content, path
    ferry.close()
