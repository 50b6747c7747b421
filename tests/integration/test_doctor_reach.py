# build: release
"""doctor on the way to a MongoDB: each thing that can be wrong with it is told
at its own layer, apart from its neighbours, and what stands on it is skipped.
Neither server is changed by being looked at."""

import datetime
import time

import pytest
from pymongo import MongoClient

from harness import atlas as lookalike
from harness import doctor, look
from harness.liar import Liar
from harness.mongod import Mongod, make_certificates
from harness.odd_servers import DockerSet, FullPort, OddServer
from harness.process import free_port

LAYERS = ["uri", "dns", "tcp", "tls", "hello", "clock", "set", "auth"]
SECRET = "S3CRET"


@pytest.fixture
def examine(spaceferry, source, target, db_name):
    """Looks at a source; the target is sound and stays as it is."""
    def examine(uri, *args, to=None, wrap=()):
        before = look.fingerprint(source.client()), look.fingerprint(target.client())
        env = {"SPACEFERRY_FROM": uri, "SPACEFERRY_TO": to or target.uri(db_name)}
        r = spaceferry("doctor", "--json", *args, env=env, wrap=wrap, timeout=60)
        assert before == (look.fingerprint(source.client()),
                          look.fingerprint(target.client()))
        assert SECRET not in r.stdout + r.stderr
        found = doctor.checks(r)
        found.result = r
        return found
    return examine


@pytest.fixture
def glance(spaceferry):
    """Looks at a source alone, of which no MongoDB hears anything."""
    def glance(uri, wrap=()):
        r = spaceferry("doctor", "--json", env={"SPACEFERRY_FROM": uri}, wrap=wrap)
        assert SECRET not in r.stdout + r.stderr
        found = doctor.checks(r)
        assert "no --to" in found["fit", "fit"]["seen"]
        found.result = r
        return found
    return glance


def only(found, check, *words, group="source", verdict="fail", layers=LAYERS):
    """The one layer is told as bad, with these words; those below it are well,
    those above are skipped for its sake.  Nothing else in group is bad."""
    line = found[group, check]
    assert line["verdict"] == verdict, line
    for word in words:
        assert word in line["seen"] + line["remedy"], (word, line)
    bad = {k for k in found.failed() | found.warned() if k[0] in (group, "fit")}
    assert bad == {(group, check)}, found.result
    if verdict == "warn":
        return line
    at = layers.index(check)
    for name in layers[:at]:
        assert found.verdict(group, name) == "pass", found[group, name]
    for name in layers[at + 1:]:
        above = found[group, name]
        assert above["verdict"] == "skipped" and check in above["seen"], above
    assert found.result.rc == 1
    return line


# --- the URI ---

@pytest.mark.parametrize("uri, words", [
    (f"mongodb://u:p@{SECRET}@h/", ["'@'", "percent-encode"]),
    (f"mongodb://u:p/{SECRET}@h/", ["'/'", "percent-encode"]),
    ("mongodb://u:<password>@h/", ["placeholder", "password"]),
    ("mongodb://<username>:x@h/", ["placeholder", "user"]),
    ("mongodb://u:x@<host>/", ["placeholder", "host"]),
    (f"mongodb://u:{SECRET}@h:99999/", ["malformed"]),
])
def test_malformed(glance, uri, words):
    only(glance(uri), "uri", *words)


SRV_LAYERS = ["uri", "srv", "txt", *LAYERS[1:]]


def test_one_line(glance):
    """What a URI or a name server brings along is not obeyed by a terminal."""
    with OddServer(OddServer.closes) as odd:
        found = glance(f"mongodb://a%0Ab%1B[31m:{SECRET}@127.0.0.1:{odd.port}/")
    assert found.failed() == {("source", "hello")}
    found = glance("mongodb://no%0Ahost%1B.invalid/")
    for line in found.every:
        assert "\x1b" not in line["seen"] + line["remedy"], line


def test_malformed_srv(glance):
    line = only(glance(f"mongodb+srv://u:{SECRET}@h/"), "uri", "three labels",
                layers=SRV_LAYERS)
    assert "mongodb://" in line["remedy"]


# --- names and ports ---

def test_no_such_host(glance):
    only(glance("mongodb://nohost.invalid/"), "dns", "nohost.invalid",
         "spelling")


