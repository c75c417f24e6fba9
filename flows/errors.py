"""What can go wrong, one class for each exit code of the command line.

A message says what happened, where, which rule and value, and what to do next. It is shown bare, without a
traceback, so it must stand alone; it never holds a person's data or a secret.
"""

from collections.abc import Sequence
from typing import ClassVar


class FivestarError(Exception):
    """A failure that its reader can act on; `exit_code` is what the process returns."""

    exit_code: ClassVar[int] = 1


class UsageError(FivestarError):
    """The command was called with something that cannot be meant."""

    exit_code = 2


class ConfigurationError(FivestarError):
    """A configuration or policy file is wrong, or a value is not in force on the date asked for."""

    exit_code = 10


class SourceUnavailable(FivestarError):
    """A platform, or the ledger, did not answer, or a month is another run's; the same call may succeed later."""

    exit_code = 11


class ContractBroken(FivestarError):
    """A platform answered with something other than its contract promises; trying again won't help."""

    exit_code = 12


class QualityGate(FivestarError):
    """Data arrived, but a `stop` rule forbids using it, or there is nothing to judge."""

    exit_code = 13


class DecisionRefused(FivestarError):
    """A decision is missing, or the one offered may not be taken."""

    exit_code = 14


class DeliveryIncomplete(FivestarError):
    """Some messages were not delivered."""

    exit_code = 15


def describe_damage(table: str, batch_id: str, found: str) -> QualityGate:
    """The error that the lake's batch no longer is what landed: its rows must not be taken for none."""
    return QualityGate(
        f"lake, {table}, batch {batch_id}: {found}. "
        "The lake is damaged: restore the batch's folder from a backup, then run again."
    )


_GRAVEST_FIRST = (ContractBroken, QualityGate, ConfigurationError, SourceUnavailable)


def rank_failure(error: FivestarError) -> int:
    """How far down an error stands: what needs a person comes before what may pass by itself."""
    return next((place for place, kind in enumerate(_GRAVEST_FIRST) if isinstance(error, kind)), 0)


def join_failures(errors: Sequence[FivestarError]) -> FivestarError:
    """One error with every message, of the class of the gravest."""
    gravest = min(errors, key=rank_failure)
    return type(gravest)("\n".join(dict.fromkeys(str(error) for error in errors)))


def classify_exit(exit_code: int | None) -> type[FivestarError]:
    """The class of error whose exit code that is; that of a bug for any other."""
    kinds = {kind.exit_code: kind for kind in FivestarError.__subclasses__()}
    return kinds.get(exit_code or 0, FivestarError)
