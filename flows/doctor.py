"""An installation examined from end to end: what works, what doesn't, and what to mend. Nothing is changed.

Each check is on its own: what fails is told, and the others go on.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from flows.errors import ConfigurationError, FivestarError, QualityGate, join_failures
from flows.house import Clock, House
from flows.ingest.connect.rest import Timing
from flows.ingest.describe.rules import load_rules
from flows.ingest.describe.source import Source
from flows.ingest.doctor import (
    Finding,
    SourceDoctor,
    describe_clock,
    fail,
    list_source_placeholders,
    read_source_files,
)
from flows.lake import describe_lake_url, open_lake
from flows.ledger import Ledger
from flows.ledger.checkup import LedgerState, examine_ledger
from flows.ledger.engine import describe_url
from flows.month import city_day
from flows.notify.config import load_notify_config, require_secrets
from flows.notify.recipients import load_contacts
from flows.policy import load_policy
from flows.review.letters.template import load_letter_template
from flows.review.people import load_review_settings
from flows.settings import Settings

GIGABYTE = 1_000_000_000
FREE_WARNED_BYTES = 5 * GIGABYTE
FREE_REFUSED_BYTES = 1 * GIGABYTE
HASH_DIGITS = 12

_LEDGER_TEXTS: dict[LedgerState, tuple[str, str]] = {
    "absent": ("is not there yet: the first command makes it", ""),
    "empty": ("opens and can be written, and is empty yet: the first command makes its tables", ""),
    "older": (
        "opens and can be written, but its schema is older",
        "back it up: the next command brings it up to date",
    ),
    "current": ("opens and can be written, and its schema is current", ""),
}


def examine_installation(
    settings: Settings, clock: Clock, *, platform: str | None = None, timing: Timing | None = None
) -> Iterator[Finding]:
    """What was found, check by check; of the sources only `platform`, if it is given.

    Raises `ConfigurationError` if there is no such source.
    """
    loaded = read_source_files(settings.config, settings.lookup)
    sources = [it for it in loaded if not isinstance(it, ConfigurationError)]
    yield from _examine_configuration(settings, clock, loaded)
    chosen = _choose(sources, platform)
    yield from _examine_placeholders(settings, chosen)
    yield from _examine_home(settings.home)
    state, finding = _examine_ledger(settings)
    yield finding
    ready = [it for it in chosen if _is_ready(settings, it)]
    lake = None if settings.lake_url is None else _examine_lake(settings.home, settings.lake_url)
    if lake is not None:
        yield lake
    can_read = lake is None or lake.level != "fail"
    house = _open_stores(settings) if state else None
    try:
        if house is not None:
            yield from _examine_clock(house, clock())
            yield _examine_chain(house.ledger)
        if house is not None and can_read:
            yield from _examine_contacts(house)
        landed = house if can_read else None
        yield from SourceDoctor(settings.config, landed, clock(), timing).examine_sources(ready)
    finally:
        if house is not None:
            house.ledger.close()
            house.lake.close()


def check_configuration(settings: Settings, clock: Clock) -> list[Source]:
    """The sources of a configuration without a fault. Raises the error with every fault that was found in it.

    Whether each `${NAME}` is set is not looked at: what runs elsewhere, or asks Secret blocks, may have it.
    """
    anything = replace(settings, lookup=lambda _: "set")
    loaded = read_source_files(anything.config, anything.lookup)
    errors = [it.error for it in _examine_configuration(anything, clock, loaded) if it.error is not None]
    if errors:
        raise join_failures(errors)
    return [it for it in loaded if not isinstance(it, ConfigurationError)]


def list_unset_placeholders(settings: Settings, sources: Sequence[Source]) -> list[str]:
    """Each `${NAME}` of the sources that the environment doesn't answer, nor a file that can be read."""
    names = {name for source in sources for name in list_source_placeholders(source)}
    return sorted(name for name in names if not _is_answered(settings, name))


def _is_answered(settings: Settings, name: str) -> bool:
    try:
        return bool(settings.lookup(name))
    except ConfigurationError:
        return False


