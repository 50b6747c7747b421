#!/usr/bin/env python3
"""Rewrites JSON lines: the reference engine's side of the differential run.

One line in, one line out; see README.md for the protocol.
"""

import json
import sys

import rewrite_links
import rewrite_rules
import rewrite_stable
import rewrite_text


def _input_of(request):
    if "input_hex" in request:
        return bytes.fromhex(request["input_hex"])
    return request["input"].encode("utf-8")


def answer(request):
    """What the engine says of one request, as a JSON object."""
    try:
        rules = rewrite_rules.compile_rules(request["rules"])
    except rewrite_rules.RuleError as error:
        return {"error": error.kind, "rule": error.index}
    text = _input_of(request)
    result = rewrite_text.rewrite(rules, text)
    reply = {
        "output_hex": result.output.hex(),
        "matches": len(result.matches),
        "no_rule": result.no_rule,
        "links": [{"rule": link.rule,
                   "forms_hex": [form.hex() for form in link.forms]}
                  for link in rewrite_links.links(text, result.matches)],
    }
    if request.get("unstable"):
        reply["unstable"] = rewrite_stable.unstable(rules)
    return reply


def main():
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
