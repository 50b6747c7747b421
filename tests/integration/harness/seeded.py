"""25 differences of every kind between two places that agreed before: what a
diff must tell, and nothing else.

    seeded.odd(source[db]["orders"])            # before the migration
    wanted = seeded.bend(target[db]["orders"], ids, uploads)
    assert seeded.told(r.lines[:-1]) == wanted
"""

import json
import struct

from bson import SON, Int64, ObjectId
from bson.json_util import CANONICAL_JSON_OPTIONS, dumps

from . import raw

VIEW = "recent"
# The two indexes that bench/dataset.py's collections have.
INDEX = "status_1_createdAt_1"
OTHER_INDEX = "customerId_1_createdAt_-1"


def _double(name, bits):
    """{_id: name, v: the double with these bits}, as bytes."""
    body = b"\x02_id\0" + struct.pack("<i", len(name) + 1) + name.encode() + b"\0" \
        + b"\x01v\0" + struct.pack("<Q", bits)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


NAN = 0x7ff8000000000000
ODD_ID = ObjectId("65f000000000000000000001")


def odd(collection):
    """Adds documents that only bytes tell apart, and _ids of other types."""
    raw.insert(collection, [_double("nan", NAN), _double("zero", 0)])
    collection.insert_many([
        {"_id": ODD_ID, "v": 1}, {"_id": {"a": 1, "b": "x"}, "v": 1},
        {"_id": 1.5, "v": {"list": [1, 2, {"deep": [True, "x"]}], "w": 7}},
        {"_id": "order", "a": 1, "b": 2, "in": {"x": 1, "y": {"p": 1, "q": 2}}},
        {"_id": "types", "n": 5, "d": 5, "s": "5", "gone": None}])
    collection.database.create_collection(VIEW, viewOn=collection.name,
                                          pipeline=[{"$match": {"paid": True}}])


def _id(value):
    return dumps(value, json_options=CANONICAL_JSON_OPTIONS)


def bend(target, ids, files):
    """Changes target (a collection) and files (a folder) in 25 ways; ids: seven
    _ids of documents of bench/dataset.py.  Returns what must be told:
    {(kind, namespace or None, _id, name or key): paths}."""
    ns, database, wanted = target.full_name, target.database, {}

    def document(kind, value, *paths):
        wanted[kind, ns, _id(value), None] = sorted(paths)

    def change(value, update, *paths):
        done = target.update_one({"_id": value}, update)
        assert done.modified_count == 1, value
        document("different", value, *paths)

    for value in (ids[0], ids[1], ODD_ID):                              # 3 missing
        assert target.delete_one({"_id": value}).deleted_count == 1
        document("missing", value)
    for value in ("extra", Int64(1 << 40), SON([("b", "x"), ("a", 1)])):    # 3 extra
        target.insert_one({"_id": value, "v": 1})
        document("extra", value)
    change(ids[2], {"$set": {"status": "lost"}}, "status")              # value
    change(ids[3], {"$inc": {"total": 1e-9}}, "total")
    change("types", {"$set": {"n": Int64(5), "d": 5.0}, "$unset": {"gone": ""}},
           "n", "d", "gone")                                            # type, field
    change(ids[4], {"$set": {"new": None}}, "new")
    change(ids[5], {"$set": {"customer.city": "Ys"}}, "customer.city")  # nested
    change(ids[6], {"$set": {"items.1.quantity": 99}}, "items.1.quantity")
    change(1.5, {"$set": {"v.list.2.deep.1": "y", "v.list.3": 4}},
           "v.list.2.deep.1", "v.list.3")                               # array element
    target.delete_one({"_id": "order"})                                 # order
    target.insert_one({"_id": "order", "b": 2, "a": 1,
                       "in": {"x": 1, "y": {"q": 2, "p": 1}}})
    document("different", "order", "", "in.y")
    target.delete_many({"_id": {"$in": ["nan", "zero"]}})
    raw.insert(target, [_double("nan", NAN + 1), _double("zero", 1 << 63)])
    document("different", "nan", "v")                                   # NaN payload
    document("different", "zero", "v")                                  # -0.0
    database.command("collMod", target.name, validator={"status": {"$exists": True}},
                     validationLevel="moderate")                        # options
    target.drop_index(INDEX)                                            # indexes
    target.drop_index(OTHER_INDEX)
    target.create_index([("customerId", 1), ("createdAt", -1)], sparse=True)
    target.create_index("note")
    database.command("collMod", VIEW, viewOn=target.name, pipeline=[])  # view
    wanted.update(_metadata(ns, database.name))
    _bend_files(files, wanted)
    return wanted


def _metadata(ns, db):
    return {("metadata", ns, None, "validator"): None,
            ("metadata", ns, None, "validationLevel"): None,
            ("metadata", ns, None, INDEX): None,
            ("metadata", ns, None, OTHER_INDEX): None,
            ("metadata", ns, None, "note_1"): None,
            ("metadata", f"{db}.{VIEW}", None, "pipeline"): None}


def _bend_files(folder, wanted):
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[::-1] + b"!")
    (folder / "left-over.txt").write_text("nobody's")
    for path in (files[0], files[1], folder / "left-over.txt"):
        wanted["file", None, None, str(path.relative_to(folder))] = None


def told(lines):
    """What the lines of `diff --json` say, in the form of bend()."""
    found = {}
    for line in lines:
        key = (line["kind"], line.get("namespace"),
               _canonical(line["_id"]) if "_id" in line else None,
               line.get("name") or line.get("key"))
        assert key not in found, f"told twice: {line}"
        found[key] = sorted(f["path"] for f in line["fields"]) \
            if line["kind"] == "different" else \
            [] if line["kind"] in ("missing", "extra") else None
    return found


def _canonical(value):
    """The text that json_util would print for it."""
    from bson.json_util import loads
    return _id(loads(json.dumps(value)))
