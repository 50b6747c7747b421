"""Makes docs/report.png anew: a migration of the fixture app and a shop's orders
between two servers of its own, its --report on a desktop in light and on a
phone in dark, side by side.

    .tools/venv/bin/python scripts/screenshot.py    # needs scripts/setup
"""

import base64
import sys
import tempfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
for place in ("tests/integration", "tests/reference", "fixtures/app", "bench"):
    sys.path.insert(0, str(TREE / place))

import dataset                                          # noqa: E402
from harness.app import App, config_args                # noqa: E402
from harness.chromium import Chromium                   # noqa: E402
from harness.ferry import Ferry                         # noqa: E402
from harness.mongod import Mongod, ReplicaSet           # noqa: E402

OUT = TREE / "docs" / "report.png"
HEIGHT = 1040
SHEET = """<!DOCTYPE html><meta charset="utf-8"><style>
body {{ margin: 0; background: #cfd3d6; width: 1660px; height: 1140px; }}
img {{ position: absolute; top: 50px; border-radius: 10px;
  box-shadow: 0 8px 30px #0004; }}
</style><img style="left: 50px" src="{}"><img style="left: 910px" src="{}">
<img style="left: 1290px" src="{}">"""


def migrate(folder):
    """A run, and the page of its report."""
    page = folder / "report.html"
    with Mongod(folder / "old") as old, ReplicaSet(folder / "new") as new:
        app = App(old, folder / "uploads")
        dataset.fill(app.database["orders"], 250_000)
        run = Ferry(folder / "home")
        r = run("migrate", *config_args(), "--report", page,
                env=app.env(new.uri("ezia"), str(folder / "store")))
        assert r.rc == 0, r
    return page


def shot(browser, page, name, at, **view):
    """A piece of the page that begins at an element, as a data: URL."""
    tab = browser.open(page, height=HEIGHT, **view)
    if at:
        tab.evaluate(f"document.querySelector('{at}').scrollIntoView()")
    path = page.parent / name
    tab.screenshot(path)
    tab.close()
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


with tempfile.TemporaryDirectory(prefix="spaceferry-screenshot-") as made:
    report = migrate(Path(made))
    with Chromium(Path(made) / "browser") as chromium:
        pieces = [shot(chromium, report, "a.png", "", width=820),
                  shot(chromium, report, "b.png", "", width=350, dark=True),
                  shot(chromium, report, "c.png", "#speed", width=320)]
        sheet = Path(made) / "sheet.html"
        sheet.write_text(SHEET.format(*pieces))
        chromium.open(sheet, width=1660, height=1140).screenshot(OUT)
print(f"{OUT.relative_to(TREE)}: {OUT.stat().st_size} bytes")
