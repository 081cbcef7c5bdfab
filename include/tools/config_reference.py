"""Writes include/collections/reference.yaml: every setting with what its model says of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.settings_errors import models_in

HEADER = """\
# Every setting of a collection. Where a value can be left out, its default or an example stands here.
# Generated from include/dedupe/settings; `make documents` writes it anew. This file is no collection itself.
"""
WIDTH = 100


def config_reference() -> str:
    """Return the reference: a YAML document that is itself a valid collection."""
    return HEADER + "\n".join(_section(CollectionConfig, "")) + "\n"


def _section(model: type[BaseModel], indent: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if not indent:
            yield ""
        yield from _comment(_description(field), indent)
        kinds = models_in(field.annotation)
        if not kinds or get_origin(field.annotation) is tuple:
            yield f"{indent}{name}: {_value(field)}"
            continue
        yield f"{indent}{name}:"
        yield from _section(kinds[0], indent + "  ")
        for other in kinds[1:]:
            yield f"{indent}  # or:"
            yield from (f"{indent}  # {line.strip()}" for line in _section(other, "  "))


def _description(field: FieldInfo) -> str:
    required = " Required." if field.is_required() else ""
    return f"{field.description or ''}{required}".strip()


def _comment(text: str, indent: str) -> Iterator[str]:
    for line in textwrap.wrap(text, WIDTH - len(indent)):
        yield f"{indent}# {line}"


def _value(field: FieldInfo) -> str:
    allowed = get_args(field.annotation)
    if field.examples:
        value = field.examples[0]
    elif field.is_required() and allowed:
        value = allowed[0]
    else:
        value = field.get_default(call_default_factory=True)
    value = list(value) if isinstance(value, tuple) else value
    text: str = yaml.safe_dump(value, default_flow_style=True, width=1000)
    return text.removesuffix("\n").removesuffix("\n...")
