"""A database of incidents, and the shortest source that reads it."""

from typing import Any

from platform_server import CARD, INCIDENT_FIELDS
from postgresql_server import PostgresqlServer

from flows.house import House

COLUMNS = "id text, community text, kind text, day date, status text"


def write_source(resource: str = "from: incidents", *, connection: str = "") -> str:
    """A platform file with one resource of incidents; `resource` and `connection` add or replace lines."""
    lines = "".join(f"\n    {line}" for line in resource.strip().splitlines())
    lines += "" if "fields:" in resource else f"\n    fields: {INCIDENT_FIELDS}"
    more = "".join(f"\n  {line}" for line in connection.strip().splitlines())
    return f"""
platform: exchange
title: Exchange
{CARD}
connection:
  kind: database
  url: ${{EXCHANGE_URL}}{more}
resources:
  incidents:
    table: incidents{lines}
"""


def put_incidents(server: PostgresqlServer, kind: str, *updated: Any, columns: str = COLUMNS) -> None:
    """One good incident for each value of the column `updated`, which is of that kind."""
    server.run(f"DROP TABLE IF EXISTS incidents; CREATE TABLE incidents ({columns}, updated {kind})")
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO incidents VALUES (%s, '410202001001', 'petition', '2024-03-05', 'confirmed', %s)",
            [(f"I{number}", value) for number, value in enumerate(updated)],
        )


def read_ids(house: House) -> list[str]:
    with house.view() as view:
        return sorted(view.table("incidents").incident_id.to_pyarrow().to_pylist())
