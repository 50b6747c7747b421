"""Links before a move: those without their file, files that nothing links to,
hosts that lack a rule.  Everything is counted a second time here, by regular
expressions over what pymongo and os.walk see, and must agree exactly."""
# build: release

import json
import os
import random
import re
from collections import Counter
from datetime import datetime
from urllib.parse import quote, unquote

import pytest

from harness import summary
from harness.ferry import Ferry

DB = "links-from"
DOCUMENTS = 300
NFC, NFD = "caf\u00e9.png", "cafe\u0301.png"

# What a link in the texts below looks like: a URL of the old host, or a path.
END = r"""(?=[/:\\\s"'<>),]|$|\.(?:\s|$))"""
URL = re.compile(r"""(?P<start>https?:|(?<![\w:/\\]))(?://|\\/\\/)
    (?P<host>(?:[a-z0-9-]+\.)?old\.example)""" + END + r"""(?P<port>:\d+)?
    (?P<rest>[^\s"'<>)]*)""", re.I | re.X)
PATH = re.compile(r"""(?:^|(?<=["'(\s]))/static/(?P<tail>[^\s"'<>)]*)""")
NAME = re.compile(r"(?<![\w+.-])(?:[\w-]+\.)?old\.example" + END, re.I)


class Found:
    """What a reader of all the documents finds."""

    def __init__(self, uploads, media):
        self.files = {"uploads": uploads, "media": media}
        self.linked = {"uploads": set(), "media": set()}
        self.rewritten = 0
        self.dangling, self.uncovered = [], []
        self.hosts = {}

    def host(self, name):
        return self.hosts.setdefault(name.lower(), Counter())

    def read(self, ns, document):
        # Only _ids that are numbers: their Extended JSON is plain.
        where = f'{ns} _id {{"$numberInt":"{document["_id"]}"}}, '
        for path, text in texts(document):
            self.text(where + path, text)

    def text(self, where, text):
        spans = []
        for m in URL.finditer(text):
            spans.append(m.span())
            rest = m["rest"].replace("\\/", "/")
            default = {"http:": ":80", "https:": ":443"}.get(m["start"].lower())
            own = m["port"] in (None, default)
            if own and m["host"].lower() == "old.example" and (
                    rest.startswith("/uploads/")):
                self.link(where, m, "uploads", rest[9:])
            elif own and m["host"].lower() != "old.example" and (
                    rest.startswith("/media/")):
                self.link(where, m, "media", rest[7:])
            elif own and m["host"].lower() == "old.example" and \
                    re.match(r"/blog(?![\w-])", rest):
                self.link(where, m, None, "")
            else:
                name = m["host"] + ("" if own else m["port"])
                self.host(name).update(no_rule=1, uncovered=1)
                self.uncovered.append((where, name.lower(), m[0]))
        for m in PATH.finditer(text):
            self.link(where, m, "uploads", "static/" + m["tail"], "")
        for m in NAME.finditer(text):
            if not any(a <= m.start() < b for a, b in spans):
                self.host(m[0]).update(no_rule=1)

    def link(self, where, m, folder, tail, host=None):
        self.rewritten += 1
        self.host(m["host"] if host is None else host).update(rewritten=1)
        if folder is None:
            return
        cut = re.split("[?#]", tail)[0]
        for form in (tail, unquote(tail), unquote(cut), unquote(cut.rstrip(".,;:!?"))):
            if form in self.files[folder]:
                self.linked[folder].add(form)
                return
        self.dangling.append(f"{where}: link to {m[0]}")

    def unreferenced(self, folder):
        return self.files[folder] - self.linked[folder]

    def summary_hosts(self):
        return {name: {k: c[k] for k in ("rewritten", "no_rule", "uncovered")}
                for name, c in self.hosts.items()}

    def links(self):
        return {"rewritten": self.rewritten, "dangling": len(self.dangling),
                "unreferenced_files": len(self.unreferenced("uploads")) +
                len(self.unreferenced("media"))}


