"""Rules: validation and compilation (point 1).

"A rule is a URL prefix FROM and its replacement TO: printable ASCII URL
characters; a FROM host outside ASCII stands for itself byte for byte and for its
punycode (UTS 46). FROM starts with `http://`, `https://` or one `/` and is more
than `/`; TO with `http://`, `https://`, `//` or `/`, or is empty; both end in `/`
or neither does, unless FROM ends in `? = #`; the same FROM twice (scheme and host
lowered, default port dropped) is an error. One `*` may stand for the leftmost
host label of FROM (`[A-Za-z0-9_-]+`), `$1` in TO repeats it as found."

Punycode: idna.uts46_remap() of the `idna` package (UTS 46 mapping, not
transitional, NFC), then Python's RFC 3492 codec label by label.

Readings
 1. URL characters are those of RFC 3986: unreserved, reserved and `%`.
 2. Schemes at the start of FROM and TO are compared in any case; TO is written
    as given.
 3. A FROM host is made of `[A-Za-z0-9._-]` and characters outside ASCII, or is
    an IPv6 address in brackets; it is not empty and there is no user before it.
 4. A FROM port is 1 to 65535 without leading zeros.
 5. `*` anywhere else in FROM than as the whole leftmost label of a host that
    has another label is an error.
 6. Without a `*` in FROM, `$1` in TO is two ordinary characters.
 7. TO's host is not examined (`//` alone is the end-in-`/` rule's business).
 8. An empty TO does not end in `/`.
 9. "Host lowered" is ASCII lower case; a host outside ASCII and its punycode are
    two different FROMs.
"""

import re
import unicodedata
from dataclasses import dataclass

import idna

_URL_CHARS = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    b"-._~:/?#[]@!$&'()*+,;=%")
_SCHEME = re.compile(rb"(?P<scheme>https?)://", re.IGNORECASE)
_HOST_PORT = re.compile(rb"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>.*))?\Z",
                        re.DOTALL)
_ASCII_HOST = re.compile(rb"[A-Za-z0-9._-]+\Z")
_IPV6 = re.compile(rb"\[[0-9A-Fa-f:.]+\]\Z")
_PORT = re.compile(rb"[1-9][0-9]{0,4}\Z")
_TO_START = re.compile(rb"https?://|/", re.IGNORECASE)
_TO_HOST = re.compile(rb"(?:https?:)?//[^/?#]", re.IGNORECASE)
DEFAULT_PORT = {b"http": b"80", b"https": b"443"}


class RuleError(ValueError):
    """A rule that breaks point 1; `kind` is the class of the fault:

    from_start   FROM starts with none of `http://`, `https://`, one `/`
    from_root    FROM is `/`
    from_chars   FROM holds something else than URL characters
    from_host    FROM's host is empty or no host name
    from_idna    FROM's host outside ASCII has no punycode
    from_port    FROM's port is no port
    from_star    a `*` that is not the whole leftmost label of the host
    to_start     TO starts with none of `http://`, `https://`, `//`, `/`
    to_chars     TO holds something else than URL characters
    slash_end    one of FROM and TO ends in `/`, the other does not
    duplicate    the same FROM was given before
    """

    def __init__(self, kind, index):
        super().__init__(f"rule {index}: {kind}")
        self.kind = kind
        self.index = index


@dataclass(frozen=True)
class Rule:
    """One compiled rule.

    scheme   b"http", b"https", or None where FROM is a path
    hosts    the spellings of the host, as given and punycode, without `*`
    star     FROM's host begins with the label `*`
    port     explicit port of FROM that is not its default, or None
    rest     FROM from behind host and port on (all of it for a path)
    """
    index: int
    scheme: bytes
    hosts: tuple
    star: bool
    port: bytes
    rest: bytes
    to: bytes

    @property
    def is_path(self):
        return self.scheme is None

    @property
    def open_end(self):
        """Point 6: "If FROM ends in `/ ? = #`, anything may follow"."""
        return self.rest[-1:] in (b"/", b"?", b"=", b"#")

    @property
    def to_has_host(self):
        return _TO_HOST.match(self.to) is not None

    def key(self):
        """What makes two FROMs the same."""
        host = self.hosts[0].lower() if self.hosts else b""
        return self.scheme, self.star, host, self.port, self.rest


def _punycode(host, fail):
    """The host's ASCII spelling by UTS 46, not transitional."""
    try:
        mapped = idna.uts46_remap(host.decode("utf-8"), std3_rules=False,
                                  transitional=False)
    except (UnicodeError, idna.IDNAError):
        fail("from_idna")
    labels = []
    for label in mapped.split("."):
        if label.isascii():
            ascii_label = label.encode("ascii")
        else:
            if unicodedata.category(label[0]).startswith("M"):
                fail("from_idna")
            ascii_label = b"xn--" + label.encode("punycode")
        if len(ascii_label) > 63:
            fail("from_idna")
        labels.append(ascii_label)
    ascii_host = b".".join(labels)
    if not _ASCII_HOST.match(ascii_host):
        fail("from_idna")
    return ascii_host


def _compile_host(host, fail):
    """(spellings, star) of FROM's host."""
    star = host.startswith(b"*.") and len(host) > 2
    if star:
        host = host[1:]
    if b"*" in host:
        fail("from_star")
    if host.isascii():
        if not _ASCII_HOST.match(host) and not (_IPV6.match(host)
                                                and not star):
            fail("from_host")
        return (host,), star
    ascii_part = bytes(byte for byte in host if byte < 0x80)
    if ascii_part and not _ASCII_HOST.match(ascii_part):
        fail("from_host")
    dot = b"." if star else b""
    return (host, dot + _punycode(host[len(dot):], fail)), star


def _compile(index, source, to):
    def fail(kind):
        raise RuleError(kind, index)

    scheme = _SCHEME.match(source)
    if not scheme and (source[:1] != b"/" or source[:2] == b"//"):
        fail("from_start")
    hosts, star, port, rest = (), False, None, source
    if scheme:
        authority = re.match(rb"[^/?#]*", source[scheme.end():]).group()
        rest = source[scheme.end() + len(authority):]
        if b"@" in authority:
            fail("from_host")
        parts = _HOST_PORT.match(authority)
        if not parts or not parts["host"]:
            fail("from_host")
        hosts, star = _compile_host(parts["host"], fail)
        port = parts["port"]
        if port is not None:
            if not _PORT.match(port) or int(port) > 65535:
                fail("from_port")
            if port == DEFAULT_PORT[scheme["scheme"].lower()]:
                port = None
    elif source == b"/":
        fail("from_root")
    if not set(rest) <= _URL_CHARS:
        fail("from_chars")
    if b"*" in rest:
        fail("from_star")
    if to and not _TO_START.match(to):
        fail("to_start")
    if not set(to) <= _URL_CHARS:
        fail("to_chars")
    if (source.endswith(b"/") != to.endswith(b"/")
            and source[-1:] not in (b"?", b"=", b"#")):
        fail("slash_end")
    return Rule(index, scheme["scheme"].lower() if scheme else None, hosts,
                star, port, rest, to)


def compile_rules(pairs):
    """Rules from (FROM, TO) pairs of str or bytes; raises RuleError."""
    rules = []
    seen = set()
    for index, (source, to) in enumerate(pairs):
        if isinstance(source, str):
            source = source.encode("utf-8", "surrogateescape")
        if isinstance(to, str):
            to = to.encode("utf-8", "surrogateescape")
        rule = _compile(index, source, to)
        if rule.key() in seen:
            raise RuleError("duplicate", index)
        seen.add(rule.key())
        rules.append(rule)
    return rules
