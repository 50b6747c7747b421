"""--report: the page in a real browser, its figures held against --json of the
same run, on a phone and on a desktop, in light and dark; and the file itself."""
# build: release

import json
import os
import stat
import time
from datetime import datetime
from urllib.parse import quote

import pytest

from harness import chromium, page as pages, summary
from harness.ferry import Ferry

needs_browser = pytest.mark.skipif(chromium.find() is None, reason=
                                   "no chromium: scripts/setup says why")
OLD, NEW = "https://old.example", "https://new.example"
DB = "report"
HOSTILE = ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(2)>",
           "עברית", "n" * 200, "a\u202egpj.exe", "</style></title>&amp;"]


def fill(db):
    """Rewritten links under several hosts, names that mean harm, a unique index
    that the rules break, an old validator, a view, a time series, many
    collections."""
    db.client.drop_database(db.name)
    db["pages"].insert_many([
        {"_id": n, "html": f"<a href='{OLD}/p/{n}'>{n}</a> https://cdn{n % 3}.old.example/x",
         "by": f"x@old.example {OLD}:8443/no"} for n in range(300)])
    db["uploads"].insert_many([{"_id": n, "src": f"{OLD}/uploads/{n}.txt",
                                "key": {f"{OLD}/k": 1}} for n in range(30)])
    for name in HOSTILE:
        db[name].insert_one({"_id": name, name.replace("$", ""): f"{OLD}/{name}"})
    db.create_collection("times", timeseries={"timeField": "at"})
    db["times"].insert_many([{"at": datetime.fromtimestamp(1_700_000_000 + n)}
                             for n in range(50)])
    db.command("create", "all pages", viewOn="pages", pipeline=[])
    for n in range(45):
        db[f"small{n}"].insert_one({"_id": n})


@pytest.fixture(scope="module")
def ferry(work):
    run = Ferry(work / "report")
    yield run
    run.close()


@pytest.fixture(scope="module")
def runs(source, target, work, ferry):
    """{name: (path of the page, Result)} of every kind of run."""
    db, there = source.client()[DB], target.client()[DB]
    fill(db)
    target.client().drop_database(DB)
    folder, found = work / "pages", {}
    uploads, store = work / "report-uploads", work / "report-store"
    for made in (folder, uploads, store):
        made.mkdir()
    for n in range(20):
        (uploads / f"{n}.txt").write_text("x" * n)
    ends = ["--from", source.uri(DB), "--to", target.uri(DB)]
    files = ["--files", f"{uploads}={store}",
             "--files-url", f"{OLD}/uploads={NEW}/files"]
    rules = ["--rewrite", f"{OLD}={NEW}",
             "--rewrite", "https://*.old.example/=https://$1.new.example/"]

    def run(name, *args, rc=0):
        path = folder / f"{name}.html"
        r = ferry(*args, "--json", "--report", path)
        assert r.rc == rc, r
        found[name] = path, r

    run("dry", "migrate", *ends, *files, *rules, "--dry-run")
    run("migrate", "migrate", *ends, *files, *rules)
    there["pages"].delete_one({"_id": 7})
    there["pages"].insert_one({"_id": "<b>extra</b>"})
    there["pages"].update_one({"_id": 8}, {"$set": {"</code><script>": "<i>"}})
    there["pages"].create_index("by")
    there[HOSTILE[0]].update_one({}, {"$set": {"x": "\u202e" + "long " * 900}})
    (store / "3.txt").write_text("other")
    run("verify", "verify", *ends, *files, *rules, rc=1)
    run("diff", "diff", *ends, *files, *rules, rc=1)
    there["pages"].drop_index("by_1")
    run("delta", "migrate", *ends, *rules, "--delta", "--delete")
    run("doctor", "doctor", *ends, *files, *rules, rc=1)
    db["unique"].insert_many([{"_id": 1, "u": f"{OLD}/a"}, {"_id": 2, "u": f"{NEW}/a"}])
    db["unique"].create_index("u", unique=True)
    run("quarantine", "migrate", *ends, *rules, "--include", f"{DB}.unique", rc=1)
    run("refused", "migrate", *ends, *rules, rc=2)
    repo = work / "report-repo"
    r = ferry("backup", "--from", source.uri(DB), "--files", uploads, "--repo", repo)
    assert r.rc == 0, r
    run("restore", "restore", "--repo", repo, "--to", target.uri(), *rules, "--files",
        work / "restored", "--rename", f"{DB}.*={DB}2.*", "--exclude", f"{DB}.unique")
    yield found
    for client in (source.client(), target.client()):
        client.drop_database(DB)
    target.client().drop_database(DB + "2")


