"""The healthy app of fixtures/doctor-app and doctor on changed copies of it."""

import json
import shutil
import subprocess

from .ferry import binary
from .process import ROOT

APP = ROOT / "fixtures" / "doctor-app"
# Made up here, so that no scanner takes the file for a leak.
TOKEN = "hf_" + "aB3dE6gH9jK2mN5p" * 2 + "xy"
OTHER_TOKEN = "hf_" + "qR4tU7wX0zA3cF6h" * 2 + "vw"
JWT = "R7wq0pLm92hVxZ81" + "kTnBs64YdJcG35eUfA"
NEXTAUTH = "m3Xv81QzTn5LpRw0" + "9kBhYs72GdJcF64eUa"
URI = "mongodb+srv://ezia:" + "S3cret%40Pa@cluster0.abcde.mongodb.net/ezia?w=1"
ENV = {
    "MONGODB_URI": URI,
    "HF_TOKEN": TOKEN,
    "DEFAULT_HF_TOKEN": OTHER_TOKEN,
    "MISTRAL_API_KEY": "Zk39dkQm20sLw84nRt57yUx1pVb6cHf2",
    "JWT_SECRET": JWT,
    "NEXTAUTH_SECRET": NEXTAUTH,
    "NEXT_PUBLIC_APP_URL": "https://hmorales-ezia.hf.space",
    "DISABLE_ECOSYSTEM_FEATURE": "true",
}
RULES = ["--rewrite", "https://ezia.ai=https://hmorales-ezia.hf.space"]


def doctor(*args, env=None, input=None):
    """(exit status, {check: line}) of the groups "app" and "outside"."""
    r = subprocess.run(
        [binary(), "doctor", "--json", *map(str, args)], text=True,
        capture_output=True, timeout=120, input=input,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **(env or {})})
    assert "Sanitizer" not in r.stderr and "runtime error" not in r.stderr, r.stderr
    lines = [json.loads(line) for line in r.stdout.splitlines()]
    assert "command" in lines[-1], r
    for value in (TOKEN, OTHER_TOKEN, JWT, NEXTAUTH, "S3cret", ENV["MISTRAL_API_KEY"]):
        assert value not in r.stdout + r.stderr, "a secret was printed"
    checks = [line for line in lines[:-1] if line["group"] in ("app", "outside")]
    names = [c["check"] for c in checks]
    assert len(names) == len(set(names)), f"told twice: {names}"
    return r.returncode, {c["check"]: c for c in checks}


def write_env(path, values):
    path.write_text("".join(f'{k}="{v}"\n' for k, v in values.items()))
    return path


class Case:
    """A copy of the healthy app, to be changed."""

    def __init__(self, folder):
        self.app = folder / "app"
        shutil.copytree(APP, self.app)
        self.values = dict(ENV)
        self.env_text = None
        self.args = list(RULES)
        self.environ = {}
        self.folder = folder

    def edit(self, name, old, new):
        path = self.app / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new, 1))

    def add(self, name, text):
        path = self.app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def append(self, name, text):
        path = self.app / name
        path.write_text(path.read_text() + text)

    def files(self, url, uploads=None):
        """--files with a public URL for the target."""
        uploads = uploads or self.folder / "uploads"
        uploads.mkdir(exist_ok=True)
        self.args += ["--files", f"{uploads}={self.folder / 'store'}",
                      "--files-url", f"/uploads={url}"]

    def run(self):
        env_file = self.folder / "env"
        if self.env_text is None:
            write_env(env_file, self.values)
        else:
            env_file.write_bytes(self.env_text)
        return doctor("--app", self.app, "--env-file", env_file, *self.args,
                      env=self.environ)


def unwell(checks):
    return {n: c["verdict"] for n, c in checks.items() if c["verdict"] != "pass"}
