"""Which failures of a task are tried again, and how often."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Context, ExceptionRetryPolicy, RetryAction, RetryDecision, RetryPolicy, RetryRule

from include.dedupe.errors import DedupeError, LeaseError, OutageError, ScanFailedError, StorageError

TRIES_FOR_THE_LEASE = 15
"""A minute apart, they outlast the silence after which the lease of one that was killed is free."""


class WhatMayPass(RetryPolicy):
    """Try again what may pass, such as an outage; fail at once what cannot."""

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        from include.flow_client import (
            FlowAddressError,
            FlowAuthError,
            FlowRequestError,
        )

        rules = ExceptionRetryPolicy(
            rules=[
                RetryRule(
                    [ScanFailedError, OutageError, LeaseError, StorageError],
                    RetryAction.RETRY,
                    retry_delay=timedelta(minutes=1),
                ),
                RetryRule(DedupeError, RetryAction.FAIL, reason="the same input would fail again"),
                RetryRule(
                    [FlowAddressError, FlowAuthError, FlowRequestError],
                    RetryAction.FAIL,
                    reason="Flow refuses this request, now and later",
                ),
            ]
        )
        return rules.evaluate(exception, try_number, max_tries, context)
