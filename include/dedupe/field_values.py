"""Values of fields as keeper rules compare them: by what they are in Flow, not by how they are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.moments import microseconds

Number = TypeVar("Number", int, float)
NOTHING: tuple[Any, ...] = (None, "", [])


def is_value(value: Any, wanted: str) -> bool:
    """Whether a field's value is the one that the settings name: ``1`` and ``1.0``, a day and its midnight.

    A text is compared as a number or a boolean only where Flow returns one; so ``01`` is not ``1`` in a
    field of texts.
    """
    if isinstance(value, bool):
        return wanted.strip().lower() == str(value).lower()
    if isinstance(value, int | float):
        try:
            return Decimal(wanted.strip()) == Decimal(str(value))
        except InvalidOperation:
            return False
    if value == wanted:
        return True
    moment = microseconds(str(value))
    return moment is not None and moment == microseconds(wanted)


def places(values: Sequence[Any], wanted: Sequence[str]) -> list[float]:
    """Return where each value stands among those wanted, infinity where it does not.

    A field with several values counts as its best one.
    """
    known: dict[tuple[type, Any], float] = {}

    def place(value: Any) -> float:
        key = (type(value), value)
        if key not in known:
            found = (number for number, one in enumerate(wanted) if is_value(value, one))
            known[key] = float(next(found, math.inf))
        return known[key]

    return [min((place(one) for one in listed(value)), default=math.inf) for value in values]


def folder_places(values: Sequence[Any], folders: Sequence[str]) -> list[float]:
    """Return the place of the first folder in which a path, or one of several, lies; infinity for none."""
    prefixes = [as_folder(folder) for folder in folders]

    def place(path: Any) -> float:
        found = (number for number, prefix in enumerate(prefixes) if str(path).startswith(prefix))
        return float(next(found, math.inf))

    return [min((place(one) for one in listed(value)), default=math.inf) for value in values]


def as_folder(text: str) -> str:
    """Return how the paths in a folder begin."""
    return f"{text.rstrip('/')}/"


def numbers(values: Sequence[Any], *, highest: bool) -> npt.NDArray[np.float64]:
    """Return each value as a number, NaN where it is none; of several values the highest or the lowest."""
    found = (_outermost(value, _number, highest=highest) for value in values)
    return np.fromiter((math.nan if one is None else one for one in found), np.float64, count=len(values))


def moments(values: Sequence[Any], *, latest: bool) -> npt.NDArray[np.float64]:
    """Return each value as microseconds since 1970, NaN where it is no date; of several the outermost one."""
    single = [None if isinstance(value, list) else value for value in values]
    read = pd.to_datetime(pd.Series(single, dtype=object), format="ISO8601", utc=True, errors="coerce")
    found = read.dt.as_unit("us").astype("int64").to_numpy().astype(np.float64)
    for place in map(
        int, np.flatnonzero(read.isna().to_numpy(bool))
    ):  # none, several, or of a year that pandas lacks
        counted = _outermost(values[place], lambda one: microseconds(str(one)), highest=latest)
        found[place] = math.nan if counted is None else counted
    return found


def listed(value: Any) -> list[Any]:
    """Return the values of a field, none where it is empty."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if one not in NOTHING]


def _outermost(value: Any, read: Callable[[Any], Number | None], *, highest: bool) -> Number | None:
    found = [number for one in listed(value) if (number := read(one)) is not None]
    return (max if highest else min)(found) if found else None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
