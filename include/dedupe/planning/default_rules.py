"""Default rules: which document stays where the settings name no rules, by what the documents have to go by.

Of exact duplicates the one with the most pixels, then bytes stays. Of near ones the original should, and an
edit has often more of both, by a border or another coding. What speaks for an original: it has exact copies,
what its camera wrote, not half the pixels of another, and pairs with most of the others. Last, the oldest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from include.dedupe.flow import FlowReader
from include.dedupe.planning.settings_check import is_used
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import KeeperRule

WIDTH, HEIGHT, BYTES, DATE, CAMERA = "width_i", "height_i", "bytes_l", "date_dt", "exif_camera_s"
"""What the embedded server writes of each picture, and of each file of a folder."""


async def with_default_rules(
    flow: FlowReader, config: CollectionConfig
) -> tuple[CollectionConfig, tuple[str, ...]]:
    """Return the settings with rules that choose keepers, and what they lack, in words."""
    if config.keeper.rules or config.policies is None or not (await flow.select()).num_found:
        return config, ()
    rules: list[KeeperRule] = []
    lacking: dict[str, None] = {}
    for name, rule, fields in _wanted(config):
        if all([await is_used(flow, field) for field in fields]):
            rules.append(rule)
        elif name:
            lacking[f"{name} ({' and '.join(fields)})"] = None
    keeper = config.keeper.model_copy(update={"rules": tuple(rules)})
    has_rules = any(fields for _, rule, fields in _wanted(config) if rule in rules)
    return config.model_copy(update={"keeper": keeper}), _told(list(lacking), has_rules=has_rules)


def _wanted(config: CollectionConfig) -> Iterator[tuple[str, KeeperRule, tuple[str, ...]]]:
    """Yield each default rule, with its name for people if it is to be missed, and the fields it needs."""
    fields = config.fields
    size = (fields.pixels,) if fields.pixels else (WIDTH, HEIGHT)
    number, camera, date = fields.bytes or BYTES, fields.camera or CAMERA, fields.date or DATE
    yield "pixels", _highest(size, among="exact"), size
    yield "bytes", _highest((number,), among="exact"), (number,)
    yield "", KeeperRule(rule="most_copies"), ()
    yield "", KeeperRule(rule="has", field=camera), (camera,)
    yield "pixels", _highest(size, among="near", times=2.0), size
    yield "", KeeperRule(rule="most_pairs"), ()
    yield "a date", KeeperRule(rule="oldest", field=date), (date,)


def _highest(fields: tuple[str, ...], **limits: Any) -> KeeperRule:
    if len(fields) == 1:
        return KeeperRule(rule="highest", field=fields[0], **limits)
    return KeeperRule(rule="highest", fields=fields, **limits)


def _told(lacking: list[str], *, has_rules: bool) -> tuple[str, ...]:
    if not lacking:
        return ()
    left = "by what is left of them, then by the shortest id" if has_rules else "by the shortest id"
    told = (
        f"keeper.rules names no rules, and no document has a field for {', '.join(lacking)}: which document "
        f"of a cluster stays is decided {left}. Name rules by fields that the documents have."
    )
    return (told,)
