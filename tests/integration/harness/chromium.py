"""A headless Chromium, spoken to over a pair of pipes: no driver, no port.

    with Chromium(folder) as browser:
        page = browser.open(path, width=360)
        page.evaluate("innerWidth")
        assert page.complaints == []
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

from .process import ROOT, die_with_parent

NAMES = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 60


def find():
    """The program, None where there is none."""
    for name in (str(ROOT / ".tools" / "bin" / "chromium"), *NAMES):
        path = shutil.which(name)
        if path:
            return path
    return None


class Chromium:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.number, self.replies, self.events = 0, {}, []
        self.unread = b""

    def __enter__(self):
        here_read, there_write = os.pipe()
        there_read, here_write = os.pipe()

        def prepare():
            die_with_parent()
            # Its own ends are 3 (it reads) and 4; neither may be lost on the way.
            ends = [os.dup(there_read), os.dup(there_write)]
            while min(ends) < 5:
                ends = [os.dup(ends[0]), os.dup(ends[1])]
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [find(), "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--remote-debugging-pipe",
             "--no-first-run", "--disable-extensions", "--hide-scrollbars",
             "--disable-background-networking", "--disable-sync",
             "--disable-component-update", "--force-color-profile=srgb",
             "--disable-lcd-text", f"--user-data-dir={self.folder}",
             "about:blank"],
            close_fds=False, preexec_fn=prepare, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(self.folder)})
        os.close(there_read)
        os.close(there_write)
        self.read_end, self.write_end = here_read, here_write
        return self

    def __exit__(self, *_):
        os.close(self.write_end)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.read_end)

    def _receive(self, until):
        """Takes in what comes, at least something; fails at the time given."""
        ready, _, _ = select.select([self.read_end], [], [], max(0, until - time.time()))
        data = os.read(self.read_end, 1 << 20) if ready else b""
        assert data, "the browser says nothing any more"
        *messages, self.unread = (self.unread + data).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self.replies[message["id"]] = message
            else:
                self.events.append(message)

    def call(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        until = time.time() + SECONDS
        while self.number not in self.replies:
            self._receive(until)
        reply = self.replies.pop(self.number)
        assert "error" not in reply, (method, reply["error"])
        return reply["result"]

    def wait_for(self, method, session):
        until = time.time() + SECONDS
        while not any(e["method"] == method and e.get("sessionId") == session
                      for e in self.events):
            self._receive(until)

    def open(self, path, **view):
        """A file in a tab of its own, loaded; view: as for Page.view()."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target,
                            flatten=True)["sessionId"]
        page = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.view(**view)
        page.call("Page.navigate", url=Path(path).as_uri())
        self.wait_for("Page.loadEventFired", session)
        return page


class Page:
    def __init__(self, browser, session, target):
        self.browser, self.session, self.target = browser, session, target

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def view(self, width=1280, height=900, dark=False, media=""):
        """How it is looked at: CSS pixels, colour scheme, "print" or ""."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", media=media, features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def evaluate(self, expression):
        reply = self.call("Runtime.evaluate", expression=expression,
                          returnByValue=True)
        assert "exceptionDetails" not in reply, reply["exceptionDetails"]
        return reply["result"].get("value")

    def _events(self, *methods):
        return [e["params"] for e in self.browser.events
                if e["method"] in methods and e.get("sessionId") == self.session]

    @property
    def complaints(self):
        """Errors, warnings and words on the console."""
        return self._events("Runtime.exceptionThrown", "Runtime.consoleAPICalled",
                            "Log.entryAdded")

    @property
    def requests(self):
        """What was asked for beside the page itself."""
        urls = [e["request"]["url"] for e in self._events("Network.requestWillBeSent")]
        return [u for u in urls[1:] if not u.startswith("data:")]

    def screenshot(self, path, height=None):
        """A PNG of what is seen, or of the whole page down to height."""
        clip = {}
        if height:
            width = self.evaluate("innerWidth")
            clip = {"captureBeyondViewport": True, "clip": {
                "x": 0, "y": 0, "width": width, "height": height, "scale": 1}}
        data = self.call("Page.captureScreenshot", format="png", **clip)["data"]
        Path(path).write_bytes(base64.b64decode(data))

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
