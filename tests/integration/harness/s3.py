"""versitygw over a folder: an S3 server whose buckets are directories."""

import json
import os
import secrets
import subprocess

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


class VersitygwIam(Versitygw):
    """The same with users beside root, who may what policies of buckets say."""

    def argv(self):
        iam = self.folder / "iam"
        iam.mkdir(exist_ok=True)
        argv = super().argv()
        at = argv.index("posix")
        return [*argv[:at], "--iam-dir", str(iam), *argv[at:]]

    def add_user(self):
        """The variables of a new user without any right."""
        access, secret = "AKUSER" + secrets.token_hex(6).upper(), \
            secrets.token_urlsafe(24)
        subprocess.run(
            [str(TOOLS / "versitygw"), "admin", "--access", self.access_key,
             "--secret", self.secret_key, "--endpoint-url", self.endpoint,
             "--region", self.region, "create-user", "--access", access,
             "--secret", secret, "--role", "user"],
            check=True, capture_output=True)
        return {**self.aws_env(secret), "AWS_ACCESS_KEY_ID": access}

    def allow(self, bucket, user, *actions):
        """user: what add_user() returned, or None for everybody."""
        who = {"AWS": [user["AWS_ACCESS_KEY_ID"]]} if user else "*"
        policy = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": who, "Action": [action],
             "Resource": [f"arn:aws:s3:::{bucket}" + (
                 "" if "ListBucket" in action else "/*")]}
            for action in actions]}
        self.client().put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
