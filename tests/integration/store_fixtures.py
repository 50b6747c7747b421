"""Fixtures of the tests that use s3_stand_in.py."""

import pytest

from s3_stand_in import StandIn
from store_tool import StoreTool

MIB = 1 << 20


@pytest.fixture
def server():
    with StandIn() as s:
        yield s


@pytest.fixture
def tool(server):
    with StoreTool("s3://bucket/pre fix", server.env()) as t:
        yield t


def get(tool, tmp_path, key, op="get", **more):
    out = tmp_path / "out"
    r = tool(op, key=key, file=out, **more)
    return r, out.read_bytes() if r["ok"] else None
