"""What a calibration says of the thresholds of a run."""

from __future__ import annotations

from include.dedupe.calibration import percent, place_of, said_of
from tests.support.calibrated import calibration


def test_there_may_be_none() -> None:
    assert "no calibration" in said_of(None, "d1", 0.7, 0.95)[0]


def test_one_of_another_detector_says_nothing_of_the_thresholds() -> None:
    told = said_of(calibration("d0"), "d1", 0.7, 0.95)
    assert len(told) == 1
    assert "another version of the detector (d0, this run: d1)" in told[0]


def test_recall_and_errors_at_the_thresholds_of_the_run() -> None:
    told = " ".join(said_of(calibration(judged=100), "d1", 0.7, 0.95))
    assert "At 0.7, 75 % of edited copies are found" in told
    assert "At 0.95, 50 % of edited exact copies are called exact" in told
    assert "Of 100 judged pairs from 0.7 up, 0 were wrong" in told
    assert "below 3 %" in told


def test_thresholds_outside_of_what_was_asked_get_no_figure() -> None:
    told = said_of(calibration(), "d1", 0.3, 1.0)
    assert len(told) == 1


def test_a_threshold_between_two_is_taken_as_the_higher_one() -> None:
    assert [place_of(one) for one in (0.5, 0.70, 0.701, 0.995, 0.49)] == [0, 20, 21, None, None]


def test_shares_are_never_rounded_to_all_or_nothing() -> None:
    assert [percent(one) for one in (0.0, 0.0001, 0.123, 0.9999, 1.0)] == [
        "0 %",
        "under 0.1 %",
        "12.3 %",
        "over 99.9 %",
        "100 %",
    ]
