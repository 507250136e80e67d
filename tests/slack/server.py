"""A server that plays Slack: incoming webhooks below /services/, and /api/chat.postMessage.

It says no as Slack does: `invalid_blocks` to what breaks a limit, `invalid_auth` to a wrong token, 429 with
`Retry-After` when it is asked too often, or when a test says so. What broke a limit is kept, so that no test passes
with it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs

from tests.slack.limits import complaints, texts

HOST: Final = "127.0.0.1"
TOKEN: Final = "xoxb-of-the-tests"
WEBHOOK: Final = "/services/T0/B0/secret-of-the-webhook"
HANG_SECONDS: Final = 30.0
LONGEST_BODY: Final = 1 << 20


class Slack:
    """What it has heard, and how it answers."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.messages: list[dict[str, Any]] = []
        """Those that it took, in their order."""
        self.wrong: list[str] = []
        """What it had to complain about."""
        self.asked: list[float] = []
        """When it was asked, by the monotonic clock."""
        self.answers: list[tuple[int, dict[str, str], str]] = []
        """What it says to the next ones, before it is itself again: status, headers, body."""
        self.hangs = threading.Event()
        """Set: it takes messages and answers nothing."""
        self.closes = threading.Event()
        """Set: it hangs up without a word."""
        self.swallows = threading.Event()
        """Set: it takes messages, and its answer is lost."""
        self.released = threading.Event()
        self.lock = threading.Lock()

    @property
    def webhook(self) -> str:
        return self.url + WEBHOOK

    def by_token(self, token: str = TOKEN, channel: str = "#operations") -> dict[str, str]:
        return {"token": token, "channel": channel, "api": f"{self.url}/api/"}

    def will_answer(self, status: int, body: str = "", **headers: str) -> None:
        """Once, and after what it was told before."""
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, body))

    @property
    def headers(self) -> list[str]:
        return [texts(message)[0] for message in self.messages]

    def texts(self, number: int = -1) -> str:
        """All that stands in a message, in lines."""
        return "\n".join(texts(self.messages[number]))


@contextmanager
def slack() -> Iterator[Slack]:
    """A Slack of one's own. At its end it must have had nothing to complain about."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), LONGEST_BODY))
            server.asked.append(time.monotonic())
            if server.hangs.is_set():
                server.released.wait(HANG_SECONDS)
                return
            if server.closes.is_set():
                return
            with server.lock:
                status, headers, text = _answer(server, self.path, self._content(body), self.headers)
            if not server.swallows.is_set():
                self._say(status, headers, text)

        def _content(self, body: bytes) -> dict[str, Any]:
            if "json" in self.headers.get("Content-Type", ""):
                return dict(json.loads(body))
            return {name: values[0] for name, values in parse_qs(body.decode()).items()}

        def _say(self, status: int, headers: dict[str, str], text: str) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer((HOST, 0), Handler) as listener:
        server = Slack(f"http://{HOST}:{listener.server_port}")
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            listener.shutdown()
            thread.join()
    assert server.wrong == []


Said = tuple[int, dict[str, str], str]


def _answer(server: Slack, path: str, content: dict[str, Any], headers: Any) -> Said:
    is_api = path == "/api/chat.postMessage"
    if server.answers:
        return server.answers.pop(0)
    if path != WEBHOOK and not is_api:
        return 404, {}, "no_service"
    if is_api and headers.get("Authorization") != f"Bearer {TOKEN}":
        return _as_json({"ok": False, "error": "invalid_auth"})
    if is_api and not content.get("channel"):
        return _as_json({"ok": False, "error": "channel_not_found"})
    if wrong := complaints(content):
        server.wrong += wrong
        return _as_json({"ok": False, "error": "invalid_blocks"}) if is_api else (400, {}, "invalid_blocks")
    server.messages.append(content)
    stamp = f"1700000000.{len(server.messages):06}"
    return _as_json({"ok": True, "ts": stamp, "channel": "C0"}) if is_api else (200, {}, "ok")


def _as_json(said: dict[str, Any]) -> Said:
    return 200, {"Content-Type": "application/json"}, json.dumps(said)
