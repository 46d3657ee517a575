"""moto's S3 in memory, on a free port of the loopback interface; says where on its first line.

usage: s3_and_google.py s3|google BUCKET KEY_ID SECRET

Three things are added to moto, because what is tested here relies on them:

- Writes happen one at a time. moto looks at If-None-Match and If-Match first and writes then, in threads; a real store does
  both in one step.
- Every signature is checked (by moto), and the bucket can be read by everybody, though moto knows no anonymous users.
- With `google`, the same memory speaks the XML API of Google Cloud Storage: the protocol of S3 but for the few headers
  below. No emulator that can be installed speaks it: fake-gcs-server and gcp-storage-emulator refuse lists and uploads.
"""

import io
import json
import sys
import threading
from urllib.parse import parse_qsl, quote, urlencode

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.authorization import ActionAuthenticatorMixin
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from moto.s3.exceptions import S3AccessDeniedError
from moto.s3.models import s3_backends
from moto import settings
from werkzeug.serving import make_server

READS = ("GET", "HEAD")


def refuse(start_response, status, code):
    body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
    start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def whole_body(environ):
    """Reads the body before any lock is taken; False if its sender went away in the middle."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length:
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(body)
        return len(body) == length
    return True


class OneWriteAtATime:
    def __init__(self, app):
        self.app = app
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        if not whole_body(environ):
            return refuse(start_response, "400 Bad Request", "IncompleteBody")
        # S3 looks at what a query means, whether it spells a space + or %20, or a tilde %7E; moto at how it is spelled.
        query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        environ["QUERY_STRING"] = urlencode(query, quote_via=quote)
        if environ["REQUEST_METHOD"] in READS:
            return self.app(environ, start_response)
        with self.lock:
            return list(self.app(environ, start_response))


class Google:
    """What Google Cloud Storage has and S3 has not: every object has a generation, which conditions are about."""

    def __init__(self, app, token):
        self.app = app
        self.token = f"Bearer {token}"
        self.lock = threading.Lock()
        self.generations = {}
        self.last = 0

    def __call__(self, environ, start_response):
        method, key = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if not whole_body(environ):
            return refuse(start_response, "400 Bad Request", "IncompleteBody")
        token = environ.get("HTTP_AUTHORIZATION")
        if token != self.token and not (method in READS and token in (None, "Bearer ")):
            return refuse(start_response, "401 Unauthorized", "AuthenticationRequired")
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        with self.lock:
            present = self.generations.get(key, 0)
            expected = environ.pop("HTTP_X_GOOG_IF_GENERATION_MATCH", None)
            if expected is not None and int(expected) != present:
                return refuse(start_response, "412 Precondition Failed", "PreconditionFailed")
            asked = query.pop("generation", None)
            if (asked is not None and int(asked) != present) or (
                method == "DELETE" and not present and "uploadId" not in query
            ):
                return refuse(start_response, "404 Not Found", "NoSuchKey")
            environ["QUERY_STRING"] = urlencode(query)
            # moto lets only known users see objects, and looks no closer than that.
            environ["HTTP_AUTHORIZATION"] = self.token
            source = environ.pop("HTTP_X_GOOG_COPY_SOURCE", None)
            if source is not None:
                environ["HTTP_X_AMZ_COPY_SOURCE"] = source

            def answer(status, headers, exc_info=None):
                if status.startswith("2"):
                    self.count(method, key, query)
                generation = self.generations.get(key)
                if generation is not None:
                    headers = [*headers, ("x-goog-generation", str(generation))]
                return start_response(status, headers, exc_info)

            return list(self.app(environ, answer))

    def count(self, method, key, query):
        is_part_of_upload = "uploadId" in query
        if (method == "PUT" and not is_part_of_upload) or (method == "POST" and is_part_of_upload):
            self.last += 1
            self.generations[key] = self.last
        elif method == "DELETE" and not is_part_of_upload:
            self.generations.pop(key, None)


def policy(statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def check_signatures(bucket, key_id, secret):
    """Lets one user do all, everybody read, and nobody else do anything."""
    everybody_reads = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:HeadObject"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_bucket_policy(bucket, policy([everybody_reads]).encode())
    iam = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
    user = iam.create_user("aws", "tester")
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    iam.put_user_policy("tester", "everything", policy([everything]))
    key = iam.create_access_key("tester")
    key.access_key_id, key.secret_access_key = key_id, secret
    assert user.access_keys == [key]
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    signed = ActionAuthenticatorMixin._authenticate_and_authorize_s3_action

    def authenticate(self, bucket_name=None, key_name=None):
        if "Authorization" in self.headers:
            signed(self, bucket_name, key_name)
        elif self.method not in READS:
            raise S3AccessDeniedError()

    ActionAuthenticatorMixin._authenticate_and_authorize_s3_action = authenticate


def main(dialect, bucket, key_id, secret):
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(bucket, "us-east-1")
    app = create_backend_app("s3")
    if dialect == "google":
        app = Google(app, secret)
    else:
        check_signatures(bucket, key_id, secret)
        app = OneWriteAtATime(app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    print(f"listens on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
