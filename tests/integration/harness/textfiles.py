"""Text files for rewrite: made, looked at, and rewritten by the reference."""

import sys

from . import summary
from .process import ROOT

sys.path.insert(0, str(ROOT / "tests" / "reference"))

import rewrite_rules  # noqa: E402
import rewrite_text  # noqa: E402

OLD, NEW = "https://old.example", "https://new.example"
RULE = ("--rewrite", f"{OLD}={NEW}")
ENV = f"""# the app
MONGODB_URI=mongodb://app:hush@localhost:27017/app
JWT_SECRET=not-for-others
SITE_URL={OLD}
NEXT_PUBLIC_CDN="{OLD}/uploads"
LOG=info
"""


def put(path, data, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    path.chmod(mode)
    return path


def state(path):
    """All of a file that nobody may change."""
    st = path.stat()
    return (path.read_bytes(), st.st_ino, st.st_mtime_ns, st.st_ctime_ns,
            st.st_mode, st.st_uid, st.st_gid)


def tree(folder):
    return {p.relative_to(folder).as_posix(): state(p)
            for p in folder.rglob("*") if p.is_file() and not p.is_symlink()}


def octets(text):
    return text.encode("utf-8", "surrogateescape")


def rewrites(r):
    """--json's entries by file."""
    return {e["file"]: e for e in summary.check(r, "rewrite")["rewrites"]}


def reference(data, pairs=((OLD, NEW),)):
    rules = rewrite_rules.compile_rules([list(p) for p in pairs])
    return rewrite_text.rewrite(rules, data).output


def refused(spaceferry, here, args, *words, status=2, **kwargs):
    before = tree(here)
    r = spaceferry("rewrite", *args, "--json", **kwargs)
    assert r.rc == status, r
    summary.check(r, "rewrite")
    for word in words:
        assert word in r.stderr, r
    assert tree(here) == before
    return r
