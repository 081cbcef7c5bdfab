"""EXIF dates in all the spellings that cameras give them."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, TiffImagePlugin

from include.flow_server.folder.taken import taken
from tests.unit.flow_server.conftest import picture
from tests.unit.flow_server.folder.conftest import stored, sync

if TYPE_CHECKING:
    from tests.support.embedded_server import EmbeddedServer

MAKE, DATE, ORIGINAL, DIGITISED = 0x010F, 0x0132, 0x9003, 0x9004
OFFSET, OFFSET_ORIGINAL, OFFSET_DIGITISED = 0x9010, 0x9011, 0x9012
FRACTION, FRACTION_ORIGINAL = 0x9290, 0x9291
GPS_DATE, GPS_TIME = 29, 7
FILE_TIME = 1_500_000_000
OF_FILE = "2017-07-14T02:40:00Z"
USUAL = "2019:07:06 05:04:03"


def data(
    camera: dict[int, Any], changed: str = "", gps: dict[int, Any] | None = None, kind: str = "JPEG"
) -> bytes:
    exif = Image.Exif()
    exif[MAKE] = "camera"
    if changed:
        exif[DATE] = changed
    exif.get_ifd(0x8769).update(camera)
    exif.get_ifd(0x8825).update(gps or {})
    whole = Image.Exif()
    whole.load(exif.tobytes())
    file = io.BytesIO()
    picture(1, 8).save(file, kind, exif=whole)
    return file.getvalue()


@pytest.mark.parametrize(
    ("camera", "date"),
    [
        ({ORIGINAL: USUAL}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: USUAL, OFFSET_ORIGINAL: "+02:00"}, "2019-07-06T03:04:03Z"),
        ({ORIGINAL: USUAL, OFFSET_ORIGINAL: "-0930"}, "2019-07-06T14:34:03Z"),
        ({ORIGINAL: USUAL, OFFSET_ORIGINAL: "+2:00"}, "2019-07-06T03:04:03Z"),
        ({ORIGINAL: USUAL, OFFSET_ORIGINAL: "   :  "}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: USUAL, OFFSET_ORIGINAL: "      \0"}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: USUAL, OFFSET_ORIGINAL: "CEST"}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: USUAL, OFFSET_ORIGINAL: "+99:99"}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: USUAL, OFFSET_ORIGINAL: "Z"}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: USUAL, OFFSET: "+02:00"}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: f"{USUAL}+02:00"}, "2019-07-06T03:04:03Z"),
        ({ORIGINAL: USUAL, FRACTION_ORIGINAL: "25"}, "2019-07-06T05:04:03.250Z"),
        ({ORIGINAL: USUAL, FRACTION_ORIGINAL: "  "}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: USUAL, FRACTION_ORIGINAL: "0000000009"}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: f"{USUAL}.5"}, "2019-07-06T05:04:03.500Z"),
        ({ORIGINAL: "2019-07-06 05:04:03"}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: "2019/07/06 05:04:03"}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: "2019-07-06T05:04:03Z"}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: "2019:07:06 05:04"}, "2019-07-06T05:04:00Z"),
        ({ORIGINAL: "2019:07:06"}, "2019-07-06T00:00:00Z"),
        ({ORIGINAL: "2019:07:06   :  :  "}, "2019-07-06T00:00:00Z"),
        ({ORIGINAL: "2019:07:     :  :  "}, "2019-07-01T00:00:00Z"),
        ({ORIGINAL: "2019:  :     :  :  "}, "2019-01-01T00:00:00Z"),
        ({ORIGINAL: "2019: 7: 6  5: 4: 3"}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: "2019:00:00 00:00:00"}, "2019-01-01T00:00:00Z"),
        ({ORIGINAL: "2016:12:31 23:59:60"}, "2017-01-01T00:00:00Z"),
        ({ORIGINAL: "2019:07:06 24:00:00"}, "2019-07-07T00:00:00Z"),
        ({ORIGINAL: "2019:07:06 77:00:00"}, "2019-07-06T00:00:00Z"),
        ({ORIGINAL: "9999:12:31 23:59:59", OFFSET_ORIGINAL: "-05:00"}, "9999-12-31T23:59:59Z"),
        ({ORIGINAL: "0001:01:01 00:00:00", OFFSET_ORIGINAL: "+05:00"}, "0001-01-01T00:00:00Z"),
        ({DIGITISED: USUAL, OFFSET_DIGITISED: "+01:00"}, "2019-07-06T04:04:03Z"),
        ({ORIGINAL: "0000:00:00 00:00:00", DIGITISED: USUAL}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: "    :  :     :  :  ", DIGITISED: USUAL}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: "2019:13:45 00:00:00", DIGITISED: USUAL}, "2019-07-06T05:04:03Z"),
        ({ORIGINAL: "0000:00:00 00:00:00"}, OF_FILE),
        ({ORIGINAL: "    :  :     :  :  "}, OF_FILE),
        ({ORIGINAL: "yesterday"}, OF_FILE),
        ({ORIGINAL: ""}, OF_FILE),
        ({}, OF_FILE),
    ],
)  # fmt: skip
def test_what_can_be_used_of_a_date_is_used(camera: dict[int, Any], date: str) -> None:
    assert taken(data(camera), FILE_TIME) == (date, "")


def test_gps_comes_before_the_date_of_change_and_that_before_the_file() -> None:
    gps: dict[int, Any] = {GPS_DATE: "2018:02:03", GPS_TIME: (4.0, 5.0, 6.0)}
    assert taken(data({}, "2020:01:01 00:00:00", gps), 0)[0] == "2018-02-03T04:05:06Z"
    assert taken(data({ORIGINAL: USUAL}, "", gps), 0)[0] == "2019-07-06T05:04:03Z"
    undefined = TiffImagePlugin.IFDRational(0, 0)
    for time in ((undefined, undefined, undefined), (99.0, 0.0, 0.0), ()):
        odd = {GPS_DATE: "2018:02:03", **({GPS_TIME: time} if time else {})}
        assert taken(data({}, "", odd), 0)[0] == "2018-02-03T00:00:00Z"
    assert taken(data({}, "", {GPS_TIME: (4.0, 5.0, 6.0)}), FILE_TIME)[0] == OF_FILE
    changed = data({OFFSET: "+01:00", FRACTION: "5"}, "2020:01:01 00:00:00")
    assert taken(changed, 0)[0] == "2019-12-31T23:00:00.500Z"


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "HEIF", "AVIF", "JPEG"])
def test_dates_are_read_from_every_format_that_holds_them(kind: str) -> None:
    assert taken(data({ORIGINAL: USUAL}, kind=kind), 0)[0] == "2019-07-06T05:04:03Z"


@pytest.mark.parametrize("seconds", [10_413_792_000, 2**40, 253_402_300_800, -62_135_596_801, -1.5])
def test_file_times_outside_the_calendar_are_clamped_and_said(
    server: EmbeddedServer, root: Path, seconds: float
) -> None:
    memory = Path("/dev/shm")  # noqa: S108
    if not memory.is_dir():
        pytest.skip("no file system that keeps any time")
    plain = picture(3, 24)
    far = memory / f"far-{os.getpid()}"
    far.mkdir()
    try:
        plain.save(far / "a.png")
        plain.save(far / "b.png")
        os.utime(far / "b.png", (seconds, seconds))
        said = sync(server, far)
        date = stored(server)["b.png"]["date_dt"]
        assert "2 new" in said
        if -62_135_596_800 <= seconds < 253_402_300_800:
            assert date == ("2300-01-01T00:00:00Z" if seconds > 0 else "1969-12-31T23:59:58Z")
        else:
            assert date == ("9999-12-31T23:59:59Z" if seconds > 0 else "0001-01-01T00:00:00Z")
            assert "note: b.png: the time of the file lies outside the years 1 to 9999" in said
        assert "2 unchanged" in sync(server, far)
    finally:
        for file in far.iterdir():
            file.unlink()
        far.rmdir()


def test_a_picture_says_which_camera_took_it_until_an_edit_drops_that(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(data({ORIGINAL: USUAL}))
    sync(server, tmp_path)
    assert stored(server)["photo.jpg"]["exif_camera_s"] == "camera"
    picture(2, 8).save(file, "JPEG")
    os.utime(file, (FILE_TIME, FILE_TIME))
    sync(server, tmp_path)
    assert "exif_camera_s" not in stored(server)["photo.jpg"]