@pytest.fixture(scope="module")
def browser(work):
    with chromium.Chromium(work / "chromium") as b:
        yield b


KINDS = ["dry", "migrate", "verify", "diff", "delta", "doctor", "quarantine",
         "refused", "restore"]


@needs_browser
@pytest.mark.parametrize("kind", KINDS)
def test_page(kind, runs, browser):
    path, r = runs[kind]
    page = browser.open(path)
    pages.assert_sound(page)
    n = pages.compare(page, r.summary)
    least = {"refused": 2, "doctor": 6, "quarantine": 10}
    assert n >= least.get(kind, 300), n
    pages.assert_readable(page)
    words = page.evaluate("document.querySelector('header').innerText")
    assert ("dry run" in words) == r.summary["dry_run"]
    for error in r.summary["errors"][:5]:
        assert error["kind"] in page.evaluate("document.body.textContent")
    pages.assert_sound(page)
    page.close()


# Each a page that is not well, or does not tell what happened.
PLANTED = {
    "figure": ('value="300" data-key="collections', 'value="301" data-key="collections'),
    "words": (">300</data>", ">301</data>"),
    "lost": ('data-key="links.rewritten"', "data-other"),
    "unknown": ('data-key="links.rewritten"', 'data-key="links.written"'),
    "digest": ('digest" value="', 'digest" value="0'),
    "script": ("</main>", "<script>document.title = 1</script></main>"),
    "image": ("</main>", '<img alt="" src="https://old.example/x.png"></main>'),
    "handler": ("<main>", '<main onclick="go()">'),
    "heading": ("</main>", "<h1>Again</h1></main>"),
    "wide": ("</main>", '<p style="width: 2000px">wide</p></main>'),
    "tiny": ("</main>", '<p style="font-size: 8px">tiny</p></main>'),
    "faint": ("</main>", '<p style="color: #888">faint</p></main>'),
}


@needs_browser
@pytest.mark.parametrize("fault", PLANTED)
def test_planted(fault, runs, browser, tmp_path):
    """What test_page() looks for, it finds."""
    path, r = runs["migrate"]
    old, new = PLANTED[fault]
    text = path.read_text()
    assert old in text
    (tmp_path / "bent.html").write_text(text.replace(old, new))
    page = browser.open(tmp_path / "bent.html")
    with pytest.raises(AssertionError):
        pages.assert_sound(page)
        pages.compare(page, r.summary)
        pages.assert_readable(page)
    page.close()


def text_of(page, selector="main"):
    return page.evaluate(f"document.querySelector({json.dumps(selector)})?.textContent")


@needs_browser
def test_names_are_text(runs, browser):
    """What looks like markup is read as it is; marks that turn the direction of
    writing are shown as the unknown character."""
    page = browser.open(runs["migrate"][0])
    text = text_of(page, "#collections")
    for name in HOSTILE:
        assert f"{DB}.{name}".replace("\u202e", "\ufffd") in text, name
    assert page.evaluate("document.title") == "spaceferry migrate: well"
    page.close()


@needs_browser
def test_differences(runs, browser):
    path, r = runs["diff"]
    page = browser.open(path)
    lines = [line for line in r.lines if "kind" in line]
    items = json.loads(page.evaluate("""JSON.stringify([...document.querySelectorAll(
        '#differences li')].map(e => [e.querySelector('.kind').textContent,
        e.textContent]))"""))
    documents = [line for line in lines if "_id" in line]
    assert len(documents) == 4
    for line in documents:
        assert any(kind == line["kind"] and f'{DB}.' in text and
                   str(line["_id"].get("$numberInt", "")
                       if isinstance(line["_id"], dict) else line["_id"]) in text
                   for kind, text in items), line
    text = text_of(page, "#differences")
    assert "</code><script>" in text and "3.txt" in text
    assert "…" in text and "\u202e" not in text
    assert "by_1" in text_of(page)
    page.close()


@needs_browser
def test_checks(runs, browser):
    """Every check of doctor with its verdict, in words as well as in colour."""
    path, r = runs["doctor"]
    page = browser.open(path)
    shown = json.loads(page.evaluate("""JSON.stringify([...document.querySelectorAll(
        '.check')].map(e => ['.word', 'b', '.what', '.hint'].map(
        s => e.querySelector(s)?.textContent ?? '')))"""))
    told = [[c["verdict"], c["check"], c["seen"].replace("\u202e", "\ufffd"), c["remedy"]]
            for c in r.lines if "check" in c]
    assert len(told) > 10 and sorted(shown) == sorted(told)
    assert {"pass", "fail"} <= {v for v, *_ in shown}
    assert text_of(page, "h1").endswith("The migration would not go well")
    page.close()


