"""Says what an Airflow lacks for the collections: their pools and connections.

    python -m include.orchestration.doctor

Airflow never starts a task whose pool does not exist, and tells nobody but its scheduler's log. A task cannot
look for pools itself, so run this on a machine with access to Airflow's database, whenever settings change.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import CollectionConfig, collection_files, read_collection
from include.safe_text import complain, tell


def find_problems() -> Iterator[str]:
    """Yield a sentence for each thing that is wrong or missing."""
    for path in collection_files():
        try:
            config = read_collection(path)
        except ConfigError as error:
            yield str(error)
            continue
        yield from (f"{path}: {problem}" for problem in (*_pools(config), *_connections(config)))


def _pools(config: CollectionConfig) -> Iterator[str]:
    from airflow.models.pool import Pool  # noqa: PLC0415 - slow to import, and only when there is a collection

    if Pool.get_pool(config.pool) is None:
        yield (
            f"Airflow has no pool {config.pool!r}, its scan tasks would wait for ever. "
            f"Add it, for example with 4 slots: airflow pools set {config.pool} 4 'scans of Flow'"
        )


def _connections(config: CollectionConfig) -> Iterator[str]:
    from airflow.models.connection import Connection  # noqa: PLC0415
    from airflow.sdk.exceptions import AirflowNotFoundException  # noqa: PLC0415

    for name in filter(None, (config.flow.connection, config.flow.write_connection)):
        try:
            Connection.get_connection_from_secrets(name)
        except AirflowNotFoundException:
            yield (
                f"Airflow has no connection {name!r}. Add it: "
                f"airflow connections add {name} --conn-type http --conn-host flow.example.com"
            )


def main() -> int:
    from sqlalchemy.exc import OperationalError, ProgrammingError  # noqa: PLC0415

    try:
        problems = list(find_problems())
    except (OperationalError, ProgrammingError) as error:
        migrate = "Create or upgrade it: airflow db migrate (AIRFLOW__DATABASE__SQL_ALCHEMY_CONN says which)"
        problems = [f"Airflow's database cannot be read: {error.orig}. {migrate}"]
    for problem in problems:
        complain(problem)
    if not problems:
        tell("Each collection has its pool and its connections.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
