"""Writes the cassettes beside it, with the real VCR.py (PyPI: vcrpy==9.4.2, requests==2.34.2).

    python -m venv v && v/bin/pip install vcrpy==9.4.2 requests==2.34.2 && v/bin/python make_cassettes.py

It talks to a server of its own on loopback, which answers a few calls as the portal does, so that nothing
of anybody's is in the cassettes. `portal.yaml` is in VCR.py's usual form, `portal.json` in its other one.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests
import vcr

HERE = Path(__file__).parent
PORT = 18082
SITE = f"http://127.0.0.1:{PORT}"
#: Starts as a zip does, and is no UTF-8.
ZIP = b"PK\x05\x06" + bytes(range(256))


class Portal(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, content_type="application/json", **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/api/@search"):
            item = {"UID": "0407d497d3c44bcd93ce8fd5bf78596a", "@id": f"{SITE}/api/en/products/clc/clc2018",
                    "id": "clc2018", "title": "CORINE Land Cover 2018 – Größe: 100\u00a0m"}
            self.answer(200, {"@id": f"{SITE}/api/@search", "items": [item], "items_total": 1})
        elif self.path.startswith("/api/@datarequest_search"):
            self.answer(200, {"94519134409": {
                "Status": "Finished_ok", "Datasets": [{"DatasetID": "d", "FileID": "f"}],
                "DownloadURL": f"{SITE}/clmsdatadownload/results/1.zip", "FileSize": len(ZIP)}})
        elif self.path.endswith(".zip"):
            self.answer(200, ZIP, "application/zip", ETag='"made-up"')
        else:
            self.answer(404, {"message": f"Resource not found: {SITE}{self.path}", "type": "NotFound"})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201, {"TaskIds": [{"TaskID": "94519134409"}], "ErrorTaskIds": []})

    def log_message(self, *_):
        pass


def talk():
    session = requests.Session()
    session.headers["Accept"] = "application/json"
    session.get(f"{SITE}/api/@search", params={"portal_type": "DataSet", "fullobjects": "1", "b_size": "100"})
    session.post(f"{SITE}/api/@datarequest_post", json={"Datasets": [{"DatasetID": "d", "FileID": "f"}]})
    session.get(f"{SITE}/api/@datarequest_search")
    session.get(f"{SITE}/api/@nope")


def main():
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Portal)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for form in ("yaml", "json"):
        path = HERE / f"portal.{form}"
        path.unlink(missing_ok=True)
        with vcr.use_cassette(str(path), serializer=form, record_mode="all"):
            talk()
            if form == "yaml":  # the JSON form can't hold a body that is no text
                requests.get(f"{SITE}/clmsdatadownload/results/1.zip", headers={"User-Agent": "curl/7.81.0"})
    server.shutdown()


if __name__ == "__main__":
    main()
