"""Where pictures may be fetched is told by hosts and by folders, and never by where Flow takes commands."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.dedupe.settings.report_settings import ReportSettings


@pytest.mark.parametrize(
    "entry", ["images.intranet", "10.0.0.7:8080", "http://flow:8983/media/", "https://a/b/c/"]
)
def test_hosts_and_folders_are_taken(entry: str) -> None:
    assert ReportSettings(allow_hosts=(entry,)).allow_hosts == (entry,)


@pytest.mark.parametrize(
    "entry",
    [
        "http://flow:8983", "http://flow:8983/", "http://flow:8983/media", "http://flow:8983/solr/", "http:///a/",
        "http://flow:8983/base/API/cores/", "ftp://flow/media/", "http://a:b@flow/media/", "http://flow/a/../b/",
        "http://flow/media/?x=/", "http://flow//",
    ],
)  # fmt: skip
def test_what_is_no_folder_of_pictures_is_refused(entry: str) -> None:
    with pytest.raises(ValidationError, match=r"no folder of pictures|takes commands"):
        ReportSettings(allow_hosts=(entry,))
