"""What a picture may cost: pixels and memory before it is decoded, time while it is.

Nothing can interrupt a decoder from inside its process. So the time limit ends the process: use it only where
somebody else notices, and goes on without that picture.
"""

from __future__ import annotations

import resource
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from include.safe_picture.errors import UnreadableImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PIXELS = 100_000_000  # Pillow refuses 179 million by itself
MAX_MEMORY = 1 << 30  # bytes, for decoding one picture
MOST_FRAMES = 2000
MOST_FRAME_PIXELS = 300_000_000  # of all frames together
DECODING_SECONDS = 30.0  # of CPU time
# Bytes a pixel takes at the peak of decoding and converting, measured; the decoders of the last ones keep
# several copies.
COST = {"JPEG": 10, "PNG": 10, "BMP": 10, "GIF": 10, "TIFF": 10, "PPM": 10, "ICO": 16}
COST |= {"WEBP": 21, "AVIF": 16, "HEIF": 16, "JPEG2000": 24}
DEEP_COST = {"RGB": 20, "RGBA": 22, "CMYK": 22, "I": 16, "F": 16}  # by mode, the first letter of greys
ROW_COST = 64


def require_size(name: str, width: int, height: int, max_pixels: int, deep: int = 0) -> None:
    """Refuse what would take too many pixels or too much memory; `deep`: at least so many bytes a pixel.

    Raises:
        UnreadableImageError: with the size and the bound.
    """
    if width * height > max_pixels:
        raise UnreadableImageError(f"too many pixels: {width} x {height} is more than {max_pixels:,}")
    needed = width * height * max(COST[name], deep) + height * ROW_COST
    if needed > MAX_MEMORY:
        raise UnreadableImageError(
            f"too many pixels: decoding {width} x {height} of {name} takes {needed >> 20:,} MiB of memory, "
            f"more than {MAX_MEMORY >> 20:,}"
        )


@contextmanager
def process_ends_after(seconds: float) -> Iterator[None]:
    """Kill this process once the block has used so much CPU time, whatever it is doing."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def limit_memory(extra: int) -> None:
    """Let this process allocate at most so many bytes from now on; beyond, allocating fails."""
    limit = _data_bytes() + extra
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _data_bytes() -> int:
    """What counts against RLIMIT_DATA already; 0 where the system does not say."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123  no file of ours
            sizes = dict(line.split(":", 1) for line in status)
        return int(sizes["VmData"].split()[0]) << 10
    except (OSError, KeyError, ValueError):
        return 0
