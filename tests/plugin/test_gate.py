"""Services ask the gate about one picture while a user waits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from tests.plugin.site import CAT, COFFEE, MOOSE, Site, aside

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
Sessions = Callable[[str], requests.Session]


@pytest.fixture(scope="module")
def gate(site: Site) -> str:
    """The address of the gate of a collection that holds a cat and a coffee."""
    site.collection("windows", gate={"exact": "reject", "near": "ask"})
    aside(lambda: site.acting("windows").fill({"cat": (CAT, {}), "coffee": (COFFEE, {})}))
    site.wait()
    return f"{site.pages}/gate/gate_windows"


def picture(site: Site, name: str) -> bytes:
    assert site.flow.images is not None
    return (site.flow.images / name).read_bytes()


def test_a_service_hears_what_would_become_of_a_picture(site: Site, gate: str, session: Sessions) -> None:
    answer = session("admin").post(gate, picture(site, CAT), timeout=60)
    assert answer.status_code == 200, answer.text
    known = answer.json()
    assert (known["decision"], known["match_id"]) == ("reject", "cat")
    new = session("admin").post(gate, picture(site, MOOSE), timeout=60).json()
    assert (new["decision"], new["match_id"]) == ("index", "")


def test_what_is_no_picture_is_refused_with_the_cause(gate: str, session: Sessions) -> None:
    answer = session("admin").post(gate, b"no picture", timeout=60)
    assert answer.status_code == 422
    assert "picture" in answer.json()["detail"]
    assert session("admin").post(gate, b"", timeout=60).status_code == 422


def test_only_who_may_see_the_collection_is_answered(site: Site, gate: str, session: Sessions) -> None:
    assert requests.post(gate, picture(site, CAT), timeout=60).status_code == 401
    assert session("only_pictures").post(gate, picture(site, CAT), timeout=60).status_code == 403


def test_another_dag_is_no_gate(site: Site, gate: str, session: Sessions) -> None:
    answer = session("admin").post(f"{site.pages}/gate/dedupe_windows", picture(site, CAT), timeout=60)
    assert answer.status_code == 404
