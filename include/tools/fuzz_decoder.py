"""Attacks the decoder: files that ask for much, and pictures of every format with bytes changed.

    python -m include.tools.fuzz_decoder [--pictures 100000] [--seconds 1800] [--seed 0]

Prints what each of the former takes, in a process of its own, and counts the latter: read, or refused with
one kind of error. Anything else that escapes, a process that ends, and a call that takes more than a second
are printed with what is needed to repeat them. The exit code is 1 if something escaped or ended a process.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from include.safe_picture import MAX_PIXELS, UnreadableImageError, decode, preview, read_exif
from include.safe_text import run_until_unread
from include.tools.picture_bombs import BOMBS, saved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CHUNK = 500
SLOW_SECONDS = 1.0
FUZZED_PIXELS = 4_000_000  # so that a changed size costs no minutes


def main() -> None:
    """Measure the bombs, then change pictures until the number or the time is reached."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bomb", help="measure this one here, and print it")
    given = parser.parse_args()
    if given.bomb:
        print(measured(BOMBS[given.bomb]()))
        return
    for name in BOMBS:
        command = [sys.executable, "-m", "include.tools.fuzz_decoder", "--bomb", name]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  ourselves
        print(f"{name:36} {answer.stdout.strip() or f'ended with {answer.returncode}'}", flush=True)
    sys.exit(int(_fuzz(given.pictures, given.seconds, given.seed)))


def measured(data: bytes) -> str:
    """What decoding and previewing take: memory beyond what was taken before, and CPU seconds.

    The file was made in this process, so the peak is begun anew.
    """
    before = _peak_anew()
    begun = time.process_time()
    found = _outcome(data, MAX_PIXELS)
    seconds = time.process_time() - begun
    after = _memory("VmHWM")
    return f"{len(data) / 1e3:>8,.0f} kB {(after - before) / 1e6:>7,.0f} MB {seconds:>6.2f} s  {found}"


def _peak_anew() -> int:
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:  # noqa: PTH123
        file.write("5")
    return _memory("VmRSS")


def _memory(name: str) -> int:
    with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123
        sizes = dict(line.split(":", 1) for line in file)
    return int(sizes[name].split()[0]) * 1024


def _outcome(data: bytes, max_pixels: int) -> str:
    """`read` or the cause; anything but the one error escapes."""
    read_exif(data)
    try:
        preview(data, 336, 252, max_pixels)
        decode(data, max_pixels)
    except UnreadableImageError as error:
        return str(error)
    return "read"


@cache
def samples() -> tuple[tuple[str, bytes], ...]:
    """One small picture of every kind, with EXIF where it can have some."""
    noise = np.random.default_rng(1).integers(0, 256, (5, 7, 3), np.uint8)
    picture = Image.fromarray(noise).resize((48, 36), Image.Resampling.BICUBIC)
    other = picture.transpose(Image.Transpose.ROTATE_180)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    wide = (np.asarray(picture).astype(np.uint16) << 8) + 77
    made = [
        (kind, saved(picture, kind, **options))
        for kind, options in (
            ("JPEG", {"exif": exif}), ("PNG", {"exif": exif}), ("WEBP", {"exif": exif}), ("GIF", {}),
            ("TIFF", {}), ("BMP", {}), ("HEIF", {"exif": exif}), ("AVIF", {"exif": exif, "speed": 10}),
            ("JPEG2000", {}), ("ICO", {"sizes": [(16, 16), (32, 32)]}), ("PPM", {}),
        )
    ]  # fmt: skip
    moving = {"save_all": True, "append_images": [other]}
    made += [
        (f"{kind} of two", saved(picture, kind, **moving))
        for kind in ("GIF", "WEBP", "PNG", "TIFF", "MPO", "HEIF")
    ]
    made += [
        ("JPEG progressive", saved(picture, "JPEG", progressive=True)),
        ("JPEG CMYK", saved(picture.convert("CMYK"), "JPEG")),
        ("PNG palette", saved(picture.quantize(16), "PNG", transparency=3)),
        ("PNG 16 bit", saved(Image.fromarray(wide[..., 0]), "PNG", transparency=500)),
        ("TIFF 16 bit", saved(Image.fromarray(wide[..., 0]), "TIFF", compression="tiff_lzw")),
        ("TIFF floats", saved(Image.fromarray(wide[..., 0].astype(np.float32)), "TIFF")),
        ("TIFF JPEG", saved(picture, "TIFF", compression="jpeg")),
        ("TIFF fax", saved(picture.convert("1"), "TIFF", compression="group4")),
        ("ICO bitmap", saved(picture, "ICO", sizes=[(32, 32)], bitmap_format="bmp")),
    ]
    return tuple(made)


