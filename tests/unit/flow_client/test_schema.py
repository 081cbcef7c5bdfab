from __future__ import annotations

from typing import Any

import pytest

from include.flow_client.errors import FlowResponseError
from include.flow_client.schema import copied_to, schema_fields

WHAT = "schema/fields on a test"


def unreturned(*fields: dict[str, Any], copied: tuple[str, ...] = ()) -> list[str]:
    listed = schema_fields({"fields": list(fields)}, "fields", copied, WHAT)
    return [field.name for field in listed if field.is_unreturned]


@pytest.mark.parametrize(
    ("said", "is_unreturned"),
    [
        ({"stored": True}, False),
        ({"stored": False}, True),
        ({"stored": False, "indexed": False}, False),
        ({"stored": False, "docValues": True, "useDocValuesAsStored": True}, False),
        ({"stored": False, "docValues": True, "useDocValuesAsStored": False}, True),
        ({"stored": False, "indexed": False, "docValues": True, "useDocValuesAsStored": False}, True),
    ],
)
def test_a_field_is_unreturned_if_it_is_kept_and_does_not_come_back(
    said: dict[str, Any], is_unreturned: bool
) -> None:
    assert unreturned({"name": "words", **said}) == ["words"] * is_unreturned


def test_what_is_copied_from_other_fields_is_filled_again() -> None:
    copies = copied_to({"copyFields": [{"source": "*", "dest": "all"}, {"source": "t", "dest": "*_x"}]}, WHAT)
    fields = [{"name": name, "stored": False} for name in ("all", "a_x", "*_x", "other")]
    assert unreturned(*fields, copied=tuple(copies)) == ["other"]


def test_what_solr_keeps_for_itself_is_its_own() -> None:
    assert not unreturned({"name": "_root_", "stored": False}, {"name": "_version_", "stored": False})


@pytest.mark.parametrize("answer", [{}, {"fields": "none"}, {"fields": [{"stored": True}]}])
def test_an_answer_without_fields_is_malformed(answer: dict[str, Any]) -> None:
    with pytest.raises(FlowResponseError, match="`fields` is no list of fields"):
        schema_fields(answer, "fields", (), WHAT)


def test_a_schema_that_does_not_show_defaults_cannot_be_relied_upon() -> None:
    with pytest.raises(FlowResponseError, match="whether words is stored"):
        unreturned({"name": "words"})
