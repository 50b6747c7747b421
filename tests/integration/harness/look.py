"""What a server or a bucket holds, in forms that compare with ==."""

from bson.json_util import CANONICAL_JSON_OPTIONS, dumps

SYSTEM = ("admin", "local", "config")


def databases(client):
    return [n for n in client.list_database_names() if n not in SYSTEM]


def db_hash(client, db):
    """The server's own digests of a database: {collection: md5}."""
    reply = client[db].command("dbHash")
    return {"md5": reply["md5"], **reply["collections"]}


def metadata(client, db):
    """Options and indexes of every collection and view, as canonical Extended
    JSON; UUIDs and index versions left out."""
    found = {}
    for info in client[db].list_collections():
        name = info["name"]
        if name.startswith("system."):
            continue
        indexes = []
        if info["type"] != "view":
            for index in client[db][name].list_indexes():
                index = dict(index)
                index.pop("ns", None)
                indexes.append(dumps(index, json_options=CANONICAL_JSON_OPTIONS))
        found[name] = {
            "type": info["type"],
            "options": dumps(info["options"], json_options=CANONICAL_JSON_OPTIONS),
            "id_index": dumps(info.get("idIndex"),
                              json_options=CANONICAL_JSON_OPTIONS),
            "indexes": sorted(indexes),
        }
    return found


def fingerprint(client):
    """Everything a dry run must leave alone on a server."""
    return {db: (db_hash(client, db), metadata(client, db))
            for db in databases(client)}


def listing(s3, bucket, prefix=""):
    """{key: (size, etag)} of a bucket; s3 is a boto3 client."""
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            found[entry["Key"]] = (entry["Size"], entry["ETag"])
    return found


def uploads_in_progress(s3, bucket):
    """Keys of the multipart uploads nobody finished or aborted."""
    reply = s3.list_multipart_uploads(Bucket=bucket)
    return sorted(u["Key"] for u in reply.get("Uploads", []))


def get_object(s3, bucket, key):
    """(bytes, headers as boto3 names them)."""
    reply = s3.get_object(Bucket=bucket, Key=key)
    return reply["Body"].read(), reply
