"""Who looks at the first lines only gets them, and no complaint."""

from __future__ import annotations

import subprocess
import sys

PRINTS = "import sys; from include.safe_text import complain, run_until_unread, tell"
TOLD = "[tell(number) for number in range(20_000)]; complain('done'); sys.exit(3)"
PRINTED = "run_until_unread(lambda: [print(number) for number in range(20_000)])"
BROKEN_ELSEWHERE = """
def main():
    print("0", flush=True)
    raise BrokenPipeError("a comparer is gone")
run_until_unread(main)
"""


def first_line(script: str) -> tuple[str, int, str]:
    """Run a script, read one line of it and go away; return that, the exit code and what it complained of."""
    with subprocess.Popen(
        [sys.executable, "-c", f"{PRINTS}\n{script}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        process.stdout.close()
        return line, process.wait(), process.stderr.read()


def test_what_a_command_does_it_does_to_its_end_also_when_nobody_reads() -> None:
    assert first_line(TOLD) == ("0\n", 3, "done\n")


def test_what_only_prints_ends_in_silence() -> None:
    assert first_line(PRINTED) == ("0\n", 0, "")


def test_a_pipe_that_broke_elsewhere_is_told() -> None:
    command = [sys.executable, "-c", f"{PRINTS}\n{BROKEN_ELSEWHERE}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("0\n", 1)
    assert "a comparer is gone" in done.stderr
