"""migrate --delta --delete where it would be a mistake: an empty source, places
of --files within each other.  Nothing is removed then."""
# build: release

from datetime import datetime

import pytest

from harness import look, raw, summary
from test_delta import Ends, bson_of, counts, ends, fill, i32    # noqa: F401


def refused(ends, *args):
    """By the dry run and by the run; returns the message."""
    r = ends.delta("--delete", *args, rc=2)
    assert summary.kinds(r) == ["conflict"], r
    return summary.messages(r)


@pytest.mark.parametrize("kind", ["plain", "capped", "timeseries"])
def test_an_empty_collection(ends, kind):
    """Somebody emptied it, or it is another database of the same app."""

    options = {"capped": {"capped": True, "size": 10_000},
               "timeseries": {"timeseries": {"timeField": "t"}}}.get(kind, {})
    ends.old.create_collection("c", **options)
    ends.old["c"].insert_many([{"t": datetime(2024, 1, 1), "n": n} for n in range(5)])
    fill(ends.old["d"], 5)
    ends.migrate()
    ends.old.drop_collection("c")
    ends.old.create_collection("c", **options)
    ends.old["d"].delete_one({})
    assert f"{ends.name}.c is empty" in refused(ends)
    refused(ends, "--max-delete", "5")
    ends.delta("--delete", "--exclude", f"{ends.name}.c")
    assert ends.new["c"].count_documents({}) == 5
    assert counts(ends.delta("--delete", "--max-delete", "5")) == (0, 0, 5)
    ends.same()
    ends.still("--delete")


def test_an_empty_collection_of_an_archive(ends, tmp_path):
    fill(ends.old["c"], 5)
    fill(ends.old["d"], 5)
    ends.migrate()
    ends.old["c"].delete_many({})
    ends.run("export", "--archive", f"{tmp_path}/a")
    from_archive = ["--from", f"archive:{tmp_path}/a"]
    assert f"{ends.name}.c is empty" in refused(ends, *from_archive)
    ends.delta("--delete", "--max-delete", "5", *from_archive)
    ends.same()


def test_an_empty_folder(ends, tmp_path):
    """As a disk looks that is not mounted."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    (old / "a").write_text("a")
    (old / "b.txt").write_text("b")
    fill(ends.old["c"], 1)
    files = ["--files", f"{old}={new}"]
    ends.run("migrate", *files)
    (old / "a").unlink()
    assert "no file in" in refused(ends, "--files-exclude", "*.txt", *files)
    (old / "b.txt").unlink()
    assert "no file in" in refused(ends, *files)
    assert sorted(p.name for p in new.iterdir()) == ["a", "b.txt"]
    ends.delta("--delete", "--max-delete", "2", *files)
    assert not list(new.iterdir())


@pytest.mark.parametrize("pairs", [
    [("a", "new"), ("b", "new")], [("a", "new"), ("b", "new/b")],
    [("b", "new/b"), ("a", "link/")], [("top/a", "top")]])
def test_places_within_each_other(ends, tmp_path, pairs):
    """What is one's own is extra in the eyes of the other."""
    for name in ("a", "b", "top/a"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / f"of {name[-1]}").write_text(name)
    if pairs[0][1] != "new":
        (tmp_path / "new").mkdir()
    (tmp_path / "link").symlink_to("new")
    fill(ends.old["c"], 1)
    files = [arg for a, b in pairs for arg in ("--files", f"{tmp_path}/{a}={tmp_path}/{b}")]
    before = sorted(tmp_path.glob("[abtn]*/**/*"))
    refused(ends, *files)
    assert sorted(tmp_path.glob("[abtn]*/**/*")) == before


def test_links_in_the_target(ends, tmp_path):
    """Another name of a folder, within the target or out of it, is no way to
    remove what is there; a link to a file goes, not the file."""
    old, new, away = (tmp_path / n for n in ("old", "new", "away"))
    for folder in (old / "v1", new / "v1", away):
        folder.mkdir(parents=True)
        (folder / "a").write_text("a")
    (new / "v1" / "extra").write_text("x")
    (new / "current").symlink_to("v1")
    (new / "out").symlink_to("../away")
    (new / "one").symlink_to("v1/a")
    fill(ends.old["c"], 1)
    files = ["--files", f"{old}={new}"]
    ends.run("migrate", *files)
    r = ends.delta("--delete", *files)
    assert r.summary["delta"]["files_deleted"] == 2 and r.summary["files"]["extra"] == 0
    assert (new / "v1" / "a").read_text() == "a" and (away / "a").exists()
    assert sorted(p.name for p in new.iterdir()) == ["current", "out", "v1"]
    ends.still("--delete", *files)


def test_prefixes_within_each_other(ends, s3_server, s3, bucket, tmp_path):
    """A prefix that only begins alike is another place."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    fill(ends.old["c"], 1)
    ends.env.update(s3_server.aws_env())
    refused(ends, "--files", f"{tmp_path}/a=s3://{bucket}/up",
            "--files", f"{tmp_path}/b=s3://{bucket}/up/b")
    s3.put_object(Bucket=bucket, Key="up/extra", Body=b"x")
    ends.delta("--delete", "--files", f"{tmp_path}/a=s3://{bucket}/up",
               "--files", f"{tmp_path}/b=s3://{bucket}/up2")
    assert sorted(look.listing(s3, bucket)) == ["up/a", "up2/b"]


def nan(payload):
    return bson_of((0x01, b"_id", (0x7FF8 << 48 | payload).to_bytes(8, "little")),
                   (0x10, b"n", i32(1)))


def test_an_id_that_the_index_does_not_hold_to_the_bit(ends):
    """A NaN's payload is in the document only."""
    fill(ends.old["c"], 3)
    ends.migrate()
    raw.insert(ends.new["c"], [nan(5)])
    assert counts(ends.delta("--delete")) == (0, 0, 1)
    ends.same()


def test_what_the_validator_would_not_take_is_put_back(ends):
    """A document older than the validator stays where another cannot come in."""
    c = ends.old["c"]
    fill(c, 5)
    c.create_index("n", unique=True)
    ends.migrate()
    ends.new["c"].insert_one({"_id": 100, "n": 100})
    c.update_one({"_id": 3}, {"$set": {"n": 100}})
    for db in (ends.old, ends.new):
        db.command("collMod", "c", validator={"x": 1})
    before = raw.read_by_id(ends.new["c"])
    ends.migrate("--delta", rc=1)
    assert raw.read_by_id(ends.new["c"]) == before
