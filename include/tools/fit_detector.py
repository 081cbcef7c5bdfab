"""Fits the weights of the detector's score and writes them.

    python -m include.tools.fit_detector --pictures DIR

DIR holds the sources that `python -m include.detector.training.pictures DIR` names. Takes about half an hour
on one core.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from include.detector.training.calibrate import calibrate
from include.flow_server.index.candidates import Candidates
from include.safe_text import run_until_unread


def main() -> None:
    """Fit on the candidates that the server's search finds, and print what is reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True)
    print(json.dumps(calibrate(parser.parse_args().pictures, Candidates), indent=1))


if __name__ == "__main__":
    run_until_unread(main)