def test_no_name_server(glance, tmp_path):
    (tmp_path / "resolv.conf").write_text("nameserver 127.77.77.77\n")
    wrap = ["unshare", "-m", "--propagation", "private", "sh", "-ec",
            'mount --bind "$0" /etc/resolv.conf; exec "$@"',
            str(tmp_path / "resolv.conf")]
    only(glance("mongodb://h.example/", wrap=wrap), "dns", "name servers do not")
    only(glance(f"mongodb+srv://u:{SECRET}@c.h.example/", wrap=wrap), "srv",
         "name servers do not", layers=SRV_LAYERS)


def test_refused(glance):
    port = free_port()
    only(glance(f"mongodb://127.0.0.1:{port}/"), "tcp", f":{port} refused",
         "bindIp")


def test_filtered(glance):
    with FullPort() as full:
        only(glance(f"mongodb://127.0.0.1:{full.port}/"), "tcp", "no answer",
             "firewall")


def test_unreachable(glance):
    only(glance("mongodb://192.0.2.1/", wrap=["unshare", "-n"]), "tcp",
         "unreachable", "network")


def test_interrupted(spaceferry):
    """A wait for what does not answer ends when it is told to."""
    with FullPort() as full:
        run = spaceferry.start("doctor", "--json", env={
            "SPACEFERRY_FROM": f"mongodb://127.0.0.1:{full.port}/"})
        time.sleep(0.7)
        run.interrupt()
        r = run.wait(timeout=20)
    assert r.rc == 3 and not r.summary["ok"], r
    assert [e["kind"] for e in r.summary["errors"]] == ["interrupted"], r


def test_one_of_two(examine, source, target, db_name):
    """One host that is away is no failure where another answers."""
    source.client()[db_name]["a"].insert_one({})
    uri = target.uri(db_name).replace(f":{target.port}", f":{target.port},"
                                      f"127.0.0.1:{free_port()}")
    only(examine(source.uri(db_name), to=uri), "tcp", "refused", "open",
         verdict="warn", group="target")
    with OddServer(OddServer.closes) as odd:
        second = uri.replace(uri.split(",")[1].split("/")[0], f"127.0.0.1:{odd.port}")
        only(examine(source.uri(db_name), to=second), "hello", "1 of 2",
             verdict="warn", group="target")
    second = uri.replace(uri.split(",")[1].split("/")[0], "nohost.invalid")
    found = examine(source.uri(db_name), to=second)
    assert found.failed() == set(), found.result
    assert found.warned() == {("target", "dns"), ("target", "tcp")}, found.result


# --- what answers there ---

@pytest.mark.parametrize("answer, tls, check, words", [
    (OddServer.is_mute, False, "hello", ["timeout", "does not answer"]),
    (OddServer.is_mute, True, "tls", ["does not answer the handshake"]),
    (OddServer.closes, False, "hello", ["closed"]),
    (OddServer.closes, True, "tls", ["closed the connection", "tunnel"]),
    (OddServer.says_http, False, "hello", ["not as a MongoDB"]),
    (OddServer.says_http, True, "tls", ["not in TLS", "right port"]),
    (OddServer.says_alert_80, True, "tls", ["alert 80", "Network Access"]),
])
def test_no_mongodb(glance, answer, tls, check, words):
    with OddServer(answer) as odd:
        only(glance(f"mongodb://127.0.0.1:{odd.port}/?tls={str(tls).lower()}"),
             check, *words)


@pytest.fixture(scope="module")
def secure(work):
    with Mongod(work / "secure", tls=True) as server:
        yield server


def test_tls(examine, secure, source, db_name):
    secure.client()[db_name]["a"].insert_one({})
    found = examine(secure.uri(db_name))
    assert not found.failed() | found.warned(), found.result
    plain = f"mongodb://127.0.0.1:{secure.port}/{db_name}"
    only(examine(plain), "tls", "wants TLS", "tls=true")
    only(examine(f"{plain}?tls=true"), "tls", "nobody who is trusted",
         "tlsCAFile")
    found = examine(f"{plain}?tls=true&tlsAllowInvalidCertificates=true")
    assert not found.failed() | found.warned(), found.result
    only(examine(f"{plain}?tls=true&tlsCAFile=/nowhere/ca.pem"), "tls",
         "cannot be read", "tlsCAFile")
    only(examine(source.uri(db_name) + "?tls=true"), "tls", "speaks no TLS",
         "leave tls=true out")


