"""doctor --app-url: the old app asked under its old and under its new name.

A small server plays the app; each way of treating the new name is told apart.
"""

import json
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness.ferry import binary

NEW = "hmorales-ezia.hf.space"
COOKIE = "session=Hunter2SecretValue; Path=/; HttpOnly; Secure; SameSite=None"


def page(title, size=2000):
    return 200, {"Content-Type": "text/html"}, \
        f"<html><head><TITLE>{title}</TITLE></head>{'x' * size}</html>"


def healthy(path, host):
    """An app that does not care under which name it is asked."""
    if path == "/api/health":
        return 200, {}, '{"status":"ok"}'
    if path == "/home":
        return 307, {"Location": "/"}, ""
    status, headers, body = page("Ezia")
    return status, {**headers, "Set-Cookie": COOKIE}, body


def tenant(path, host):
    """Any host of three labels is a customer's, but for the API."""
    labels = host.split(":")[0].split(".")
    if len(labels) >= 3 and not path.startswith("/api") and labels[0] != "127":
        return 404, {"Content-Type": "text/html"}, "<title>No such site</title>"
    return healthy(path, host)


@contextmanager
def serve(app):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            host = self.headers["Host"]
            asked.append((self.path, host, self.headers["X-Forwarded-Host"]))
            status, headers, body = app(self.path, host)
            data = body.encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def doctor(url, *args):
    r = subprocess.run([binary(), "doctor", "--json", "--app-url", url, *args],
                       text=True, capture_output=True, timeout=120,
                       env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
    assert "Sanitizer" not in r.stderr and "runtime error" not in r.stderr, r.stderr
    assert "Hunter2" not in r.stdout + r.stderr
    lines = [json.loads(line) for line in r.stdout.splitlines()][:-1]
    return r.returncode, {c["check"]: c for c in lines if c["group"] == "app"}


def unwell(checks):
    return {n: c["verdict"] for n, c in checks.items() if c["verdict"] != "pass"}


def test_healthy():
    with serve(healthy) as (url, asked):
        rc, checks = doctor(url + "/", "--rewrite", f"{url}=https://{NEW}")
    assert (rc, unwell(checks)) == (0, {}), checks
    assert set(checks) == {"app-url", "app-health", "new-host", "app-cookies",
                           "app-frames"}
    assert "Ezia" in checks["app-url"]["seen"] and "200" in checks["app-url"]["seen"]
    assert NEW in checks["new-host"]["seen"]
    assert "proves nothing" in checks["app-health"]["seen"]
    old = url.removeprefix("http://")
    for path in ("/", "/home", "/api/health"):
        assert (path, old, old) in asked and (path, NEW, NEW) in asked


def new_only(path, answer):
    """One that only the new name gets."""
    return lambda p, host: answer if p == path and host == NEW else healthy(p, host)


def always(path, answer):
    return lambda p, host: answer if p == path else healthy(p, host)


CASES = {
    "a tenant": (tenant, "new-host", "fail", "GET /: status 404 instead of 200"),
    "another page": (new_only("/", page("Welcome to nginx")), "new-host", "fail",
                     'the page "Welcome to nginx" instead of "Ezia"'),
    "an empty page": (new_only("/", page("Ezia", 10)), "new-host", "fail",
                      "bytes instead of"),
    "led elsewhere": (new_only("/home", (307, {"Location": "https://ezia.ai/"}, "")),
                      "new-host", "fail", "GET /home: leads to https://ezia.ai/"),
    "the API stops": (new_only("/api/health", (500, {}, "")), "new-host", "fail",
                      "GET /api/health: status 500 instead of 200"),
    "fails": (always("/", (502, {}, "")), "app-url", "fail", "GET / answers 502"),
    "not there": (always("/", (404, {}, "")), "app-url", "warn", "GET / answers 404"),
    "unhealthy": (always("/api/health", (503, {}, "")), "app-health", "fail", "503"),
    "cookie without Secure": (
        always("/", (200, {"Set-Cookie": "s=Hunter2; Path=/; SameSite=None"}, "x")),
        "app-cookies", "warn", "cookie s without Secure"),
    "lax cookie": (
        always("/", (200, {"Set-Cookie": "s=Hunter2; Secure; SameSite=Lax"}, "x")),
        "app-cookies", "warn", "cookie s without SameSite=None"),
    "no frames": (always("/", (200, {"X-Frame-Options": "DENY"}, "x")),
                  "app-frames", "warn", "X-Frame-Options"),
    "no frames by CSP": (
        always("/", (200, {"Content-Security-Policy": "frame-ancestors 'self'"}, "x")),
        "app-frames", "warn", "frame-ancestors"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_condition(name):
    app, check, verdict, words = CASES[name]
    with serve(app) as (url, _):
        rc, checks = doctor(url, "--rewrite", f"{url}=https://{NEW}")
    assert unwell(checks) == {check: verdict}, checks
    assert words in checks[check]["seen"] and checks[check]["remedy"]
    assert rc == (1 if verdict == "fail" else 0)


def test_pages_that_change_by_themselves_are_not_compared():
    count = iter(range(100))

    def app(path, host):
        n = next(count)
        return healthy(path, host) if path != "/" else page(f"News {n}", 100 + 5000 * (n % 2))

    with serve(app) as (url, _):
        _, checks = doctor(url)
    assert unwell(checks) == {}


def test_redirects_to_its_own_name_are_the_same():
    def app(path, host):
        if path == "/":
            return 301, {"Location": f"https://{host}/fr"}, ""
        return healthy(path, host)

    with serve(app) as (url, _):
        _, checks = doctor(url)
    assert unwell(checks) == {}


def test_a_password_in_the_url_stays_there():
    with serve(healthy) as (url, asked):
        _, checks = doctor(url.replace("http://", "http://me:Hunter2@"))
    assert unwell(checks) == {}
    assert all("@" not in host for _, host, _ in asked)


def test_an_unknown_new_name_is_made_up():
    with serve(tenant) as (url, asked):
        _, checks = doctor(url)
    assert unwell(checks) == {"new-host": "fail"}
    assert "doctor-check.hf.space" in checks["new-host"]["seen"]
    assert ("/", "doctor-check.hf.space", "doctor-check.hf.space") in asked


def test_nobody_answers():
    with serve(healthy) as (url, _):
        pass
    rc, checks = doctor(url)
    assert (rc, unwell(checks)) == (1, {"app-url": "fail"})
    assert checks["app-url"]["remedy"]
    rc, checks = doctor("ftp://example.net/")
    assert unwell(checks) == {"app-url": "fail"}
    assert "no http://" in checks["app-url"]["seen"] and checks["app-url"]["remedy"]
