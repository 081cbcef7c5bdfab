"""When a picture was taken, by what its EXIF data says in any spelling of the standard, else by its file.

Used in this order: original, digitised, GPS, changed (DateTime), time of the file. Unknown parts of a date
are its first month, day or hour. Without a zone that can be read a time is taken for UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from PIL import ExifTags

from include.flow_server.query.dates import format_date, to_milliseconds
from include.safe_picture import read_exif

if TYPE_CHECKING:
    from collections.abc import Mapping

_TAGS = ExifTags.Base
_BY_CAMERA = (
    (_TAGS.DateTimeOriginal, _TAGS.OffsetTimeOriginal, _TAGS.SubsecTimeOriginal),
    (_TAGS.DateTimeDigitized, _TAGS.OffsetTimeDigitized, _TAGS.SubsecTimeDigitized),
)
_BY_EDITOR = (_TAGS.DateTime, _TAGS.OffsetTime, _TAGS.SubsecTime)
_PART = r"[:/.\-]\s*([0-9]{0,2})\s*"
_MOMENT = re.compile(
    rf"\s*([0-9]{{4}})(?![0-9])\s*(?:{_PART}(?:{_PART})?)?"
    rf"(?:[T:]?\s*([0-9]{{1,2}})\s*(?::\s*([0-9]{{0,2}})\s*(?::\s*([0-9]{{0,2}})(?:[.,]([0-9]+))?)?)?)?"
)
_ZONE = re.compile(r"\s*([+-])\s*([0-9]{1,2})\s*:?\s*([0-9]{2})\s*")


def taken(data: bytes, mtime: float) -> tuple[str, str]:
    """The date as a document holds it, and a remark where the file's time is none of the calendar."""
    moment = _exif_moment(data)
    if moment:
        return format_date(to_milliseconds(moment)), ""
    try:
        return format_date(to_milliseconds(datetime.fromtimestamp(mtime // 1, UTC))), ""
    except (ValueError, OverflowError, OSError):
        end = datetime(1, 1, 1, tzinfo=UTC) if mtime < 0 else datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
        date = format_date(to_milliseconds(end))
        return date, f"the time of the file lies outside the years 1 to 9999; its date is taken for {date}"


def camera(data: bytes) -> str:
    """Maker and model of the camera, as it wrote them; empty where nothing says so."""
    exif = read_exif(data)
    return " ".join(filter(None, (_text(exif.get(tag)) for tag in (_TAGS.Make, _TAGS.Model))))


def _exif_moment(data: bytes) -> datetime | None:
    exif = read_exif(data)
    found = (*(_moment(exif, *tags) for tags in _BY_CAMERA), _gps_moment(exif))
    return next((one for one in found if one), None) or _moment(exif, *_BY_EDITOR)


def _moment(exif: Mapping[int, Any], date: int, zone: int, fraction: int) -> datetime | None:
    moment = _read(_text(exif.get(date)))
    if moment is None:
        return None
    digits = re.match(r"[0-9]+", _text(exif.get(fraction)))
    if digits and not moment.microsecond:
        moment = moment.replace(microsecond=_microseconds(digits.group()))
    offset = _zone(_text(exif.get(zone))) or moment.tzinfo
    try:
        return moment.replace(tzinfo=offset).astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


def _gps_moment(gps: Mapping[int, Any]) -> datetime | None:
    """GPS says days and times in UTC, the time as three fractions."""
    day = _read(_text(gps.get(ExifTags.GPS.GPSDateStamp)))
    try:
        hours, minutes, seconds = (float(part) for part in gps[ExifTags.GPS.GPSTimeStamp])
        time = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return day + time if day and timedelta(0) <= time < timedelta(days=1) else day
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return day


def _read(text: str) -> datetime | None:
    """The moment that a text begins with, in the zone that follows or UTC; None without a known year."""
    match = _MOMENT.match(text)
    if match is None:
        return None
    year, month, day = (int(part or 0) for part in match.groups()[:3])
    try:
        found = datetime(year, month or 1, day or 1, tzinfo=_zone(text[match.end() :]) or UTC)
    except ValueError:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[3:6])
    fraction = _microseconds(match.group(7) or "0")
    time = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=fraction)
    try:
        return found + time if minute < 60 and second <= 60 and time <= timedelta(days=1) else found
    except OverflowError:
        return found


def _microseconds(digits: str) -> int:
    """Of the digits after the point."""
    return int(digits[:6].ljust(6, "0"))


def _zone(text: str) -> timezone | None:
    match = _ZONE.fullmatch(text)
    if match is None or int(match.group(2)) > 15 or int(match.group(3)) > 59:
        return None
    offset = timedelta(hours=int(match.group(2)), minutes=int(match.group(3)))
    return timezone(-offset if match.group(1) == "-" else offset)


def _text(value: Any) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
    return text.replace("\0", " ").strip()