@pytest.mark.parametrize("names, days, words", [
    ("DNS:elsewhere.example", 2, ["for another name", "tlsAllowInvalidHostnames"]),
    ("IP:127.0.0.1", -1, ["expired", "renew"]),
])
def test_certificates(glance, tmp_path, names, days, words):
    make_certificates(tmp_path, names, days)
    with OddServer(OddServer.with_certificate(tmp_path)) as odd:
        only(glance(f"mongodb://127.0.0.1:{odd.port}/?tls=true&tlsCAFile="
                     f"{tmp_path}/ca.pem"), "tls", *words)


def test_certificate_wanted_in_the_handshake(glance, tmp_path):
    make_certificates(tmp_path)
    with OddServer(OddServer.with_certificate(tmp_path, wants_one=True)) as odd:
        uri = f"mongodb://127.0.0.1:{odd.port}/?tls=true&tlsCAFile={tmp_path}/ca.pem"
        only(glance(uri), "tls", "handshake", "tlsCertificateKeyFile")
        # With one the handshake is through; nothing is behind it.
        only(glance(f"{uri}&tlsCertificateKeyFile={tmp_path}/server.pem"), "hello")


class Strict(Mongod):
    """Talks to those only who show a certificate."""

    def __init__(self, folder):
        super().__init__(folder, tls=True, args=["--tlsCAFile", f"{folder}/ca.pem"])

    def direct(self):
        return MongoClient(self.host, self.port, tls=True, tlsCAFile=str(
            self.folder / "ca.pem"), tlsCertificateKeyFile=str(
            self.folder / "server.pem"), serverSelectionTimeoutMS=2000)


def test_clients_certificate(examine, work, db_name):
    with Strict(work / "strict") as strict:
        with strict.direct() as client:
            client[db_name]["a"].insert_one({})
        only(examine(strict.uri(db_name)), "hello", "client's certificate",
             "tlsCertificateKeyFile")
        found = examine(strict.uri(db_name, tlsCertificateKeyFile=str(
            strict.folder / "server.pem")))
        assert not found.failed() | found.warned(), found.result


# --- the set ---

def test_another_set(glance, source, target, db_name):
    only(glance(source.uri(db_name, replicaSet="rs7")), "set", "rs7",
         "in no set", "leave replicaSet= out")
    only(glance(target.uri(db_name, replicaSet="rs7")), "set", "rs7", "rs0",
         "replicaSet=")


@pytest.fixture(scope="module")
def docker(work):
    with DockerSet(work / "docker") as server:
        yield server


def test_names_of_another_network(examine, docker, db_name):
    with docker.direct() as client:
        client[db_name]["a"].insert_one({})
    only(examine(docker.uri(db_name)), "set", "mongo1", "docker",
         "directConnection=true")
    direct = f"mongodb://127.0.0.1:{docker.port}/{db_name}?directConnection=true"
    for uri, wrap in ((direct, ()), (docker.uri(db_name), docker.enter)):
        found = examine(uri, wrap=wrap)
        assert not found.failed() | found.warned(), found.result


def test_a_member_is_down(examine, docker, db_name):
    """The set has a primary, so it goes on."""
    with docker.direct() as client:
        config = client.admin.command("replSetGetConfig")["config"]
        config["version"] += 1
        config["members"].append({"_id": 1, "host": f"mongo2:{free_port()}",
                                  "votes": 0, "priority": 0})
        client.admin.command("replSetReconfig", config, force=True)
        client[db_name]["a"].insert_one({})
    only(examine(docker.uri(db_name), wrap=docker.enter), "set", "mongo2", "down",
         verdict="warn")


def test_no_primary(examine, docker, source, db_name):
    with docker.direct() as client:
        client.admin.command("replSetStepDown", 120, force=True)
        assert not client.admin.command("hello")["isWritablePrimary"]
    only(examine(docker.uri(db_name), wrap=docker.enter), "set", "no primary",
         "rs.status()")
    direct = f"mongodb://127.0.0.1:{docker.port}/{db_name}?directConnection=true"
    found = examine(source.uri(db_name), to=direct)
    only(found, "set", "no primary", group="target")


# --- who one is ---

