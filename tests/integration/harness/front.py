"""A small web server for what stands before or beside a store: a CDN, a proxy,
an old site.

    def answer(request):        # .path, .headers (lower case)
        return 200, {"Content-Type": "image/png"}, b"..."

    with Front(answer) as front:
        front.url, front.requests
"""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace


class Front:
    def __init__(self, answer, tls=None):
        """tls: (certificate, key), files."""
        self.answer, self.requests = answer, []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.front = self
        self.server.handle_error = lambda *_: None  # clients may hang up
        self.scheme = "https" if tls else "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True,
                do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.05})

    @property
    def port(self):
        return self.server.server_address[1]

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        front = self.server.front
        request = SimpleNamespace(
            path=self.path, headers={k.lower(): v for k, v in self.headers.items()})
        front.requests.append(request)
        status, headers, body = front.answer(request)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
