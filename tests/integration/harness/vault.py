"""A repository of backups, looked at without our program: the real age and zstd
read it, by docs/FORMAT.md."""

import hashlib
import json
import shutil
import subprocess


def age_key(folder, name="key.txt"):
    """(identity file, recipient), made by age-keygen."""
    assert shutil.which("age-keygen"), "age is missing: scripts/setup installs it"
    path = folder / name
    subprocess.run(["age-keygen", "-o", path], check=True, capture_output=True)
    (recipient,) = [line.split()[-1] for line in path.read_text().splitlines()
                    if "public key" in line]
    return path, recipient


class Vault:
    """A repository in a folder, or a copy of one in a bucket."""

    def __init__(self, folder, identity=None):
        self.folder, self.identity = folder, identity

    @classmethod
    def of_bucket(cls, s3, bucket, prefix, folder, identity=None):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                path = folder / entry["Key"][len(prefix):].lstrip("/")
                path.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, entry["Key"], str(path))
        return cls(folder, identity)

    def objects(self):
        """{key: bytes}."""
        return {str(p.relative_to(self.folder)): p.read_bytes()
                for p in self.folder.rglob("*") if p.is_file()}

    def sizes(self):
        return {str(p.relative_to(self.folder)): p.stat().st_size
                for p in self.folder.rglob("*") if p.is_file()}

    def snapshots(self):
        """The clear parts, oldest first, as lists of JSON values."""
        found = [[json.loads(line) for line in p.read_text().splitlines()]
                 for p in (self.folder / "snapshots").iterdir()]
        return sorted(found, key=lambda lines: lines[0]["time_ns"])

    def blob(self, name):
        """The contents of a blob, by the real tools."""
        ending = ".zst.age" if self.identity else ".zst"
        data = (self.folder / "data" / name[:2] / (name + ending)).read_bytes()
        if self.identity:
            data = subprocess.run(["age", "-d", "-i", self.identity], input=data,
                                  check=True, capture_output=True).stdout
        return subprocess.run(["zstd", "-dcq"], input=data, check=True,
                              capture_output=True).stdout

    def naming_key(self, key_id):
        text = subprocess.run(
            ["age", "-d", "-i", self.identity, self.folder / "keys" / f"{key_id}.age"],
            check=True, capture_output=True).stdout.decode().split()
        assert text[:3] == ["spaceferry", "naming", "key"]
        return bytes.fromhex(text[3])

    def details(self, snapshot):
        """The lines of its details, parsed."""
        names = [line[0] for line in snapshot if isinstance(line, list) and len(line) == 4]
        return [json.loads(line) for line in
                b"".join(self.blob(n) for n in names).decode().splitlines()]

    def whole(self, snapshot, path):
        """Holds a clear part against what is stored: sizes, digests, its own end."""
        text = path.read_bytes()
        end = snapshot[-1]["end"]
        before = text[:text.rstrip(b"\n").rindex(b"\n") + 1]
        assert hashlib.sha256(before).hexdigest() == end["sha256"]
        blobs = [line for line in snapshot if isinstance(line, list)]
        assert len(blobs) == end["blobs"] and sum(b[1] for b in blobs) == end["stored"]
        for name, stored, sha256, *_ in blobs:
            (found,) = (self.folder / "data" / name[:2]).glob(name + ".*")
            data = found.read_bytes()
            assert len(data) == stored and hashlib.sha256(data).hexdigest() == sha256
