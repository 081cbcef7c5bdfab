from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from tests.support.embedded_server import EmbeddedServer


def test_the_schema_tells_what_is_stored_and_what_is_copied(synced: EmbeddedServer) -> None:
    def ask(name: str) -> Any:
        return requests.get(f"{synced.url}/schema/{name}?showDefaults=true", timeout=60).json()

    assert [field["name"] for field in ask("fields")["fields"] if not field["stored"]] == ["_text_"]
    dynamic = {field["name"]: field for field in ask("dynamicfields")["dynamicFields"]}
    assert {"*_s", "*_ss", "*_dt", "*_dts", "*_txt"} <= set(dynamic)
    assert all(field["stored"] for field in dynamic.values())
    assert {"source": "image", "dest": "_text_"} in ask("copyfields")["copyFields"]
