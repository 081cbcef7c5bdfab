"""Dockerfile, compose file and Helm values: they parse, and what they name is there."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from include.orchestration import home

FOLDER = home.PROJECT / "include" / "deploy"
INSTRUCTIONS = {"FROM", "RUN", "COPY", "WORKDIR", "USER", "EXPOSE", "ENTRYPOINT"}
CONDITIONS = {"service_healthy", "service_completed_successfully", "service_started"}
SERVICE = {
    "build",
    "command",
    "depends_on",
    "deploy",
    "environment",
    "healthcheck",
    "image",
    "ports",
    "restart",
    "user",
    "volumes",
}
PARTS = {
    "build": {"context", "dockerfile", "target"},
    "deploy": {"replicas"},
    "healthcheck": {"interval", "retries", "start_period", "test", "timeout"},
}
"""The names that Compose has, as far as the file needs them."""


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile with their arguments, continued lines put together."""
    text = re.sub(r"\\\n\s*", "", (FOLDER / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "values.yaml").read_text())


def options() -> set[str]:
    """Return the environment variable of each setting that Airflow, or its provider for Celery, has."""
    from airflow.configuration import conf  # noqa: PLC0415 - slow

    known = {
        f"AIRFLOW__{section}__{key}".upper()
        for section, told in conf.configuration_description.items()
        for key in told["options"]
    }
    return known | {"AIRFLOW__CELERY__BROKER_URL", "AIRFLOW__CELERY__RESULT_BACKEND"}


def test_the_dockerfile_copies_what_is_there_onto_the_airflow_that_is_tested() -> None:
    found = instructions()
    assert {name for name, _ in found} <= INSTRUCTIONS
    for name, given in found:
        sources = [one for one in given.split() if not one.startswith("--")][:-1]
        assert name != "COPY" or all((home.PROJECT / source).exists() for source in sources), given
    pinned = re.findall(
        r"^apache-airflow==(.+)$", (home.PROJECT / "constraints.txt").read_text(), re.MULTILINE
    )
    assert ("FROM", f"apache/airflow:{pinned[0]}-python3.12 AS airflow") in found


def test_each_service_has_what_it_needs(compose: dict[str, Any]) -> None:
    services, stages = (
        compose["services"],
        {given.split()[-1] for name, given in instructions() if name == "FROM"},
    )
    for name, service in services.items():
        assert "image" in service, name
        if "build" in service:
            build = service["build"]
            assert build["target"] in stages
            assert (FOLDER / build["context"] / build["dockerfile"]).samefile(FOLDER / "Dockerfile")
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] in CONDITIONS
            assert how["condition"] != "service_healthy" or "healthcheck" in services[needed], (name, needed)
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source.startswith("$") or source in compose["volumes"], volume
    assert {
        "postgres",
        "redis",
        "solr",
        "gateway",
        "worker",
        "scheduler",
        "api-server",
        "dag-processor",
    } <= set(services)


def test_no_name_is_misspelt(compose: dict[str, Any]) -> None:
    assert {name for name in compose if not name.startswith("x-")} == {"services", "volumes"}
    for name, service in compose["services"].items():
        assert set(service) <= SERVICE, name
        for part, known in PARTS.items():
            assert set(service.get(part, ())) <= known, (name, part)


def test_each_setting_of_airflow_is_one_that_it_has(compose: dict[str, Any], values: dict[str, Any]) -> None:
    named = {name for service in compose["services"].values() for name in service.get("environment", {})}
    named |= {
        f"AIRFLOW__{section}__{key}".upper() for section, keys in values["config"].items() for key in keys
    }
    assert {name for name in named if name.startswith("AIRFLOW__")} - options() == set()


def test_what_has_to_be_set_is_said(compose: dict[str, Any]) -> None:
    text = (FOLDER / "compose.yaml").read_text()
    head = text.partition("x-airflow")[0]
    assert all(name in head for name in re.findall(r"\$\{(\w+)", text))


def test_the_chart_runs_the_airflow_that_is_tested_and_holds_no_secret(values: dict[str, Any]) -> None:
    assert f"apache/airflow:{values['airflowVersion']}-" in (FOLDER / "Dockerfile").read_text()
    assert values["defaultAirflowTag"] == values["airflowVersion"]
    assert {"fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName"} <= set(values)
    assert all(set(one) == {"envName", "secretName", "secretKey"} for one in values["secret"])
    mounted = {one["name"] for one in values["volumeMounts"]}
    assert mounted == {one["name"] for one in values["volumes"]}
