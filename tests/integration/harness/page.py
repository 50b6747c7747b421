"""The page of --report, held against --json of the same run and against what
anybody may expect of a page; page is a chromium.Page."""

import json

FIGURES = """JSON.stringify([...document.querySelectorAll('[data-key]')].map(
    e => [e.dataset.key, e.getAttribute('value'), e.innerText]))"""

# Text whose contrast with what lies behind it is below 4.5 (WCAG 2, AA).
FAINT = """(() => {
  const rgb = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = c.map(v => v / 255).map(
      v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c; }
    return [255, 255, 255]; };
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim())) continue;
    if (e.closest('svg') || !e.getClientRects().length) continue;
    const a = light(rgb(getComputedStyle(e).color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) found.push([e.className, e.innerText.slice(0, 40), ratio]);
  }
  return found;
})()"""

# What sticks out of the window and lies in no box that scrolls.
WIDE = """[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll')
    && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 90))
    .concat(document.documentElement.scrollWidth > innerWidth ? ['the page'] : [])"""

# Text under 12 px, which a phone shows too small to read.
TINY = """[...document.querySelectorAll('body *')].filter(e => e.getClientRects().length
    && !e.closest('svg') && [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim())
    && parseFloat(getComputedStyle(e).fontSize) < 11.5).map(e => e.innerText.slice(0, 40))"""

SHAPE = """JSON.stringify({
  lang: document.documentElement.lang, h1: document.querySelectorAll('h1').length,
  scripts: document.querySelectorAll('script, iframe, object, embed, img, form').length,
  handlers: [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(
      a => a.name.startsWith('on') || /^\\s*javascript:/i.test(a.value))).length,
  links: [...document.querySelectorAll('[src], [href]')].map(
      e => e.getAttribute('src') || e.getAttribute('href')),
  bare: [...document.querySelectorAll('th')].filter(e => !e.scope).length,
  nameless: [...document.querySelectorAll('svg')].filter(e => e.ariaHidden != 'true' &&
      (!e.querySelector('title') || !e.querySelector('desc'))).length,
  policy: document.querySelector('meta[http-equiv]').content})"""


def figures(summary):
    """{path: value} of everything in the summary that is a figure: numbers,
    digests, times, ok; not what is inside of documents and messages."""
    found = {}

    def walk(path, value):
        if isinstance(value, bool):
            found[path] = "true" if value else "false"
        elif isinstance(value, (int, float)):
            found[path] = value
        elif isinstance(value, str) and path.split(".")[-1] == "digest":
            found[path] = value
        elif isinstance(value, dict):
            for key, v in value.items():
                walk(f"{path}.{key}" if path else key, v)
        elif isinstance(value, list):
            found[f"{path}.#"] = len(value)
            if path.split(".")[-1] == "metadata":
                return
            for n, v in enumerate(value):
                walk(f"{path}.{n}", v)
    walk("", {k: v for k, v in summary.items()
              if k not in ("errors", "notes", "samples", "dry_run", "source_changed")})
    for n, moment in enumerate(summary["consistent_at"]):
        found[f"consistent_at.{n}"] = moment
    return found


def _sum(all_figures, key):
    head, _, tail = key.partition("*")
    return sum(v for k, v in all_figures.items()
               if k.startswith(head) and k.endswith(tail) and
               k[len(head):-len(tail)].isdigit())


def compare(page, summary):
    """Asserts that each figure of the page is that of the summary, and that none
    of the summary but zeros is left out.  Returns how many there are."""
    want = figures(summary)
    got = json.loads(page.evaluate(FIGURES))
    for key, value, text in got:
        expected = _sum(want, key) if "*" in key else want.get(key)
        assert expected is not None, f"{key} is not in --json"
        if isinstance(expected, (int, float)):
            assert float(value) == expected, (key, value, expected)
        else:
            assert value == expected, (key, value, expected)
        # What people read is the same figure.
        if isinstance(expected, int) and text.replace(",", "").isdigit():
            assert int(text.replace(",", "")) == expected, (key, text)
    shown = {key for key, _, _ in got}
    lost = [k for k, v in want.items() if v not in (0, "", "0" * 32) and k not in shown
            and not k.endswith(".#")]
    assert not lost, lost
    return len(got)


def assert_sound(page):
    """One page, no script, nothing from elsewhere, no complaint, what a screen
    reader needs."""
    shape = json.loads(page.evaluate(SHAPE))
    assert page.complaints == [] and page.requests == []
    assert shape["lang"] == "en" and shape["h1"] == 1
    assert shape["scripts"] == shape["handlers"] == 0
    assert shape["links"] == ["data:,"]
    assert shape["bare"] == shape["nameless"] == 0
    assert shape["policy"].startswith("default-src 'none'")


def assert_readable(page):
    """At a phone's and at a desktop's width, in light and dark."""
    for width in (360, 1280):
        for dark in (False, True):
            page.view(width=width, dark=dark)
            assert page.evaluate(WIDE) == [], width
            assert page.evaluate(TINY) == [], width
            assert page.evaluate(FAINT) == [], ("dark" if dark else "light")
    page.view(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == \
        "rgb(255, 255, 255)"
