"""The age format written a second time, from its specification and from
docs/FORMAT.md alone, in Python without libraries: what `age_encrypt` makes of a
seed, byte for byte.  Slow; for small data.

    python tests/reference/age.py SEED_HEX RECIPIENT... <data >data.age
"""

import base64
import hashlib
import hmac
import struct
import sys

P = 2 ** 255 - 19
CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32_polymod(values):
    chk = 1
    for v in values:
        top = chk >> 25
        chk = (chk & 0x1ffffff) << 5 ^ v
        for i, g in enumerate((0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
                               0x3d4233dd, 0x2a1462b3)):
            chk ^= g if top >> i & 1 else 0
    return chk


def bech32(hrp, data):
    """Lower case; upper() makes an identity of it."""
    hrp = hrp.lower()
    n = len(data) * 8
    bits = int.from_bytes(data, "big") << -n % 5
    symbols = [bits >> s & 31 for s in range((n + -n % 5) - 5, -1, -5)]
    expanded = [ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp]
    chk = bech32_polymod(expanded + symbols + [0] * 6) ^ 1
    symbols += [chk >> s & 31 for s in range(25, -1, -5)]
    return hrp + "1" + "".join(CHARSET[s] for s in symbols)


def unbech32(text):
    symbols = [CHARSET.index(c) for c in text.lower().rsplit("1", 1)[1]][:-6]
    n = len(symbols) * 5 // 8 * 8
    value = 0
    for s in symbols:
        value = value << 5 | s
    return (value >> (len(symbols) * 5 - n)).to_bytes(n // 8, "big")


def x25519(scalar, point=(9).to_bytes(32, "little")):
    k = int.from_bytes(scalar, "little")
    k = k & (2 ** 254 - 8) | 2 ** 254
    x1 = int.from_bytes(point, "little") % 2 ** 255
    x2, z2, x3, z3 = 1, 0, x1, 1
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        e = aa - bb
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
        if bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def chacha_block(key, counter, nonce):
    start = list(struct.unpack("<16I", b"expand 32-byte k" + key +
                               struct.pack("<I", counter) + nonce))
    s = list(start)

    def quarter(a, b, c, d):
        for x, y, z, r in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8),
                           (c, d, b, 7)):
            s[x] = s[x] + s[y] & 0xffffffff
            v = s[z] ^ s[x]
            s[z] = (v << r | v >> 32 - r) & 0xffffffff

    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14),
                           (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12),
                           (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(a, b, c, d)
    return struct.pack("<16I", *(x + y & 0xffffffff
                                 for x, y in zip(s, start)))


def seal(key, nonce, plain):
    """ChaCha20-Poly1305 (RFC 8439) without additional data."""
    stream = b"".join(chacha_block(key, 1 + i, nonce)
                      for i in range((len(plain) + 63) // 64))
    cipher = bytes(a ^ b for a, b in zip(plain, stream))
    one = chacha_block(key, 0, nonce)
    r = int.from_bytes(one[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    acc = 0
    message = cipher + bytes(-len(cipher) % 16) + struct.pack("<QQ", 0, len(cipher))
    for i in range(0, len(message), 16):
        acc = (acc + int.from_bytes(message[i:i + 16] + b"\1", "little")) * r
        acc %= 2 ** 130 - 5
    tag = acc + int.from_bytes(one[16:32], "little")
    return cipher + (tag % 2 ** 128).to_bytes(16, "little")


def mac(key, data):
    return hmac.digest(key, data, "sha256")


def hkdf(key, salt, info):
    return mac(mac(salt, key), info + b"\1")


def b64(data):
    return base64.b64encode(data).rstrip(b"=")


def encrypt(seed, recipients, data):
    digest = hashlib.sha256(data).digest()

    def take(label, recipient=b""):
        return mac(seed, label + b"\0" + digest + recipient)

    file_key = take(b"spaceferry age v1 file key")[:16]
    nonce = take(b"spaceferry age v1 nonce")[:16]
    out = b"age-encryption.org/v1\n"
    for text in sorted(set(recipients)):
        key = unbech32(text)
        ephemeral = take(b"spaceferry age v1 ephemeral", key)
        share = x25519(ephemeral)
        wrap = hkdf(x25519(ephemeral, key), share + key,
                    b"age-encryption.org/v1/X25519")
        out += (b"-> X25519 " + b64(share) + b"\n" +
                b64(seal(wrap, bytes(12), file_key)) + b"\n")
    out += b"---"
    out += b" " + b64(mac(hkdf(file_key, b"", b"header"), out)) + b"\n" + nonce
    key = hkdf(file_key, nonce, b"payload")
    chunks = [data[i:i + 65536] for i in range(0, len(data), 65536)] or [b""]
    for n, chunk in enumerate(chunks):
        last = n == len(chunks) - 1
        out += seal(key, n.to_bytes(11, "big") + bytes([last]), chunk)
    return out


if __name__ == "__main__":
    sys.stdout.buffer.write(encrypt(bytes.fromhex(sys.argv[1]), sys.argv[2:],
                                    sys.stdin.buffer.read()))
