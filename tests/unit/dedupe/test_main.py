"""Commands in a shell: each is found where it is added, and does not wait for what others need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from include.dedupe.__main__ import COMMANDS, main

LOOKS_ONLY = """
import sys
from include.dedupe.__main__ import main
main(["list"])
print({"pandas", "scipy", "cv2"} & sys.modules.keys())
"""


@pytest.mark.parametrize("command", [name for names in COMMANDS.values() for name in names])
def test_each_command_says_what_it_takes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: python -m include.dedupe {command} " in capsys.readouterr().out


def test_without_a_command_all_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    told = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("    ")}
    assert told >= {name for names in COMMANDS.values() for name in names}


def test_a_look_at_settings_does_not_wait_for_the_engine() -> None:
    done = subprocess.run([sys.executable, "-c", LOOKS_ONLY], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["set()"], done.stderr
