# build: release
"""What `cmake --install` puts in place is whole: a stranger's program builds
against the library with pkg-config alone, and runs."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from harness.ferry import binary

EMBEDDER = r"""
#include <stdio.h>
#include <spaceferry.h>

/* Names of the library's own insides: they must not meet. */
int buf_init(void) { return 7; }
int err_set(void) { return 8; }

int
main(void)
{
	struct spaceferry_options options = { .from = "nonsense://x",
	    .to = "mongodb://127.0.0.1:1/db" };
	struct spaceferry_summary summary;
	int status;

	if (!spaceferry_init())
		return 99;
	status = spaceferry_migrate(&options, &summary);
	printf("%d %s %zu\n", status, summary.command, summary.n_errors);
	spaceferry_summary_free(&summary);
	spaceferry_cleanup();
	return buf_init() + err_set() - 15;
}
"""


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    path = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", binary().parent, "--prefix", path],
                   check=True, stdout=subprocess.DEVNULL, timeout=60)
    return path


def only(prefix, pattern):
    (path,) = prefix.glob(pattern)
    return path


def test_everything_is_there(prefix):
    assert os.access(prefix / "bin" / "spaceferry", os.X_OK)
    only(prefix, "include/spaceferry.h")
    man = only(prefix, "share/man/man1/spaceferry.1").read_text()
    assert man.count(".SH ") > 8
    assert "_spaceferry" in only(prefix, "share/bash-completion/completions/"
                                         "spaceferry").read_text()
    assert only(prefix, "share/zsh/site-functions/_spaceferry").read_text() \
        .startswith("#compdef spaceferry\n")
    only(prefix, "share/fish/vendor_completions.d/spaceferry.fish")


def test_library_shows_its_own_names_only(prefix):
    library = only(prefix, "lib/**/libspaceferry.a")
    nm = subprocess.run(["nm", "-g", "--defined-only", library], check=True,
                        capture_output=True, text=True, timeout=60)
    names = re.findall(r"^[0-9a-f]+ \w (\S+)$", nm.stdout, re.M)
    header = (prefix / "include" / "spaceferry.h").read_text()
    declared = re.findall(r"\b(spaceferry_\w+)\(", re.sub(r"/\*.*?\*/", "", header,
                                                         flags=re.S))
    assert sorted(names) == sorted(set(declared))


def test_a_strangers_program(prefix, tmp_path, spaceferry):
    source = tmp_path / "embed.c"
    source.write_text(EMBEDDER)
    found = Path(only(prefix, "lib/**/spaceferry.pc")).parent
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "spaceferry"], check=True, text=True,
        capture_output=True, timeout=60,
        env={**os.environ, "PKG_CONFIG_PATH": str(found)}).stdout.split()
    subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                    "-o", tmp_path / "embed", source, *flags], check=True, timeout=120)
    run = subprocess.run([tmp_path / "embed"], capture_output=True, text=True,
                         timeout=60, cwd=spaceferry.cwd, env=spaceferry.environment())
    assert run.returncode == 0, run
    assert run.stdout == "2 migrate 1\n", run
