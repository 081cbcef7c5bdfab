"""A dozen new pictures for the gate: new ones, a twin, copies of what the collection has, a broken file."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from include.demo.make_collection import PHOTOS, photos
from include.demo.manipulations import MANIPULATIONS

NEW = ("dunes", "aurora", "coral", "marble", "dusk")
SIZE = (360, 240)
COPIES = ("smaller", "PNG", "JPEG quality")
CHANGED = ("crop", "logo")
"""Manipulations that make exact and near duplicates."""


def make_uploads(folder: Path) -> Path:
    """Make the pictures in ``folder``, which belongs to them alone, and return their manifest."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = [_new(folder, name, seed) for seed, name in enumerate(NEW)]
    names.append(_twin(folder, names[0]))
    originals = [photo for number, photo in enumerate(photos()) if number % 3]  # those without copies
    for place, kind in enumerate((*COPIES, *CHANGED)):
        names.append(_copy(folder, originals[place * 7].file, kind, f"IMG_{3000 + place}"))
    (folder / "broken.jpg").write_bytes((folder / names[5]).read_bytes()[:400])
    manifest = folder / "uploads.jsonl"
    rows = [{"id": f"new/{name}", "file": name, "folder_s": "new"} for name in (*names, "broken.jpg")]
    manifest.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return manifest


def _new(folder: Path, name: str, seed: int) -> str:
    """Draw soft shapes in random colours."""
    noise = np.random.default_rng(seed).integers(0, 256, (5 + seed, 8 + seed, 3), np.uint8)
    image = Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC)
    image.filter(ImageFilter.GaussianBlur(2)).save(folder / f"{name}.png")
    return f"{name}.png"


def _twin(folder: Path, name: str) -> str:
    with Image.open(folder / name) as image:
        half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    half.save(folder / "sent-twice.jpg", quality=92)
    return "sent-twice.jpg"


def _copy(folder: Path, photo: str, kind: str, name: str) -> str:
    manipulation = next(one for one in MANIPULATIONS if one.name == kind)
    with Image.open(PHOTOS / photo) as opened:
        image = opened.convert("RGB")
    for edit in manipulation.edits:
        image = edit(image, random.Random(name))  # noqa: S311
    file = f"{name}.{'png' if manipulation.saved['format'] == 'PNG' else 'jpg'}"
    image.save(folder / file, **manipulation.saved)
    return file
