"""Signals for those who watch: metrics by Airflow's own StatsD or OpenTelemetry, a log line, and alerts.

A metric is ``flow_dedupe.<collection>.<event>.<name>``, with the collection as a tag too; the log line of an
event is ``flow_dedupe.<event> collection=<collection> <name>=<value> …``. These names do not change.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from airflow.sdk import get_current_context
from airflow.sdk.observability import stats

from include.dedupe.reporting.alerts import Alert
from include.dedupe.settings.config import CollectionConfig
from include.orchestration.approval import notifier

log = logging.getLogger("flow_dedupe")


def measure(event: str, collection: str, counts: Mapping[str, float]) -> None:
    """Set a gauge for each count of an event, and write its log line."""
    place = stats.normalize_name_for_stats(collection, log_warning=False)
    for name, value in counts.items():
        stats.gauge(f"flow_dedupe.{place}.{event}.{name}", value, tags={"collection": place})
    told = " ".join(f"{name}={value:g}" for name, value in counts.items())
    log.info("flow_dedupe.%s collection=%s %s", event, collection, told)


def alert(collection: str, config: CollectionConfig, alerts: Iterable[Alert]) -> None:
    """Tell the notifiers of the settings; that one fails is logged, and hinders no other."""
    for one in alerts:
        log.warning("flow_dedupe.alert collection=%s kind=%s %s", collection, one.kind, one.text)
        stats.incr(f"flow_dedupe.{stats.normalize_name_for_stats(collection)}.alert.{one.kind}")
        for name in config.alerts.notifiers:
            try:
                notifier(name, "alerts.notifiers")({**get_current_context(), "alert": one.text})
            except Exception:
                log.exception("flow_dedupe.alert collection=%s: %s could not tell of it", collection, name)
