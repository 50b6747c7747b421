"""Documents for benchmarks and for tests that need many: the same bytes each
time, in the shape of a small web shop's orders, about 1.1 KB each.

    dataset.fill(collection, 300_000)
"""

import random
import struct
from datetime import datetime
from pathlib import Path

from bson import ObjectId, encode
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

RAW = CodecOptions(document_class=RawBSONDocument)
BATCH = 2000
# One document in WITH_URLS holds URLs that the rule below rewrites.
WITH_URLS = 3
RULE = ("https://shop.example", "https://cdn.example.net/shop")

_WORDS = ("livraison commande produit lampe chaise table bois verre client retour "
          "atelier couleur bleu rouge petit grand neuf promotion carton facture "
          "paiement magasin adresse suivi colis remise taille matin").split()


def _text(rng, n):
    return " ".join(rng.choices(_WORDS, k=n))


def _items(rng, n, urls):
    items = []
    for i in range(rng.randrange(2, 5)):
        item = {"sku": f"SKU-{rng.randrange(10**6):06}", "name": _text(rng, 3),
                "quantity": rng.randrange(1, 9), "price": rng.randrange(10**5) / 100}
        if urls:
            item["image"] = f"{RULE[0]}/uploads/products/{rng.randrange(5000)}.jpg"
        items.append(item)
    return items


def _body(rng, n):
    """Everything but the _id and the two indexed fields."""
    urls = n % WITH_URLS == 0
    return {
        "status": rng.choice(["paid", "sent", "returned", "open"]),
        "customer": {"name": _text(rng, 2).title(), "city": _text(rng, 1),
                     "email": f"client{rng.randrange(10**5)}@example.org",
                     "address": _text(rng, 5)},
        "items": _items(rng, n, urls),
        "page": f'<a href="{RULE[0]}/orders/{n}">{_text(rng, 2)}</a>' if urls
                else _text(rng, 6),
        "note": _text(rng, 67), "total": rng.random() * 500, "paid": bool(n % 5),
    }


def documents(n, seed=1, first=0):
    """Yields n raw documents; bodies repeat after some thousands, _id and the
    indexed fields do not."""
    rng = random.Random(f"orders/{seed}")
    bodies = [encode(_body(rng, i))[4:-1] for i in range(3000)]
    for i in range(first, first + n):
        head = b"\x10_id\0" + struct.pack("<i", i) + \
            b"\x10customerId\0" + struct.pack("<i", rng.randrange(50_000)) + \
            b"\x09createdAt\0" + struct.pack("<q", 1_700_000_000_000 + i * 977)
        body = head + bodies[i % len(bodies)]
        yield struct.pack("<i", len(body) + 5) + body + b"\0"


def fill(collection, n, seed=1, indexes=True):
    """Inserts n documents and builds the two secondary indexes; returns their
    bytes in all."""
    raw = collection.with_options(codec_options=RAW)
    batch, total = [], 0
    for document in documents(n, seed):
        batch.append(RawBSONDocument(document))
        total += len(document)
        if len(batch) == BATCH:
            raw.insert_many(batch, ordered=False)
            batch = []
    if batch:
        raw.insert_many(batch, ordered=False)
    if indexes:
        collection.create_index([("customerId", 1), ("createdAt", -1)])
        collection.create_index([("status", 1), ("createdAt", 1)])
    return total


def _chain(rng):
    """Text as people write it, of any length: words follow each other as in the
    pages of docs/."""
    words = []
    for path in sorted((Path(__file__).resolve().parents[1] / "docs").glob("*.md")):
        words += path.read_text().split()
    after = {}
    for a, b in zip(words, words[1:]):
        after.setdefault(a, []).append(b)

    def text(n):
        word, found = rng.choice(words), []
        for _ in range(n):
            found.append(word)
            word = rng.choice(after.get(word, words))
        return " ".join(found)
    return text


def pages(collection, n, seed=1):
    """Inserts n pages of a web app, about 3.5 KB each: text in HTML, ids, dates, numbers.
    Returns their bytes."""
    rng = random.Random(f"pages/{seed}")
    text = _chain(rng)
    story = text(6_000_000)         # far longer than any window of a compressor
    size, batch = 0, []
    for i in range(n):
        at = rng.randrange(len(story) - 4000)
        parts = "".join(f"<section id=\"s{rng.randrange(10**6):06}\"><h2>{text(4)}</h2><p>"
                        f"{story[p:p + 450]}</p></section>" for p in range(at, at + 3150, 450))
        raw = encode({
            "_id": ObjectId(struct.pack(">I", 1_700_000_000 + i) + rng.randbytes(8)),
            "slug": f"page-{rng.randrange(10**9)}", "owner": ObjectId(rng.randbytes(12)),
            "createdAt": datetime.fromtimestamp(1_700_000_000 + i), "views": rng.randrange(10**6),
            "score": rng.random(), "token": rng.randbytes(16).hex(),
            "html": f"<!doctype html><html><body class=\"page\">{parts}</body></html>"})
        size += len(raw)
        batch.append(RawBSONDocument(raw))
        if len(batch) == BATCH or i == n - 1:
            collection.with_options(RAW).insert_many(batch)
            batch = []
    return size
