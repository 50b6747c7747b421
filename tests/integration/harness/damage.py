"""Ways to damage a repository of backups, by its format (docs/FORMAT.md) and
without our program."""

import hashlib
import json
import subprocess
from pathlib import Path

from .vault import Vault


def text_of(lines):
    """A list of blobs whose head and blobs are lines, with an end that is right."""
    blobs = [line for line in lines if isinstance(line, list)]
    body = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()
    end = {"end": {"blobs": len(blobs), "stored": sum(b[1] for b in blobs),
                   "sha256": hashlib.sha256(body).hexdigest()}}
    return body + json.dumps(end, separators=(",", ":")).encode() + b"\n"


class Damage(Vault):
    """A repository that is changed.  Snapshots are numbered from the oldest."""

    def __init__(self, folder, identity=None, recipient=None):
        super().__init__(Path(folder), identity)
        self.recipient = recipient

    # --- where things are ---

    def path(self, name):
        (found,) = (self.folder / "data" / name[:2]).glob(name + ".*")
        return found

    def manifest(self, n=-1):
        return sorted((self.folder / "snapshots").iterdir())[n]

    def key_path(self):
        (found,) = (self.folder / "keys").iterdir()
        return found

    def lines(self, n=-1):
        """Of the clear part, without its end."""
        return self.snapshots()[n][:-1]

    def runs(self, n=-1, ns="orders"):
        found, at = [], ""
        for line in self.details(self.snapshots()[n]):
            if "collection" in line:
                at = line["collection"]["ns"]
            elif "run" in line and at.endswith("." + ns):
                found.append(line["run"][0])
        return found

    def file_blobs(self, key, n=-1):
        (found,) = [line["file"]["blobs"] for line in self.details(self.snapshots()[n])
                    if "file" in line and line["file"]["key"] == key]
        return found

    def detail_blobs(self, n=-1):
        return [line[0] for line in self.lines(n) if isinstance(line, list) and len(line) == 4]

    # --- bytes ---

    @staticmethod
    def flip(path, at):
        data = bytearray(path.read_bytes())
        data[at if at >= 0 else len(data) + at] ^= 0x10
        path.write_bytes(data)

    @staticmethod
    def cut(path, size):
        path.write_bytes(path.read_bytes()[:size])

    def misplace(self, name):
        path = self.path(name)
        wrong = self.folder / "data" / ("00" if path.parent.name != "00" else "01") / path.name
        wrong.parent.mkdir(exist_ok=True)
        path.rename(wrong)

    # --- what looks right ---

    def sealed(self, data, level=1):
        """As a blob is stored, but by the real tools."""
        data = subprocess.run(["zstd", "-cq", f"-{level}", f"--stream-size={len(data)}"],
                              input=data, check=True, capture_output=True).stdout
        if self.recipient:
            data = subprocess.run(["age", "-r", self.recipient], input=data, check=True,
                                  capture_output=True).stdout
        return data

    def rewrite(self, lines, n=-1):
        """Replaces the clear part by these lines, with an end that fits them."""
        self.manifest(n).write_bytes(text_of(lines))

    def forge(self, change, n=-1):
        """Without encryption: details changed by change(lines), and everything that
        names them mended, so that all digests but those inside are right."""
        snapshot = self.snapshots()[n]
        details = self.details(snapshot)
        change(details)
        old = {line[0] for line in snapshot if isinstance(line, list) and len(line) == 4}
        lines = [line for line in snapshot[:-1]
                 if not isinstance(line, list) or line[0] not in old]
        needed = {b for line in details for b in
                  (line.get("run", [])[:1] + line.get("file", {}).get("blobs", []))}
        lines = [line for line in lines if not isinstance(line, list) or line[0] in needed]
        have = {line[0] for line in lines if isinstance(line, list)}
        lines += [self.record(name) for name in sorted(needed - have)]
        text = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n"
                       for line in details).encode()
        lines.append([*self.record(self.put(text)), "detail"])
        self.rewrite(lines, n)

    def put(self, data):
        """Stores a blob (without encryption); returns its name."""
        name = hashlib.sha256(data).hexdigest()
        path = self.folder / "data" / name[:2] / f"{name}.zst"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self.sealed(data))
        return name

    def record(self, name):
        data = self.path(name).read_bytes()
        return [name, len(data), hashlib.sha256(data).hexdigest()]
