"""A mongod that does not tell the truth: stands between the program and a real
standalone and changes what it says, so that servers can be shown which no test
machine has: one of 2012, one that refuses an option, a tier of Atlas.

    with Liar(server) as liar:
        liar.answer["create"] = lambda cmd: error(8000, "no") if … else None
        liar.change["listIndexes"] = lambda cmd, reply: …    # in place
        spaceferry(…, env={"SPACEFERRY_FROM": liar.uri()})
        liar.seen                                    # names of the commands
"""

import socket
import struct
import threading

import bson
from bson import SON
from bson.codec_options import CodecOptions

from . import raw

MESSAGE = 2013                  # OP_MSG
ORDERED = CodecOptions(document_class=SON)


def error(code, message, name="Location"):
    return {"ok": 0.0, "errmsg": message, "code": code, "codeName": name}


def _receive(sock, n):
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _message(sock):
    head = _receive(sock, 16)
    (size,) = struct.unpack_from("<i", head)
    return head + _receive(sock, size - 16)


def _body(message):
    """The command or reply of an OP_MSG: its section of kind 0, and under their
    name the documents, as bytes, of a section of kind 1; None for other
    messages."""
    if struct.unpack_from("<i", message, 12)[0] != MESSAGE:
        return None
    body, more, at = SON(), {}, 20
    while at < len(message):
        kind, (size,) = message[at], struct.unpack_from("<i", message, at + 1)
        part = message[at + 1:at + 1 + size]
        if kind == 0:
            body = bson.decode(part, ORDERED)
        elif kind == 1:
            end = part.index(b"\0", 4)
            more[part[4:end].decode()] = list(raw.split(part[end + 1:]))
        at += 1 + size
    return SON(body, **more)


def _reply(document, to):
    body = b"\0\0\0\0\0" + bson.encode(document)
    return struct.pack("<iiii", 16 + len(body), 1, to, MESSAGE) + body


class Liar:
    """Over a standalone without auth or TLS: a set would give its own address
    away."""

    def __init__(self, server):
        self.server = server
        self.answer, self.change, self.seen = {}, {}, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()
        for s in self._sockets:
            s.close()

    def uri(self, db=""):
        return f"mongodb://127.0.0.1:{self._listener.getsockname()[1]}/{db}"

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            there = socket.create_connection((self.server.host, self.server.port))
            self._sockets += [client, there]
            threading.Thread(target=self._talk, args=(client, there),
                             daemon=True).start()

    def _talk(self, client, there):
        try:
            while True:
                asked = _message(client)
                client.sendall(self._deal(asked, there))
        except (EOFError, OSError):
            client.close()
            there.close()

    def _deal(self, asked, there):
        command = _body(asked)
        name = next(iter(command)) if command else ""
        self.seen.append(name)
        number = struct.unpack_from("<i", asked, 4)[0]
        made_up = name in self.answer and self.answer[name](command)
        if made_up:
            return _reply(made_up, number)
        there.sendall(asked)
        reply = _message(there)
        if name in self.change:
            truth = _body(reply)
            self.change[name](command, truth)
            return _reply(truth, number)
        return reply
