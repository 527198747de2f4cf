"""Serves the dashboard on the loopback interface, computed from the newest warehouse at each request."""

import secrets
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

_HOST: Final = "127.0.0.1"


class DashboardServer(ThreadingHTTPServer):
    """A server of one page on the loopback interface, on `port` (0: any free one). The page's address contains a
    secret, because every user of this machine can connect; a request with another Host header is refused, because a
    foreign web page could have caused it (DNS rebinding).
    """

    daemon_threads = True

    def __init__(self, make: Callable[[], str], port: int = 0) -> None:
        super().__init__((_HOST, port), _Handler)
        self.make = make
        self.path = f"/{secrets.token_urlsafe(16)}/"

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"http://{_HOST}:{self.server_port}{self.path}"


class _Handler(BaseHTTPRequestHandler):
    server: DashboardServer
    server_version = "extract"
    sys_version = ""

    def do_GET(self) -> None:
        if self.headers.get("Host") != f"{_HOST}:{self.server.server_port}":
            self.send_error(HTTPStatus.FORBIDDEN)
        elif not secrets.compare_digest(self.path.encode(), self.server.path.encode()):
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            self._send(self.server.make().encode())

    def _send(self, page: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(page)),
            "Cache-Control": "no-store",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name that the base class gives it)
        """Log no requests: the address contains the secret."""
