"""Settings of what people see on the review page."""

from __future__ import annotations

import re
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from include.dedupe.settings.section import Section

PLACEHOLDERS = ("id", "image", "width")


class ReviewSettings(Section):
    fields: tuple[str, ...] = Field(
        (),
        description="Fields that the page shows and filters by, besides those that keeper rules go by and "
        "those mapped in fields.",
        examples=[["title_s", "labels"]],
    )
    image_url: str | None = Field(
        None,
        description="Where the page gets a document's picture instead of its address in fields.image: "
        "{id} and {image} stand for the document's id and that address, {width} for the pixels wanted. What "
        "they hold is percent-encoded.",
        examples=["https://images.intranet/preview?file={id}&width={width}"],
    )
    image_connection: str | None = Field(
        None,
        description="Airflow connection (type HTTP) whose login or token, and the headers in its extra, are "
        "sent with image_url, to its host only.",
        examples=["images"],
    )
    cache_mb: int = Field(
        1024, ge=1, description="Megabytes of small pictures that Airflow's API server keeps on its disk."
    )

    @model_validator(mode="after")
    def _is_an_address(self) -> Self:
        if self.image_url is None:
            if self.image_connection:
                raise ValueError("review.image_connection belongs to review.image_url: name it, too")
            return self
        names = re.findall(r"{(.*?)}", self.image_url)
        if unknown := [name for name in names if name not in PLACEHOLDERS]:
            raise ValueError(
                f"review.image_url: {{{unknown[0]}}} stands for nothing; use {{id}}, {{image}} and {{width}}"
            )
        parts = urlsplit(self.image_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "{" in parts.netloc:
            raise ValueError("review.image_url must begin with http:// or https:// and a host")
        return self