def texts(value, path=""):
    """(path, text) of all that rules look at."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for k, v in items:
            if path or k != "_id":
                yield from texts(v, f"{path}.{k}" if path else str(k))


def walk(folder):
    return {os.path.relpath(os.path.join(d, f), folder)
            for d, _, names in os.walk(folder) for f in names}


# The documents

UPLOADS = ["logo.png", "a b/été.jpg", "a?b.png", "100%.png", "x/y/z.pdf", NFD,
           "static/app.css", "static/fonts/a.woff2", "lonely/one.bin",
           "lonely/two.bin", "Zed.png", "never.txt"] + \
          [f"p/{n}.webp" for n in range(60)]
MEDIA = [f"clip-{n}.mp4" for n in range(10)] + ["cover art.png"]


def make_files(folder, keys):
    for key in keys:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(key)


def a_url(rng):
    """One URL of some kind; most lead to a file."""
    key = rng.choice(UPLOADS[:7] + [f"p/{n}.webp" for n in range(50)])
    start = rng.choice(["https://old.example", "https://old.example",
                        "http://OLD.example", "//old.example",
                        "https://old.example:443"])
    kinds = [
        lambda: f"{start}/uploads/{quote(key)}",
        lambda: f"{start}/uploads/{quote(key)}?w={rng.randrange(900)}&h=2#top",
        lambda: f"{start}/uploads/p/{rng.randrange(80)}.webp",
        lambda: f"{start}/uploads/{quote(NFC)}",
        lambda: f"{start}/uploads/Logo.png",
        lambda: f"https://shop-{rng.randrange(4)}.old.example/media/"
                f"{quote(rng.choice(MEDIA[:8] + MEDIA[10:]))}",
        lambda: f"https://shop-{rng.randrange(4)}.old.example/media/gone.mp4",
        lambda: f"{start}/blog/{rng.randrange(99)}?a=1",
        lambda: f"{start}/blogs",
        lambda: f"{start}/avatars/{rng.randrange(99)}.png",
        lambda: f"http://old.example:8443/uploads/{quote(key)}",
        lambda: f"http://old.example:443/uploads/{quote(key)}",
        lambda: f"https://Shop-{rng.randrange(4)}.old.example/cart",
        lambda: "https://www.elsewhere.example/uploads/logo.png",
        lambda: "https://old.example.evil.example/uploads/logo.png",
    ]
    return rng.choice(kinds)()


def a_document(n, rng):
    url = a_url(rng)
    return {
        "_id": n, "image": url,
        "body": f'<p><img src="{a_url(rng)}" alt="x"> <a href=\'{a_url(rng)}\'>'
                f'see {a_url(rng)}</a> and ({a_url(rng)}) or {a_url(rng)}.</p>',
        "blocks": [{"kind": "text", "html": rng.choice([
            "write to support@old.example or look at old.example, today",
            "nothing here", "ftp://old.example/x and me@shop-1.old.example"])},
            {"kind": "json", "data": json.dumps({"u": a_url(rng), "v": a_url(rng)})
             .replace("/", "\\/")}],
        "style": rng.choice(["/static/app.css", 'url("/static/fonts/a.woff2")',
                             "/static/gone.css", "/statics/app.css",
                             "a/static/app.css"]),
    }


@pytest.fixture(scope="module")
def scene(source, work):
    """Documents, a time series, two folders of files."""
    rng = random.Random(5)
    db = source.client()[DB]
    db.client.drop_database(DB)
    db["pages"].insert_many([a_document(n, rng) for n in range(DOCUMENTS)])
    db["plain"].insert_many([{"_id": n, "text": "nothing to do " * 9}
                             for n in range(50)])
    db.create_collection("hits", timeseries={"timeField": "at", "metaField": "m"})
    db["hits"].insert_many([
        {"_id": n, "at": datetime.fromtimestamp(1_700_000_000 + n), "v": n,
         "m": {"page": a_url(rng)}, "from": a_url(rng)} for n in range(80)])
    folder = work / "links"
    make_files(folder / "uploads", UPLOADS)
    make_files(folder / "media", MEDIA)
    scene = Scene()
    scene.folder, scene.source, scene.db, scene.order = folder, source, db, []
    scene.rules = ["--files-url", "https://old.example/uploads/=https://files.example/u/",
                   "--files-url", "https://*.old.example/media/=https://files.example/m/"]
    scene.others = ["--rewrite", "https://old.example/blog=https://new.example/blog",
                    "--rewrite", "/static/=https://files.example/u/static/"]
    scene.all = scene.count(["pages", "plain", "hits"])
    yield scene
    db.client.drop_database(DB)


class Scene:
    def count(self, collections):
        found = Found(walk(self.folder / "uploads"), walk(self.folder / "media"))
        for name in collections:
            for document in self.db[name].find():
                found.read(f"{DB}.{name}", document)
        return found

    def args(self, to, limit=100_000):
        """Options of a run whose files go below to."""
        return ["--files", f"{self.folder}/uploads={to}/u", *self.rules[:2],
                "--files", f"{self.folder}/media={to}/m", *self.rules[2:],
                *self.others, "--limit", limit]


def notes(s, kind):
    return [n for n in s["notes"] if n["kind"] == kind]


def assert_found(s, want, scene):
    """The summary says exactly what was found here."""
    assert s["links"] == want.links()
    assert sorted(n["message"] for n in notes(s, "dangling_link")) == \
        sorted(want.dangling)
    named = [n["message"] for n in notes(s, "unreferenced_file")]
    assert sorted(named) == sorted(
        f"{scene.folder}/{folder}/{key}" for folder in ("uploads", "media")
        for key in want.unreferenced(folder))
    # In the same order each time.
    order = [n for n in scene.order if n in set(named)]
    assert order in ([], named)
    scene.order = scene.order or named
    assert_hosts(s, want)


def assert_hosts(s, want):
    listed = {h["host"]: h for h in s["hosts"]}
    assert len(listed) == len(s["hosts"])
    assert {name: {k: h[k] for k in ("rewritten", "no_rule", "uncovered")}
            for name, h in listed.items()} == want.summary_hosts()
    totals = [h["rewritten"] + h["no_rule"] for h in s["hosts"]]
    assert totals == sorted(totals, reverse=True)
    # Each uncovered link is named, and each host's sample is one of them.
    named = notes(s, "no_rule")
    assert Counter(n["message"].split(": ")[0] for n in named) == \
        Counter(where for where, _, _ in want.uncovered)
    for name, host in listed.items():
        here = [(where, text) for where, n, text in want.uncovered if n == name]
        assert (host["sample"] is None) == (host["no_rule"] == 0)
        assert (host["missing_rule"] is None) == (host["uncovered"] == 0)
        assert not here or any(
            host["sample"].startswith(where + ": ") and text in host["sample"]
            for where, text in here), host


@pytest.fixture(scope="module")
def ferry(work):
    ferry = Ferry(work / "links-home")
    yield ferry
    ferry.close()


def test_the_scene_has_everything(scene):
    want = scene.all
    assert want.links()["rewritten"] > 1000 and len(want.dangling) > 200
    assert {"lonely/one.bin", "never.txt"} <= want.unreferenced("uploads")
    assert {"clip-8.mp4", "clip-9.mp4"} <= want.unreferenced("media")
    assert any(line.endswith(quote(NFC)) for line in want.dangling)
    assert NFD in want.linked["uploads"]
    hosts = want.summary_hosts()
    assert {"", "old.example", "old.example:8443", "old.example:443",
            "shop-1.old.example"} <= set(hosts)
    assert hosts["old.example"]["no_rule"] > hosts["old.example"]["uncovered"] > 0
    kinds = {line.split(": link")[0].split("}, ")[1] for line in want.dangling}
    assert {"image", "body", "blocks.1.data", "m.page", "from", "style"} <= kinds


def test_dry_run_tells_all(scene, ferry, target, tmp_path):
    env = {"SPACEFERRY_FROM": scene.source.uri(DB),
           "SPACEFERRY_TO": target.uri("links-dry")}
    r = ferry("migrate", "--dry-run", "--json", *scene.args(tmp_path), env=env)
    assert r.rc == 0, r
    s = summary.check(r)
    assert_found(s, scene.all, scene)
    # The contract's count leaves out ports that are neither 80 nor 443.
    counted = sum(c["unrewritten"]["no_rule"] for c in s["collections"])
    assert counted == sum(h["no_rule"] for h in s["hosts"]
                          if not h["host"].endswith(":8443"))
    assert not (tmp_path / "u").exists()
    # What is said to be missing is what is missing.
    rules = {h["host"]: h["missing_rule"] for h in s["hosts"]}
    assert rules["old.example"] == "https://old.example"
    assert rules["old.example:8443"] == "http://old.example:8443"
    assert rules["old.example:443"] == "http://old.example:443"
    assert rules["shop-1.old.example"] == "https://*.old.example"
    more = [a for rule in sorted({r for r in rules.values() if r})
            for a in ("--rewrite", f"{rule}=https://new.example")]
    r = ferry("migrate", "--dry-run", "--json", *scene.args(tmp_path), *more, env=env)
    assert r.rc == 0, r
    assert all(h["uncovered"] == 0 for h in r.summary["hosts"])
    assert notes(r.summary, "no_rule") == []


def test_text_for_people(scene, ferry, target, tmp_path):
    env = {"SPACEFERRY_FROM": scene.source.uri(DB),
           "SPACEFERRY_TO": target.uri("links-dry")}
    r = ferry("migrate", "--dry-run", *scene.args(tmp_path, 3), env=env)
    assert r.rc == 0, r
    want = scene.all
    links = want.links()
    assert (f"links: {links['rewritten']:,} rewritten, {links['dangling']:,} without "
            f"their file; {links['unreferenced_files']} files linked from nowhere"
            ) in r.stdout
    for name, host in want.summary_hosts().items():
        row = [f"{host['rewritten']:,}", f"{host['uncovered']:,}",
               f"{host['no_rule'] - host['uncovered']:,}"]
        line = [x for x in r.stdout.splitlines()
                if x.split()[:1] == [name or "(paths)"]]
        assert len(line) == 1 and line[0].split()[1:4] == row, (name, row, line)
        assert ("missing: --rewrite" in line[0]) == (host["uncovered"] > 0)
    # Three of each kind, the others counted.
    for kind, n in (("dangling_link", len(want.dangling)),
                    ("no_rule", len(want.uncovered)),
                    ("unreferenced_file", links["unreferenced_files"])):
        assert f"{n - 3} more of kind {kind}" in r.stdout, kind
    assert r.stdout.count(": link to ") == 3
    assert "hint: a rule is missing, such as --rewrite http" in r.stdout


def test_migrate_verify_diff_agree(scene, ferry, target, tmp_path):
    """All jobs that read the source find the same."""
    env = {"SPACEFERRY_FROM": scene.source.uri(DB),
           "SPACEFERRY_TO": target.uri("links-to")}
    try:
        r = ferry("migrate", "--json", *scene.args(tmp_path), env=env)
        assert r.rc == 0, r
        assert_found(summary.check(r), scene.all, scene)
        r = ferry("verify", "--json", *scene.args(tmp_path), env=env)
        assert r.rc == 0, r
        assert_found(summary.check(r, "verify"), scene.all, scene)
        r = ferry("diff", "--json", *scene.args(tmp_path), env=env)
        assert r.rc == 0, r
        assert_found(r.summary, scene.all, scene)
    finally:
        target.client().drop_database("links-to")


def test_archive_as_target_and_source(scene, ferry, target, tmp_path):
    """Time-series are buckets in an archive: nobody looks for links there."""
    want = scene.count(["pages", "plain"])
    archive = tmp_path / "links.archive"
    rules = [a.replace("--files-url", "--rewrite") for a in
             scene.rules + scene.others]
    r = ferry("export", "--json", "--from", scene.source.uri(DB), "--archive",
              archive, *rules, "--limit", 100_000)
    assert r.rc == 0, r
    s = summary.check(r, "export")
    assert s["links"] == {"rewritten": want.rewritten, "dangling": 0,
                          "unreferenced_files": 0}
    assert_hosts(s, want)

    r = ferry("export", "--from", scene.source.uri(DB), "--archive",
              tmp_path / "raw.archive.gz")
    assert r.rc == 0, r
    env = {"SPACEFERRY_TO": target.uri(DB)}
    try:
        r = ferry("import", "--json", "--archive", tmp_path / "raw.archive.gz",
                  *rules, "--limit", 100_000, env=env)
        assert r.rc == 0, r
        assert_hosts(summary.check(r, "import"), want)
        r = ferry("migrate", "--json", "--from", f"archive:{tmp_path}/raw.archive.gz",
                  *scene.args(tmp_path), "--restart", "--drop", env=env)
        assert r.rc == 0, r
        assert_found(summary.check(r), want, scene)
    finally:
        target.client().drop_database(DB)


def test_files_alone_are_not_looked_up(scene, ferry, tmp_path):
    r = ferry("migrate", "--json", *scene.args(tmp_path))
    assert r.rc == 0, r
    assert r.summary["links"] == {"rewritten": 0, "dangling": 0,
                                  "unreferenced_files": 0}


def test_resumed_run_says_what_it_cannot_know(scene, ferry, target, tmp_path):
    """A file that cannot be moved leaves the journal open; the run that goes on
    does not read the documents again, so it names no file as linked from
    nowhere."""
    make_files(tmp_path / "up", ["logo.png", "other.png"])
    (tmp_path / "up/broken").symlink_to("nowhere")
    args = ["migrate", "--json", "--files", f"{tmp_path}/up={tmp_path}/to",
            *scene.rules[:2]]
    env = {"SPACEFERRY_FROM": scene.source.uri(DB),
           "SPACEFERRY_TO": target.uri("links-again")}
    try:
        r = ferry(*args, env=env)
        assert r.rc == 1, r
        assert r.summary["links"]["unreferenced_files"] == 1
        r = ferry(*args, env=env)
        assert r.rc == 1 and "resumed" in r.summary, r
        assert r.summary["links"]["unreferenced_files"] == 0
        assert len(notes(r.summary, "links_in_part")) == 1
        r = ferry("verify", *args[1:], env=env)
        assert r.summary["links"]["unreferenced_files"] == 1
    finally:
        target.client().drop_database("links-again")


def test_files_in_a_bucket(source, db_name, ferry, target, s3, bucket, s3_server,
                           tmp_path):
    """The names come from the bucket's listing, 1,300 of them."""
    keys = [f"k/{n:04}.txt" for n in range(1300)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=f"up/{key}", Body=b"x")
    source.client()[db_name]["c"].insert_one(
        {"_id": 1, "urls": [f"https://old.example/{k}" for k in keys[::2]]})
    args = ["migrate", "--dry-run", "--json", "--files",
            f"s3://{bucket}/up={tmp_path}/to", "--files-url",
            "https://old.example=https://new.example/f"]
    env = {"SPACEFERRY_FROM": source.uri(db_name), **s3_server.aws_env(),
           "SPACEFERRY_TO": target.uri(db_name)}
    r = ferry(*args, "--limit", 600, env=env)
    assert r.rc == 0, r
    named = [n["message"] for n in notes(r.summary, "unreferenced_file")]
    assert r.summary["links"]["unreferenced_files"] == 650
    assert [n.rsplit("/up/")[-1] for n in named[:-1]] == keys[1::2][:600]
    assert named[-1] == "50 more of kind unreferenced_file"


