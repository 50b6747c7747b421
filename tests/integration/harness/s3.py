"""versitygw over a folder: an S3 server whose buckets are directories."""

import os
import secrets

import boto3
from botocore.config import Config

from .process import TOOLS, Server


def _keeps_xattrs(folder):
    """versitygw keeps Content-Type and the like in extended attributes, and
    beside the objects where the filesystem has none."""
    try:
        os.setxattr(folder, "user.test", b"x")
        os.removexattr(folder, "user.test")
        return True
    except OSError:
        return False


class Versitygw(Server):
    """with Versitygw(folder) as s3: s3.make_bucket("files"); s3.client()…"""

    region = "us-east-1"

    def __init__(self, folder):
        super().__init__(folder)
        self.access_key = "AKTEST" + secrets.token_hex(6).upper()
        self.secret_key = secrets.token_urlsafe(24) + "/+"
        self.buckets = self.folder / "buckets"
        self.buckets.mkdir(exist_ok=True)
        self.sidecar = None
        if not _keeps_xattrs(self.buckets):
            self.sidecar = self.folder / "sidecar"
            self.sidecar.mkdir(exist_ok=True)

    @staticmethod
    def available():
        return os.access(TOOLS / "versitygw", os.X_OK)

    def argv(self):
        beside = ["--sidecar", str(self.sidecar)] if self.sidecar else []
        return [str(TOOLS / "versitygw"), "--port", f"{self.host}:{self.port}",
                "--quiet", "--keep-alive", "posix", *beside, str(self.buckets)]

    def env(self):
        return {**os.environ, "ROOT_ACCESS_KEY_ID": self.access_key,
                "ROOT_SECRET_ACCESS_KEY": self.secret_key,
                "VGW_REGION": self.region}

    @property
    def endpoint(self):
        return f"http://{self.host}:{self.port}"

    def aws_env(self, secret=None):
        """The variables that spaceferry and the AWS tools read."""
        return {"AWS_ACCESS_KEY_ID": self.access_key,
                "AWS_SECRET_ACCESS_KEY": secret or self.secret_key,
                "AWS_REGION": self.region, "AWS_ENDPOINT_URL_S3": self.endpoint}

    def client(self):
        return boto3.client(
            "s3", endpoint_url=self.endpoint, region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(s3={"addressing_style": "path"},
                          retries={"max_attempts": 2}))

    def ready(self):
        self.client().list_buckets()
        return True

    def make_bucket(self, name):
        self.client().create_bucket(Bucket=name)
        return name
