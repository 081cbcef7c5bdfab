"""No part of a login survives, however wrongly the address was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.safe_text import without_login, without_secrets


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://reader:s3cret@host/a.jpg?token=s3cret#x", "http://host/a.jpg"),
        ("http://reader:s3/cret@host/a.jpg", "http://host/a.jpg"),
        ("http://host:8080/photo@2x.jpg", "http://host:8080/photo@2x.jpg"),
        ("http://reader:s3cret@[::1]:80/a@b.jpg", "http://[::1]:80/a@b.jpg"),
        ("reader:s3cret@host/a.jpg", "host/a.jpg"),
        ("plain/path.jpg", "plain/path.jpg"),
    ],
)
def test_what_is_shown_of_a_pictures_address(address: str, expected: str) -> None:
    assert without_secrets(address) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://flow:8983/solr", "http://flow:8983/solr"),
        ("flow:8983", "flow:8983"),
        ("https://[::1]:8983/x", "https://[::1]:8983/x"),
        ("http://admin:s3cret@flow:8983", "http://flow:8983"),
        ("http://admin:s3/cret@flow:8983", "http://flow:8983"),
        ("http://admin:s3@cret@flow:8983/solr", "http://flow:8983/solr"),
        ("http://admin:s3?cret#@flow:8983", "http://flow:8983"),
        ("admin:s3cret@flow:8983", "flow:8983"),
        ("http:/admin:s3cret@flow", "http://flow"),
        ("http://flow:8983?password=s3cret", "http://flow:8983"),
        ("http://flow:8983/#s3cret", "http://flow:8983/"),
        ("http://admin:s3cretflow:8983", "http://…"),
        ("admin:s3cret", "…"),
    ],
)
def test_what_is_shown_of_an_address(address: str, expected: str) -> None:
    assert without_login(address) == expected


PASSWORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs"]), min_size=4).map(
    lambda text: f"<{text}>"
)


@given(PASSWORDS, st.sampled_from(["http://", "https://", "", "//", "http:/", "redis+x://"]))
def test_a_password_is_never_shown(password: str, scheme: str) -> None:
    assert password not in without_login(f"{scheme}admin:{password}@flow:8983/solr")
    assert password not in without_login(f"{scheme}flow:8983/solr?password={password}")
