"""An HTTP proxy before the server that breaks some of its answers off."""

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx


@contextmanager
def served(handler):
    """Yield the URL at which a handler serves."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def relay(upstream, path, *, cuts):
    """A handler that passes requests on, and breaks that many answers off in the middle.

    Those to addresses that hold `path`, which may be a part of a query.
    """
    left = [cuts]

    class Relay(BaseHTTPRequestHandler):
        def do_GET(self):
            answer = httpx.get(upstream + self.path, headers={"Accept-Encoding": "identity"})
            self.send_response(answer.status_code)
            for name in ("Content-Type", "Link"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            cut = path in self.path and left[0] > 0
            left[0] -= cut
            self.wfile.write(answer.content[: len(answer.content) // 2 if cut else None])

        def log_message(self, *_):
            pass

    return Relay
