"""Default rules: which document stays where the settings name no rules, by what the documents have to go by.

Whatever is deleted needs a reason to be the one that goes: fewer pixels, then fewer bytes, then a later date.
"""

from __future__ import annotations

from collections.abc import Iterator

from include.dedupe.flow import FlowReader
from include.dedupe.planning.settings_check import is_used
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import KeeperRule

WIDTH, HEIGHT, BYTES, DATE = "width_i", "height_i", "bytes_l", "date_dt"
"""What the embedded server writes of each picture, and of each file of a folder."""


async def with_default_rules(
    flow: FlowReader, config: CollectionConfig
) -> tuple[CollectionConfig, tuple[str, ...]]:
    """Return the settings with rules that choose keepers, and what they lack, in words."""
    if config.keeper.rules or config.policies is None or not (await flow.select()).num_found:
        return config, ()
    rules: list[KeeperRule] = []
    lacking: list[str] = []
    for name, rule, fields in _wanted(config):
        if all([await is_used(flow, field) for field in fields]):
            rules.append(rule)
        else:
            lacking.append(f"{name} ({' and '.join(fields)})")
    keeper = config.keeper.model_copy(update={"rules": tuple(rules)})
    return config.model_copy(update={"keeper": keeper}), _told(lacking, has_rules=bool(rules))


def _wanted(config: CollectionConfig) -> Iterator[tuple[str, KeeperRule, tuple[str, ...]]]:
    """Yield each default rule with its name for people and the fields that it needs."""
    fields = config.fields
    size = (fields.pixels,) if fields.pixels else (WIDTH, HEIGHT)
    yield "pixels", _highest(size), size
    yield "bytes", _highest((fields.bytes or BYTES,)), (fields.bytes or BYTES,)
    date = fields.date or DATE
    yield "a date", KeeperRule(rule="oldest", field=date), (date,)


def _highest(fields: tuple[str, ...]) -> KeeperRule:
    if len(fields) == 1:
        return KeeperRule(rule="highest", field=fields[0])
    return KeeperRule(rule="highest", fields=fields)


def _told(lacking: list[str], *, has_rules: bool) -> tuple[str, ...]:
    if not lacking:
        return ()
    left = "by what is left of them, then the lowest id" if has_rules else "the lowest id"
    told = (
        f"keeper.rules names no rules, and no document has a field for {', '.join(lacking)}: which document "
        f"of a cluster stays is decided {left}. Name rules by fields that the documents have."
    )
    return (told,)
