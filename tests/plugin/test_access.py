"""Who may see and judge: nobody without Airflow's login, nobody without the right on the collection's DAG."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import requests

from include.dedupe.rundir import RunDir
from tests.plugin.site import DOCUMENTS, OWN, Site

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
READING = (
    "summary",
    "clusters",
    "effect",
    "question",
    "history",
    "sample",
    "clusters/c-1",
    "explanation?one=cat&other=cat%20copy",
    "picture?cluster=c-1&document=cat",
)
WRITING = ("selection", "verdicts", "verdicts/many", "undo", "answer", "sample")
Sessions = Callable[[str], requests.Session]


@pytest.fixture(scope="module")
def run(site: Site) -> RunDir:
    site.collection("windows")
    made = site.decided("pictures", DOCUMENTS)
    site.wait()
    return made


def pages_of(site: Site, name: str) -> list[str]:
    below = site.run_page(name)
    return [
        f"{site.pages}/dedupe_{name}/",
        below,
        f"{below}clusters/c-1",
        f"{below}approval",
        f"{below}sample",
    ]


def test_nothing_is_open_to_who_is_not_signed_in(site: Site, run: RunDir) -> None:
    addresses = [f"{site.pages}/", *pages_of(site, "pictures"), f"{site.pages}/static/x/base.css"]
    addresses += [f"{site.pages}/data/collections", f"{site.pages}/data/dedupe_pictures/runs"]
    addresses += [site.run_data("pictures", part) for part in READING]
    for address in addresses:
        assert requests.get(address, timeout=30).status_code == 401, address
    for part in WRITING:
        answer = requests.post(site.run_data("pictures", part), json={}, headers=OWN, timeout=30)
        assert answer.status_code == 401, part
    page = requests.get(f"{site.pages}/", headers={"Accept": "text/html"}, timeout=30)
    assert page.status_code == 401
    assert "/auth/login?next=" in page.text


@pytest.mark.parametrize("path", ["docs", "redoc", "openapi.json"])
def test_no_schema_is_told(site: Site, session: Sessions, path: str) -> None:
    assert session("admin").get(f"{site.pages}/{path}", timeout=30).status_code == 404


def test_a_viewer_sees_and_does_not_judge(site: Site, run: RunDir, session: Sessions) -> None:
    viewer = session("viewer")
    assert viewer.get(site.run_page("pictures"), timeout=30).status_code == 200
    (row, *_) = viewer.get(site.run_data("pictures", "clusters"), timeout=60).json()["rows"]
    body = {"kind": "reject", "cluster": row["name"], "state": row["state"]}
    for part in WRITING:
        answer = viewer.post(site.run_data("pictures", part), json=body, headers=OWN, timeout=30)
        assert answer.status_code == 403, part
    assert run.lasting.names("verdicts") == []


def test_a_user_of_one_collection_is_refused_on_another(site: Site, run: RunDir, session: Sessions) -> None:
    user = session("only_pictures")
    assert [one["name"] for one in user.get(f"{site.pages}/data/collections", timeout=60).json()] == [
        "pictures"
    ]
    assert user.get(site.run_page("pictures"), timeout=30).status_code == 200
    for address in pages_of(site, "windows"):
        assert user.get(address, timeout=30).status_code == 403, address
    for part in READING:
        assert user.get(site.run_data("windows", part), timeout=30).status_code == 403, part
    for part in WRITING:
        answer = user.post(site.run_data("windows", part), json={}, headers=OWN, timeout=30)
        assert answer.status_code == 403, part


def test_a_right_asked_for_in_the_query_opens_nothing(site: Site, run: RunDir, session: Sessions) -> None:
    address = f"{site.run_data('windows', 'clusters')}?dag_id=dedupe_pictures"
    assert session("only_pictures").get(address, timeout=30).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**OWN, "Sec-Fetch-Site": "cross-site"},
        {**OWN, "Sec-Fetch-Site": "same-site"},
        {**OWN, "Origin": "https://elsewhere.example"},
        {**OWN, "Origin": "null"},
    ],
    ids=["a form", "another site", "a neighbour", "another origin", "a sandbox"],
)
def test_what_another_site_sends_is_refused(
    site: Site, run: RunDir, session: Sessions, headers: dict[str, str]
) -> None:
    admin = session("admin")
    for part in WRITING:
        answer = admin.post(site.run_data("pictures", part), json={}, headers=headers, timeout=30)
        assert answer.status_code == 403, part
    assert run.lasting.names("verdicts") == []


def test_reading_never_writes(site: Site, run: RunDir, session: Sessions) -> None:
    admin = session("admin")
    for part in WRITING:
        assert admin.get(site.run_data("pictures", part), timeout=30).status_code in (200, 404, 405), part
    assert run.lasting.names("verdicts") == []


def test_what_is_not_there_is_not_found(site: Site, run: RunDir, session: Sessions) -> None:
    admin = session("admin")
    for address in (
        site.run_data("nowhere", "clusters"),
        site.run_data("pictures", "clusters", "no such run"),
        site.run_data("pictures", "clusters/c-0123456789abcdef"),
        site.run_data("pictures", "picture?cluster=c-0123456789abcdef&document=cat"),
        f"{site.pages}/another_dag/",
        f"{site.pages}/static/x/../app.py",
        f"{site.pages}/static/x/%2e%2e/app.py",
    ):
        assert admin.get(address, timeout=30).status_code == 404, address
    wrong = admin.post(site.run_data("pictures", "verdicts"), json={"kind": "burn"}, headers=OWN, timeout=30)
    assert wrong.status_code == 422
    assert "kind" in wrong.json()["detail"]


def test_each_answer_tells_the_browser_what_it_may_do(site: Site, run: RunDir, session: Sessions) -> None:
    answer = session("admin").get(site.run_page("pictures"), timeout=30)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_components_that_show_no_page_do_not_build_it(site: Site) -> None:
    code = "; ".join(
        [
            "import json, sys, time, airflow.sdk, airflow.plugins_manager as manager",
            "began = time.monotonic()",
            "plugins, problems = manager._get_plugins()",
            "taken = time.monotonic() - began",
            "ours = [name for name in sys.modules if name.startswith(('flow_dedupe.', 'include.'))]",
            "print(json.dumps([taken, ours, [plugin.name for plugin in plugins], problems]))",
        ]
    )
    taken, modules, plugins, problems = json.loads(site.in_airflow("-c", code).splitlines()[-1])
    print(f"loading the plugins folder takes {1000 * taken:.0f} ms")
    assert modules == []
    assert "flow_dedupe" in plugins
    assert problems == {}
    assert taken < 1


def test_airflow_lists_the_views(site: Site, session: Sessions) -> None:
    found = session("admin").get(f"{site.base}/api/v2/plugins", timeout=30).json()["plugins"]
    views = {
        view["destination"] for one in found if one["name"] == "flow_dedupe" for view in one["external_views"]
    }
    assert views == {"nav", "dag", "dag_run"}
