"""The demonstration behind scripts/demo: servers, the fixture app, and three
runs of spaceferry whose output a person can follow."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import ExitStack
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
for place in ("tests/integration", "tests/reference", "fixtures/app"):
    sys.path.insert(0, str(TREE / place))

import make_app                                         # noqa: E402
from harness import process                             # noqa: E402
from harness.mongod import Mongod, ReplicaSet           # noqa: E402
from harness.s3 import Versitygw                        # noqa: E402

CONFIG = "fixtures/app/rules.yaml"
PROGRAM = "build/release/spaceferry"
OLD_DB, NEW_DB, BUCKET = "ezia-prod", "ezia", "ezia-files"
COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ
PUBLIC = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
    "Resource": f"arn:aws:s3:::{BUCKET}/*"}]}


def title(text):
    print(f"\n\x1b[1m== {text}\x1b[0m" if COLOUR else f"\n== {text}", flush=True)


def line(text):
    print("   " + text, flush=True)


class Demo:
    """The servers, and what the program is told about them."""

    def __init__(self, folder, stack):
        self.folder, self.stack, self.servers = folder, stack, []
        self.uploads = folder / "uploads"
        self.secrets = []

    def serve(self, server):
        self.servers.append(self.stack.enter_context(server))
        return server

    def start(self):
        self.source = self.serve(Mongod(self.folder / "vps"))
        line(f"the VPS: a standalone mongod on port {self.source.port}")
        self.target = self.serve(ReplicaSet(self.folder / "atlas", auth=True))
        self.target.add_user("ezia", "p@ss/w:rd", [
            {"role": role, "db": NEW_DB} for role in ("readWrite", "dbAdmin")])
        self.secrets.append("p%40ss%2Fw%3Ard")
        line(f"the new database: a replica set with auth on port {self.target.port}")
        if Versitygw.available():
            self.start_s3()
        else:
            self.start_web()
        make_app.load(self.source.uri(), OLD_DB)
        keys = make_app.uploads(self.uploads)
        db = self.source.client()[OLD_DB]
        n = sum(db[c].estimated_document_count() for c in db.list_collection_names(
            filter={"type": {"$ne": "view"}}) if not c.startswith("system."))
        line(f"the app: {n} documents, {len(keys)} uploads")

    def start_s3(self):
        s3 = self.serve(Versitygw(self.folder / "s3"))
        client = s3.client()
        s3.make_bucket(BUCKET)
        client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(PUBLIC))
        self.store = f"s3://{BUCKET}/uploads"
        self.url = f"{s3.endpoint}/{BUCKET}/uploads"
        self.s3_env = s3.aws_env()
        self.secrets.append(s3.secret_key)
        line(f"the S3 store: versitygw on port {s3.port}, bucket {BUCKET}")

    def start_web(self):
        """No S3 server: a folder behind a small web server stands in."""
        public = self.folder / "public"
        public.mkdir()
        handler = partial(QuietHandler, directory=str(public))
        web = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        self.stack.callback(web.shutdown)
        self.store = f"file://{public}/uploads"
        self.url = f"http://127.0.0.1:{web.server_port}/uploads"
        self.s3_env = {}
        line("NO S3 SERVER HERE (scripts/setup says why): files go to a file:// "
             f"store behind a web server on port {web.server_port}")

    @property
    def settings(self):
        return {"EZIA_FROM": self.source.uri(OLD_DB),
                "EZIA_TO": self.target.uri(NEW_DB, user="ezia"),
                "EZIA_UPLOADS": str(self.uploads), "EZIA_STORE": self.store,
                "EZIA_FILES_URL": self.url, **self.s3_env}

    def hide(self, text):
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text

    def spaceferry(self, *args, table=False):
        """Runs it, showing the command and its report (the table of collections
        where asked for)."""
        shown = ["spaceferry", *args, "--quiet", "--limit", "3", "--config", CONFIG]
        print(f"   $ {shlex.join(shown)}\n", flush=True)
        env = {**os.environ, "XDG_STATE_HOME": str(self.folder / "state"),
               **self.settings}
        done = subprocess.run([str(TREE / PROGRAM), *shown[1:]], cwd=TREE, env=env,
                              stdout=subprocess.PIPE, text=True)
        print("\n".join(done.stdout.splitlines() if table
                        else without_table(done.stdout.splitlines())), flush=True)
        if done.returncode != 0:
            raise SystemExit(f"demo: spaceferry ended with {done.returncode}")


def without_table(lines):
    """The report with one line in place of the rows of the collections."""
    rows = [n for n, text in enumerate(lines) if text.startswith(f"  {NEW_DB}.")]
    if not rows:
        return lines
    row = f"  ... {len(rows)} collections and views ..."
    return [*lines[:rows[0]], row, *lines[rows[-1] + 1:]]


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def prove(demo):
    """What a visitor of the moved app gets: a URL out of a document, fetched."""
    db = demo.target.client()[NEW_DB]
    url = db["businesses"].find_one({"logo": {"$regex": "^http"}})["logo"]
    with urllib.request.urlopen(url, timeout=10) as reply:
        body, kind = reply.read(), reply.headers["Content-Type"]
    key = url[len(demo.url) + 1:]
    assert body == (demo.uploads / key).read_bytes(), f"{url}: other bytes"
    line(f"a logo's URL in the new database: {url}")
    line(f"fetched: {len(body)} bytes, {kind}, the same as uploads/{key}")
    old = db["businesses"].count_documents({"logo": {"$regex": "//ezia.ai/"}})
    assert old == 0, f"{old} logos still lead to the VPS"
    line("no logo leads to the VPS any more")


def show_what_is_kept(demo):
    title("Left running (--keep)")
    line(f"source:  {demo.source.uri(OLD_DB)}")
    line(f"target:  {demo.target.uri(NEW_DB, user='ezia')}")
    line(f"store:   {demo.store}   {demo.url}")
    for name, value in demo.s3_env.items():
        line(f"         {name}={value}")
    pids = " ".join(str(s.process.pid) for s in demo.servers)
    line(f"to end:  kill {pids}; rm -r {demo.folder}")


def run(demo):
    title("A VPS, and the place to move to")
    demo.start()
    title("The settings (passwords hidden)")
    for name, value in demo.settings.items():
        line(f"{name}={demo.hide(value)}")
    title("1. Dry run: what would happen; nothing is written")
    demo.spaceferry("migrate", "--dry-run")
    title("2. The migration: data, files, rewriting, verification")
    demo.spaceferry("migrate", table=True)
    title("3. Verification once more, as anybody may any time")
    demo.spaceferry("verify")
    title("4. What a visitor sees")
    prove(demo)


def main():
    keep = sys.argv[1:] == ["--keep"]
    if keep:                    # the servers outlive us
        process.Server.before_exec = staticmethod(os.setsid)
    folder = Path(tempfile.mkdtemp(prefix="spaceferry-demo-"))
    begin = time.monotonic()
    done = False
    try:
        with ExitStack() as stack:
            demo = Demo(folder, stack)
            run(demo)
            done = True
            if keep:
                show_what_is_kept(demo)
                if demo.s3_env:
                    stack.pop_all()
                else:
                    line("(the web server ends with this script: press Enter)")
                    sys.stdin.readline()
    finally:
        if not (keep and done):
            shutil.rmtree(folder, ignore_errors=True)
    title(f"All of it moved and proven, in {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("\ndemo: stopped; nothing is left running")
