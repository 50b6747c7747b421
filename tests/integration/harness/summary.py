"""The summary of --json, held against its contract (summary.schema.json)."""

import json
from pathlib import Path

import jsonschema

_SCHEMA = json.loads((Path(__file__).parent / "summary.schema.json").read_text())
_VALIDATOR = jsonschema.Draft202012Validator(_SCHEMA)


# Commands that print lines before the summary.
TELLING = ("diff", "doctor", "snapshots", "check")


def check(result, command="migrate"):
    """Returns the summary of a run with --json after checking its shape, and
    that ok says what the exit status says."""
    assert result.summary is not None, f"no summary:\n{result!r}"
    lines = len(result.stdout.splitlines())
    assert lines == 1 or command in TELLING, result
    errors = sorted(_VALIDATOR.iter_errors(result.summary), key=str)
    assert not errors, "\n".join(f"{e.json_path}: {e.message[:300]}" for e in errors)
    assert result.summary["command"] == command
    assert result.summary["ok"] == (result.rc == 0), result
    # What a diff found is in the lines before.
    if command not in ("doctor", "snapshots", "check"):
        assert result.summary["ok"] != bool(result.summary["errors"] or lines > 1), result
    return result.summary


def kinds(result):
    """The kinds of the summary's errors, in order."""
    return [e["kind"] for e in result.summary["errors"]]


def messages(result):
    return "\n".join(e["message"] for e in result.summary["errors"])
