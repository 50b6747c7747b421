"""toxiproxy between the program and a server: connections that are reset, slow,
cut into slices, swallowed.

    with Toxiproxy(folder) as proxies:
        p = proxies.to(server.port)             # p.port stands for server.port
        p.spoil("latency", latency=300)         # answers come late
        p.spoil("reset_peer", stream="upstream", timeout=0)
        p.mend()
        p.cut(); p.restore()                    # nobody listens; somebody does
"""

import json
import os
import urllib.request

from .process import TOOLS, Server, free_port


class Toxiproxy(Server):
    @staticmethod
    def available():
        return os.access(TOOLS / "toxiproxy-server", os.X_OK)

    def argv(self):
        return [str(TOOLS / "toxiproxy-server"), "-host", self.host,
                "-port", str(self.port)]

    def env(self):
        return {**os.environ, "LOG_LEVEL": "error"}

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://{self.host}:{self.port}{path}", data, method=method,
            headers={"User-Agent": "spaceferry-tests"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def ready(self):
        return self.ask("GET", "/version") is not None

    def to(self, port):
        """A new proxy before a port of this machine."""
        return Proxy(self, port)


class Proxy:
    def __init__(self, toxiproxy, port):
        self._ask, self.port = toxiproxy.ask, free_port()
        self.name = f"p{self.port}"
        self._ask("POST", "/proxies", {
            "name": self.name, "listen": f"127.0.0.1:{self.port}",
            "upstream": f"127.0.0.1:{port}", "enabled": True})
        self._toxics = 0

    def spoil(self, kind, stream="downstream", toxicity=1.0, **attributes):
        """Adds a toxic: downstream is what the server says."""
        self._toxics += 1
        self._ask("POST", f"/proxies/{self.name}/toxics", {
            "name": f"t{self._toxics}", "type": kind, "stream": stream,
            "toxicity": toxicity, "attributes": attributes})

    def mend(self):
        for toxic in self._ask("GET", f"/proxies/{self.name}/toxics"):
            self._ask("DELETE", f"/proxies/{self.name}/toxics/{toxic['name']}")

    def _enable(self, enabled):
        self._ask("POST", f"/proxies/{self.name}", {"enabled": enabled})

    def cut(self):
        """Ends all connections, and refuses new ones."""
        self._enable(False)

    def restore(self):
        self._enable(True)
