"""Previews show what the analysis sees, within limits of time and memory, and harm nobody."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from include.safe_picture import Preview, PreviewMaker, UnreadableImageError, decode
from include.tools.picture_bombs import png
from tests.support.drawn import file, scene

STATUS = Path("/proc/self/status")
BUSY = """from include.safe_picture import process_ends_after
with process_ends_after(0.2):
    while True: pass
"""


@pytest.fixture(scope="module")
def maker() -> Iterator[PreviewMaker]:
    with PreviewMaker() as made:
        yield made


def pixels(made: Preview) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(made.jpeg)).convert("RGB")).astype(float)


def deep(seed: int) -> Image.Image:
    return Image.fromarray(np.asarray(scene(seed=seed).convert("L")).astype(np.uint16) * 100)


def test_beside_a_package_include_of_others_it_is_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "__init__.py").write_text("raise RuntimeError('that of others')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with PreviewMaker() as made:
        assert made.preview(file(scene()), 50, 50).jpeg


@pytest.mark.parametrize(
    "data",
    [
        file(deep(1)),
        file(Image.fromarray(np.asarray(scene().convert("L")).astype(np.float32) / 255), "TIFF"),
        file(scene(), "HEIF", quality=90),
        file(scene().convert("CMYK"), "JPEG", quality=95),
        file(Image.merge("RGBA", (*Image.new("RGB", (120, 80), "white").split(), scene().convert("L")))),
        file(
            scene(), "JPEG", quality=95, exif=b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
        ),
    ],
    ids=["16 bit", "floats", "HEIC", "CMYK", "alpha", "orientation"],
)
def test_a_preview_shows_what_the_analysis_sees(data: bytes, maker: PreviewMaker) -> None:
    seen, shown = decode(data).rgb, pixels(maker.preview(data, 500, 500))
    assert shown.shape == seen.shape
    assert np.abs(shown - seen).mean() < 6


def test_a_preview_fits_into_its_frame_and_tells_of_further_frames(maker: PreviewMaker) -> None:
    made = maker.preview(file(scene(4000, 1000), "JPEG"), 336, 252)
    assert pixels(made).shape == (84, 336, 3)
    assert not made.is_first
    moving = file(scene(seed=1), "GIF", save_all=True, append_images=[scene(seed=2)])
    assert maker.preview(moving, 336, 252).is_first


def test_what_cannot_be_shown_says_why_and_the_next_is_shown(maker: PreviewMaker) -> None:
    for data, cause in (
        (b"%!PS-Adobe", "known format"),
        (png(13_300, 13_300, 8, 2), "too many pixels"),
        (b"", "0 bytes"),
    ):
        with pytest.raises(UnreadableImageError, match=cause):
            maker.preview(data, 336, 252)
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda seed: maker.preview(file(scene(seed=seed)), 60, 60), range(8)))
    assert len({one.jpeg for one in made}) == 8


def test_the_time_limit_ends_a_preview() -> None:
    with PreviewMaker(seconds=0.01) as maker:
        with pytest.raises(UnreadableImageError, match=r"more than 0\.01 seconds"):
            maker.preview(png(9000, 9000, 8, 2), 336, 252)
        maker._seconds = 60
        assert maker.preview(file(scene()), 60, 60).jpeg


def test_a_process_that_dies_is_replaced() -> None:
    with PreviewMaker() as maker:
        maker.preview(file(scene()), 60, 60)
        assert maker._process is not None
        maker._process.kill()
        maker._process.wait()
        assert maker.preview(file(scene()), 60, 60).jpeg


def test_a_process_ends_after_its_cpu_time() -> None:
    ended = subprocess.run([sys.executable, "-c", BUSY], timeout=120, check=False)
    assert ended.returncode != 0


@pytest.mark.skipif(not STATUS.exists(), reason="nothing here tells how much memory a process had at most")
@pytest.mark.parametrize("size", [(10_000, 10_000, 8, 6), (1, 100_000_000, 8, 0), (9000, 9000, 16, 6)])
def test_a_bomb_takes_at_most_a_gibibyte(size: tuple[int, int, int, int]) -> None:
    code = (
        "import sys\nfrom include.safe_picture import *\ndata = sys.stdin.buffer.read()\n"
        "try: decode(data)\nexcept UnreadableImageError: pass\n"
        f"print(open('{STATUS}').read())"  # getrusage would tell of the parent's memory, too
    )
    answer = subprocess.run([sys.executable, "-c", code], input=png(*size), capture_output=True, check=True)
    (peak,) = re.findall(rb"VmHWM:\s+(\d+) kB", answer.stdout)
    assert int(peak) * 1024 < 1.25 * 2**30
