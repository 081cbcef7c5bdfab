"""Settings of where a collection lives, and of what its fields are called."""

from __future__ import annotations

from pydantic import Field

from include.dedupe.errors import ConfigError
from include.dedupe.settings.section import Section


class FlowSettings(Section):
    connection: str = Field(
        min_length=1,
        description="Airflow connection (type HTTP) that leads to Flow: host, port, login, TLS. "
        "Commands read it as tasks do: from the environment variable AIRFLOW_CONN_<CONNECTION>, else from "
        "Airflow.",
        examples=["flow_default"],
    )
    collection: str = Field(
        min_length=1, description="Name of the collection in Flow.", examples=["my-collection"]
    )
    write_connection: str | None = Field(
        None,
        description="Airflow connection for all that writes to the collection. Without it the collection is "
        "only ever read.",
        examples=["flow_writer"],
    )
    detector: str | None = Field(
        None,
        description="Version of Flow's detector. Change it when Flow's models change: pairs of one version "
        "are never mixed with those of another. Without it, what the server tells.",
        examples=["flow-5.0.2"],
    )

    @property
    def writer(self) -> str:
        """The connection for what writes.

        Raises:
            ConfigError: the settings name none, so that the collection is only ever read.
        """
        if self.write_connection is None:
            raise ConfigError(
                f"The collection {self.collection} is only read: name flow.write_connection in its settings, "
                f"or let the run be dry."
            )
        return self.write_connection


class FieldSettings(Section):
    image: str = Field("image", description="Field with the address of the picture.")
    date: str | None = Field(
        None,
        description="Date field: what a scheduled run, a backfill and partitions by date go by.",
        examples=["created_dt"],
    )
    category: str | None = Field(
        None,
        description="Field that the parameter `categories` of a manual run goes by.",
        examples=["category"],
    )
    pixels: str | None = Field(
        None, description="Field that the keeper rules mean by `pixels`.", examples=["pixels_i"]
    )
    bytes: str | None = Field(
        None, description="Field that the keeper rules mean by `bytes`.", examples=["bytes_l"]
    )
    camera: str | None = Field(
        None,
        description="Field that a picture has which came from a camera and kept its EXIF data. Where keeper "
        "has no rules, an original is told by it from its edits.",
        examples=["exif_camera_s"],
    )
    unreadable: str | None = Field(
        "unreadable_s",
        description="Field that says of a document why its picture cannot be read, as a sync of the embedded "
        "server writes it: such a document is no keeper.",
    )
    file_hash: str = Field(
        "file_sha256_s",
        description="Field with a hash of the file's bytes, as a sync of the embedded server writes it: the "
        "policy replace goes by it.",
    )
    hard_link: str | None = Field(
        "hard_link_s",
        description="Field that has the same value in all documents of one file that has several names (hard "
        "links), as a sync of the embedded server writes it: they are one picture already, and to remove one "
        "of them frees nothing. The policy replace writes the keeper's id there.",
    )
    may_be_lost: tuple[str, ...] = Field(
        (),
        description="Fields, also dynamic ones such as *_str, that Flow searches but does not return, and "
        "that a document may lose when it is changed, or deleted and restored. While others like them are in "
        'use, nothing is written. "*" accepts all, also where Flow does not tell its schema.',
        examples=[["*_str", "random_*"]],
    )
