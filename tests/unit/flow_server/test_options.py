"""Options of the server that do not fit together are told in one sentence, before anything is opened."""

from __future__ import annotations

import pytest

from include.flow_server.__main__ import reanalyze_command, server_settings

SOLR = "http://solr:8983/solr"


@pytest.mark.parametrize("command", [server_settings, reanalyze_command])
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--data is needed"),
        (["--data", "d", "--solr-url", SOLR], "--solr-url belongs to --store solr"),
        (["--solr-url", SOLR], "--solr-url belongs to --store solr"),
        (["--store", "solr"], "--store solr needs --solr-url"),
        (["--store", "solr", "--solr-url", SOLR, "--data", "d"], "--data belongs to --store sqlite"),
    ],
)
def test_options_of_the_other_store_are_refused(
    capsys: pytest.CaptureFixture[str], command: object, arguments: list[str], told: str
) -> None:
    assert callable(command)
    with pytest.raises(SystemExit):
        command(arguments)
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "url",
    [
        "solr:8983/solr", "http://", "http://solr:port/solr", "http://[::1/solr", "ftp://solr/solr",
        "http://name:s3cret@solr:8983/solr", "http://solr/solr?password=s3cret", "http://solr/#s3cret",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_solr_is_refused_and_no_password_told(
    capsys: pytest.CaptureFixture[str], url: str
) -> None:
    with pytest.raises(SystemExit):
        server_settings(["--store", "solr", "--solr-url", url])
    told = capsys.readouterr().err
    assert "argument --solr-url: the address of a Solr is one such as http://host:8983/solr" in told
    assert "s3cret" not in told


def test_several_nodes_are_kept_in_order() -> None:
    settings = server_settings(["--store", "solr", "--solr-url", f"{SOLR}/", "--solr-url", "https://b/solr"])
    assert settings.solr_urls == (SOLR, "https://b/solr")
