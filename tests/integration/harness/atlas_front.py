"""What stands before a free Atlas cluster (M0): ends TLS, lets through what the
tier allows, refuses the rest in Atlas' words, keeps the quota, slows down who
sends too many operations.  Behind it is an ordinary mongod.

A stand-in written from Atlas' documentation (free-shared-limitations,
unsupported-commands, faq/storage); what that leaves open is a choice here, and
says so."""

import collections
import socket
import ssl
import struct
import threading
import time
import zlib

import bson
from bson.raw_bson import RawBSONDocument

OP_REPLY, OP_QUERY, OP_COMPRESSED, OP_MSG = 1, 2004, 2012, 2013
MORE_TO_COME = 2
ZLIB = 2
ATLAS_ERROR, AUTHENTICATION_FAILED = 8000, 18

# What M0 refuses, as far as a mover of data could be tempted, and more of the
# same kind to be on the safe side.
REFUSED = set("""applyOps appendOplogNote autoCompact cloneCollectionAsCapped
    compact createRole createUser currentOp dataSize dbHash dropAllRolesFromDatabase
    dropAllUsersFromDatabase dropConnections dropRole dropUser fsync fsyncUnlock
    getCmdLineOpts getLog grantPrivilegesToRole grantRolesToRole grantRolesToUser
    hostInfo killAllSessions killAllSessionsByPattern killSessions lockInfo
    logRotate mapReduce planCacheClear planCacheListFilters profile reIndex
    replSetFreeze replSetGetConfig replSetGetStatus replSetInitiate
    replSetReconfig replSetStepDown revokeRolesFromUser rolesInfo setParameter
    setFeatureCompatibilityVersion setProfilingLevel shutdown top updateRole
    updateUser usersInfo validate""".split())
REFUSED_INSIDE = (b"$where", b"$accumulator", b"$function", b"$currentOp",
                  b"$planCacheStats", b"$listSessions", b"$$USER_ROLES")
# Which of its commands touch a collection; admin, config, local have none to touch.
ON_DATA = {"find", "aggregate", "count", "distinct", "insert", "update", "delete",
           "findAndModify", "create", "createIndexes", "drop", "dropIndexes",
           "collMod", "collStats", "listIndexes", "renameCollection"}
GROWING = {"insert", "update", "findAndModify", "create", "createIndexes"}
GREETINGS = {"hello", "isMaster", "ismaster"}
ACCESS_DENIED = bytes([21, 3, 3, 0, 2, 2, 80])  # TLS alert: internal error


class Message:
    """One wire message that was understood: its command, and what of it is
    asked for below."""

    def __init__(self, data):
        self.data = data
        _, self.request_id, _, code = struct.unpack_from("<4i", data)
        body = data[16:]
        if code == OP_COMPRESSED:
            code, _, compressor = struct.unpack_from("<iiB", body)
            assert compressor == ZLIB
            body = zlib.decompress(body[9:])
        self.code, self.documents, self.flags = code, 0, 0
        if code == OP_MSG:
            self._sections(body)
        else:
            skip = body.index(b"\0", 4) + 9 if code == OP_QUERY else 20
            self.command = RawBSONDocument(body[skip:])
        self.name = next(iter(self.command), "")
        for field in ("documents", "updates", "deletes"):
            if field in self.command:
                self.documents += len(self.command[field])

    def _sections(self, body):
        self.flags, at = struct.unpack_from("<i", body)[0], 4
        while at < len(body) - (4 if self.flags & 1 else 0):
            kind, (size,) = body[at], struct.unpack_from("<i", body, at + 1)
            at += 1
            if kind == 0:
                self.command = RawBSONDocument(body[at:at + size])
            else:
                inner = body.index(b"\0", at + 4) + 1
                while inner < at + size:
                    self.documents += 1
                    inner += struct.unpack_from("<i", body, inner)[0]
            at += size

    @property
    def db(self):
        return self.command.get("$db", "admin")


def packed(code, reply, document, request_id=0):
    doc = bson.encode(document)
    head = {OP_MSG: struct.pack("<iB", 0, 0),
            OP_REPLY: struct.pack("<iqii", 8, 0, 0, 1),
            OP_QUERY: struct.pack("<i", 4) + b"admin.$cmd\0" +
            struct.pack("<ii", 0, -1)}[code]
    return struct.pack("<4i", 16 + len(head) + len(doc), request_id, reply,
                       code) + head + doc


def failure(message, code=ATLAS_ERROR, name="AtlasError"):
    return {"ok": 0.0, "errmsg": message, "code": code, "codeName": name}


def refusal(m):
    """What the tier says to a command that it does not allow, or None."""
    if m.name in REFUSED:
        return failure(f"command {m.name} is not allowed in this Atlas tier")
    if m.command.get("noCursorTimeout"):
        return failure("noTimeout cursors are disallowed in this atlas tier")
    if m.name in ON_DATA and m.db in ("admin", "config", "local"):
        return failure(f"(Unauthorized) not authorized on {m.db} to execute "
                       f"command {m.name}")
    if m.name == "getParameter" and not {
            "authSchemaVersion", "authenticationMechanisms"} & set(m.command):
        return failure("command getParameter is not allowed in this Atlas tier")
    if m.name in ("find", "count", "distinct", "aggregate"):
        for word in REFUSED_INSIDE:
            if word in m.command.raw:
                return failure(f"{word.decode()} is not allowed in this atlas tier")
        if len(m.command.get("pipeline", [])) > 50:
            return failure("pipelines of more than 50 stages are not allowed")
    if m.command.get("maxTimeMS", 0) > 300000:
        return failure("maxTimeMS of more than 300000 is not allowed")
    return None


