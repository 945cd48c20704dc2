#!/usr/bin/env python3
"""A web server for tests of downloads: files of a folder, served as the query of the URL says.

usage: source_server.py FOLDER [--address ADDRESS] [--tls CERTIFICATE KEY]

Prints its port, appends every request (line, headers, an empty line) to FOLDER/requests, and ends
when its standard input does. "First" counts from when that file was removed last. Settings of one request, as NAME=VALUE in its query:

  fail=A,B,...   the first requests for this path are answered with these statuses; 0: closed
                 without an answer
  retry=VALUE    Retry-After of those
  cut=N          the body breaks off after N bytes; cuts=M: only in the first M answers (1)
  etag=KIND      strong (of the content; the default), weak, none, or new (another at each answer)
  date=KIND      Last-Modified: file (its time; the default), none, or now
  ranges=KIND    yes (the default), no (ignored), wrong (another part is sent), refuse (416)
  gzip=1         compressed, where the request allows it
  length=KIND    own (the default), none (the connection is closed), chunked
  drip=SECONDS   a pause before every piece of 1000 bytes
  hang=N         the body stops after N bytes, and the connection stays
  status=N       status of the answer, with to=URL as its Location
  loop=1         redirected to itself
  user=NAME:PASSWORD  401 without it
  huge=N         N zero bytes instead of a file
  next=URL       a Link header that leads there (own: to itself)
  pages=NAME     the file is another one for each value of the parameter NAME, which its name ends
                 in (items.json.2); where there is no such file, []
  change=1       the content is another one in every answer: a line with its number at the end
"""
import base64
import email.utils
import gzip
import hashlib
import os
import socket
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOLDER = sys.argv[1]
LOCK = threading.Lock()
SEEN = {}


def count(path):
    with LOCK:
        SEEN[path] = SEEN.get(path, 0) + 1
        return SEEN[path]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self):
        path = os.path.join(FOLDER, "requests")
        with LOCK:
            if not os.path.exists(path):
                SEEN.clear()
            with open(path, "a", encoding="utf-8") as file:
                lines = [self.requestline] + [f"{k}: {v}" for k, v in self.headers.items()]
                file.write("\n".join(lines) + "\n\n")

    def send_status(self, status, headers=()):
        body = b"<html>an answer for people</html>"
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 304:
            self.wfile.write(body)

    def do_GET(self):
        self.note()
        url = urllib.parse.urlsplit(self.path)
        self.settings = dict(urllib.parse.parse_qsl(url.query))
        self.number = count(url.path)
        try:
            self.answer(url)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def refuse(self, url):
        get = self.settings.get
        failures = [int(x) for x in get("fail", "").split(",") if x]
        if self.number <= len(failures):
            status = failures[self.number - 1]
            if status == 0:
                self.drop()
            else:
                self.send_status(status, [("Retry-After", get("retry"))] if "retry" in self.settings
                                 else ())
            return True
        if "user" in self.settings:
            want = "Basic " + base64.b64encode(get("user").encode()).decode()
            if self.headers.get("Authorization") != want:
                self.send_status(401, [("WWW-Authenticate", 'Basic realm="x"')])
                return True
        if "loop" in self.settings:
            self.send_status(302, [("Location", self.path)])
            return True
        if "status" in self.settings:
            self.send_status(int(get("status")), [("Location", get("to"))] if "to" in self.settings
                             else ())
            return True
        return False

    def drop(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def content(self, url):
        if "huge" in self.settings:
            return bytes(int(self.settings["huge"])), 1700000000
        path = os.path.join(FOLDER, os.path.basename(url.path))
        if "pages" in self.settings:
            path += "." + self.settings.get(self.settings["pages"], "")
            if not os.path.exists(path):
                return b"[]", 1700000000
        with open(path, "rb") as file:
            data = file.read()
        if "change" in self.settings:
            data += b"%d\n" % self.number
        return data, os.stat(path).st_mtime

    def validators(self, data, modified):
        get = self.settings.get
        kind = get("etag", "strong")
        digest = hashlib.sha256(data).hexdigest()[:16]
        if kind == "new":
            digest = f"{digest}-{self.number}"
        etag = None if kind == "none" else f'{"W/" if kind == "weak" else ""}"{digest}"'
        kind = get("date", "file")
        date = None if kind == "none" else email.utils.formatdate(
            time.time() if kind == "now" else modified, usegmt=True)
        return etag, date

    def unchanged(self, etag, date):
        known = self.headers.get("If-None-Match")
        if known is not None:
            return etag is not None and known.removeprefix("W/") == etag.removeprefix("W/")
        since = self.headers.get("If-Modified-Since")
        if since is None or date is None:
            return False
        parse = email.utils.parsedate_to_datetime
        return parse(date) <= parse(since)

    def range_of(self, etag, size):
        """First byte to send, or None for all."""
        asked = self.headers.get("Range")
        mode = self.settings.get("ranges", "yes")
        if asked is None or mode == "no":
            return None
        if self.headers.get("If-Range", etag) != etag:
            return None
        first = int(asked.removeprefix("bytes=").removesuffix("-"))
        return first - 1 if mode == "wrong" else first

    def answer(self, url):
        if self.refuse(url):
            return
        try:
            data, modified = self.content(url)
        except FileNotFoundError:
            self.send_status(404)
            return
        etag, date = self.validators(data, modified)
        headers = [("ETag", etag), ("Last-Modified", date)]
        if "next" in self.settings:
            target = self.settings["next"] if self.settings["next"] != "own" else self.path
            headers += [("Link", '</first>; rel="first"'), ("Link", f'<{target}>; rel="next"')]
        headers = [(name, value) for name, value in headers if value is not None]
        if "Range" not in self.headers and self.unchanged(etag, date):
            self.send_status(304, headers)
            return
        first = self.range_of(etag, len(data))
        if first is not None and self.settings.get("ranges") == "refuse":
            self.send_status(416)
            return
        if first is not None:
            headers.append(("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}"))
            data = data[first:]
        elif "gzip" in self.settings and "gzip" in self.headers.get("Accept-Encoding", ""):
            headers.append(("Content-Encoding", "gzip"))
            data = gzip.compress(data, mtime=0)
        self.send_response(206 if first is not None else 200)
        for name, value in headers:
            self.send_header(name, value)
        self.send_body(data)

    def send_body(self, data):
        get = self.settings.get
        length = get("length", "own")
        if length == "own":
            self.send_header("Content-Length", str(len(data)))
        elif length == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if "hang" in self.settings:
            self.wfile.write(data[:int(get("hang"))])
            self.wfile.flush()
            self.connection.settimeout(30)
            try:
                self.connection.recv(1)
            except OSError:
                pass
            self.close_connection = True
            return
        cut = "cut" in self.settings and self.number <= int(get("cuts", "1"))
        if cut:
            data = data[:int(get("cut"))]
        pause = float(get("drip", "0"))
        size = 1000 if pause else 65536
        for i in range(0, len(data), size):
            time.sleep(pause)
            piece = data[i:i + size]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if length == "chunked" else piece)
        if cut:
            self.drop()
        elif length == "chunked":
            self.wfile.write(b"0\r\n\r\n")


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that hang up are what is tested; other mistakes are to be seen."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)


def main():
    arguments = sys.argv[2:]
    address = "127.0.0.1"
    if arguments[:1] == ["--address"]:
        address = arguments[1]
        arguments = arguments[2:]
    server = Server((address, 0), Handler)
    if arguments[:1] == ["--tls"]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments[1], arguments[2])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
