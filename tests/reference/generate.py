#!/usr/bin/env python3
"""Makes N random but nasty rewriting cases from a seed, as JSON lines for
rewrite_cli.py and its C counterpart: {"id", "rules", "input_hex"}.

    python3 generate.py --seed 1 --count 10000 > cases

A case is one to four rules and a text that is stitched from spellings of their
FROMs (odd case, either scheme or none, each escape style, ports) between
neighbours of every kind, and then damaged a little now and then.
"""

import argparse
import json
import random

import rewrite_rules

HOSTS = ["old.example", "OLD.Example", "app.old.example", "*.old.example",
         "localhost", "x_old.example", "a-b.old.example", "old", "*.ai",
         "café.example", "xn--caf-dma.example", "*.café.example", "[::1]",
         "new.example", "old.example.", "fold.example", "n.b"]
PORTS = ["", "", "", "", "", ":443", ":80", ":3000", ":8080"]
RESTS = ["", "", "", "/", "/", "/uploads", "/uploads/", "/uploads/img/", "/a",
         "/go?u=", "?q=", "/#", "/?", "/a:b", "/a//b/", "/%2Fx/", "#x", "?",
         "/u.v", "/uploads/2024", "/e%20f/", "/x&y/", "/p'q/"]
TO_HOSTS = ["https://new.example", "http://new.example:8080", "//cdn.example",
            "HTTPS://New.example", "https://new.example/s/$1", "", "",
            "https://$1.new.example", "https://old.example", "/files"]
TO_RESTS = ["", "/", "/u", "/u/", "/~a(b)/", "/a%20b/", "/?u=", "/x;y=1/",
            "/:80/", "/r?q=/uploads/", "/$1/x", "/&/"]

SCHEMES = ["http:", "https:", "HTTPS:", "hTTp:", "", "", "ftp:", "shttp:",
           "https", "http%3A", "https%3a", "https&#58;", "https\\u003A"]
SLASHES = ["/", "/", "/", "/", "\\/", "\\/", "\\\\/", "\\\\\\/", "\\u002F",
           "\\u002f", "\\\\u002F", "%2F", "%2f", "%2F", "%252F", "&#x2F;",
           "&#x2f;", "&#X2F;", "&#47;", "&#047;", "\\x2F", "&sol;", "&#x2F"]
COLONS = [":", ":", ":", "%3A", "%3a", "&#58;", "%253A"]
TEXT_PORTS = [":443", ":80", ":443", ":80", ":8443", ":4430", ":0443", ":",
              ":3000", ":443:80", ":80@", "%3A443", "%3a80", ":443.x"]
LABELS = ["app", "My_App-2", "a.b", "", "é", "x", "-", "%61", "old", "$1"]

NEIGHBOURS = [
    b"", b"", b" ", b"\t", b"\n", b"\x0b", b"\x1c", b"\0", b'"', b"'", b"`",
    b"(", b")", b"[", b"]", b"{", b"}", b"<", b">", b"=", b",", b";", b"|",
    b":", b"/", b".", b"..", b"-", b"_", b"~", b"@", b"%", b"+", b"?", b"#",
    b"!", b"&", b"*", b"$", b"^", b"\\", b"\\\\", b"a", b"Z", b"7", b"x.",
    b".x", b".7", b"._", b".-", b".%61", b".&#97;", b": ", b':"', b":x",
    b":/", b":&quot;", b"%20", b"%41", b"%2", b"%zz", b"%", b"%%", b"%2E",
    b"%3A", b"%40", b"%2520", b"%3D", b"%22", b"%C3%A9", b"%C2%A0", b"%A0",
    b"%FF", b"%C3", b"%E3%80%80", b"%E2%82%AC", b"%F0%9F%98%80", b"%e2%80",
    b"\\n", b"\\t", b"\\b", b"\\f", b'\\"', b"\\'", b"\\\\n", b'\\\\"',
    b"\\u0020", b"\\u0041", b"\\u00e9", b"\\u20AC", b"\\ud83d\\ude00",
    b"\\ud83d", b"\\ude00", b"\\u12", b"\\\\u0022", b"\\x", b"\\u003d",
    b"&quot;", b"&apos;", b"&lt;", b"&gt;", b"&amp;", b"&nbsp;", b"&#32;",
    b"&#x20;", b"&#X3D;", b"&#65;", b"&#233;", b"&#xe9;", b"&#8364;",
    b"&#0;", b"&#1114112;", b"&#xD800;", b"&#;", b"&#x;", b"&quot", b"&QUOT;",
    b"&amp;quot;", b"&amp;#x2F;", b"&#0000000000000061;", b"&eacute;",
    b"\xff", b"\xc3", b"\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    b"\xc0\xaf", b"\xc3%A9", b"%C3\xa9"] + [chr(char).encode("utf-8")
                                            for char in (
        0x80, 0x85, 0xA0, 0xA9, 0xAA, 0xAB, 0xB5, 0xB7, 0xBA, 0xBF, 0xC0, 0xD7,
        0xE9, 0xF7, 0x301, 0x44F, 0x1680, 0x180E, 0x2000, 0x200B, 0x200C,
        0x2019, 0x2028, 0x202F, 0x2060, 0x20AC, 0x2BFF, 0x2C00, 0x3000, 0x3001,
        0x3020, 0x3021, 0x4E2D, 0xFDFF, 0xFE0F, 0xFE6F, 0xFE70, 0xFEFF, 0xFF01,
        0xFF0F, 0xFF10, 0xFFFD, 0x1EFFF, 0x1F000, 0x1F600, 0x1FAFF, 0x1FB00,
        0x10FFFF)]
