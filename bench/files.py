"""spaceferry migrate --files against rclone copy, from a folder to an S3 server
of this machine, by turns; and both once more with nothing left to do."""

import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

import measure
from harness.s3 import Versitygw


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def make(folder, n):
    """n files of 150 KB on average, three of 20 MB; returns their bytes."""
    rng = random.Random("files")
    block, total = rng.randbytes(1 << 20), 0
    for i in range(n + 3):
        size = 20 << 20 if i >= n else rng.randrange(1000, 300_000)
        path = folder / f"{i % 100:02}" / f"photo {i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        at = rng.randrange(1 << 19)
        body = (block * (size // len(block) + 2))[at:at + size]
        path.write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF\0" + body)
        total += size + 11
    return total


def ours(s3, bucket, files, state):
    done = measure.run([measure.spaceferry(), "migrate", "--json", "--quiet",
                        "--state", str(state), "--files", f"{files}=s3://{bucket}/f"],
                       env=s3.aws_env())
    assert json.loads(done.out.splitlines()[-1])["ok"]
    return done


def theirs(s3, bucket, files):
    env = {"RCLONE_CONFIG": "/dev/null", "RCLONE_CONFIG_S3_TYPE": "s3",
           "RCLONE_CONFIG_S3_PROVIDER": "Other",
           "RCLONE_CONFIG_S3_ENDPOINT": s3.endpoint,
           "RCLONE_CONFIG_S3_REGION": s3.region,
           "RCLONE_CONFIG_S3_ACCESS_KEY_ID": s3.access_key,
           "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY": s3.secret_key,
           "RCLONE_CONFIG_S3_FORCE_PATH_STYLE": "true"}
    return measure.run([measure.peer("rclone"), "copy", "--transfers", "16", "-q",
                        str(files), f"s3:{bucket}/f"], env=env)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    measure.peer("rclone")
    folder = Path(tempfile.mkdtemp(prefix="spaceferry-bench-"))
    first, again = [], []
    try:
        files = folder / "files"
        say(f"{n + 3} files, {make(files, n) / 1e6:.0f} MB")
        with Versitygw(folder / "s3") as s3:
            for i in range(rounds):
                a, b = (s3.make_bucket(f"{who}{i}") for who in ("ours", "theirs"))
                state = folder / f"state{i}"
                one, two = (lambda: ours(s3, a, files, state)), \
                    (lambda: theirs(s3, b, files))
                if i % 2:
                    two_first, one_first = two(), one()
                else:
                    one_first, two_first = one(), two()
                first.append((one_first, two_first))
                again.append((one(), two()))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("all files to send (ours: sent and verified):")
    measure.table("rclone copy", first)
    print("nothing left to do:")
    measure.table("rclone copy", again)


if __name__ == "__main__":
    main()
