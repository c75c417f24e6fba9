"""A platform that sends the checks of a test, and the shortest source that asks it."""

from datetime import datetime
from typing import Any

from platform_server import CARD

HOME = "410202001001"


def write_check_source(platform: str = "supervision") -> str:
    """A platform file with one resource of checks at /checks, asked for what changed since."""
    return f"""
platform: {platform}
title: Test
{CARD}
connection: {{kind: rest, base_url: "${{TEST_URL}}", auth: {{kind: none}}}}
resources:
  checks:
    table: checks
    request: {{path: /checks}}
    records: items
    since: {{param: since}}
    fields:
      {{check_id: id, platform: platform, event_id: event, community_code: community, finding: finding,
        checked_at: updated, updated_at: updated}}
"""


def make_check(number: int, updated_at: datetime, *, platform: str = "p", event: str = "E1") -> dict[str, Any]:
    """A good check of the one registered community."""
    return {
        "id": f"C{number}",
        "platform": platform,
        "event": event,
        "community": HOME,
        "finding": "verified",
        "updated": updated_at.isoformat(),
    }
