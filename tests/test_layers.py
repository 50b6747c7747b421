"""The house rules that a compiler does not know (docs/DESIGN.md, section 2):
who may include whom, which layer sees which library, that nothing below cli/
prints or exits, and how long things may grow.

`check(root)` reads the sources under root and returns one line per violation;
the tests run it on this tree, where it must find nothing, and on small trees
with one planted violation each, where it must find just that one.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A layer includes only what stands below it; those of one rank never meet.
RANKS = [
    ["base"],
    ["flow", "match", "net", "app"],
    ["bson", "mongo", "archive", "codec", "store", "hub"],
    ["state", "repo"],
    ["job"],
    ["doctor", "backup"],
    ["cli"],
]
RANK = {layer: n for n, layers in enumerate(RANKS) for layer in layers}
# Narrower than the ranks say: cli joins options to jobs and nothing else.
ONLY = {"cli": {"base", "match", "job", "cli"}}
# The public header is the face of the jobs.
PUBLIC = {"job", "doctor", "backup", "cli"}

# Third-party headers, and the layers whose code and headers may see them.
LIBRARIES = {
    r"openssl/": {"base"},
    r"idn2\.h": {"match"},
    r"(bson/|bson\.h)": {"bson", "mongo", "archive"},
    r"xxhash\.h": {"bson"},
    r"(mongoc/|mongoc\.h)": {"mongo"},
    r"curl/": {"net"},
    r"(zstd|zstd_errors|zlib|sodium)\.h": {"codec"},
    r"expat\.h": {"store"},
    r"jansson\.h": {"app", "hub", "state", "repo", "cli"},
    r"yaml\.h": {"cli"},
    r"magic\.h": {"job"},
}
# Within its layer, only these files.
LIBRARY_FILES = {r"magic\.h": r"media_type\.[ch]$"}
LIBC = re.compile(
    r"(assert|ctype|dirent|endian|errno|fcntl|fenv|float|fnmatch|ftw|glob|inttypes"
    r"|iconv|langinfo|libgen|limits|locale|malloc|math|netdb|poll|pthread|pwd"
    r"|resolv|sched|search|semaphore|setjmp|signal|spawn|stdalign|stdarg"
    r"|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings"
    r"|termios|threads|time|uchar|unistd|wchar|wctype|arpa/\w+|linux/\w+"
    r"|net/\w+|netinet/\w+|sys/\w+|(emm|imm|nmm|tmm|smm)intrin|arm_neon"
    r"|sanitizer/\w+)\.h$")

# Calls that only cli/ may make, and calls nobody makes.
TERMINAL = re.compile(
    r"\b(printf|vprintf|puts|putchar|perror|psignal|exit|_exit|_Exit"
    r"|quick_exit|abort|err|errx|verr|verrx|warn|warnx|vwarn|vwarnx)\s*\("
    r"|\b(fprintf|vfprintf|dprintf)\s*\(\s*(stdout|stderr|[12]\s*,)"
    r"|\b(fputs|fputc|putc|fwrite)\s*\([^;]*\b(stdout|stderr)\b"
    r"|\bwrite\s*\(\s*(STDOUT_FILENO|STDERR_FILENO|[12])\b")
BANNED = re.compile(
    r"\b(gets|strcpy|strcat|sprintf|vsprintf|strtok|alloca|setjmp|longjmp"
    r"|signal|asctime|ctime|gmtime|localtime)\s*\(")
TYPEDEF = re.compile(r"\btypedef\s+(struct|union|enum)\b")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)

FILE_LINES, FUNCTION_LINES, COLUMNS = 500, 80, 100


def strip(text):
    """Comments and literals blanked, lines kept: what is left is code."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                  blank, text, flags=re.S)


def included(text):
    """(quote, name, line) of each include outside comments."""
    code = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()),
                  text, flags=re.S)
    for m in INCLUDE.finditer(code):
        yield m.group(1), m.group(2), code.count("\n", 0, m.start()) + 1


def library_of(name):
    for pattern in LIBRARIES:
        if re.match(pattern, name):
            return pattern
    return None


def project_include(layer, name, sources):
    """What is wrong with #include "name" in layer, or None."""
    if name == "spaceferry.h":
        return None if layer in PUBLIC else "the public header is for job/, doctor/ and cli/"
    if name not in sources:
        return "no such header (write it as layer/file.h)"
    other = name.split("/")[0]
    if other == layer:
        return None
    if RANK[other] >= RANK[layer]:
        return f"{layer}/ does not stand above {other}/"
    if layer in ONLY and other not in ONLY[layer]:
        return f"{layer}/ uses only {', '.join(sorted(ONLY[layer]))}"
    return None


