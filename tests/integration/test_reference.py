"""The reference rewriting engine against the table in fixtures/rewriting.

Needs no server: python3 -m pytest tests/integration/test_reference.py
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import bson
import pytest
from bson.codec_options import CodecOptions, DatetimeConversion

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "reference"))

import bson_walk  # noqa: E402
import compare  # noqa: E402
import docdigest  # noqa: E402
import generate  # noqa: E402
import generate_bson  # noqa: E402
import rewrite_bson  # noqa: E402
import rewrite_links  # noqa: E402
import rewrite_rules  # noqa: E402
import rewrite_stable  # noqa: E402
import rewrite_text  # noqa: E402

FIXTURES = ROOT / "fixtures" / "rewriting"


def load(name):
    with open(FIXTURES / name, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


TEXT_CASES = load("cases.jsonl")


def octets(case, name):
    if name + "_hex" in case:
        return bytes.fromhex(case[name + "_hex"])
    return case[name].encode("utf-8")


def with_key(cases, key):
    found = [case for case in cases if key in case]
    assert found
    return pytest.mark.parametrize("case", found, ids=lambda case: case["id"])


@with_key(TEXT_CASES, "error")
def test_rule_error(case):
    with pytest.raises(rewrite_rules.RuleError) as caught:
        rewrite_rules.compile_rules(case["rules"])
    assert caught.value.kind == case["error"]


@with_key(TEXT_CASES, "matches")
def test_text(case):
    rules = rewrite_rules.compile_rules(case["rules"])
    result = rewrite_text.rewrite(rules, octets(case, "input"))
    assert result.output == octets(case, "output")
    assert len(result.matches) == case["matches"]
    assert result.no_rule == case["no_rule"]
    if not rewrite_stable.unstable(rules):
        assert rewrite_text.rewrite(rules, result.output).output \
            == result.output


@with_key(TEXT_CASES, "unstable")
def test_unstable(case):
    rules = rewrite_rules.compile_rules(case["rules"])
    assert bool(rewrite_stable.unstable(rules)) == case["unstable"]


@with_key(TEXT_CASES, "links")
def test_links(case):
    rules = rewrite_rules.compile_rules(case["rules"])
    text = octets(case, "input")
    matches = rewrite_text.rewrite(rules, text).matches
    found = [{"rule": link.rule,
              "forms": [form.decode("utf-8") for form in link.forms]}
             for link in rewrite_links.links(text, matches)]
    assert found == case["links"]


def document(case, name):
    """A document given as hex, or as [hex, times] parts."""
    if name + "_parts" in case:
        return b"".join(bytes.fromhex(part) * times
                        for part, times in case[name + "_parts"])
    return bytes.fromhex(case[name + "_hex"])


@pytest.mark.parametrize("case", load("bson.jsonl"), ids=lambda c: c["id"])
def test_bson(case):
    rules = rewrite_rules.compile_rules(case["rules"])
    arguments = (rules, document(case, "doc"), case["namespace"], case["skip"])
    if "error" in case:
        assert case["error"] == "too_large"
        with pytest.raises(rewrite_bson.TooLarge):
            rewrite_bson.rewrite(*arguments)
        return
    result = rewrite_bson.rewrite(*arguments)
    assert result.document == document(case, "out")
    assert result.counts == case["counts"]


@pytest.mark.parametrize("case", load("bson.jsonl"), ids=lambda c: c["id"])
def test_bson_case_is_bson(case):
    """Both sides of a case are what another implementation reads as BSON."""
    for name in ("doc", "out"):
        if name + "_hex" in case or name + "_parts" in case:
            raw = document(case, name)
            bson.decode(raw, CodecOptions(
                unicode_decode_error_handler="replace",
                datetime_conversion=DatetimeConversion.DATETIME_MS))


@pytest.mark.parametrize("case", load("digest.jsonl"), ids=lambda c: c["id"])
def test_digest(case):
    raw = bytes.fromhex(case["doc_hex"])
    if case["time_series"]:
        raw = docdigest.canonical_measurement(raw, case["meta_field"])
    digest = docdigest.document_digest(raw)
    assert docdigest.collection_digest([digest]) == case["digest"]


def test_collection_digest_is_a_sum():
    one = 1 << 127
    assert docdigest.collection_digest([one, one, 5]) == "5".zfill(32)
    assert docdigest.collection_digest([]) == "0" * 32


def test_metadata_is_counted():
    rules = rewrite_rules.compile_rules([["https://old.example/", "/"]])
    raw = bson.encode({"pipeline": [{"$match": {"u": "https://old.example/a"}},
                                    {"https://old.example/": 1}]})
    assert rewrite_bson.count_metadata(rules, raw) == 2


@pytest.mark.parametrize("damage", [
    b"", b"\0", b"\5\0\0\0\1", b"\6\0\0\0\0\0\0", b"\4\0\0\0",
    b"\x0c\0\0\0\x10a\0\1\0\0\0", b"\x08\0\0\0\x63a\0\0",
    b"\x0d\0\0\0\x02a\0\xff\xff\xff\x7fx\0", b"\x07\0\0\0\x02a\0"])
def test_damaged_bson_is_refused(damage):
    rules = rewrite_rules.compile_rules([["https://old.example/", "/"]])
    with pytest.raises(bson_walk.BsonError):
        rewrite_bson.rewrite(rules, damage, "db.c")


def test_every_point_has_its_cases():
    counts = Counter(case["point"]
                     for case in TEXT_CASES + load("bson.jsonl"))
    assert all(counts[point] >= 10 for point in (1, 2, 3, 4, 5, 6, 7, 8, 10))
    ids = [case["id"] for case in TEXT_CASES + load("bson.jsonl")]
    assert len(set(ids)) == len(ids)


def test_every_reading_of_a_case_exists():
    """"reading": "text 3" points at a numbered line of a module."""
    modules = {"rules": rewrite_rules, "text": rewrite_text,
               "links": rewrite_links, "stable": rewrite_stable,
               "bson": rewrite_bson}
    for case in TEXT_CASES + load("bson.jsonl"):
        if "reading" in case:
            module, number = case["reading"].split()
            assert f"\n{int(number):2d}. " in modules[module].__doc__


def test_generated_cases():
    """No match means the same bytes; what lies between matches stays; a second
    pass changes nothing unless point 7 warns."""
    matched = settled = 0
    warned = {}
    for case in generate.cases(seed=20, count=1200):
        rules = rewrite_rules.compile_rules(case["rules"])
        text = bytes.fromhex(case["input_hex"])
        result = rewrite_text.rewrite(rules, text)
        if not result.matches:
            assert result.output == text
            continue
        matched += 1
        rest = result.output
        end = 0
        for match in result.matches:
            kept = text[end:match.start] + match.replacement
            assert rest.startswith(kept)
            rest, end = rest[len(kept):], match.end
        assert rest == text[end:]
        key = json.dumps(case["rules"])
        if key not in warned:
            warned[key] = rewrite_stable.unstable(rules)
        if not warned[key]:
            settled += 1
            again = rewrite_text.rewrite(rules, result.output)
            assert again.output == result.output
    assert matched > 300 and settled > 150


def test_cli():
    requests = [{"rules": [["https://a.example/", "/"]], "unstable": True,
                 "input": "https://a.example/b.png a.example"},
                {"rules": [["a", "/"]], "input_hex": ""}]
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "reference" / "rewrite_cli.py"],
        input="\n".join(map(json.dumps, requests)), text=True, check=True,
        capture_output=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"output_hex": b"/b.png a.example".hex(), "matches": 1, "no_rule": 1,
         "links": [{"rule": 0, "forms_hex": [b"b.png".hex()]}],
         "unstable": True},
        {"error": "from_start", "rule": 0}]


def engine_tool(name):
    """A tool of the build under test (SPACEFERRY_BIN), or of the usual one."""
    default = ROOT / "build" / "release" / "spaceferry"
    binary = Path(os.environ.get("SPACEFERRY_BIN", default))
    tool = binary.parent / "tests" / name
    if not tool.exists():
        pytest.skip(f"{tool} is not built")
    return str(tool)


def test_engines_agree_on_texts():
    found = compare.compare(engine_tool("rewrite_lines"),
                            generate.cases(seed=7, count=2000))
    assert not found, (len(found), found[0])


def test_engines_agree_on_documents():
    found = compare.compare(engine_tool("rewrite_docs"),
                            generate_bson.cases(seed=7, count=1000))
    assert not found, (len(found), found[0])
