"""A small S3 server in memory that can be told to misbehave.

It checks every request the way a strict provider would: the signature with
botocore's own signer, the encoding of path and query, the digests of the body,
and that nothing is sent that some provider does not understand.

    with StandIn() as s3:
        s3.faults.append(once(503, "SlowDown", method="PUT"))
"""

import base64
import datetime
import hashlib
import re
import ssl
import sys
import threading
import traceback
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ACCESS, SECRET, REGION = "AKSTANDIN", "se/cr+et=%key", "eu-test-1"


@dataclass
class Request:
    method: str
    target: str                     # as it was sent
    headers: dict                   # lower-case names
    body: bytes
    path: str = ""                  # decoded
    query: dict = field(default_factory=dict)
    status: int = 0                 # of our answer


class Reject(Exception):
    def __init__(self, status, code, message=""):
        super().__init__(message)
        self.status, self.code = status, code


def error_xml(code, message="", extra=""):
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
            f"<Message>{escape(message)}</Message>{extra}</Error>").encode()


def once(status, code="", method=None, times=1, headers=None, extra="",
         message="", match=lambda r: True, instead=True):
    """A fault: answers `times` fitting requests with this error.  With
    instead=False the request is carried out all the same."""
    left = [times]

    def fault(handler, request):
        if left[0] == 0 or not match(request) or \
                (method and request.method != method):
            return False
        left[0] -= 1
        if not instead:
            handler.carry_out(request, lambda *_: None)
        handler.answer(request, status, headers or {},
                       error_xml(code, message, extra) if code else b"")
        return True
    return fault


def hang_up(method, after=0, times=1, match=lambda r: True, carry_out=False):
    """A fault: sends the first `after` bytes of the right answer's body (of the
    answer at all, when after is None: nothing) and hangs up."""
    left = [times]

    def fault(handler, request):
        if left[0] == 0 or request.method != method or not match(request):
            return False
        left[0] -= 1

        def partly(status, headers, body):
            if after is not None:
                handler.head(status, {**headers,
                                      "Content-Length": str(len(body))})
                handler.wfile.write(body[:after])
                handler.wfile.flush()
        if after is not None or carry_out:
            handler.carry_out(request, partly)
        handler.close_connection = True
        return True
    return fault