class Front:
    """ops: operations a second, for all connections together, before each one
    more makes its connection wait for cooldown seconds (None: no limit);
    per_document: an insert of N counts N (Atlas does not say).  quota: bytes of
    documents and indexes; used(): how many there are.  allowed: this machine is
    on the access list."""

    def __init__(self, upstream, name, certificate, used, ops=None, quota=None):
        self.upstream, self.name, self.used = upstream, name, used
        self.ops, self.cooldown, self.per_document = ops, 1.0, False
        self.quota, self.allowed = quota, True
        self.counts, self.cooldowns, self.refused = collections.Counter(), 0, []
        self._recent, self._lock = collections.deque(), threading.Lock()
        self._used, self._used_at = 0, 0.0
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self._open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()
        for s in list(self._open):
            s.close()

    def reset(self):
        """Forgets what was counted."""
        with self._lock:
            self.counts.clear()
            self.cooldowns, self.refused = 0, []

    def _accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(s,), daemon=True).start()

    def _serve(self, s):
        back = None
        try:
            if not self.allowed:
                s.recv(1 << 14)
                s.sendall(ACCESS_DENIED)
                return
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s = self.tls.wrap_socket(s, server_side=True)
            back = socket.create_connection(self.upstream)
            back.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.update((s, back))
            self._converse(s, back)
        except (OSError, EOFError):
            pass
        finally:
            for one in (s, back):
                if one is not None:
                    one.close()
                    self._open.discard(one)

    def _converse(self, s, back):
        while True:
            m = Message(receive(s))
            self._pace(m)
            own = self._answer(m)
            if own is not None:
                code = OP_REPLY if m.code == OP_QUERY else OP_MSG
                s.sendall(packed(code, m.request_id, own))
                continue
            back.sendall(self._changed_request(m))
            if m.flags & MORE_TO_COME:
                continue
            while self._pass_reply(m, s, back):
                pass

    def _pace(self, m):
        if m.name in GREETINGS:
            return
        with self._lock:
            self.counts[m.name] += 1
            now, recent = time.monotonic(), self._recent
            while recent and recent[0] < now - 1:
                recent.popleft()
            cost = max(1, m.documents) if self.per_document else 1
            recent.extend([now] * cost)
            slow = self.ops is not None and len(recent) > self.ops
            self.cooldowns += slow
        if slow:
            time.sleep(self.cooldown)

    def _answer(self, m):
        """The front's own answer, or None where mongod is to answer."""
        if (no := refusal(m)) is not None:
            self.refused.append((m.name, m.db))
            return no
        if m.name == "serverStatus":
            return {"version": "6.0.5", "process": "mongod",
                    "atlasVersion": {"version": "20230101.0.0", "gitVersion": "x"},
                    "ok": 1.0}
        if m.name in GROWING and self.quota is not None:
            return self._over_quota(m)
        return None

    def _over_quota(self, m):
        with self._lock:
            if time.monotonic() - self._used_at > 0.5:
                self._used, self._used_at = self.used(), time.monotonic()
            elif m.name == "insert":
                self._used += len(m.data)
            if self._used <= self.quota:
                return None
            # What arrives in between is a guess; what is told is not.
            self._used, self._used_at = self.used(), time.monotonic()
            if self._used <= self.quota:
                return None
        text = (f"you are over your space quota, using {self._used >> 20} MB of "
                f"{self.quota >> 20} MB. Writes are blocked on your cluster. Free "
                "up storage by deleting unnecessary data or add storage by "
                "updating cluster tier.")
        if m.name not in ("insert", "update"):
            return failure(text)
        n = 1 if m.command.get("ordered", True) else m.documents
        return {"n": 0, "ok": 1.0, "writeErrors": [
            {"index": i, "code": ATLAS_ERROR, "errmsg": text} for i in range(n)]}

    def _changed_request(self, m):
        """A greeting may ask for compression that is understood here."""
        if m.name not in GREETINGS or "compression" not in m.command:
            return m.data
        doc = bson.decode(m.command.raw)
        doc["compression"] = [c for c in doc["compression"] if c == "zlib"]
        return packed(m.code, 0, doc, m.request_id)

    def _pass_reply(self, m, s, back):
        """True when another reply follows without having been asked for."""
        data = receive(back)
        to, code, flags = struct.unpack_from("<3i", data, 8)
        if m.name in GREETINGS or m.name.startswith("sasl"):
            reply = Message(data)
            doc = bson.decode(reply.command.raw)
            self._change_reply(doc)
            data = packed(reply.code, to, doc, reply.request_id)
            if code == OP_MSG and flags & MORE_TO_COME:
                data = data[:16] + struct.pack("<i", MORE_TO_COME) + data[20:]
        s.sendall(data)
        return code == OP_MSG and bool(flags & MORE_TO_COME)

    def _change_reply(self, doc):
        mine = f"{self.name}:{self.port}"
        for field in ("me", "primary"):
            if field in doc:
                doc[field] = mine
        if "hosts" in doc:
            doc["hosts"] = [mine]
        if doc.get("code") == AUTHENTICATION_FAILED:
            doc.update(failure("bad auth : Authentication failed."))


def receive(s):
    head = receive_exactly(s, 4)
    (size,) = struct.unpack("<i", head)
    return head + receive_exactly(s, size - 4)


def receive_exactly(s, n):
    data = bytearray()
    while len(data) < n:
        part = s.recv(min(n - len(data), 1 << 20))
        if not part:
            raise EOFError
        data += part
    return bytes(data)
