"""Which files .gitignore leaves out, by app/ignore and by git itself."""

import os
import random
import subprocess
from pathlib import Path

import pytest

from harness.ferry import binary

PATTERNS = [
    "*.png", "/public", "public/", "*.log", "!keep.log", "build/", "/build",
    "a/b", "a/**", "**/b", "a/**/c", "**", "*", "!*/", "!*.ts", "?.txt", "[ab].txt",
    "[!a].txt", "[a-c]*", "\\#x", "#x", "\\!x", "x\\ ", "x ", "a*b*c", "/a/*", "/*/b",
    "*/c", "b/*.ts", "**/c/**", "!a/b/c", "!/a", "foo[", "a//b", "/", "!", "./a",
    ".env*", "!.env.example", "a/**/", "**/a/b", "b/**/*.png", "[]x]", "[^b].txt",
    "dir with space/", "c.t??", "*/*/c", "!public/**", "public/*",
]
NAMES = ["a", "b", "c", "public", "build", "x", "#x", "!x", "x ", "a.txt", "b.txt",
         "1.txt", "c.ts", "p.png", "q.log", "keep.log", ".env", ".env.example",
         "abc", "dir with space", "foo[", "]"]


def listing(folder):
    program = Path(os.environ.get("SPACEFERRY_BIN") or binary()).parent
    r = subprocess.run([program / "tests" / "app_tool", folder], text=True,
                       capture_output=True, timeout=60)
    assert r.returncode == 0 and "Sanitizer" not in r.stderr, r.stderr
    return dict((line[2:], line[0] == "I") for line in r.stdout.splitlines())


def git_listing(folder, paths):
    r = subprocess.run(
        ["git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index",
         "-z", "--stdin"], cwd=folder, capture_output=True, timeout=60,
        input="\0".join(paths).encode(), env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"})
    assert r.returncode in (0, 1), r.stderr
    ignored = set(r.stdout.decode().split("\0"))
    return {p: p in ignored for p in paths}


def make_tree(folder, rng):
    for _ in range(40):
        path = folder.joinpath(*(rng.choice(NAMES) for _ in range(rng.randint(1, 4))))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
        except OSError:
            pass        # a file stands where a folder should be


@pytest.mark.parametrize("seed", range(20))
def test_as_git_does(tmp_path, seed):
    rng = random.Random(seed)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    make_tree(tmp_path, rng)
    folders = [tmp_path] + [p for p in tmp_path.rglob("*")
                            if p.is_dir() and ".git" not in p.parts]
    for folder in [tmp_path] + rng.sample(folders, min(2, len(folders))):
        (folder / ".gitignore").write_text(
            "\n".join(rng.choices(PATTERNS, k=rng.randint(1, 6))) + "\n")
    ours = listing(tmp_path)
    paths = [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")
             if p.is_file() and ".git" not in p.relative_to(tmp_path).parts]
    assert sorted(ours) == sorted(paths)
    theirs = git_listing(tmp_path, paths)
    rules = {f.relative_to(tmp_path).as_posix(): f.read_text()
             for f in tmp_path.rglob(".gitignore")}
    wrong = {p: (ours[p], theirs[p]) for p in paths if ours[p] != theirs[p]}
    assert not wrong, (wrong, rules)
