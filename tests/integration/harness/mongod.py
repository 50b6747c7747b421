"""mongod as a VPS has it (standalone) and as Atlas has it (replica set, auth).

    with Mongod(folder) as source: source.client()["db"]["c"].insert_one({})
    with ReplicaSet(folder, auth=True) as target:
        target.uri("ezia")                   # root
        target.add_user("app", "s@cret", [{"role": "readWrite", "db": "ezia"}])
        target.uri("ezia", user="app")       # password escaped
"""

import secrets
import subprocess
import time
from urllib.parse import quote_plus

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from .process import TOOLS, Server


class Mongod(Server):
    """A standalone mongod; parameters: more --setParameter NAME=VALUE, args:
    more arguments."""

    set_name = None
    cache_gb = "0.5"    # with less, a document of 15 MB is refused

    def __init__(self, folder, auth=False, tls=False, parameters=(), args=()):
        super().__init__(folder)
        self.auth = auth
        self.tls = tls
        self.parameters = ["diagnosticDataCollectionEnabled=false", *parameters]
        self.args = list(args)
        self.users = {}
        self._client = None
        self.data = self.folder / "data"
        self.data.mkdir(exist_ok=True)
        if tls:
            make_certificates(self.folder)

    def argv(self):
        argv = [str(TOOLS / "mongod"), "--dbpath", str(self.data),
                "--port", str(self.port), "--bind_ip", self.host,
                "--nounixsocket", "--wiredTigerCacheSizeGB", self.cache_gb]
        for parameter in self.parameters:
            argv += ["--setParameter", parameter]
        if self.set_name:
            argv += ["--replSet", self.set_name, "--oplogSize", "128"]
        if self.auth and self.set_name:
            argv += ["--keyFile", str(self.key_file())]
        elif self.auth:
            argv += ["--auth"]
        if self.tls:
            argv += ["--tlsMode", "requireTLS",
                     "--tlsCertificateKeyFile", str(self.folder / "server.pem")]
        return argv + self.args

    def key_file(self):
        path = self.folder / "keyfile"
        if not path.exists():
            path.write_text(secrets.token_hex(32))
            path.chmod(0o600)
        return path

    def direct(self):
        """A client for this very process, without a user."""
        tls = {"tls": True, "tlsCAFile": str(self.folder / "ca.pem")} \
            if self.tls else {}
        return MongoClient(self.host, self.port, directConnection=True,
                           serverSelectionTimeoutMS=2000, **tls)

    def ready(self):
        with self.direct() as client:
            return client.admin.command("ping")["ok"] == 1

    def prepare(self):
        if self.auth and "root" not in self.users:
            self._first_user()

    def _first_user(self):
        password = secrets.token_urlsafe(9)
        with self.direct() as client:   # the localhost exception
            client.admin.command("createUser", "root", pwd=password,
                                 roles=["root"])
        self.users["root"] = password

    def add_user(self, name, password, roles):
        self.client().admin.command("createUser", name, pwd=password,
                                    roles=roles)
        self.users[name] = password

    def uri(self, db="", user=None, password=None, **options):
        """mongodb://…; user defaults to root where there is auth (user=False:
        nobody); password defaults to the right one."""
        user = ("root" if self.auth else False) if user is None else user
        who = ""
        if user:
            secret = self.users[user] if password is None else password
            who = f"{quote_plus(user)}:{quote_plus(secret)}@"
            options.setdefault("authSource", "admin")
        if self.set_name:
            options.setdefault("replicaSet", self.set_name)
        if self.tls:
            options.setdefault("tls", "true")
            options.setdefault("tlsCAFile", str(self.folder / "ca.pem"))
        query = "&".join(f"{k}={quote_plus(str(v))}" for k, v in options.items())
        return f"mongodb://{who}{self.host}:{self.port}/{db}" + \
            (f"?{query}" if query else "")

    def client(self):
        """A shared client with every right; closed with the server."""
        if self._client is None:
            self._client = MongoClient(self.uri(), serverSelectionTimeoutMS=20000)
        return self._client

    def close_client(self):
        if self._client is not None:
            self._client.close()
            self._client = None

    def stop(self):
        self.close_client()
        super().stop()


