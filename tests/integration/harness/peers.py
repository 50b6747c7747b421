"""MongoDB's own tools (mongodump, mongorestore, bsondump): independent writers
and readers of archives, dumps and BSON.  scripts/setup brings them where it
can."""

import os
import shutil

import pytest

from .process import TOOLS


def find(name):
    """The path of the tool: in $SPACEFERRY_PEERS, .tools/bin or on PATH; None
    when it is in none of them."""
    for path in (os.environ.get("SPACEFERRY_PEERS"), str(TOOLS), None):
        if path == "":
            continue
        found = shutil.which(name, path=path)
        if found:
            return found
    return None


def need(name):
    """The path of the tool; the test is skipped, visibly, without it."""
    found = find(name)
    if found is None:
        pytest.skip(f"no {name} in $SPACEFERRY_PEERS, .tools/bin or on PATH")
    return found
