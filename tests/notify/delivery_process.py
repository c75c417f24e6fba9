"""One delivery as a process of its own: `python delivery_process.py ORDER`, ORDER being JSON; answers its counts."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from channel_kit import ROBOTS, SECRETS, SETTINGS
from mail_server import PASSWORD, USER

from flows.ledger import Ledger
from flows.notify.config import load_notify_config
from flows.notify.delivery import deliver_messages
from flows.notify.pace import Pace

SHIPPED = Path(__file__).parents[2] / "config"


def main() -> None:
    """Deliver, by a clock that is ahead by so many seconds as the order says."""
    order = json.loads(sys.argv[1])
    ahead = timedelta(seconds=order["ahead_seconds"])
    channels = {
        kind: SETTINGS.validate_python({"kind": kind, "robots": {"gulou": robot}, "base_url": order["robots_url"]})
        for kind, robot in ROBOTS.items()
    }
    mail = {
        "kind": "email",
        "host": "127.0.0.1",
        "port": order["mail_port"],
        "security": "starttls",
        "username": USER,
        "password": "${MAIL_PASSWORD}",
        "sender": USER,
        "ca_file": order["ca_file"],
    }
    ledger = Ledger.open(order["url"])
    report = deliver_messages(
        Path(order["home"]),
        ledger,
        replace(load_notify_config(SHIPPED), channels={**channels, "email": SETTINGS.validate_python(mail)}),
        mode="live",
        clock=lambda: datetime.now(UTC) + ahead,
        lookup={**SECRETS, "MAIL_PASSWORD": PASSWORD}.get,
        progress=lambda _, __: None,
        pace=Pace(for_seconds=order["for_seconds"]),
    )
    ledger.close()
    sys.stdout.write(json.dumps({"delivered": report.delivered, "failed": report.failed, "waiting": report.waiting}))


if __name__ == "__main__":
    main()
