"""A look-alike of a free Atlas cluster on this machine, under Atlas' names:

    with Atlas(folder) as atlas:
        atlas.uri()     # mongodb+srv://user:pass@cluster0.abcde.mongodb.net/ezia?…
        subprocess.run([*atlas.enter, "spaceferry", "migrate", "--to", atlas.uri()])

The names, and the authority that signed the cluster's certificate, exist inside
a mount namespace of its own only: a program is started there with atlas.enter
before it.  It needs root, dnsmasq and util-linux (scripts/setup)."""

import random
import shutil
import subprocess
from pathlib import Path

from .atlas_front import Front
from .mongod import ReplicaSet, make_certificates
from .process import Server

DOMAIN = "abcde.mongodb.net"
CLUSTER = f"cluster0.{DOMAIN}"
# The second is the name in many a guide.
CLUSTERS = (CLUSTER, "cluster.mongodb.net")
HOST = f"cluster0-shard-00-00.{DOMAIN}"
SET = "atlas-abcde-shard-0"
RESOLV, AUTHORITIES = Path("/etc/resolv.conf"), Path("/etc/ssl/certs/ca-certificates.crt")
DNSMASQ = shutil.which("dnsmasq", path="/usr/sbin:/usr/bin:/sbin:/bin")


def why_not():
    """Why there can be no look-alike here; "" if there can."""
    if DNSMASQ is None:
        return "no dnsmasq: scripts/setup installs it"
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        return "no mount namespace of one's own here (unshare -m): root is needed"
    return ""


class Names(Server):
    """dnsmasq on a loopback address of its own; it lives in, and keeps, the
    mount namespace where it is asked.  more: further names, as dnsmasq's
    options."""

    more = ()

    def __init__(self, folder, port, authority):
        super().__init__(folder)
        self.served, self.authority = port, authority

    def argv(self):
        self.host = f"127.{random.randint(1, 254)}.{random.randint(0, 254)}." \
            f"{random.randint(1, 254)}"
        (self.folder / "resolv.conf").write_text(f"nameserver {self.host}\n")
        (self.folder / "authorities").write_bytes(
            AUTHORITIES.read_bytes() + self.authority.read_bytes())
        upstream = [line.split()[1] for line in RESOLV.read_text().splitlines()
                    if line.startswith("nameserver ")]
        dnsmasq = [DNSMASQ, "--keep-in-foreground", "-C", "/dev/null", "--no-hosts",
                   "--no-resolv", "--user=root", "--pid-file=", "--bind-interfaces",
                   f"--listen-address={self.host}", "--local=/mongodb.net/",
                   f"--host-record={HOST},127.0.0.1",
                   *(f"--server={address}" for address in upstream)]
        for name in CLUSTERS:
            dnsmasq += [f"--srv-host=_mongodb._tcp.{name},{HOST},{self.served}",
                        f"--txt-record={name},authSource=admin&replicaSet={SET}"]
        dnsmasq += self.more
        return ["unshare", "-m", "--propagation", "private", "sh", "-ec",
                f'mount --bind "$0/resolv.conf" {RESOLV}; '
                f'mount --bind "$0/authorities" {AUTHORITIES}; exec "$@"',
                str(self.folder), *dnsmasq]

    def ready(self):
        return subprocess.run([*self.enter, "getent", "hosts", HOST],
                              capture_output=True).returncode == 0

    @property
    def enter(self):
        return ["nsenter", "-m", "-t", str(self.process.pid), "--"]


class Atlas:
    """options: Front's.  user may read and write the database db, and nothing
    else; the set itself, for tests to look into, is .server (root's client:
    .client())."""

    user, password = "user", "pass"

    def __init__(self, folder, db="ezia", **options):
        self.folder, self.db, self.options = Path(folder), db, options
        self.server = ReplicaSet(self.folder / "mongod", auth=True)
        self.server.set_name = SET
        self.front = self.names = None

    def uri(self, db=None, user=None, password=None, cluster=CLUSTER,
            query="retryWrites=true&w=majority"):
        return (f"mongodb+srv://{user or self.user}:{password or self.password}"
                f"@{cluster}/{self.db if db is None else db}?{query}")

    @property
    def enter(self):
        return self.names.enter

    def client(self):
        return self.server.client()

    def used(self):
        """Bytes as Atlas counts them: documents uncompressed, and indexes."""
        client = self.client()
        stats = [client[name].command("dbStats")
                 for name in client.list_database_names()
                 if name not in ("admin", "config", "local")]
        return int(sum(s["dataSize"] + s["indexSize"] for s in stats))

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        make_certificates(self.folder, f"DNS:{HOST}")
        try:
            self.server.__enter__()
            self.server.add_user(self.user, self.password,
                                 [{"role": "readWrite", "db": self.db}])
            self.front = Front((self.server.host, self.server.port), HOST,
                               self.folder / "server.pem", self.used, **self.options)
            self.names = Names(self.folder / "names", self.front.port,
                               self.folder / "ca.pem")
            self.names.__enter__()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.names is not None:
            self.names.stop()
        if self.front is not None:
            self.front.close()
        self.server.__exit__()