class ReplicaSet(Mongod):
    """A replica set of one node."""

    set_name = "rs0"

    def prepare(self):
        host = f"{self.host}:{self.port}"
        config = {"_id": self.set_name, "settings": {"electionTimeoutMillis": 1000},
                  "members": [{"_id": 0, "host": host}]}
        with self.direct() as client:
            try:
                client.admin.command("replSetInitiate", config)
            except OperationFailure as e:
                if e.code != 23:    # AlreadyInitialized: started again
                    raise
        self._wait_primary()
        super().prepare()

    def __exit__(self, *_):
        if self.process is not None:    # asked to stop, it takes up to 10 s
            self.close_client()
            self.kill()

    def _wait_primary(self):
        with self.direct() as client:
            for _ in range(400):
                if client.admin.command("hello")["isWritablePrimary"]:
                    return
                time.sleep(0.05)
        raise RuntimeError("no primary after 20 s")


class Trio:
    """A replica set of three nodes, without auth.

        with Trio(folder) as three: three.uri("db"); three.step_down()"""

    set_name = "rs3"

    def __init__(self, folder, parameters=()):
        self.nodes = [Member(folder / f"n{i}", parameters=parameters)
                      for i in range(3)]
        self._client = None

    def uri(self, db="", **options):
        hosts = ",".join(f"{n.host}:{n.port}" for n in self.nodes)
        query = "".join(f"&{k}={quote_plus(str(v))}" for k, v in options.items())
        return f"mongodb://{hosts}/{db}?replicaSet={self.set_name}{query}"

    def client(self):
        if self._client is None:
            self._client = MongoClient(self.uri(), w="majority",
                                       serverSelectionTimeoutMS=30000)
        return self._client

    def primary(self):
        """The node that is primary now."""
        for _ in range(600):
            for node in self.nodes:
                if node.process.poll() is not None:
                    continue
                with node.direct() as client:
                    if client.admin.command("hello")["isWritablePrimary"]:
                        return node
            time.sleep(0.05)
        raise RuntimeError("no primary after 30 s")

    def step_down(self):
        with self.primary().direct() as client:
            client.admin.command("replSetStepDown", 5,
                                 secondaryCatchUpPeriodSecs=4)

    def __enter__(self):
        try:
            for node in self.nodes:
                node.start()
            members = [{"_id": i, "host": f"{n.host}:{n.port}"}
                       for i, n in enumerate(self.nodes)]
            with self.nodes[0].direct() as client:
                client.admin.command("replSetInitiate", {
                    "_id": self.set_name, "members": members,
                    "settings": {"electionTimeoutMillis": 1000,
                                 "heartbeatIntervalMillis": 200}})
            self.primary()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._client is not None:
            self._client.close()
            self._client = None
        for node in self.nodes:     # a primary asked to stop hands over first
            if node.process is not None:
                node.kill()


class Member(Mongod):
    """One node of a Trio."""

    set_name = Trio.set_name
    cache_gb = "0.25"


def make_certificates(folder, names="IP:127.0.0.1,DNS:localhost", days=2):
    """ca.pem and server.pem (for names, for days: -1 has expired) in folder."""
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True,
                       capture_output=True)
    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(*new, "-x509", "-days", "2", "-subj", "/CN=spaceferry test CA",
            "-keyout", "ca.key", "-out", "ca.pem")
    openssl(*new, "-subj", "/CN=localhost", "-keyout", "server.key",
            "-out", "server.csr")
    (folder / "san").write_text(f"subjectAltName={names}\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey",
            "ca.key", "-CAcreateserial", "-days", str(days), "-extfile", "san",
            "-out", "server.crt")
    (folder / "server.pem").write_bytes(
        (folder / "server.crt").read_bytes() + (folder / "server.key").read_bytes())