WORDS = [b"old.example", b"OLD.EXAMPLE", b"localhost", b"uploads", b"voir",
         b"me@old.example", b"old.example:443", b"app.old.example", b"//", b"/",
         b"http", b"https://", b"src=", b"url(", b"a_b.old.example", b"%2F",
         b"\\/", b"x_old.example", b"caf\xc3\xa9.example", b"\\u002F", b"://",
         b"xn--caf-dma.example", b"a.png", b"a%20b.png?v=2", b"i.svg#x", b"=",
         b"a%3Fb.png", b"image.png).", b"c d.png", b"n\\/m.png", b"e%2Ff"]


class Maker:
    """All that is random comes from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def odds(self, chance):
        return self.random.random() < chance

    def rule(self):
        pick = self.random.choice
        if self.odds(0.3):
            source = pick([rest for rest in RESTS if rest.startswith("/")])
        else:
            source = (pick(["https://", "https://", "http://", "HTTP://"])
                      + pick(HOSTS) + pick(PORTS) + pick(RESTS))
        return [source, pick(TO_HOSTS) + pick(TO_RESTS)]

    def rules(self):
        """One to four rules that point 1 accepts together."""
        wanted = self.random.choice([1, 1, 2, 2, 3, 4])
        rules = []
        for _ in range(1000):
            if len(rules) == wanted:
                break
            rule = self.rule()
            try:
                rewrite_rules.compile_rules(rules + [rule])
            except rewrite_rules.RuleError:
                continue
            rules.append(rule)
        return rules

    def odd_case(self, text):
        if self.odds(0.7):
            return text
        return "".join(self.random.choice([char.lower(), char.upper()])
                       if char.isascii() else char for char in text)

    def spelling(self, source):
        """One way, right or nearly right, to write a FROM."""
        pick = self.random.choice
        slash = pick(SLASHES)
        colon = pick(COLONS) if slash.lower() == "%2f" else ":"

        def spell(text):
            return "".join(
                (slash if self.odds(0.9) else pick(SLASHES + ["/"] * 20))
                if char == "/" else char for char in text)

        if source.startswith("/"):
            return spell(source)
        scheme, rest = source.split("//", 1)
        end = min([rest.index(char) for char in "/?#" if char in rest]
                  + [len(rest)])
        authority, rest = rest[:end], rest[end:]
        if self.odds(0.5):
            scheme = pick(SCHEMES)
        scheme = self.odd_case(scheme.replace(":", colon))
        if authority.startswith("*"):
            authority = pick(LABELS) + authority[1:]
        if self.odds(0.3):
            authority = authority.replace("café", "xn--caf-dma")
        if self.odds(0.2):
            authority += pick(TEXT_PORTS)
        if not authority.startswith("["):
            authority = authority.replace(":", colon)
        return (scheme + spell("//") + self.odd_case(authority) + spell(rest))

    def damage(self, text):
        """Takes away, doubles or changes a byte or three."""
        for _ in range(self.random.randint(1, 3)):
            if not text:
                break
            at = self.random.randrange(len(text))
            kind = self.random.randrange(4)
            if kind == 0:
                text = text[:at] + text[at + 1:]
            elif kind == 1:
                text = text[:at] + text[at:at + 1] + text[at:]
            elif kind == 2:
                text = (text[:at] + bytes([self.random.randrange(256)])
                        + text[at + 1:])
            else:
                text = (text[:at] + self.random.choice(NEIGHBOURS) + text[at:])
        return text

    def text(self, rules):
        pick = self.random.choice
        pieces = []
        for _ in range(self.random.randint(1, 6)):
            pieces.append(pick(NEIGHBOURS))
            if self.odds(0.75) and rules:
                source, to = pick(rules)
                chosen = source if self.odds(0.9) or not to else to
                pieces.append(self.spelling(chosen).encode("utf-8"))
            else:
                pieces.append(pick(WORDS))
            pieces.append(pick(NEIGHBOURS))
            if self.odds(0.3):
                pieces.append(pick(WORDS))
        text = b"".join(pieces)
        return self.damage(text) if self.odds(0.15) else text


def cases(seed, count):
    """The cases of a seed, one dict each."""
    maker = Maker(seed)
    rules = []
    for number in range(count):
        if number % 4 == 0:
            rules = maker.rules()
        yield {"id": f"{seed}-{number}", "rules": rules,
               "input_hex": maker.text(rules).hex()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    arguments = parser.parse_args()
    for case in cases(arguments.seed, arguments.count):
        print(json.dumps(case))


if __name__ == "__main__":
    main()
