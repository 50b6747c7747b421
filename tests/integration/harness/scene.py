"""A small database, and the rule that every fault test goes by: whatever breaks,
the same command ends in success or in exit 3 with a hint, and in the end the
target equals the source.

    scene.fill(client["shop"])
    results = scene.survive(lambda: spaceferry("migrate", …), mend=server.start)
    scene.assert_equal(client["shop"], target.client()["shop"])
"""

import sys
from datetime import datetime
from pathlib import Path

from bson import encode

from . import expect, look, raw, summary

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench"))
import dataset                                                  # noqa: E402

ORDERS, PAGES, LINES, VALUES = 3000, 200, 500, 500


def fill(db, orders=ORDERS):
    """About 4 MB in four collections: plain ones with indexes (one unique, one
    TTL), a capped one, a time series; and a view."""
    db.client.drop_database(db.name)
    dataset.fill(db["orders"], orders)
    raw.insert(db["pages"], [encode({"_id": f"p{n}", "slug": f"s-{n}",
                                     "html": "<p>" * 400}) for n in range(PAGES)])
    db["pages"].create_index("slug", unique=True)
    db["pages"].create_index("gone", expireAfterSeconds=60)
    db.create_collection("log", capped=True, size=4 << 20)
    raw.insert(db["log"], [encode({"_id": -n, "n": n}) for n in range(LINES)])
    db.create_collection("metrics", timeseries={"timeField": "at", "metaField": "m"})
    db["metrics"].insert_many([
        {"at": datetime.fromtimestamp(1_700_000_000 + n), "m": {"h": n % 7}, "v": n}
        for n in range(VALUES)])
    db.command("create", "paid", viewOn="orders",
               pipeline=[{"$match": {"paid": True}}])


def assert_equal(source, target):
    """Documents byte for byte, order of the capped one, options, indexes."""
    expect.assert_moved(source, target, expect.compile_rules([]))


def survive(run, mend=lambda: None, most=4):
    """Runs the same command until it is done, calling mend() after each end
    with 3.  Returns the Results, the last of which has rc 0."""
    results = [run()]
    while results[-1].rc == 3 and len(results) < most:
        assert_hint(results[-1])
        mend()
        results.append(run())
    assert results[-1].rc == 0, results
    summary.check(results[-1])
    return results


def assert_hint(result):
    """An end that the same command resumes says why, and what to do."""
    s = summary.check(result)
    assert s["errors"], result
    assert any(e["hint"] for e in s["errors"]), result


def uploads(folder, large=9 << 20):
    """A few files, one of them so large that it goes in parts (over 64 MiB)
    when large says so.  Returns their keys."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(40):
        (folder / f"{n}.bin").write_bytes(bytes([n]) * (n * 997 + 1))
    (folder / "large.bin").write_bytes(bytes(range(256)) * (large // 256))
    return [p.name for p in folder.iterdir()]


def listing(folder):
    """{name: bytes} of a folder store."""
    return {str(p.relative_to(folder)): p.read_bytes()
            for p in folder.rglob("*") if p.is_file()}


__all__ = ["fill", "assert_equal", "survive", "assert_hint", "uploads",
           "listing", "look"]