def _examine_configuration(
    settings: Settings, clock: Clock, loaded: Sequence[Source | ConfigurationError]
) -> Iterator[Finding]:
    sources = [it for it in loaded if not isinstance(it, ConfigurationError)]
    yield from (fail("configuration", it) for it in loaded if isinstance(it, ConfigurationError))
    if sources:
        yield Finding("ok", "configuration", f"sources: {', '.join(source.platform for source in sources)}")
    tables = sorted(set().union(*(source.tables for source in sources)))

    def describe_quality() -> str:
        rules = load_rules(settings.config / "quality", tables)
        return f"quality: {sum(len(it.rules) for it in rules.values())} rules on {len(rules)} tables"

    def describe_policy() -> str:
        values = load_policy(settings.config / "policy").at(city_day(clock())).values()
        if not values:
            raise ConfigurationError(
                "policy: no value is in force today. See config/policy for the first day of each."
            )
        assumed_count = sum(value.tag == "assumed" for value in values)
        return f"policy: {len(values)} values in force today, {assumed_count} of them assumed"

    def describe_messages() -> str:
        config = load_notify_config(settings.config)
        require_secrets(config, settings.lookup)
        return f"messages: {len(config.messages)} kinds, mode {config.mode}"

    def describe_letters() -> str:
        load_letter_template(settings.config)
        return "letters: their wording says what it must"

    for describe in (describe_quality, describe_policy, describe_messages, describe_letters):
        yield _try("configuration", describe)
    yield _examine_people(settings.config)
    if loaded:
        yield from _examine_sources_needed(settings.config, city_day(clock()))


def _examine_people(config: Path) -> Finding:
    """Who may decide; a warning while nobody is named, for then one person decides alone."""
    try:
        people = load_review_settings(config).people
    except ConfigurationError as error:
        return fail("configuration", error)
    if not people.is_set_up:
        return Finding("warn", "configuration", "review: nobody is named, so anybody may decide alone", "name people")
    approver_count = sum("approver" in person.roles for person in people.named)
    return Finding("ok", "configuration", f"review: {len(people.named)} people named, {approver_count} approve")


def _examine_clock(house: House, now: datetime) -> Iterator[Finding]:
    """Whether our clock is behind what was recorded, and how far it is from the database's, if that has one."""
    try:
        house.refuse_wrong_clock(now)
    except ConfigurationError as error:
        yield fail("clock", error)
    database_now = house.ledger.read_clock()
    if database_now is not None:
        yield from describe_clock("database", [database_now - now])


def _examine_chain(ledger: Ledger) -> Finding:
    """Whether everything that persons decided is still what was written, from the first entry to the last."""
    state = ledger.reviews.examine_chain(ledger.list_chain_heads())
    if state.fault:
        error = QualityGate(
            f"{state.fault}. Somebody changed it behind the program's back: restore the ledger from a backup, and "
            "find out who can write to it."
        )
        return fail("decisions", error)
    return Finding(
        "ok",
        "decisions",
        f"{state.entry_count} entries are as they were written; the last is {state.head[:HASH_DIGITS]}",
    )


def _examine_contacts(house: House) -> Iterator[Finding]:
    """A warning for each landed contact that its channel can't send to; settings at fault were told."""
    with suppress(ConfigurationError):
        channels = load_notify_config(house.settings.config).channels
        with house.view() as view:
            contacts = load_contacts(view, channels)
        yield Finding("ok", "contacts", f"{len(contacts.by_unit_role)} can be written to")
        for fault in contacts.faults:
            yield Finding("warn", "contacts", str(fault), "correct it in the contacts, then ingest them")


def _examine_sources_needed(config: Path, today: date) -> Iterator[Finding]:
    """A warning for each source that a star needs today and that no file describes; a policy at fault was told."""
    with suppress(FivestarError):
        for text in load_policy(config / "policy").list_absent_sources(config / "platforms", today):
            yield Finding("warn", "configuration", text)


