"""What sources give and are asked for, whatever their kind."""

from datetime import datetime
from typing import Any

Record = dict[str, Any]
"""One record as the source gave it."""

Window = tuple[datetime, datetime]
"""From when to when, the end not included."""
