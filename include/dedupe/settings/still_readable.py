"""What can still be read of settings that are wrong: when their DAGs are to run.

A typo must not end a schedule: the DAG that says what is wrong keeps it, and fails each time until somebody
corrects the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from include.dedupe.settings import strict_yaml
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.gate_settings import GateSettings
from include.dedupe.settings.partition_key import KEY_FORMATS

WHERE_NONE_IS_READ = "@daily"


@dataclass(frozen=True, slots=True)
class LastSchedule:
    """When a DAG runs: by cron expression, with partition keys of this format if any, or by an asset.

    ``notifiers`` are told when a run of it fails.
    """

    cron: str | None
    key_format: str | None = None
    asset: str | None = None
    notifiers: tuple[str, ...] = ()

    def or_daily(self) -> LastSchedule:
        """Return what is left of it where the schedule itself is what is wrong."""
        return LastSchedule(WHERE_NONE_IS_READ, notifiers=self.notifiers)


def collection_schedule(path: Path) -> LastSchedule:
    """Return when the DAG of a collection runs whose settings are wrong."""
    settings = _sections(path)
    cron = _schedule(settings, CollectionConfig)
    by_key = settings.get("schedule_by") == "partition"
    key_format = KEY_FORMATS.get(cron or "") if by_key else None
    return LastSchedule(cron, key_format, notifiers=_notifiers(settings))


def gate_schedule(path: Path) -> LastSchedule | None:
    """Return when the gate of a collection runs whose settings are wrong; None if they name no gate."""
    settings = _sections(path)
    if "gate" not in settings:
        return None
    gate = settings["gate"]
    if isinstance(gate, dict) and isinstance(gate.get("asset"), str):
        return LastSchedule(None, asset=gate["asset"], notifiers=_notifiers(settings))
    return LastSchedule(_schedule(gate, GateSettings), notifiers=_notifiers(settings))


def _notifiers(settings: dict[str, Any]) -> tuple[str, ...]:
    section = settings.get("dag")
    names = section.get("failure_notifiers") if isinstance(section, dict) else None
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def _schedule(section: Any, model: type[BaseModel]) -> str | None:
    """Return the schedule of a section; none only where it is sure that it names none."""
    if not isinstance(section, dict):
        return WHERE_NONE_IS_READ
    given = section.get("schedule")
    if isinstance(given, str) and given:
        return given
    is_sure = given is None and section.keys() <= model.model_fields.keys()
    return None if is_sure and section else WHERE_NONE_IS_READ


def _sections(path: Path) -> dict[str, Any]:
    """Return the sections of a file, each read on its own; one that is no YAML is an empty text."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return {}
    found: dict[str, Any] = {}
    for block in re.split(r"(?m)^(?=[^\s#])", text):
        name = block.partition(":")[0].strip("\"' \n")
        try:
            read = strict_yaml.load(block)
        except yaml.YAMLError:
            read = {name: ""}
        found |= {} if read is None else read if isinstance(read, dict) else {name: ""}
    return found