class StandIn:
    def __init__(self, prefix="", token=None, tls=None, page=1000,
                 random_etags=False):
        self.prefix, self.token, self.page = prefix, token, page
        self.random_etags = random_etags
        self.ignores_range = self.ignores_if_match = False
        self.ignores_conditions = False         # of a PUT
        self.verify = True
        self.requests, self.faults, self.rejected = [], [], []
        self.errors = []                # of our own, not asked for
        self.objects = {}               # key -> (bytes, headers, etag)
        self.uploads = {}               # id -> (key, headers, {n: bytes})
        self.bucket = "bucket"
        self.lock = threading.RLock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.stand_in = self
        self.server.handle_error = self.note_error
        self.scheme = "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True)
            self.scheme = "https"
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.05})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        assert not self.errors, self.errors[0]

    def note_error(self, *_):
        """A client may hang up at any time; everything else is a mistake."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            self.errors.append(traceback.format_exc())

    @property
    def host(self):
        return "127.0.0.1:%d" % self.server.server_address[1]

    @property
    def endpoint(self):
        return f"{self.scheme}://{self.host}{self.prefix}"

    def env(self, **changes):
        env = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET,
               "AWS_REGION": REGION, "AWS_ENDPOINT_URL_S3": self.endpoint}
        if self.token:
            env["AWS_SESSION_TOKEN"] = self.token
        env.update(changes)
        return env

    def count(self, method):
        return sum(r.method == method for r in self.requests)

    def store(self, key, body, headers=None):
        etag = '"%s"' % hashlib.md5(body).hexdigest()
        self.objects[key] = (body, headers or {}, etag)

    # What a strict provider checks.

    def check(self, request):
        h = request.headers
        for name in h:
            if name in ("expect", "transfer-encoding", "x-amz-acl",
                        "x-amz-tagging") or name.startswith(
                            ("x-amz-checksum", "x-amz-sdk", "x-amz-meta")):
                raise Reject(400, "InvalidArgument", f"header {name}")
        path, _, query = request.target.partition("?")
        if path != quote(unquote(path, errors="surrogateescape"),
                         safe="/-_.~", errors="surrogateescape"):
            raise Reject(400, "InvalidURI", f"path {path}")
        pairs = [(quote(k, safe="-_.~"), quote(v, safe="-_.~"))
                 for k, v in parse_qsl(query, keep_blank_values=True)]
        if query != "&".join(f"{k}={v}" for k, v in sorted(pairs)):
            raise Reject(400, "InvalidURI", f"query {query}")
        if h.get("x-amz-content-sha256") != \
                hashlib.sha256(request.body).hexdigest():
            raise Reject(400, "XAmzContentSHA256Mismatch")
        md5 = base64.b64encode(hashlib.md5(request.body).digest()).decode()
        if h.get("content-md5", md5) != md5 or (
                request.method == "PUT" and "content-md5" not in h):
            raise Reject(400, "BadDigest")
        self.check_signature(request)

    def check_signature(self, request):
        h = request.headers
        m = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)"
                         r"/s3/aws4_request, SignedHeaders=([a-z0-9;-]+), "
                         r"Signature=([0-9a-f]{64})", h.get("authorization", ""))
        if not m:
            raise Reject(403, "AccessDenied", "no signature")
        access, day, region, names, signature = m.groups()
        if access != ACCESS:
            raise Reject(403, "InvalidAccessKeyId")
        if region != REGION:
            raise Reject(400, "AuthorizationHeaderMalformed", "region")
        if self.token != h.get("x-amz-security-token"):
            raise Reject(403, "InvalidToken")
        names = names.split(";")
        needed = {n for n in h if n.startswith(("x-amz-", "content-"))} | \
            {"host"} - {"content-length"}
        needed.discard("content-length")
        if names != sorted(names) or not needed <= set(names):
            raise Reject(403, "AccessDenied", f"signed headers {names}")
        date = datetime.datetime.strptime(h["x-amz-date"], "%Y%m%dT%H%M%SZ")
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        if not h["x-amz-date"].startswith(day) or \
                abs(now - date) > datetime.timedelta(minutes=5):
            raise Reject(403, "RequestTimeTooSkewed")
        aws = AWSRequest(request.method, data=request.body,
                         url=f"{self.scheme}://{h['host']}{request.target}",
                         headers={n: h[n] for n in names})
        aws.context["timestamp"] = h["x-amz-date"]
        signer = S3SigV4Auth(Credentials(ACCESS, SECRET, self.token), "s3",
                             REGION)
        to_sign = signer.string_to_sign(aws, signer.canonical_request(aws))
        if signer.signature(to_sign, aws) != signature:
            raise Reject(403, "SignatureDoesNotMatch", to_sign)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def answer(self, request, status, headers, body):
        request.status = status
        self.head(status, {"Content-Length": str(len(body)), **headers})
        if request.method != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def handle_any(self):
        s = self.server.stand_in
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(self.command, self.path,
                          {k.lower(): v for k, v in self.headers.items()},
                          self.rfile.read(length))
        if len(request.body) < length:      # the client hung up
            self.close_connection = True
            return
        parts = urlsplit(self.path)
        request.path = unquote(parts.path)
        request.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        with s.lock:
            s.requests.append(request)
            try:
                if s.verify:
                    s.check(request)
                for fault in list(s.faults):
                    if fault(self, request):
                        return
                self.carry_out(request, lambda *a: self.answer(request, *a))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True    # the client hung up
            except Reject as e:
                s.rejected.append((request, e.code, str(e)))
                self.answer(request, e.status, {}, error_xml(e.code, str(e)))

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

    def carry_out(self, r, reply):
        """reply(status, headers, body) with what a well-behaved server says."""
        s = self.server.stand_in
        root = f"{s.prefix}/{s.bucket}"
        if r.path == root and r.query.get("list-type") == "2":
            return reply(200, {}, self.listing(s, r))
        if not r.path.startswith(root + "/"):
            raise Reject(404, "NoSuchBucket")
        key = r.path[len(root) + 1:]
        if "uploads" in r.query or "uploadId" in r.query:
            return self.multipart(s, r, key, reply)
        if r.method == "PUT":
            self.check_conditions(s, r, key)
            s.store(key, r.body, {k: r.headers[k] for k in (
                "content-type", "cache-control", "content-disposition",
                "content-encoding") if k in r.headers})
            return reply(200, {"ETag": s.objects[key][2]}, b"")
        if r.method == "DELETE":
            s.objects.pop(key, None)
            return reply(204, {}, b"")
        if key not in s.objects:
            raise Reject(404, "NoSuchKey")
        body, headers, etag = s.objects[key]
        headers = {**headers, "ETag": etag,
                   "Last-Modified": "Wed, 12 Oct 2022 17:50:30 GMT"}
        if r.headers.get("if-match", etag) != etag and \
                not s.ignores_if_match:
            raise Reject(412, "PreconditionFailed")
        if r.method == "HEAD":
            return reply(200, {**headers, "Content-Length": str(len(body))},
                         b"")
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", r.headers.get("range", ""))
        if not wanted or s.ignores_range:
            return reply(200, headers, body)
        first, last = int(wanted[1]), int(wanted[2] or len(body) - 1)
        last = min(last, len(body) - 1)
        return reply(206, {**headers, "Content-Range":
                           f"bytes {first}-{last}/{len(body)}"},
                     body[first:last + 1])

    def check_conditions(self, s, r, key):
        if s.ignores_conditions:
            return
        if r.headers.get("if-none-match") == "*" and key in s.objects:
            raise Reject(412, "PreconditionFailed")
        if "if-match" in r.headers:
            if key not in s.objects:
                raise Reject(404, "NoSuchKey")
            if r.headers["if-match"] != s.objects[key][2]:
                raise Reject(412, "PreconditionFailed")

    def listing(self, s, r):
        keys = sorted((k for k in s.objects
                       if k.startswith(r.query.get("prefix", ""))),
                      key=lambda k: k.encode(errors="surrogateescape"))
        after = r.query.get("continuation-token")
        if after:
            after = base64.b64decode(after[2:]).decode()
            keys = [k for k in keys if k.encode() > after.encode()]
        page, rest = keys[:s.page], keys[s.page:]
        url = r.query.get("encoding-type") == "url"
        out = ['<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult '
               'xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
               f"<Name>{s.bucket}</Name>"]
        for k in page:
            body, _, etag = s.objects[k]
            name = quote_plus(k, safe="/", errors="surrogateescape") \
                if url else escape(k)
            out.append(f"<Contents><Key>{name}</Key><LastModified>"
                       "2009-10-12T17:50:30.250Z</LastModified>"
                       f"<ETag>{escape(etag)}</ETag><Size>{len(body)}</Size>"
                       "<StorageClass>STANDARD</StorageClass></Contents>")
        if url:
            out.append("<EncodingType>url</EncodingType>")
        out.append(f"<IsTruncated>{'true' if rest else 'false'}</IsTruncated>")
        if rest:
            token = "+/" + base64.b64encode(page[-1].encode()).decode()
            out.append(f"<NextContinuationToken>{token}</NextContinuationToken>")
        return "".join([*out, "</ListBucketResult>"]).encode()

    def part_etag(self, s, body):
        digest = hashlib.sha1 if s.random_etags else hashlib.md5
        return '"%s"' % digest(body).hexdigest()

    def multipart(self, s, r, key, reply):
        if "uploads" in r.query:
            upload = f"id+/{len(s.uploads)}="
            s.uploads[upload] = (key, {k: r.headers[k] for k in (
                "content-type",) if k in r.headers}, {})
            return reply(200, {}, "<InitiateMultipartUploadResult><UploadId>"
                         f"{upload}</UploadId></InitiateMultipartUploadResult>"
                         .encode())
        upload = r.query["uploadId"]
        if upload not in s.uploads or s.uploads[upload][0] != key:
            raise Reject(404, "NoSuchUpload")
        _, headers, parts = s.uploads[upload]
        if r.method == "PUT":
            parts[int(r.query["partNumber"])] = r.body
            return reply(200, {"ETag": self.part_etag(s, r.body)}, b"")
        if r.method == "DELETE":
            del s.uploads[upload]
            return reply(204, {}, b"")
        if r.method == "GET":
            return reply(200, {}, self.list_parts(s, r, parts))
        wanted = [(int(p[0].text), p[1].text)
                  for p in ElementTree.fromstring(r.body)]
        if wanted != [(n, self.part_etag(s, parts[n])) for n in sorted(parts)] \
                or len({len(parts[n]) for n in sorted(parts)[:-1]}) > 1:
            raise Reject(400, "InvalidPart")
        digests = b"".join(hashlib.md5(parts[n]).digest() for n in sorted(parts))
        etag = '"%s-%d"' % (hashlib.md5(digests).hexdigest(), len(parts))
        s.objects[key] = (b"".join(parts[n] for n in sorted(parts)), headers,
                          etag)
        del s.uploads[upload]
        return reply(200, {}, b'  \n<?xml version="1.0"?>'
                     b"<CompleteMultipartUploadResult><ETag>"
                     + escape(etag).encode() +
                     b"</ETag></CompleteMultipartUploadResult>")

    def list_parts(self, s, r, parts):
        marker = int(r.query.get("part-number-marker") or 0)
        numbers = [n for n in sorted(parts) if n > marker]
        page, rest = numbers[:s.page], numbers[s.page:]
        items = "".join(
            f"<Part><PartNumber>{n}</PartNumber><ETag>"
            f"{escape(self.part_etag(s, parts[n]))}</ETag>"
            f"<Size>{len(parts[n])}</Size></Part>" for n in page)
        more = (f"<NextPartNumberMarker>{page[-1]}</NextPartNumberMarker>"
                if rest else "")
        return (f"<ListPartsResult><IsTruncated>{'true' if rest else 'false'}"
                f"</IsTruncated>{more}{items}</ListPartsResult>").encode()
