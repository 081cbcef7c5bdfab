"""The functions of tasks, imported when a task runs.

Airflow reads the DAG files again and again, and each task reads its own. So what wires the DAGs imports no
stage: pandas and what else they need would take most of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from inspect import Parameter, Signature
from typing import Any


def later(name: str, *parameters: str) -> Callable[..., Any]:
    """Return a function that imports another one when it is called, and looks like it.

    Args:
        name: module of this package and function in it, such as ``tasks.plan``.
        parameters: names of those that the function takes; Airflow gives a function what it asks for.
    """
    module, _, function = name.partition(".")

    def call(*given: Any, **named: Any) -> Any:
        return getattr(import_module(f"{__package__}.{module}"), function)(*given, **named)

    call.__name__ = call.__qualname__ = function
    kind = Parameter.POSITIONAL_OR_KEYWORD
    call.__signature__ = Signature([Parameter(one, kind) for one in parameters])  # type: ignore[attr-defined]
    return call
