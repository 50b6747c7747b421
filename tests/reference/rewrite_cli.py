#!/usr/bin/env python3
"""Rewrites JSON lines: the reference engine's side of the differential run.

One line in, one line out; see README.md for the protocol.
"""

import json
import sys

import bson_walk
import docdigest
import rewrite_bson
import rewrite_links
import rewrite_rules
import rewrite_stable
import rewrite_text


def _input_of(request):
    if "input_hex" in request:
        return bytes.fromhex(request["input_hex"])
    return request["input"].encode("utf-8")


def _text(rules, request):
    text = _input_of(request)
    result = rewrite_text.rewrite(rules, text)
    return {
        "output_hex": result.output.hex(),
        "matches": len(result.matches),
        "no_rule": result.no_rule,
        "links": [{"rule": link.rule,
                   "forms_hex": [form.hex() for form in link.forms]}
                  for link in rewrite_links.links(text, result.matches)],
    }


def _document(rules, request):
    raw = bytes.fromhex(request["doc_hex"])
    try:
        result = rewrite_bson.rewrite(rules, raw, request["namespace"],
                                      request.get("skip", ()))
    except rewrite_bson.TooLarge:
        return {"outcome": "too_large"}
    except bson_walk.BsonError as error:
        return {"error": str(error)}
    digest = docdigest.document_digest(result.document)
    return {
        "outcome": "same" if result.document == raw else "changed",
        "out_hex": result.document.hex(),
        "counts": result.counts,
        "digest": docdigest.collection_digest([digest]),
    }


def answer(request):
    """What the engine says of one request, as a JSON object."""
    try:
        rules = rewrite_rules.compile_rules(request["rules"])
    except rewrite_rules.RuleError as error:
        return {"error": error.kind, "rule": error.index}
    if "doc_hex" in request:
        return _document(rules, request)
    reply = _text(rules, request)
    if request.get("unstable"):
        reply["unstable"] = bool(rewrite_stable.unstable(rules))
    return reply


def main():
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
