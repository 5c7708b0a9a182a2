"""A server on a real socket whose answers a test makes up."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from benchmarks.servers import Server

type Respond = Callable[[bytes], tuple[int, bytes]]


@contextmanager
def canned(respond: Respond) -> Iterator[Server]:
    """Serve ``respond(body)`` until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            status, body = respond(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    class Daemons(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    with Daemons(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Server("canned", 0, ("127.0.0.1", server.server_port))
        finally:
            server.shutdown()
            thread.join()
