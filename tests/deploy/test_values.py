"""The Helm values are what the official chart takes: names that it has, with values of their types."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from include.orchestration import home

VALUES = home.PROJECT / "include" / "deploy" / "values.yaml"
OUR_PART = Path(__file__).with_name("chart-1.22.0.yaml")
WHOLE = os.environ.get("FLOW_CHART_SCHEMA")
"""A whole schema of the chart, of any version, that the values are to be held against as well."""
WRONG: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a name that the chart does not have": lambda values: values.update(jwtSecret="airflow-jwt-secret"),
    "a name within another that it does not have": lambda values: values["data"].update(broker="redis://"),
    "a switch that is a text": lambda values: values["redis"].update(enabled="no"),
    "a variable without a value": lambda values: values["env"].append({"name": "FLOW_DEDUPE_STORAGE"}),
    "a number for a text": lambda values: values["env"][0].update(value=1),
    "a setting that is a list": lambda values: values["config"]["core"].update(load_examples=[]),
    "an executor that is none": lambda values: values.update(executor="celery"),
}


def read(path: str | Path) -> Any:
    return yaml.safe_load(Path(path).read_text("utf-8"))


@pytest.mark.parametrize("schema", [OUR_PART, *([WHOLE] if WHOLE else [])], ids=str)
def test_the_chart_takes_the_values(schema: str | Path) -> None:
    jsonschema.validate(read(VALUES), read(schema))


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_the_chart_does_not_take_is_seen(wrong: str) -> None:
    values = copy.deepcopy(read(VALUES))
    WRONG[wrong](values)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, read(OUR_PART))
