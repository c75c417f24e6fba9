"""The tutorial's platform: service orders of three communities in March 2024, by HTTP on this machine only.

    python docs/examples/tutorial/orders_platform.py

It asks for a token, gives orders page by page, and changes nothing. Places and orders are invented.
"""

import argparse
import json
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "tutorial"  # noqa: S105 -- it opens nothing
PORT = 8020
PAGE_SIZE_MAX = 50

COMMUNITIES = [
    {"code": "410299001001", "name": "柳园社区", "street": "河湾街道", "since": "2020-01-01"},
    {"code": "410299001002", "name": "新桥社区", "street": "河湾街道", "since": "2020-01-01"},
    {"code": "410299001003", "name": "东井社区", "street": "河湾街道", "since": "2020-01-01"},
]
KINDS = ("报修", "投诉", "咨询", "报修", "咨询")
RARE_KIND = "求助"
"""The kind of a few orders from the second page on."""
ANSWERS = ("满意", "满意", "基本满意", "不满意", None)
ORDER_COUNT = 60
RARE_ORDERS = (25, 35, 45, 55)
STRANGE_ORDER = 41
"""The number of the one order whose community no register knows."""


def list_orders() -> list[dict[str, object]]:
    """The month's orders, about two a day; every tenth is still open, the others closed after 3 to 33 hours."""
    orders: list[dict[str, object]] = []
    for number in range(1, ORDER_COUNT + 1):
        made_at = datetime(2024, 3, 1, 9) + timedelta(hours=12 * (number - 1))  # noqa: DTZ001 -- the platform's own clock
        done_at = None if number % 10 == 0 else made_at + timedelta(hours=3 + number % 4 * 10)
        code = "410299001009" if number == STRANGE_ORDER else str(COMMUNITIES[number % 3]["code"])
        orders.append(
            {
                "no": f"GD{number:04}",
                "community": code,
                "kind": RARE_KIND if number in RARE_ORDERS else KINDS[number % 5],
                "state": "办结" if done_at else "办理中",
                "madeAt": made_at.isoformat(sep=" "),
                "doneAt": done_at.isoformat(sep=" ") if done_at else None,
                "callBack": ANSWERS[number % 5] if done_at else None,
                "changedAt": (done_at or made_at).isoformat(sep=" "),
                "phone": "00000000000",
            }
        )
    return orders


class Platform(BaseHTTPRequestHandler):
    """`/communities` gives them all; `/orders?page=1&size=20` a page, with the number of all orders."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer({"message": "token needed"}, status=401)
        elif url.path == "/communities":
            self._answer({"list": COMMUNITIES})
        elif url.path == "/orders":
            asked = parse_qs(url.query)
            page, size = int(asked["page"][0]), min(int(asked["size"][0]), PAGE_SIZE_MAX)
            orders = list_orders()
            self._answer({"total": len(orders), "list": orders[(page - 1) * size : page * size]})
        else:
            self._answer({"message": "no such path"}, status=404)

    def _answer(self, content: object, *, status: int = 200) -> None:
        body = json.dumps(content, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 -- the base class calls it so
        """Say nothing of each request."""


def open_platform(port: int = PORT) -> ThreadingHTTPServer:
    """The server, bound to this machine and not yet serving; with port 0 any free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), Platform)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=PORT)
    with open_platform(parser.parse_args().port) as server:
        print(f"serving http://127.0.0.1:{server.server_port}; Ctrl-C ends it", flush=True)  # noqa: T201
        server.serve_forever()
