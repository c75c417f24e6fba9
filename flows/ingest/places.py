"""Where the files of a folder stand in the order of landing: each counts once, and keeps its place until it changes.

Of two files with rows of one key the later landed holds, so an old copy, or an old file whose rows are merely judged
anew, must not come after a newer file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from flows.house import House
from flows.ingest.connect.connector import Delivery
from flows.ingest.connect.sheets import Warn
from flows.ingest.rejected.standing import find_original
from flows.lake import Manifest


@dataclass(frozen=True)
class _Landed:
    place: int
    slot: str
    batch_id: str
    content_sha256: str | None

    def holds(self, manifest: Manifest) -> bool:
        """Whether this is the same file by its raw content, or came to the same rows."""
        return self.batch_id == manifest.batch_id or self.content_sha256 == manifest.request["sha256"]


@dataclass(frozen=True)
class _Entry:
    place: float
    manifest: Manifest
    standing_batch_id: str | None
    is_file: bool = True

    @property
    def key(self) -> tuple[float, bool, str]:
        return self.place, self.is_file, self.manifest.slot


class Places:
    """What has landed of one resource of a folder; `name` is how messages call it."""

    def __init__(self, house: House, *, platform: str, resource: str, table: str, name: str) -> None:
        self._lake = house.lake
        self._table = table
        self._name = name
        slots = house.ledger.list_slots(platform, resource)
        batch_ids = {batch_id for _, batch_id in slots}
        self._landed: list[_Landed] = []
        self._replays: dict[str, dict[str, _Landed]] = {}
        for place, (slot, batch_id) in enumerate(slots):
            original = find_original(slot, batch_ids)
            if original is not None:
                self._replays[original][batch_id] = _Landed(place, slot, batch_id, None)
                continue
            content = self._lake.read_manifest(table, batch_id)["request"].get("sha256")
            self._landed.append(_Landed(place, slot, batch_id, content))
            self._replays[batch_id] = {}
        self._latest = {landed.slot: landed for landed in self._landed}

    def drop_copies(self, files: Sequence[Delivery], warn: Warn) -> list[Delivery]:
        """The files without the new ones whose raw content another of them holds, or held: that is told."""
        names = {file.slot for file in files}
        held = {file.request["sha256"] for file in files if file.slot in self._latest}
        slots = {landed.content_sha256: landed.slot for landed in self._landed if landed.slot in names}
        kept = []
        for file in files:
            content = file.request["sha256"]
            if file.slot not in self._latest and content in held:
                continue
            if file.slot not in self._latest and content in slots:
                warn(self._describe_copy(file.slot, slots[content]))
                continue
            kept.append(file)
            held.add(content)
        return kept

    def choose_landings(self, manifests: Sequence[Manifest]) -> tuple[list[Manifest], list[str]]:
        """Which batches land now, in their order, and warnings of files that hold what was changed since.

        `manifests` are those of the files now in the folder, in the order of their names. New content lands last. A
        file that is as it was, but whose rows were judged otherwise, lands again with all that stand after it, those
        too whose files are gone. What was replayed of a batch that lands again follows it at once.
        """
        present = {manifest.slot: manifest for manifest in manifests}
        entries: list[_Entry] = []
        warnings: list[str] = []
        for manifest in manifests:
            stands = self._latest.get(manifest.slot)
            if stands is None:
                stands = self._find_original(manifest)
                if stands is None and any(it.manifest.batch_id == manifest.batch_id for it in entries):
                    continue
                if stands is not None and (stands.slot in present or stands != self._latest[stands.slot]):
                    warnings += self._warn_of_copy(manifest, stands, present)
                    continue
            is_same = stands is not None and stands.holds(manifest)
            place = stands.place if stands is not None and is_same else inf
            entries.append(_Entry(place, manifest, stands.batch_id if stands is not None else None))
        entries += [
            _Entry(landed.place, self._revive(landed, manifests[0]), landed.batch_id, is_file=False)
            for slot, landed in self._latest.items()
            if slot not in present and manifests
        ]
        entries.sort(key=lambda entry: entry.key)
        differing = (n for n, entry in enumerate(entries) if entry.manifest.batch_id != entry.standing_batch_id)
        first = next(differing, len(entries))
        landings = []
        for entry in entries[first:]:
            landings.append(entry.manifest)
            if entry.manifest.batch_id == entry.standing_batch_id:
                replays = self._replays[entry.manifest.batch_id].values()
                landings += [self._revive(replay, manifests[0]) for replay in replays]
        return landings, warnings

    def _find_original(self, manifest: Manifest) -> _Landed | None:
        """The landing of the same file under another name, one that still holds if there is such a one."""
        same = [landed for landed in self._landed if landed.holds(manifest)]
        return max(same, key=lambda it: (it == self._latest[it.slot], it.place), default=None)

    def _warn_of_copy(self, manifest: Manifest, stands: _Landed, present: dict[str, Manifest]) -> list[str]:
        current = present.get(stands.slot) or self._latest[stands.slot]
        if current.batch_id == manifest.batch_id:
            return []
        return [self._describe_copy(manifest.slot, stands.slot)]

    def _describe_copy(self, slot: str, original: str) -> str:
        return (
            f"{self._name}: {slot} holds what landed before as {original} and was changed since: it lands nothing. "
            "If it is to hold again, give it that name."
        )

    def _revive(self, landed: _Landed, pattern: Manifest) -> Manifest:
        """What the ledger must know to land a batch once more whose file is gone."""
        stored = self._lake.read_manifest(self._table, landed.batch_id)
        counts = {name: stored[name] for name in ("received_count", "landed_count", "rejected_count")}
        return replace(pattern, batch_id=landed.batch_id, slot=landed.slot, request=stored["request"], **counts)
