"""A notifier that writes down what it is told of, in the file that an environment variable names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from airflow.sdk import BaseNotifier

FILE_VARIABLE = "TOLD_FILE"


class Told(BaseNotifier):
    """Writes one line for each question: run and subject."""

    def notify(self, context: Any) -> None:
        with Path(os.environ[FILE_VARIABLE]).open("a", encoding="utf-8") as file:
            file.write(f"{context['run_id']}\t{context['task'].subject}\n")


class Failed(BaseNotifier):
    """Writes one line for each run that fails."""

    def notify(self, context: Any) -> None:
        with Path(os.environ[FILE_VARIABLE]).open("a", encoding="utf-8") as file:
            file.write(f"{context['dag'].dag_id} failed\n")


class Alerted(BaseNotifier):
    """Writes one line for each alert."""

    def notify(self, context: Any) -> None:
        with Path(os.environ[FILE_VARIABLE]).open("a", encoding="utf-8") as file:
            file.write(f"{context['dag'].dag_id}\t{context['alert']}\n")


def nothing() -> str:
    return "nothing"
