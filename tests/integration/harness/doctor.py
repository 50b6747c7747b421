"""What doctor --json said, as something to look checks up in.

    r = spaceferry("doctor", "--json", "--files", f"{folder}=s3://{bucket}")
    found = doctor.checks(r)
    assert found["files", "bucket"]["verdict"] == "fail", r
    assert found.failed() == {("files", "bucket")}
"""

import jsonschema

from .summary import _VALIDATOR

VERDICTS = ("skipped", "pass", "warn", "fail")
GROUPS = ("source", "target", "fit", "files", "app", "machine", "outside")
_CHECK = jsonschema.Draft202012Validator({
    "type": "object", "additionalProperties": False,
    "required": ["check", "group", "verdict", "seen", "remedy"],
    "properties": {
        "check": {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$"},
        "group": {"enum": list(GROUPS)},
        "verdict": {"enum": list(VERDICTS)},
        "seen": {"type": "string", "minLength": 1, "pattern": "^[^\\n\\r]*$"},
        "remedy": {"type": "string", "pattern": "^[^\\n\\r]*$"}}})


class Checks(dict):
    """(group, check) -> its line; where one was made several times (two hosts,
    two --files), the worst.  every: all lines, as they came."""

    def __init__(self, lines):
        super().__init__()
        self.every = lines
        for line in lines:
            key = line["group"], line["check"]
            if key not in self or _rank(line) > _rank(self[key]):
                self[key] = line

    def verdict(self, group, check):
        return self[group, check]["verdict"]

    def of(self, verdict):
        return {k for k, line in self.items() if line["verdict"] == verdict}

    def failed(self):
        return self.of("fail")

    def warned(self):
        return self.of("warn")

    def group(self, group):
        """check -> verdict of one group."""
        return {c: line["verdict"] for (g, c), line in self.items() if g == group}


def _rank(line):
    return VERDICTS.index(line["verdict"])


def checks(result):
    """The checks of a run with --json, held against the contract: a line each,
    then the summary, whose counts and status are theirs."""
    assert result.summary is not None, f"no summary:\n{result!r}"
    assert len(result.lines) == len(result.stdout.splitlines()), result
    lines = result.lines[:-1]
    for line in lines:
        errors = [e.message for e in _CHECK.iter_errors(line)]
        assert not errors, (line, errors)
        assert line["remedy"] or line["verdict"] in ("pass", "skipped"), line
    errors = sorted(_VALIDATOR.iter_errors(result.summary), key=str)
    assert not errors, "\n".join(f"{e.json_path}: {e.message[:300]}" for e in errors)
    count = {v: sum(c["verdict"] == v for c in lines) for v in VERDICTS}
    if lines:
        assert result.summary["checks"] == {
            "passed": count["pass"], "warnings": count["warn"],
            "failed": count["fail"], "skipped": count["skipped"]}, result
    assert result.summary["command"] == "doctor"
    assert result.summary["ok"] == (result.rc == 0), result
    if result.rc < 2:
        assert result.rc == (1 if count["fail"] else 0), result
    return Checks(lines)
