# build: release
"""The Debian package: what is in it, what it needs, and that it runs unpacked."""

import os
import re
import shutil
import subprocess

import pytest

from harness.ferry import binary
from harness.process import ROOT


def run(*args, **more):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True,
                          timeout=120, **more)
    assert done.returncode == 0, (args, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    assert shutil.which("dpkg-shlibdeps"), "no dpkg-dev: scripts/setup installs it"
    folder = tmp_path_factory.mktemp("deb")
    run("cpack", "-G", "DEB", "--config", binary().parent / "CPackConfig.cmake",
        "-B", folder)
    (path,) = folder.glob("*.deb")
    return path


@pytest.fixture(scope="module")
def unpacked(deb, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    run("dpkg-deb", "-x", deb, folder)
    return folder


def test_what_it_says_of_itself(deb, tmp_path):
    fields = dict(line.split(": ", 1) for line in run("dpkg-deb", "-f", deb).splitlines()
                  if re.match(r"\w[\w-]*: ", line))
    version = re.search(r"VERSION (\d+\.\d+\.\d+)", (ROOT / "CMakeLists.txt")
                        .read_text()).group(1)
    arch = run("dpkg", "--print-architecture").strip()
    assert deb.name == f"spaceferry_{version}_{arch}.deb"
    assert (fields["Package"], fields["Version"], fields["Architecture"]) \
        == ("spaceferry", version, arch)
    # What the program is linked with, by package.
    depends = {d.split()[0] for d in fields["Depends"].split(", ")}
    assert "ca-certificates" in depends
    for library in "libc6", "libcurl4", "libzstd1", "libsodium23", "libyaml-0-2":
        assert any(d.startswith(library) for d in depends), (library, depends)
    assert any(re.match(r"libmongoc-?\d|libmongoc2", d) for d in depends), depends
    run("dpkg-deb", "-e", deb, tmp_path / "control")
    for script in "postinst", "prerm", "postrm":
        assert os.access(tmp_path / "control" / script, os.X_OK)
        run("sh", "-n", tmp_path / "control" / script)


def test_what_is_in_it(deb, unpacked):
    files = {str(p.relative_to(unpacked)) for p in unpacked.rglob("*") if p.is_file()}
    doc = "usr/share/doc/spaceferry"
    assert files == {
        "usr/bin/spaceferry", "usr/share/man/man1/spaceferry.1",
        "usr/share/bash-completion/completions/spaceferry",
        "usr/share/zsh/site-functions/_spaceferry",
        "usr/share/fish/vendor_completions.d/spaceferry.fish",
        "usr/lib/systemd/system/spaceferry-backup.service",
        "usr/lib/systemd/system/spaceferry-backup.timer",
        f"{doc}/README.md", f"{doc}/BACKUPS.md", f"{doc}/examples/backup.yaml",
        f"{doc}/examples/backup.env", f"{doc}/examples/cron",
        f"{doc}/examples/restore-by-hand"}
    for line in run("dpkg-deb", "-c", deb).splitlines():
        assert line.split()[1] == "root/root", line


def test_it_runs(unpacked, spaceferry):
    program = unpacked / "usr" / "bin" / "spaceferry"
    assert b".debug_info" not in program.read_bytes()
    out = run(program, "--version", env=spaceferry.environment())
    assert out.startswith("spaceferry "), out


def test_the_example_is_a_config(unpacked, spaceferry, tmp_path):
    """With an end and a repository of our own the example file is read whole."""
    text = (unpacked / "usr/share/doc/spaceferry/examples/backup.yaml").read_text()
    (tmp_path / "backup.yaml").write_text(
        text.replace("/srv/app/uploads", str(tmp_path / "up"))
        .replace("s3://bucket/backup", str(tmp_path / "repo"))
        .replace("recipient: [age1...]\n", ""))
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "a").write_text("a")
    r = spaceferry("backup", "--config", tmp_path / "backup.yaml", "--json")
    assert r.rc == 0 and len(list((tmp_path / "repo/snapshots").iterdir())) == 1, r


def test_systemd_takes_the_units(unpacked, tmp_path):
    """systemd's own verdict, with the program where it was unpacked."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze")
    for path in (unpacked / "usr/lib/systemd/system").iterdir():
        text = path.read_text().replace(
            "ExecStart=spaceferry ", f"ExecStart={unpacked}/usr/bin/spaceferry ")
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir())],
        capture_output=True, text=True, timeout=60)
    about_us = [line for line in done.stderr.splitlines() if "spaceferry" in line]
    assert done.returncode == 0 and not about_us, done
