"""A folder that a sync has indexed, as a run meets it: what was left out, and when it was imported."""

from __future__ import annotations

import datetime as dt
import json
import os

from include.dedupe.planning.plan import plan
from include.dedupe.planning.scope import Scope
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.orchestration import home
from tests.support.acting import FIRST
from tests.support.library import Library, jpeg, library, library_server, photo

__all__ = ["library", "library_server"]
CAT = jpeg(photo())


def sync(library: Library, expect: int = 0) -> None:
    arguments = ("--collection", "library", "--allow-missing", "--include-deleted", "--workers", "1")
    library.acting.server.sync(library.folder, *arguments, expect=expect)


def test_the_report_says_what_the_sync_left_out(library: Library) -> None:
    (library.folder / "in" / "@eaDir").mkdir(parents=True)
    (library.folder / "a.jpg").write_bytes(CAT)
    (library.folder / "in" / "broken <b>.jpg").write_bytes(CAT[:100])
    (library.folder / "in" / "@eaDir" / "thumb.jpg").write_bytes(CAT)
    (library.folder / "film.mov").write_bytes(b"film")
    for number in range(7):
        (library.folder / f"{number}.xmp").write_bytes(b"<x/>")
    (library.folder / "linked").symlink_to(library.folder / "in")
    sync(library, expect=3)
    config = library.acting.config(policies={"exact": {"do": "report"}})
    run = library.acting.run()
    library.acting.decide(run, config)
    report(run, FIRST, WebPictures(library.acting.server.base, ()))
    told = json.loads(run.storage.read("report/summary.json"))["left_out"]
    counts = {one["what"]: one["count"] for one in told}
    assert counts["unreadable"] == 1
    assert (counts["other kinds: .xmp"], counts["other kinds: .mov"]) == (7, 1)
    assert counts["by name: @eaDir"] == 1
    assert counts["linked folders"] == 1
    (kinds,) = [one for one in told if one["what"] == "other kinds: .xmp"]
    assert kinds["examples"] == ["0.xmp", "1.xmp", "2.xmp", "3.xmp", "4.xmp"]
    page = run.storage.read("report/report.html").decode()
    assert "Left out of the folder" in page
    assert "in/broken &lt;b&gt;.jpg: " in page
    assert "film.mov" in page
    assert "linked: " in page
    readme = (home.PROJECT / "README.md").read_text(encoding="utf-8")
    written = [name for name in run.storage.names("report") if name not in ("attempts", "manifest.json")]
    assert [name for name in written if f"| `{name}` |" not in readme] == []


def test_an_old_photograph_that_is_imported_today_falls_into_todays_run(library: Library) -> None:
    (library.folder / "old.jpg").write_bytes(CAT)
    os.utime(library.folder / "old.jpg", (1_000_000_000, 1_000_000_000))
    sync(library)
    today = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    interval = Scope(start=today - dt.timedelta(days=1), end=today + dt.timedelta(days=2))
    for number, (field, count) in enumerate((("date_dt", 0), ("indexed_dt", 1))):
        config, run = library.acting.config(fields={"date": field}), library.acting.run(f"run-{number}")
        made = library.acting.ask(
            lambda writer, run=run, config=config: plan(writer.reader, run, FIRST, config, interval)
        )  # type: ignore[misc]
        assert made.documents == count
