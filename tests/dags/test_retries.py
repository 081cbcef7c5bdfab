"""What may pass is tried again, what cannot is not."""

from __future__ import annotations

import pytest

from include.dedupe.errors import (
    ArtifactError,
    ConfigError,
    OutageError,
    PlanError,
    ScanFailedError,
    ScanRefusedError,
    ScopeError,
)
from include.flow_client import (
    FlowAddressError,
    FlowAuthError,
    FlowRequestError,
    FlowResponseError,
    FlowUnavailableError,
)

pytestmark = pytest.mark.airflow


@pytest.mark.parametrize("error", [ScanFailedError("queries failed"), OutageError("no answer")])
def test_what_may_pass_is_tried_again_after_a_pause(error: Exception) -> None:
    assert decided(error) == "retry"


@pytest.mark.parametrize(
    "error",
    [
        ArtifactError("another plan"),
        ConfigError("wrong"),
        PlanError("do not add up"),
        ScanRefusedError("refused"),
        ScopeError("unclear"),
        FlowAddressError("no URL"),
        FlowAuthError("not let in"),
        FlowRequestError("refused"),
    ],
)
def test_what_cannot_pass_fails_at_once(error: Exception) -> None:
    assert decided(error) == "fail"


@pytest.mark.parametrize(
    "error", [FlowUnavailableError("busy"), FlowResponseError("cut"), OSError("disk"), ValueError("unknown")]
)
def test_everything_else_is_left_to_the_retries_of_the_task(error: Exception) -> None:
    assert decided(error) == "default"


def decided(error: Exception) -> str:
    from include.orchestration.retrying import WhatMayPass  # noqa: PLC0415 - after the settings are in place

    return str(WhatMayPass().evaluate(error, try_number=1, max_tries=3).action.value)
