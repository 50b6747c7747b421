"""What a replica set held at a cluster time, seen with two eyes: the oplog,
replayed over what was there at the start, and the server's own history.

    replay = Replay(db)             # nobody may write just then
    replay.until(when)["c"]         # {raw.id_of(document): bytes}
    at_time(db, "c", when)          # the same from the server, sorted bytes
"""

from bson import decode, encode

from . import raw


class Replay:
    """What the collections of a database held at any time since it was made:
    their documents then, and every entry of the oplog after."""

    def __init__(self, db):
        self.db = db
        self.start = db.command("ping")["operationTime"]
        self.state = {c: {raw.id_of(d): d for d in raw.read(db[c])}
                      for c in db.list_collection_names()
                      if not c.startswith("system.")}
        assert db.command("ping")["operationTime"] == self.start, "somebody writes"

    def until(self, when):
        """{collection: {key: bytes}} at that time."""
        state = {c: dict(docs) for c, docs in self.state.items()}
        entries = self.db.client.local["oplog.rs"].find(
            {"ts": {"$gt": self.start, "$lte": when}}).sort("$natural", 1)
        for entry in entries:
            self._apply(state, entry)
        return state

    def _apply(self, state, entry):
        if entry["op"] == "c":
            for inner in entry["o"].get("applyOps", []):
                self._apply(state, inner)
            return
        db, _, name = entry["ns"].partition(".")
        if db != self.db.name or entry["op"] == "n":
            return
        docs = state.setdefault(name, {})
        if entry["op"] == "i":
            docs[raw.id_of(encode(entry["o"]))] = encode(entry["o"])
        elif entry["op"] == "d":
            del docs[raw.id_of(encode(entry["o"]))]
        else:
            key = raw.id_of(encode(entry["o2"]))
            docs[key] = updated(docs[key], entry["o"])


def updated(document, change):
    """An update as the oplog has it: a document, or a delta of format 2."""
    if change.get("$v") != 2:
        return encode(change)
    fields = decode(document)
    for kind, part in change["diff"].items():
        for name, value in part.items():
            if kind == "d":
                del fields[name]
            else:
                assert kind in "ui", change
                fields[name] = value
    return encode(fields)


def at_time(db, name, when):
    """The server's own answer."""
    reply = db.command({"find": name, "batchSize": 100_000, "singleBatch": True,
                        "readConcern": {"level": "snapshot", "atClusterTime": when}},
                       codec_options=raw.RAW)
    return sorted(bytes(d.raw) for d in reply["cursor"]["firstBatch"])
