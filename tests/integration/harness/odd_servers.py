"""Servers that are no MongoDB, each in a way of its own, on a free port of
127.0.0.1; and a MongoDB that goes by a name which only its own network knows.

    with OddServer(OddServer.closes) as odd: f"mongodb://127.0.0.1:{odd.port}/"
"""

import socket
import ssl
import threading

from .mongod import ReplicaSet

ALERT_80 = bytes([21, 3, 3, 0, 2, 2, 80])


class OddServer:
    """Answers every connection by answer(socket) in a thread of its own."""

    def __init__(self, answer, backlog=16):
        self.answer, self._open = answer, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port = self.listener.getsockname()[1]

    @staticmethod
    def closes(s):
        s.recv(1 << 14)

    @staticmethod
    def says_alert_80(s):
        s.recv(1 << 14)
        s.sendall(ALERT_80)

    @staticmethod
    def says_http(s):
        s.recv(1 << 14)
        s.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

    @staticmethod
    def is_mute(s):
        while s.recv(1 << 14):
            pass

    @staticmethod
    def with_certificate(folder, wants_one=False):
        """TLS by server.pem in folder, and nothing behind it; wants_one: of the
        client, and says so in the handshake."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        if wants_one:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.load_verify_locations(folder / "ca.pem")
            context.verify_mode = ssl.CERT_REQUIRED

        def answer(s):
            with context.wrap_socket(s, server_side=True) as tls:
                tls.recv(1 << 14)
        return answer

    def _serve(self, s):
        try:
            self.answer(s)
        except OSError:
            pass
        finally:
            s.close()

    def _accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            self._open.append(s)
            threading.Thread(target=self._serve, args=(s,), daemon=True).start()

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        for s in self._open:
            s.close()


class FullPort:
    """A port that lets nobody in any more: what comes is dropped, as by a
    firewall."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = self.listener.getsockname()[1]
        self.waiting = []
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", self.port))
            self.waiting.append(s)
        return self

    def __exit__(self, *_):
        for s in [*self.waiting, self.listener]:
            s.close()


class DockerSet(ReplicaSet):
    """A set of one that calls itself mongo1, a name that exists only where
    .enter leads; mongo2 exists there, too, and is nobody."""

    set_name, name = "rsd", "mongo1"

    def argv(self):
        (self.folder / "hosts").write_text(
            f"127.0.0.1 localhost {self.name} mongo2\n")
        return ["unshare", "-m", "--propagation", "private", "sh", "-ec",
                'mount --bind "$0" /etc/hosts; exec "$@"',
                str(self.folder / "hosts"), *super().argv()]

    @property
    def enter(self):
        return ["nsenter", "-m", "-t", str(self.process.pid), "--"]

    def prepare(self):
        with self.direct() as client:
            client.admin.command("replSetInitiate", {
                "_id": self.set_name, "members": [
                    {"_id": 0, "host": f"{self.name}:{self.port}"}]})
        self._wait_primary()
