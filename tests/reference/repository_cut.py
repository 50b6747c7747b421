"""Where a backup is cut into blobs (docs/FORMAT.md: Details, Cutting files,
Runs), written from that text alone.  Slow, to be read against it."""

import bson_walk
import xxhash

from repository import derive

MASK = (1 << 64) - 1
SMALLEST, MIDDLE, LARGEST = 524288, 1048576, 2097152


# Files

def chunk_table(naming_key):
    key = derive(naming_key, "chunker")
    blocks = [derive(key, "spaceferry chunker", end=bytes([n])) for n in range(64)]
    return [int.from_bytes(block[at:at + 8], "big")
            for block in blocks for at in range(0, 32, 8)]


def chunks(data, naming_key):
    """The contents of a file, in chunks."""
    table, start, out = chunk_table(naming_key), 0, []
    while start < len(data):
        end = _chunk_end(data, start, table)
        out.append(data[start:end])
        start = end
    return out


def _chunk_end(data, start, table):
    h = 0
    last = min(start + LARGEST, len(data))
    for i in range(start + SMALLEST, last):
        h = (2 * h + table[data[i]]) & MASK
        if h < (1 << 42 if i - start < MIDDLE else 1 << 46):
            return i + 1
    return last


# Documents

class Runs:
    """Cuts the documents of a collection, raw, in their order."""

    def __init__(self, naming_key):
        self.seed = int.from_bytes(derive(naming_key, "runs")[:8], "little")

    def hash(self, document):
        for element in bson_walk.elements(document):
            if element.key == b"_id":
                return xxhash.xxh3_64_intdigest(
                    bytes([element.kind]) + element.value, seed=self.seed)
        return xxhash.xxh3_64_intdigest(document, seed=self.seed)

    def chosen(self, document):
        n = len(document)
        return n >= SMALLEST or self.hash(document) < MASK // SMALLEST * n

    def partition(self, documents):
        """Lists of documents, one for each run of a partition."""
        runs, held = [], 0
        for document in documents:
            if runs and (held + len(document) > LARGEST or
                         held >= SMALLEST and self.chosen(document)):
                runs.append([])
                held = 0
            if not runs:
                runs.append([])
            runs[-1].append(document)
            held += len(document)
        return runs

    def partitions(self, documents):
        """Lists of documents, one for each partition of a plain collection."""
        if not documents:
            return []
        n = (64 << 20) // (sum(map(len, documents)) // len(documents) + 1)
        n = 1 << min(n, 65536).bit_length() - 1
        w = min(n // 8, 1024) if n >= 8 else 1
        out, at = [], 0
        while len(documents) > at + n - w + 1:
            last = range(at + n - w + 1, min(at + n + 1, len(documents)))
            end = min(last, key=lambda i: self.hash(documents[i]))
            out.append(documents[at:end])
            at = end
        return out + [documents[at:]]

    def collection(self, documents, natural=False):
        parts = [documents] if natural else self.partitions(documents)
        return [run for part in parts for run in self.partition(part)]


# Details

def fnv1a(data):
    h = 0xcbf29ce484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001b3 & MASK
    return h


def details(lines):
    """The lines of details (without line feeds), in blobs."""
    blobs, at = [], b""
    for number, line in enumerate(lines):
        whole = line + b"\n"
        if at and len(at) + len(whole) > LARGEST:
            blobs.append(at)
            at = b""
        at += whole
        while len(at) > LARGEST:
            blobs.append(at[:LARGEST])
            at = at[LARGEST:]
        if (number == 0 or len(whole) > LARGEST or
                len(at) >= SMALLEST and fnv1a(line) < 1 << 52):
            blobs.append(at)
            at = b""
    return blobs + [at] if at else blobs