def test_more_hosts_than_anybody_reads(source, db_name, ferry, target):
    """Behind '*': the 256 with most links, the others in one line, and nothing
    lost; past 4,096 those met later are counted together."""
    n = 5000
    covered = [f"https://s{i}.old.example/a/" for i in range(n)
               for _ in range(2 if i < 300 else 1)]
    left = [f"https://t{i}.old.example/b" for i in range(n)]
    ports = [f"https://old.example:{p}/" for p in range(5000, 5050)]
    source.client()[db_name]["c"].insert_many(
        [{"_id": i, "v": part} for i, part in enumerate((covered, left, ports))])
    r = ferry("migrate", "--dry-run", "--json", "--rewrite",
              "https://*.old.example/a/=https://new.example/$1/", "--rewrite",
              "https://old.example/c/=https://new.example/c/",
              env={"SPACEFERRY_FROM": source.uri(db_name),
                   "SPACEFERRY_TO": target.uri(db_name)})
    assert r.rc == 0, r
    s = summary.check(r)
    hosts = {h["host"]: h for h in s["hosts"]}
    assert 256 <= len(hosts) <= 256 + 2
    assert sum(h["rewritten"] for h in s["hosts"]) == len(covered)
    assert sum(h["uncovered"] for h in s["hosts"]) == n + len(ports)
    assert hosts["*.old.example"]["missing_rule"] == "https://*.old.example"
    assert hosts["old.example:*"]["uncovered"] == len(ports)
    assert s["hosts"][0]["host"] == "*.old.example"
    assert all(h["rewritten"] == 2 for h in s["hosts"] if h["host"][0] == "s")
