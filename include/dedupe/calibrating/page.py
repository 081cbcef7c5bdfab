"""calibration.html: the figures as plots and tables, and the pictures that they rest on, in one file."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jinja2
import pandas as pd
from markupsafe import Markup
from PIL import Image

from include.dedupe.calibrating.ask import picture_of
from include.dedupe.calibrating.measure import BINS
from include.dedupe.calibration import LOWEST, THRESHOLDS, percent, place_of
from include.dedupe.flow import Origin
from include.dedupe.reporting.pictures import HEIGHT, WIDTH, Thumbnail, WebPictures
from include.dedupe.reporting.plot import Line, Mark, Plot
from include.dedupe.settings.config import CollectionConfig
from include.detector.editing.manipulations import make
from include.safe_picture import UnreadableImageError, preview

PICTURED = 12
OF_ONE_STRENGTH = 2


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit of a document's picture."""

    id: str
    image: str
    strength: str


class Source(Protocol):
    """Where the pictures of the page come from."""

    def thumbnails(self, addresses: Sequence[str]) -> Mapping[str, Thumbnail]: ...
    def edited(self, edit: Edit) -> Thumbnail:
        """Return the edit of a document's picture, or why it cannot be shown."""


class CalibrationPictures:
    """Pictures at http and https addresses; ``flow`` is where Flow is."""

    def __init__(self, flow: Origin, config: CollectionConfig) -> None:
        self._web = WebPictures(flow, config.report.allow_hosts)
        self._flow = flow
        self._config = config

    def thumbnails(self, addresses: Sequence[str]) -> Mapping[str, Thumbnail]:
        return self._web.thumbnails(addresses)

    def edited(self, edit: Edit) -> Thumbnail:
        try:
            image: Image.Image = picture_of(edit.image, self._config, self._flow)
            small = preview(make(edit.strength, image, edit.id), WIDTH, HEIGHT)
        except (OSError, UnreadableImageError) as error:
            return Thumbnail(problem=str(error))
        return Thumbnail(f"data:image/jpeg;base64,{base64.b64encode(small.jpeg).decode()}")


@dataclass(frozen=True, slots=True)
class Shown:
    """Two pictures side by side, each with its words, and the score between them."""

    score: float
    left: tuple[str, Thumbnail]
    right: tuple[str, Thumbnail]


def render_page(
    calibration: Mapping[str, Any], edited: pd.DataFrame, images: Mapping[str, str], pictures: Source
) -> str:
    """Return the page.

    Args:
        calibration: the content of calibration.json.
        edited: columns of EDITED.
        images: the picture's address of each drawn document.
        pictures: where pictures come from.
    """
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("include.dedupe.calibrating", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["percent"] = percent
    settings = calibration["settings"]
    return templates.get_template("calibration.html.j2").render(
        calibration=calibration,
        recall_plot=_recall_plot(calibration),
        copies_plot=_copies_plot(calibration),
        neighbours_plot=_neighbours_plot(calibration),
        at=place_of(settings["threshold"]),
        at_exact=place_of(settings["exact_threshold"]),
        misses=list(_misses(edited, images, pictures)),
        strangers=list(_strangers(calibration, pictures)),
    )


def _marks(calibration: Mapping[str, Any]) -> list[Mark]:
    settings, proposals = calibration["settings"], calibration["proposals"]
    names = {"threshold": "near", "exact_threshold": "exact"}
    now = [Mark(f"{word} now", settings[name]) for name, word in names.items()]
    proposed = [
        Mark(f"{word} proposed", proposals[name]["value"])
        for name, word in names.items()
        if proposals[name]["value"] not in (None, settings[name])
    ]
    return [*now, *proposed]


def _recall_plot(calibration: Mapping[str, Any]) -> Markup:
    words = {"all": "all copies", "exact": "exact copies", "near": "near copies"}
    lines = []
    for name, label in words.items():
        curve = calibration["recall"][name]
        if curve["asked"]:
            shares = [found / curve["asked"] for found in curve["found"]]
            bounds = (curve["low"], curve["high"]) if name == "all" else ((), ())
            lines.append(Line(label, shares, *bounds))
    title = "Share of the copies that score at least so much"
    return Plot(title, LOWEST, _marks(calibration)).curves(THRESHOLDS, lines)


def _copies_plot(calibration: Mapping[str, Any]) -> Markup:
    words = (("near", "near copies"), ("exact", "exact copies"))
    stacks = [(label, calibration["scores"][name]) for name, label in words]
    return _histogram("Scores of the copies", stacks, calibration)


def _neighbours_plot(calibration: Mapping[str, Any]) -> Markup:
    words = (("not_judged", "nobody has judged it"), ("no_duplicates", "people say: no duplicate"))
    stacks = [(label, calibration["neighbours"][name]) for name, label in words]
    return _histogram("Best score of another document, for each document", stacks, calibration)


def _histogram(
    title: str, stacks: Sequence[tuple[str, Sequence[int]]], calibration: Mapping[str, Any]
) -> Markup:
    most = max(1, *(sum(counts) for counts in zip(*(one for _, one in stacks), strict=True)))
    return Plot(title, LOWEST, _marks(calibration), f"{most}").bars(BINS, stacks)


def _misses(edited: pd.DataFrame, images: Mapping[str, str], pictures: Source) -> Iterator[Shown]:
    """Yield the copies with the lowest scores beside their originals, few of one strength."""
    rows = edited[edited["problem"] == ""].sort_values("score", kind="stable")
    worst = rows[rows.groupby("strength").cumcount() < OF_ONE_STRENGTH].head(PICTURED)
    originals = pictures.thumbnails([images[name] for name in worst["id"]])
    for name, strength, score in zip(worst["id"], worst["strength"], worst["score"], strict=True):
        copy = pictures.edited(Edit(name, images[name], strength))
        yield Shown(float(score), (name, originals[images[name]]), (strength, copy))


def _strangers(calibration: Mapping[str, Any], pictures: Source) -> Iterator[Shown]:
    """Yield the best-scoring pairs that are no copies, as people or the threshold of the settings say.

    Behind them, where there is room, those from the threshold up that come closest to it and nobody judged.
    """
    every = {frozenset((one["id"], one["neighbour_id"])): one for one in calibration["neighbours"]["pairs"]}
    threshold = calibration["settings"]["threshold"]
    none = [one for one in every.values() if one["said"] == "other" or one["score"] < threshold]
    open_ones = [one for one in every.values() if one["said"] != "other" and one["score"] >= threshold]
    pairs = [*none, *reversed(open_ones)][:PICTURED]
    shown = pictures.thumbnails([pair[side] for pair in pairs for side in ("image", "neighbour_image")])
    for pair in pairs:
        sides = (("id", "image"), ("neighbour_id", "neighbour_image"))
        left, right = ((pair[name], shown[pair[image]]) for name, image in sides)
        yield Shown(pair["score"], left, right)