@needs_browser
def test_charts(runs, browser):
    page = browser.open(runs["migrate"][0])
    bars = page.evaluate("document.querySelectorAll('.bars li').length")
    assert bars == 21
    assert "more collections" in text_of(page, "#sizes")
    width = page.evaluate("+document.querySelector('.bars rect').getAttribute('width')")
    assert width == 1000
    assert "Documents" in text_of(page, "#speed")
    page.close()


def test_the_run(runs, source, target):
    """Command, ends and versions; no password, however it is written."""
    secret = target.uri().split("://")[1].split("@")[0].split(":")[1]
    for kind in KINDS:
        html = runs[kind][0].read_text()
        assert f"spaceferry {runs[kind][1].args[0]}" in html
        assert "--rewrite" in html and "spaceferry 0." in html
        assert secret not in html and quote(secret, safe="") not in html
        assert f"127.0.0.1:{target.port}" in html or "***@" in html
        assert "Linux" in html
    version = source.client().server_info()["version"]
    assert f"server {version}" in runs["migrate"][0].read_text()


def test_the_file(runs, work):
    """Modes as for any output, nothing left beside it."""
    mask = os.umask(0)
    os.umask(mask)
    path = runs["migrate"][0]
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    assert sorted(p.name for p in path.parent.iterdir()) == sorted(
        f"{k}.html" for k in KINDS)


@pytest.mark.parametrize("where, kind", [
    ("none/r.html", "not_found"), ("", "usage"), ("folder", "usage"),
    ("folder/", "usage"), ("/dev/null", "usage"), ("-", "usage")])
def test_found_out_before(where, kind, source, target, db_name, spaceferry, tmp_path):
    """A page that cannot be written is known before anything is changed."""
    source.client()[db_name]["c"].insert_one({"_id": 1})
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").write_text("x")
    r = spaceferry("migrate", "--json", "--report", where, cwd=tmp_path, env={
        "SPACEFERRY_FROM": source.uri(db_name), "SPACEFERRY_TO": target.uri(db_name)})
    summary.check(r)
    assert r.rc == 2 and summary.kinds(r) == [kind], r
    assert "--report" in r.summary["errors"][0]["message"], r
    assert db_name not in target.client().list_database_names()
    assert os.listdir(tmp_path / "folder") == ["kept"]


def slow(db, megabytes=8):
    db["c"].insert_many([{"_id": n, "pad": os.urandom(50_000)}
                         for n in range(megabytes * 20)])


def start_slow(run, source, target, db_name, report):
    """A migration that takes some seconds; returns when it has begun."""
    slow(source.client()[db_name])
    running = run.start("migrate", "--json", "--bwlimit", "3MiB", "--report", report,
                        env={"SPACEFERRY_FROM": source.uri(db_name),
                             "SPACEFERRY_TO": target.uri(db_name)})
    there = target.client()[db_name]["c"]
    while there.estimated_document_count() == 0:
        assert running.process.poll() is None
        time.sleep(0.02)
    return running


@needs_browser
def test_interrupted(source, target, db_name, spaceferry, browser, tmp_path):
    """It tells of a run that did not finish, in place of an older page."""
    report = tmp_path / "r.html"
    real = tmp_path / "real.html"
    real.write_text("old")
    report.symlink_to(real)
    running = start_slow(spaceferry, source, target, db_name, report)
    time.sleep(1.5)
    assert real.read_text() == "old"
    running.interrupt()
    r = running.wait()
    assert r.rc == 3 and report.is_symlink()
    page = browser.open(real)
    pages.assert_sound(page)
    pages.compare(page, r.summary)
    assert "Not finished" in text_of(page, "header")
    assert "interrupted" in text_of(page, "#stops")
    assert page.evaluate("document.querySelector('header').className") == "stop"
    page.close()


def test_lost_at_the_end(source, target, db_name, spaceferry, tmp_path):
    """What cannot be written in the end is an error, and takes nothing back."""
    folder = tmp_path / "folder"
    folder.mkdir()
    running = start_slow(spaceferry, source, target, db_name, folder / "r.html")
    folder.rmdir()
    r = running.wait()
    summary.check(r)
    assert r.rc == 3 and summary.kinds(r) == ["not_found"], r
    assert "report" in r.stderr and all(c["ok"] for c in r.summary["collections"])
    assert target.client()[db_name]["c"].count_documents({}) == 160
