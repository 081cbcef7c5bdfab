"""One Airflow API server with the plugin for all tests of the page, and a browser for each module."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator

import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from include.demo.processes import free_port, running
from include.orchestration import home
from tests.plugin.site import PASSWORD, Site
from tests.support.embedded_server import EmbeddedServer, launch
from tests.support.small_collection import make_pictures

USERS = {"admin": "admin", "viewer": "viewer", "only_pictures": "admin"}
SECONDS_TO_APPEAR = 60  # on a busy machine
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
COLLECTIONS = ("pictures", "windows", "asked", "sampled", "stamped", "gated")


@pytest.fixture(scope="session")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """The embedded server with one collection for each that tests judge, all empty."""
    folder = tmp_path_factory.mktemp("library")
    make_pictures(folder / "pictures")
    server = launch(
        folder / "data",
        images=folder / "pictures",
        collections=COLLECTIONS,
        arguments=("--allow-host", "127.0.0.1"),
    )
    yield server
    server.stop()


@pytest.fixture(scope="session")
def site(flow: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Airflow's API server with the plugin, and where its collections and runs are."""
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "collections").mkdir()
    (folder / "home").mkdir()
    passwords = json.dumps(dict.fromkeys(USERS, PASSWORD))
    (folder / "home" / "simple_auth_manager_passwords.json.generated").write_text(passwords)
    port = free_port()
    made = Site(f"http://localhost:{port}", folder, flow)
    made.environment = {
        **home.settings(folder / "home"),
        "AIRFLOW__CORE__AUTH_MANAGER": "tests.plugin.one_collection.OneCollection",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
            f"{name}:{role}" for name, role in USERS.items()
        ),
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": made.base,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW_CONN_FLOW_TEST": flow.base,
        COLLECTIONS_VARIABLE: str(folder / "collections"),
        STORAGE_VARIABLE: str(made.storage),
    }
    made.in_airflow("-c", "from airflow.utils.db import initdb; initdb()")
    command = [sys.executable, "-m", "airflow", "api-server", "--apps", "core"]
    with running(command, made.environment, made.log) as process:
        made.process = process
        yield made
        process.kill()  # it would wait for connections that browsers keep


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; it ends with the module, since it keeps a loop running that other tests would meet."""
    if CHROMIUM is None:
        pytest.skip("no chromium is installed; on Debian: apt install chromium")
    expect.set_options(timeout=1000 * SECONDS_TO_APPEAR)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def open_page(site: Site, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a window of a user who is signed in; errors of the page's scripts fail the test."""
    contexts = []
    errors: list[str] = []

    def opened(user: str = "admin", **settings: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **settings})
        contexts.append(context)
        if user:
            context.add_cookies([{"name": "_token", "value": site.token(user), "url": site.base}])
        page = context.new_page()
        page.set_default_timeout(1000 * SECONDS_TO_APPEAR)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: errors.append(f"a dialog: {dialog.message}"))
        page.on(
            "console",
            lambda message: (
                errors.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def session(site: Site) -> Callable[[str], requests.Session]:
    """Makes what sends requests as a user's browser would, with the cookie."""

    def made(user: str) -> requests.Session:
        found = requests.Session()
        found.cookies.set("_token", site.token(user))
        return found

    return made
