"""Settings of the report: how much it shows, and where pictures may be fetched."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from include.dedupe.settings.section import Section


class ReportSettings(Section):
    pictured_clusters: int = Field(
        200,
        ge=0,
        le=10_000,
        description="Clusters shown with pictures in report.html; the files list all of them.",
    )
    cells_as_text: bool = Field(
        True,
        description="Put an apostrophe before cells that a spreadsheet would carry out as formulas, in all "
        "CSV files but duplicates.csv, which is as Flow's script writes it. Parquet holds ids as they are.",
    )
    allow_hosts: tuple[str, ...] = Field(
        (),
        description="Where pictures may be fetched in private networks: hosts, as host or host:port, and "
        "folders, as http://host:port/folder/. Flow's own host is asked for nothing but what lies below "
        "/images/ and the folders named here.",
        examples=[["images.intranet", "http://flow.intranet:8983/media/"]],
    )

    @field_validator("allow_hosts")
    @classmethod
    def _are_hosts_or_folders(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            if "://" not in entry:
                continue
            parts = urlsplit(entry)
            folders = [one.lower() for one in parts.path.split("/")[1:-1]]
            is_folder = parts.path.endswith("/") and bool(folders) and not {"", ".", ".."} & set(folders)
            is_plain = bool(parts.hostname) and not (parts.username or parts.query or parts.fragment)
            if parts.scheme not in ("http", "https") or not (is_folder and is_plain):
                raise ValueError(f"{entry!r} is no folder of pictures such as http://images.intranet/media/")
            if {"solr", "api"} & set(folders):
                raise ValueError(f"{entry!r} is where Flow takes commands; name the folder of the pictures")
        return entries
