"""What a person fills in to start a run: the flows' parameters, as Prefect's form shows and its server checks them.

Prefect puts a name and a description of its own into a parameter's schema, so ours stand in `json_schema_extra`. The
server refuses what doesn't fit before a run is made; a run that was made without it refuses it in its own words.
"""

from typing import Annotated

from pydantic import Field

from flows.month import MONTH_PATTERN

_MONTH = {"pattern": MONTH_PATTERN, "examples": ["2024-03"]}
_MONTH_OR_EMPTY = {"pattern": f"^$|{MONTH_PATTERN}", "examples": ["2024-03"]}

GivenMonth = Annotated[
    str, Field(json_schema_extra=_MONTH | {"description": "The month, as YYYY-MM, for example 2024-03."})
]
MonthOrLastClosed = Annotated[
    str,
    Field(
        json_schema_extra=_MONTH_OR_EMPTY
        | {"description": "The month, as YYYY-MM, for example 2024-03. Left empty: the last closed month."}
    ),
]
MonthOrLatest = Annotated[
    str,
    Field(
        json_schema_extra=_MONTH_OR_EMPTY
        | {"description": "The month to pull, as YYYY-MM. Left empty: what changed since the source was last read."}
    ),
]
Offline = Annotated[
    bool, Field(json_schema_extra={"description": "Pull nothing; judge the month from what has landed."})
]
Platform = Annotated[
    str,
    Field(
        json_schema_extra={
            "pattern": "^[a-z][a-z0-9_]*$",
            "examples": ["public_service"],
            "description": "The source: the name of its file in config/platforms, without .yaml.",
        }
    ),
]
RunId = Annotated[
    str, Field(json_schema_extra={"description": "The run's id as events write it: prefect.flow-run.<id>."})
]
HomeFolder = Annotated[
    str | None,
    Field(json_schema_extra={"description": "Where the state lies. Left empty: FIVESTAR_HOME of the worker."}),
]
ConfigFolder = Annotated[
    str | None,
    Field(json_schema_extra={"description": "The configuration folder. Left empty: FIVESTAR_CONFIG of the worker."}),
]