def test_auth(examine, target, source, db_name):
    users = target.client().admin
    users.command("createUser", "old", pwd=SECRET, mechanisms=["SCRAM-SHA-256"],
                  roles=["readWriteAnyDatabase"])
    where = f"127.0.0.1:{target.port}/{db_name}"
    try:
        def bad(user, query, *words):
            return only(examine(source.uri(db_name),
                                to=f"mongodb://{user}{where}?{query}"),
                        "auth", *words, group="target")
        line = bad("root:wrong-S3@", "authSource=admin", "root", "password")
        assert "authSource=" not in line["remedy"]
        bad("nobody:wrong-S3@", "authSource=admin", "nobody")
        bad(f"old:{SECRET}@", "", f"database {db_name}", "authSource=admin")
        bad(f"old:{SECRET}@", "authSource=other", "authSource=admin")
        bad(f"old:{SECRET}@", "authSource=admin&authMechanism=SCRAM-SHA-1",
            "SCRAM-SHA-1", "authMechanism=")
        bad("", "", "authentication", "names no user")
        bad("user:pass@", "authSource=admin", "guide's example")
    finally:
        users.command("dropUser", "old")


@pytest.mark.parametrize("minutes, word", [(5, "ahead of"), (-20, "behind")])
def test_clock(examine, source, db_name, minutes, word):
    source.client()[db_name]["a"].insert_one({})

    def lie(_, reply):
        reply["localTime"] += datetime.timedelta(minutes=minutes)
    with Liar(source) as liar:
        liar.change["hello"] = lie
        only(examine(liar.uri(db_name)), "clock", word, "NTP", verdict="warn")


# --- under Atlas' names ---

@pytest.fixture(scope="module")
def atlas(work):
    if lookalike.why_not():
        pytest.skip(lookalike.why_not())
    port = free_port()
    lookalike.Names.more = [
        f"--srv-host=_mongodb._tcp.stray.{lookalike.DOMAIN},h.example.net,27017",
        f"--srv-host=_mongodb._tcp.odd.{lookalike.DOMAIN},{lookalike.HOST},{port}",
        f"--txt-record=odd.{lookalike.DOMAIN},ssl=false",
        f"--srv-host=_mongodb._tcp.two.{lookalike.DOMAIN},{lookalike.HOST},{port}",
        f"--txt-record=two.{lookalike.DOMAIN},authSource=admin",
        f"--txt-record=two.{lookalike.DOMAIN},replicaSet=x"]
    try:
        with lookalike.Atlas(work / "atlas") as atlas:
            yield atlas
    finally:
        lookalike.Names.more = ()


def test_atlas(examine, atlas, source, db_name):
    source.client()[db_name]["a"].insert_many([{"_id": n} for n in range(10)])
    before = look.fingerprint(atlas.client())

    def bad(to, check, *words, layers=SRV_LAYERS):
        only(examine(source.uri(db_name), to=to, wrap=atlas.enter), check, *words,
             group="target", layers=layers)
    found = examine(source.uri(db_name), to=atlas.uri(), wrap=atlas.enter)
    assert found.failed() | found.warned() == set(), found.result
    assert not atlas.front.refused
    bad(atlas.uri(user="me", password=SECRET, cluster="gone.abcde.mongodb.net"),
        "srv", "NXDOMAIN", "paused or deleted")
    bad(atlas.uri(cluster="cluster9.mongodb.net"), "srv", "guide's example")
    bad(atlas.uri(cluster=lookalike.HOST), "srv", "no SRV record", "mongodb://")
    bad(atlas.uri(cluster=f"stray.{lookalike.DOMAIN}"), "srv", "another domain")
    bad(atlas.uri(cluster=f"odd.{lookalike.DOMAIN}"), "txt", "ssl")
    bad(atlas.uri(cluster=f"two.{lookalike.DOMAIN}"), "txt", "2 TXT records")
    bad(f"mongodb://me:{SECRET}@{lookalike.CLUSTER}/ezia", "dns",
        "mongodb+srv://", layers=LAYERS)
    bad(atlas.uri(user="me", password=SECRET), "auth", "bad auth",
        "Database Access")
    atlas.front.allowed = False
    bad(atlas.uri(), "tls", "alert 80", "Network Access", "0.0.0.0/0")
    atlas.front.allowed = True
    assert look.fingerprint(atlas.client()) == before