def system_include(name, header):
    """What is wrong with #include <header> in the file src/name, or None."""
    library = library_of(header)
    if library is None:
        return None if LIBC.match(header) else "library unknown to tests/test_layers.py"
    if name.split("/")[0] not in LIBRARIES[library]:
        return "another layer's library"
    only = LIBRARY_FILES.get(library)
    if only and not re.search("/" + only, name):
        return "only its own file sees this library"
    return None


def reachable(name, sources, seen=None):
    """System headers that name sees through project headers, with the way."""
    seen = set() if seen is None else seen
    for quote, other, _ in included(sources[name]):
        if quote == "<":
            yield other, name
        elif other in sources and other not in seen:
            seen.add(other)
            yield from reachable(other, sources, seen)


def check_includes(name, sources):
    layer = name.split("/")[0]
    for quote, other, line in included(sources[name]):
        why = (system_include(name, other) if quote == "<"
               else project_include(layer, other, sources))
        if why:
            yield f"src/{name}:{line}: includes {other}: {why}"
    for header, way in reachable(name, sources):
        library = library_of(header)
        if library and way != name and layer not in LIBRARIES[library]:
            yield f"src/{name}: sees {header} through {way}"


def check_code(name, text):
    layer = name.split("/")[0]
    code = strip(text)
    patterns = [(BANNED, "nobody calls"), (TYPEDEF, "no")]
    if layer != "cli":
        patterns.append((TERMINAL, "below cli/ nothing prints or exits:"))
    for pattern, why in patterns:
        for m in pattern.finditer(code):
            line = code.count("\n", 0, m.start()) + 1
            yield f"src/{name}:{line}: {why} {' '.join(m.group().split())}"


def check_shape(name, text):
    lines = text.split("\n")
    if len(lines) - 1 > FILE_LINES:
        yield f"{name}: {len(lines) - 1} lines, at most {FILE_LINES}"
    for n, line in enumerate(lines, 1):
        if len(line.expandtabs(8)) > COLUMNS:
            yield f"{name}:{n}: more than {COLUMNS} columns"
    start = None
    for n, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = n
        elif line.startswith("}") and start:
            if n - start + 1 > FUNCTION_LINES:
                yield f"{name}:{start}: a function of {n - start + 1} lines"
            start = None


def declared_elsewhere(layer, sources):
    """The functions that the layer's headers declare under a proper name."""
    found = set()
    for name, text in sources.items():
        if not name.startswith(layer + "/") or not name.endswith(".h"):
            continue
        short = name[len(layer) + 1:-2]
        for function in re.findall(r"(\w+)\(", strip(text)):
            if function.startswith((short + "_", layer + "_")):
                found.add(function)
    return found


def check_names(name, sources):
    """foo.c and foo_bar.c export foo_* only, and x_* for a struct x of foo.h;
    what stands in another header of the layer goes by that header's name or by
    the layer's; job/ also what the public header declares."""
    text = sources[name]
    stem = name.removesuffix(".c").split("_")[0]
    layer, short = stem.split("/")
    prefixes = [short] + (["spaceferry"] if layer in PUBLIC else [])
    header = sources.get(stem + ".h", "")
    prefixes += re.findall(r"^struct (\w+)\s*[;{]", strip(header), re.M)
    declared = declared_elsewhere(layer, sources)
    exported = tuple(p + "_" for p in prefixes)
    lines = strip(text).split("\n")
    for n, line in enumerate(lines):
        m = re.match(r"(\w+)\(", line)
        if not m or lines[n - 1].startswith(("static", "LLVM")):
            continue
        if not re.match(r"[a-z].*[\w*]\s*\*?$", lines[n - 1]):
            continue
        if not m.group(1).startswith(exported) and m.group(1) not in declared \
                and m.group(1) not in (short, "main"):
            yield f"src/{name}:{n + 1}: exports {m.group(1)}, not {exported[0]}*"


def check(root):
    """One line per violation in the tree at root."""
    sources = {}
    found = []
    for path in sorted(Path(root, "src").rglob("*.[chi]*")):
        name = path.relative_to(Path(root, "src")).as_posix()
        if name.count("/") != 1 or name.split("/")[0] not in RANK:
            found.append(f"src/{name}: not in a layer")
            continue
        sources[name] = path.read_text(errors="surrogateescape")
    for name, text in sources.items():
        found += check_includes(name, sources)
        found += check_code(name, text)
        found += check_shape("src/" + name, text)
        if name.endswith(".c"):
            found += check_names(name, sources)
    for folder in ("tests", "bench", "include", "fixtures"):
        for path in sorted(Path(root, folder).rglob("*.[ch]")):
            text = path.read_text(errors="surrogateescape")
            found += check_shape(path.relative_to(root).as_posix(), text)
    for folder in ("tests", "fixtures", "scripts"):
        for path in sorted(Path(root, folder).rglob("*.py")):
            lines = path.read_text().count("\n")
            if lines > FILE_LINES:
                found.append(f"{path.relative_to(root)}: {lines} lines")
    return found


