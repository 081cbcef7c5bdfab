"""What is wrong with settings, in words for the person who wrote them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, settings: type[BaseModel]) -> Iterator[str]:
    """Yield one sentence for each field that is wrong: which, and what is expected there."""
    for detail in error.errors():
        location = [str(part) for part in detail["loc"]]
        if location[:1] == ["partitions"] and len(location) > 1:
            del location[1]  # the kind of partitions, which pydantic counts as a level
        where = ".".join(location) or "settings"
        if detail["type"] == "extra_forbidden":
            yield f"unknown field {where}{_suggestion(location, settings)}"
        elif detail["type"] == "missing":
            yield f"{where} is missing"
        elif detail["type"] == "tuple_type":
            yield f"{where}: a list is expected (given: {detail['input']!r:.60})"
        elif detail["type"] in ("model_type", "model_attributes_type", "union_tag_not_found"):
            expected = ", ".join(_field_names(location, settings))
            yield f"{where}: settings ({expected}) are expected (given: {detail['input']!r:.60})"
        else:
            message = detail["msg"].removeprefix("Value error, ")
            given = "" if isinstance(detail["input"], dict) else f" (given: {detail['input']!r:.60})"
            yield f"{where}: {message}{given}"


def _suggestion(location: list[str], settings: type[BaseModel]) -> str:
    known = _field_names(location[:-1], settings)
    close = difflib.get_close_matches(location[-1], known, n=1)
    return f" (did you mean {close[0]}?)" if close else f", known fields there: {', '.join(known)}"


def _field_names(section: list[str], settings: type[BaseModel]) -> list[str]:
    """Names of the fields of a section given by its path, of all kinds of it where there are several."""
    models: list[type[BaseModel]] = [settings]
    for step in section:
        fields = [model.model_fields[step] for model in models if step in model.model_fields]
        models = [model for field in fields for model in models_in(field.annotation)] or models
    return list(dict.fromkeys(name for model in models for name in model.model_fields))


def models_in(annotation: object) -> list[type[BaseModel]]:
    """Return the models that a field of this type may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for member in get_args(annotation) for model in models_in(member)]
