#!/usr/bin/env python3
"""The differential run: the same generated cases through the C engine and the
reference; prints what differs and exits with 1 if anything does.

    python3 compare.py BUILD/tests/rewrite_lines --seed 1 --count 20000
    python3 compare.py BUILD/tests/rewrite_docs --documents --seed 1
"""

import argparse
import json
import subprocess
import sys

import generate
import generate_bson
import rewrite_cli

SHOWN = 10


class EngineError(RuntimeError):
    """The engine ended badly or did not answer every line."""


def ask(engine, cases):
    """The engine's answers."""
    done = subprocess.run([engine], text=True, capture_output=True,
                          input="".join(json.dumps(case) + "\n"
                                        for case in cases))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or len(answers) != len(cases):
        raise EngineError(f"{engine}: status {done.returncode}, "
                          f"{len(answers)} answers to {len(cases)} cases\n"
                          f"{done.stderr}")
    return answers


def differs(mine, theirs):
    """The names of what two answers do not agree on.  The engine may say more
    than the reference does, and its errors are for people."""
    if "error" in mine:
        return [] if "error" in theirs else ["error"]
    names = []
    for name, value in mine.items():
        other = theirs.get(name)
        if name == "counts":
            other = {key: (other or {}).get(key) for key in value}
        if other != value:
            names.append(name)
    return names


def compare(engine, cases):
    """(case, names, reference's answer, engine's answer) of all that differ."""
    cases = list(cases)
    found = []
    warned = {}
    for case, theirs in zip(cases, ask(engine, cases)):
        key = json.dumps(case["rules"])
        first = "doc_hex" not in case and key not in warned
        mine = rewrite_cli.answer({**case, "unstable": first})
        warned[key] = None
        names = differs(mine, theirs)
        if names:
            found.append((case, names, mine, theirs))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("engine")
    parser.add_argument("--documents", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=2000)
    arguments = parser.parse_args()
    maker = generate_bson if arguments.documents else generate
    found = compare(arguments.engine,
                    maker.cases(arguments.seed, arguments.count))
    for case, names, mine, theirs in found[:SHOWN]:
        print(case["id"], names)
        for name, value in (("case", case), ("reference", mine),
                            ("engine", theirs)):
            print(f"  {name}: {json.dumps(value)}")
    print(f"{arguments.count} cases, {len(found)} differ")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