def changed(number: int, seed: int) -> tuple[str, bytes]:
    """The picture of this number: bytes flipped, cut, doubled, or set to extremes."""
    random = np.random.default_rng((seed, number))
    name, whole = samples()[number % len(samples())]
    data = np.frombuffer(whole, np.uint8).copy()
    places = random.integers(
        0, len(data) if random.random() < 0.5 else min(len(data), 200), random.integers(1, 9)
    )
    kind = random.integers(0, 5)
    if kind == 0:
        data[places] = random.integers(0, 256, len(places))
    elif kind == 1:
        data[places] = random.choice(np.array([0, 1, 127, 128, 255], np.uint8), len(places))
    elif kind == 2:
        data[places] ^= np.uint8(1) << random.integers(0, 8, len(places)).astype(np.uint8)
    elif kind == 3:
        data = data[: random.integers(1, len(data))]
    else:
        begin, end = sorted(random.integers(0, len(data), 2))
        data = np.concatenate([data[:end], data[begin:]])
    return name, _with_valid_sums(name, data).tobytes()


def _with_valid_sums(name: str, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every other PNG gets its checksums right, so that the change reaches what reads the chunks."""
    if not name.startswith("PNG") or int(data.sum()) % 2:
        return data
    return np.frombuffer(_summed(data.tobytes()), np.uint8)


def _summed(data: bytes) -> bytes:
    import struct  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    made, place = data[:8], 8
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        body = data[place + 4 : place + 8 + length]
        made += data[place : place + 4] + body + struct.pack(">I", zlib.crc32(body))
        place += 12 + length
    return made


def attack(numbers: Sequence[int], seed: int) -> tuple[Counter[str], list[str]]:
    """Decode the pictures of these numbers: how many came out how, and what is to be looked at."""
    counts: Counter[str] = Counter()
    strange = []
    for number in numbers:
        name, data = changed(number, seed)
        begun = time.process_time()
        try:
            found = _outcome(data, FUZZED_PIXELS)
        except BaseException as error:  # noqa: BLE001  whatever it is, it is what we look for
            counts["escaped"] += 1
            strange.append(f"ESCAPED number {number} ({name}): {error!r}")
            continue
        counts["read" if found == "read" else "refused"] += 1
        if (seconds := time.process_time() - begun) > SLOW_SECONDS:
            strange.append(f"slow: number {number} ({name}): {seconds:.1f} s, {found}")
    return counts, strange


def _fuzz(pictures: int, seconds: float, seed: int) -> bool:
    """Whether something escaped or ended a process."""
    end, counts, failed, number = time.monotonic() + seconds, Counter[str](), False, 0
    while number < pictures and time.monotonic() < end:
        try:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                while number < pictures and time.monotonic() < end:
                    some = range(number, min(number + CHUNK, pictures))
                    found, strange = pool.submit(attack, some, seed).result()
                    counts += found
                    number = some.stop
                    print(*strange, sep="\n", end="\n" if strange else "", flush=True)
        except BrokenProcessPool:
            print(f"CRASHED: a picture of the numbers {number} to {number + CHUNK}", flush=True)
            number, failed = number + CHUNK, True
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{number:,} pictures: {dict(counts)}, at most {peak:,.0f} MiB")
    return failed or bool(counts["escaped"])


if __name__ == "__main__":
    run_until_unread(main)
