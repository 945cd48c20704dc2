#!/usr/bin/env python3
"""A proxy before a real S3 server that breaks what it is told to break.

    fault_proxy.py HOST:PORT        listens on a free port of loopback and prints it on a line

Control, over the proxy itself (bodies are JSON):

    PUT /__faults    replace the rules by a list of objects and forget what was seen:
        method   of the requests that the rule looks at; "*" (default): every one
        path     part of the target, "" (default): any
        nth      which of those requests, counting from 1 (default) since the rules were set
        times    how many in a row from there (default 1)
        fault    one of the names below
        seconds  of "delay" and "late"; default 0.2
        status   of "answer" and "answer_after"; default 500
    GET /__seen      the requests since then: a list of {"method", "target", "fault"}
    GET /__settled   answered when no late request is on its way any more

Faults, by what the server gets to see of the request:

    nothing:   drop_before (closed), reset (RST), answer (the proxy answers `status`)
    all of it: drop_after (the answer is thrown away), answer_after (another answer is sent instead),
               delay, truncate (half of the answer), corrupt_answer (a byte of the body is changed)
    late:      late (closed at once; the request goes to the server `seconds` later)
    damaged:   corrupt_request (a byte of the body is changed)
"""
import http.client
import json
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Rules:
    """The rules in force and the requests seen under them."""

    def __init__(self):
        self.lock = threading.Lock()
        self.rules = []
        self.counts = []
        self.seen = []
        self.late = 0  # requests held back
        self.settled = threading.Condition(self.lock)

    def hold(self, change):
        """One late request more (1), or less (-1)."""
        with self.settled:
            self.late += change
            self.settled.notify_all()

    def settle(self):
        """Wait until what is late has arrived."""
        with self.settled:
            self.settled.wait_for(lambda: self.late == 0)

    def replace(self, rules):
        with self.lock:
            self.rules = rules
            self.counts = [0] * len(rules)
            self.seen = []

    def choose(self, method, target):
        """The rule for this request, or None; counts it."""
        chosen = None
        with self.lock:
            for i, rule in enumerate(self.rules):
                if rule.get("method", "*") not in ("*", method):
                    continue
                if rule.get("path", "") not in target:
                    continue
                self.counts[i] += 1
                first = rule.get("nth", 1)
                if chosen is None and first <= self.counts[i] < first + rule.get("times", 1):
                    chosen = rule
            self.seen.append({"method": method, "target": target,
                              "fault": chosen["fault"] if chosen else None})
        return chosen


def change_byte(body):
    """The same body with one bit of its middle byte turned over."""
    if not body:
        return body
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1:]


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rules = Rules()
    upstream = None

    def log_message(self, *_):
        pass

    def forward(self, body):
        """Send the request to the server as it came; its status, headers and body."""
        connection = http.client.HTTPConnection(self.upstream, timeout=60)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "connection":
                connection.putheader(name, value)
        connection.endheaders(body if body else None)
        answer = connection.getresponse()
        result = (answer.status, answer.reason, answer.getheaders(), answer.read())
        connection.close()
        return result

    def send_whole(self, status, reason, headers, body, part=None):
        """Answer; `part` sends only so many bytes of the body."""
        self.send_response_only(status, reason)
        length = None
        for name, value in headers:
            if name.lower() == "content-length":
                length = value
            elif name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        if self.command != "HEAD":
            length = str(len(body))
        if length is not None and status != 204:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if part is None else body[:part])

    def close_now(self, reset=False):
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def send_failure(self, status):
        code = {409: "ConditionalRequestConflict", 503: "SlowDown"}.get(status, "InternalError")
        body = f"<Error><Code>{code}</Code><Message>made by the fault proxy</Message></Error>"
        self.send_whole(status, "Fault", [], body.encode())

    def control(self, body):
        if self.command == "PUT" and self.path == "/__faults":
            self.rules.replace(json.loads(body))
            answer = b"[]"
        elif self.command == "GET" and self.path == "/__seen":
            answer = json.dumps(self.rules.seen).encode()
        elif self.command == "GET" and self.path == "/__settled":
            self.rules.settle()
            answer = b"[]"
        else:
            self.send_whole(404, "Not Found", [], b"")
            return
        self.send_whole(200, "OK", [], answer)

    def before_server(self, fault, rule, body):
        """Faults that keep the request, as it is, from the server. True: dealt with."""
        if fault in ("drop_before", "reset"):
            self.close_now(reset=fault == "reset")
        elif fault == "answer":
            self.send_failure(rule.get("status", 500))
        elif fault == "late":
            self.rules.hold(1)
            try:
                self.close_now()
                time.sleep(rule.get("seconds", 0.2))
                self.forward(body)
            finally:
                self.rules.hold(-1)
        else:
            return False
        return True

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/__"):
            self.control(body)
            return
        rule = self.rules.choose(self.command, self.path) or {}
        fault = rule.get("fault")
        if self.before_server(fault, rule, body):
            return
        if fault == "corrupt_request":
            body = change_byte(body)
        if fault == "delay":
            time.sleep(rule.get("seconds", 0.2))
        status, reason, headers, content = self.forward(body)
        if fault == "drop_after":
            self.close_now()
        elif fault == "answer_after":
            self.send_failure(rule.get("status", 500))
        elif fault == "truncate":
            # An answer without a body loses its end all the same: some of its head is missing.
            if content:
                self.send_whole(status, reason, headers, content, part=len(content) // 2)
            else:
                self.wfile.write(f"HTTP/1.1 {status} {reason}\r\nETag".encode())
            self.close_now()
        elif fault == "corrupt_answer":
            self.send_whole(status, reason, headers, change_byte(content))
        else:
            self.send_whole(status, reason, headers, content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A connection that the other side closed is what this program is for."""


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    Proxy.upstream = sys.argv[1]
    server = Server(("127.0.0.1", 0), Proxy)
    print(server.server_port, flush=True)
    # Ends with the test that started it: its end of the pipe closes.
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
