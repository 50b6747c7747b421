"""An app that goes on writing while it is moved."""

import random
import threading

from pymongo import WriteConcern
from pymongo.errors import OperationFailure

COLLECTIONS = ("accounts", "carts", "clustered", "posts")


class Writers:
    """Threads that insert, update, replace, delete, and move coins between two
    collections in transactions, until stopped."""

    def __init__(self, db, n=2, seed="writers"):
        self.db, self.stopping, self.writes = db, threading.Event(), 0
        self.error = None
        self.threads = [threading.Thread(target=self._run, args=(f"{seed}/{i}", i))
                        for i in range(n)]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for t in self.threads:
            t.join()
        assert self.error is None, self.error

    def _run(self, seed, number):
        rng = random.Random(seed)
        try:
            fresh = 10_000_000 * (number + 1)
            while not self.stopping.is_set():
                c = self.db[rng.choice(COLLECTIONS)].with_options(
                    write_concern=WriteConcern(1))
                which, known = rng.randrange(5), rng.randrange(4000)
                if which == 0:
                    fresh += 1
                    c.insert_one({"_id": fresh, "n": 0, "pad": "y" * 500})
                elif which == 1 and c.name != "accounts" and c.name != "carts":
                    c.delete_one({"_id": known})
                elif which == 2 and c.name not in ("accounts", "carts"):
                    c.replace_one({"_id": known},
                                  {"n": rng.randrange(1000), "new": "z" * 100})
                elif which == 3:
                    c.update_many({"_id": {"$gte": known, "$lt": known + 5}},
                                  {"$set": {"seen": rng.randrange(1000)}})
                else:
                    self._transfer(rng)
                self.writes += 1
        except Exception as e:      # told by the test
            self.error = e

    def _transfer(self, rng):
        one, other = rng.randrange(4000), rng.randrange(4000)
        with self.db.client.start_session() as s:
            try:
                with s.start_transaction():
                    self.db["accounts"].update_one({"_id": one}, {"$inc": {"n": -1}},
                                                   session=s)
                    self.db["carts"].update_one({"_id": other}, {"$inc": {"n": 1}},
                                                session=s)
            except OperationFailure as e:
                if e.code != 112:   # both writers meant one document
                    raise