def test_this_tree():
    assert list((ROOT / "src").rglob("*.c")), "no sources: wrong root?"
    found = check(ROOT)
    assert not found, "\n" + "\n".join(found)


CLEAN = {
    "src/base/err.h": "struct err;\n",
    "src/base/err.c": '#include <stdio.h>\n#include "base/err.h"\n',
    "src/flow/queue.h": '#include "base/err.h"\n',
    "src/bson/rewrite.h": "struct rewrite;\n",
    "src/bson/rewrite.c": "#include <bson/bson.h>\n#include <xxhash.h>\n"
                          '#include "flow/queue.h"\n#include "bson/rewrite.h"\n',
    "src/mongo/source.c": '#include <mongoc/mongoc.h>\n#include "flow/queue.h"\n',
    "src/job/media_type.c": "#include <magic.h>\n",
    "src/job/migrate.h": '#include "bson/rewrite.h"\n',
    "src/base/hash.h": "struct tally {\n\tint n;\n};\n",
    "src/base/hash_sha.c": "void\ntally_add(void)\n{\n}\n",
    "src/base/sum.c": "void\nsum(void)\n{\n}\n",
    "src/job/run.c": "void\nspaceferry_run(void)\n{\n}\n",
    "src/cli/main.c": '#include <stdio.h>\n#include <yaml.h>\n'
                      '#include "job/migrate.h"\n'
                      'int\nmain(void)\n{\n\tprintf("x");\n\treturn 0;\n}\n',
}


def plant(tmp_path, extra):
    for name, text in {**CLEAN, **extra}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return check(tmp_path)


def test_clean_tree(tmp_path):
    comments = "/* printf( exit( */\nint x; // abort(\nchar *s = \"exit(1)\";\n"
    assert plant(tmp_path, {"src/base/quiet.c": comments}) == []


@pytest.mark.parametrize("name, text, word", [
    ("src/base/a.c", '#include "flow/queue.h"\n', "does not stand above"),
    ("src/mongo/a.c", '#include "bson/rewrite.h"\n', "does not stand above"),
    ("src/flow/a.c", '#include "job/migrate.h"\n', "does not stand above"),
    ("src/cli/a.c", '#include "bson/rewrite.h"\n', "uses only"),
    ("src/base/a.c", '#include "err.h"\n', "no such header"),
    ("src/base/a.c", '#include "base/none.h"\n', "no such header"),
    ("src/store/a.c", '#include "spaceferry.h"\n', "public header"),
    ("src/job/a.c", "#include <bson/bson.h>\n", "another layer's"),
    ("src/bson/a.c", "#include <mongoc/mongoc.h>\n", "another layer's"),
    ("src/base/a.c", "#  include <jansson.h>\n", "another layer's"),
    ("src/job/migrate.c", "#include <magic.h>\n", "only its own file"),
    ("src/base/a.c", "#include <glib.h>\n", "unknown to"),
    ("src/bson/rewrite.h", "#include <bson/bson.h>\n", "through bson/rewrite.h"),
    ("src/base/a.c", 'static void\nf(void)\n{\n\tprintf("x");\n}\n', "printf ("),
    ("src/base/a.c", "int x = fprintf(stderr, 1);\n", "fprintf(stderr"),
    ("src/job/a.c", "int x = fputs(s, stdout);\n", "fputs("),
    ("src/job/a.c", "int x = puts(s);\n", "puts("),
    ("src/job/a.c", "int x = exit(1);\n", "exit("),
    ("src/job/a.c", "int x = _exit (1);\n", "_exit ("),
    ("src/job/a.c", "int x = abort();\n", "abort("),
    ("src/job/a.c", "int x = write(2, s, n);\n", "write(2"),
    ("src/cli/a.c", "int x = strcpy(s, n);\n", "strcpy("),
    ("src/cli/a.c", "typedef struct x x;\n", "typedef struct"),
    ("src/cli/a.c", "int x;\n" * 501, "501 lines"),
    ("tests/unit/test_a.c", "int x;\n" * 501, "501 lines"),
    ("tests/a.py", "x = 1\n" * 501, "501 lines"),
    ("src/cli/a.c", "int\na_f(void)\n{\n" + "\t;\n" * 79 + "}\n", "81 lines"),
    ("src/cli/a.c", "\t" * 12 + "int xx;\n", "columns"),
    ("src/base/a.c", "bool\nb_f(void)\n{\n}\n", "exports b_f"),
    ("src/base/a.c", "const char *\nb_f(void)\n{\n}\n", "exports b_f"),
    ("src/odd/a.c", "int x;\n", "not in a layer"),
])
def test_planted(tmp_path, name, text, word):
    found = plant(tmp_path, {name: text})
    assert any(word.replace(" (", "(") in line.replace(" (", "(") for line in found), \
        found
    assert all(name in line or "through" in line for line in found), found
