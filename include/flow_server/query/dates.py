"""Dates as Solr writes them, and its date math (`NOW-7DAYS/DAY`). Instants are milliseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from include.flow_server.errors import BadRequestError

_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?Z", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_STEP = re.compile(r"(?:([+-][0-9]{1,9})|/)([A-Z]+)")
_MOST_STEPS = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = {"MONTH": 1, "YEAR": 12}
_SPANS = {
    "MILLI": timedelta(milliseconds=1),
    "MILLISECOND": timedelta(milliseconds=1),
    "SECOND": timedelta(seconds=1),
    "MINUTE": timedelta(minutes=1),
    "HOUR": timedelta(hours=1),
    "DAY": timedelta(days=1),
    "DATE": timedelta(days=1),
}
_UNITS = _SPANS.keys() | _MONTHS.keys()
_ROUNDED_AWAY = {
    "YEAR": {"month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0, "microsecond": 0},
    "MONTH": {"day": 1, "hour": 0, "minute": 0, "second": 0, "microsecond": 0},
    "DAY": {"hour": 0, "minute": 0, "second": 0, "microsecond": 0},
    "DATE": {"hour": 0, "minute": 0, "second": 0, "microsecond": 0},
    "HOUR": {"minute": 0, "second": 0, "microsecond": 0},
    "MINUTE": {"second": 0, "microsecond": 0},
    "SECOND": {"microsecond": 0},
}


def now() -> datetime:
    """The present, to the millisecond."""
    return from_milliseconds(to_milliseconds(datetime.now(UTC)))


def to_milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 in UTC, finer parts cut off."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_milliseconds(milliseconds: int) -> datetime:
    """The inverse of `to_milliseconds`."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def format_date(milliseconds: int) -> str:
    """`2023-04-12T00:00:00Z`, with a fraction only where there is one."""
    moment = from_milliseconds(milliseconds)
    fraction = f".{milliseconds % 1000:03d}" if milliseconds % 1000 else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + fraction + "Z"


def parse_date(text: str, moment: datetime) -> int:
    """Reads a date with date math; `moment` is what NOW means. A date that is none is a 400."""
    if text.startswith("NOW"):
        start, math = moment, text[3:]
    else:
        match = _DATE.match(text)
        if not match:
            raise BadRequestError(f"Invalid Date String:'{text}'")
        start, math = _instant(match, text), text[match.end() :]
    try:
        return to_milliseconds(apply_math(start, math, text))
    except OverflowError:
        raise BadRequestError(f"Invalid Date Math String:'{text}' leaves the years 1 to 9999") from None


def parse_lenient(text: str, moment: datetime) -> int:
    """Reads a date of a document, where a bare day (`2023-04-12`) is midnight UTC."""
    return parse_date(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text, moment)


def apply_math(start: datetime, math: str, text: str) -> datetime:
    """Adds and rounds: `+1MONTH`, `-7DAYS/DAY`. `text` is the whole expression, for the error."""
    moment, position = start, 0
    for _ in range(_MOST_STEPS):
        if position == len(math):
            return moment
        step = _STEP.match(math, position)
        unit = step.group(2).removesuffix("S") if step else ""
        if not step or unit not in _UNITS:
            raise BadRequestError(f"Invalid Date Math String:'{text}'")
        moment = _add(moment, int(step.group(1)), unit) if step.group(1) else _round(moment, unit)
        position = step.end()
    raise BadRequestError(f"Invalid Date Math String:'{text}' has {_MOST_STEPS} steps or more")


def _instant(match: re.Match[str], text: str) -> datetime:
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    microsecond = int((match.group(7) or "0")[:3].ljust(3, "0")) * 1000
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
    except ValueError:
        raise BadRequestError(f"Invalid Date String:'{text}'") from None


def _add(moment: datetime, amount: int, unit: str) -> datetime:
    if unit in _SPANS:
        return moment + amount * _SPANS[unit]
    months = moment.year * 12 + moment.month - 1 + amount * _MONTHS[unit]
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    following = datetime(year + month // 11, (month + 1) % 12 + 1, 1, tzinfo=UTC)
    last_day = (following - timedelta(days=1)).day
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last_day))


def _round(moment: datetime, unit: str) -> datetime:
    if unit in ("MILLI", "MILLISECOND"):
        return moment
    parts = _ROUNDED_AWAY[unit]
    return moment.replace(**parts)  # type: ignore[arg-type]
