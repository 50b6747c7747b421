"""docs/FIDELITY.md held against the tests that it names: a row without its
test, and a test that is gone, fail here."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "FIDELITY.md").read_text()
CASES = 72
STATES = {"shown", "refused", "told", "not shown", "no case"}
UNTESTED = {"not shown", "no case"}
PYTHON = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
UNIT = re.compile(r"`unit/(test_\w+\.c)`")


def rows(page):
    """(number, case, what happens, tests, state) of each numbered row."""
    for line in page.splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0].isdigit():
            yield int(cells[0]), *cells[1:]


def problems(page, root=ROOT):
    found = []
    numbers = [number for number, *_ in rows(page)]
    if numbers != list(range(1, CASES + 1)):
        found.append("the rows are not 1 to 72, once each")
    for number, case, what, tests, state in rows(page):
        if state not in STATES:
            found.append(f"row {number}: {state!r} is no state")
        if not case or not what:
            found.append(f"row {number} says nothing")
        if state not in UNTESTED and not (PYTHON.search(tests) or UNIT.search(tests)):
            found.append(f"row {number} names no test")
    for file, name in PYTHON.findall(page):
        path = root / "tests" / "integration" / file
        if not path.exists() or not re.search(rf"^def {name}\(", path.read_text(),
                                              re.M):
            found.append(f"{file}::{name} is gone")
    for file in UNIT.findall(page):
        if not (root / "tests" / "unit" / file).exists():
            found.append(f"{file} is gone")
    # Whatever looks like a test is one of the two.
    known = len(PYTHON.findall(page)) + len(UNIT.findall(page))
    if known != len(re.findall(r"`(?:unit/)?test_\w+\.(?:py|c)[^`]*`", page)):
        found.append("a test is named in another form")
    return found


def test_the_page_holds():
    assert problems(PAGE) == []


def test_it_would_not_hold():
    """Each planted fault is found."""
    row = next(line for line in PAGE.splitlines() if line.startswith("| 44 |"))
    for fault, said in (
            (PAGE.replace(row + "\n", ""), "once each"),
            (PAGE.replace(row, row.replace("shown", "believed")), "no state"),
            (PAGE.replace(row, re.sub(r"`test[^`]*`", "", row)), "names no test"),
            (PAGE.replace("::test_odd_documents`", "::test_even_documents`"), "gone"),
            (PAGE.replace("unit/test_archive_damage.c", "unit/test_nothing.c"), "gone"),
            (PAGE.replace("::test_odd_documents`", ":test_odd_documents`"), "form")):
        assert any(said in p for p in problems(fault)), said