def _try(area: str, describe: Callable[[], str]) -> Finding:
    try:
        return Finding("ok", area, describe())
    except FivestarError as error:
        return fail(area, error)


def _choose(sources: Sequence[Source], platform: str | None) -> list[Source]:
    chosen = [source for source in sources if platform in (None, source.platform)]
    if platform is not None and not chosen:
        known = ", ".join(source.platform for source in sources) or "none"
        raise ConfigurationError(
            f"there is no source {platform!r} in config/platforms that can be read. Those that can: {known}."
        )
    return chosen


def _list_unset(settings: Settings, source: Source) -> list[str]:
    return [name for name in list_source_placeholders(source) if not settings.lookup(name)]


def _is_ready(settings: Settings, source: Source) -> bool:
    """Whether each placeholder of the source stands for something; what is wrong with one was told."""
    try:
        return not _list_unset(settings, source)
    except ConfigurationError:
        return False


def _examine_placeholders(settings: Settings, sources: Sequence[Source]) -> Iterator[Finding]:
    area = "placeholders"
    for source in sources:
        names = list_source_placeholders(source)
        try:
            unset = _list_unset(settings, source)
        except ConfigurationError as unread:
            yield fail(area, ConfigurationError(f"{source.platform}: {unread}"))
            continue
        if unset:
            advice = "set them in the environment; until then the source is not tried"
            error = ConfigurationError(f"{source.platform}: {', '.join(unset)} not set.")
            yield Finding("fail", area, f"{source.platform}: {', '.join(unset)} not set", advice, error=error)
        elif names:
            yield Finding("ok", area, f"{source.platform}: {', '.join(names)} set")


def _examine_home(home: Path) -> Iterator[Finding]:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    try:
        if there == home:
            with tempfile.TemporaryFile(dir=home):
                pass
        elif not (there.is_dir() and os.access(there, os.W_OK)):
            raise NotADirectoryError(0, f"{there} is no folder that can be written")
    except OSError as error:
        problem = ConfigurationError(
            f"{home}: cannot be written ({error.strerror}). Give this user the right, or name another with --home."
        )
        yield fail("home", problem)
    else:
        yield Finding(
            "ok", "home", f"{home} {'can be written' if there == home else 'is not there yet: it will be made'}"
        )
    free_bytes = shutil.disk_usage(there).free
    text, advice = f"{free_bytes / GIGABYTE:,.1f} GB free", "make room, or name another home with --home"
    if free_bytes >= FREE_WARNED_BYTES:
        yield Finding("ok", "disk", text)
    elif free_bytes >= FREE_REFUSED_BYTES:
        yield Finding("warn", "disk", text, advice)
    else:
        yield Finding("fail", "disk", text, advice, error=ConfigurationError(f"disk: {text}: {advice}."))


def _examine_lake(home: Path, url: str) -> Finding:
    """Whether the lake that the environment names can be listed, read and written, by a file that is taken back."""

    def describe() -> str:
        lake = open_lake(home, url)
        try:
            lake.storage.probe()
        finally:
            lake.close()
        return f"{describe_lake_url(url)} can be read and written"

    return _try("lake", describe)


def _open_stores(settings: Settings) -> House:
    return House(settings, open_lake(settings.home, settings.lake_url), Ledger.open(settings.database_url))


def _examine_ledger(settings: Settings) -> tuple[bool, Finding]:
    """Whether the ledger can be asked what has landed, and what was found of it."""
    try:
        state = examine_ledger(settings.database_url)
    except FivestarError as error:
        return False, fail("database", error)
    shown = describe_url(settings.database_url)
    if state == "newer":
        newer = ConfigurationError(
            f"{shown}: its schema is newer than this version of fivestar. Install the version that wrote it, or name "
            "another database in FIVESTAR_DATABASE_URL."
        )
        return False, fail("database", newer)
    text, advice = _LEDGER_TEXTS[state]
    return state == "current", Finding("warn" if state == "older" else "ok", "database", f"{shown} {text}", advice)
