"""The last look of apply, and what lies beside a picture: what fails goes to a person, not away."""

from __future__ import annotations

from typing import Any

import pytest

from include.dedupe.acting.record import record
from include.dedupe.acting.wanted import Wanted
from include.dedupe.errors import CheckError, PlanError
from include.dedupe.reviewing.cluster import read_cluster
from tests.support.acting import FIRST, actions, reasons
from tests.support.library import LENIENT, Library, jpeg, library, library_server, photo, stamped

__all__ = ["library", "library_server"]

CAT = jpeg(photo())


@pytest.mark.parametrize("do", ["delete", "merge"])
def test_a_date_stamp_sends_the_pair_to_a_person_and_says_where_it_is(library: Library, do: str) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": jpeg(stamped()), "c.jpg": jpeg(photo(), 40)})
    digest = library.decided(do=do, **LENIENT)
    stats = library.apply(digest)
    assert (stats.done, stats.review, stats.skipped) == (1, 1, 0)
    run = library.acting.run()
    row = actions(run).set_index("id").loc["b.jpg"]
    left, top, right, bottom = map(float, row["change"].split(","))
    assert (row["outcome"], 0.65 < left < right < 1, 0.85 < top < bottom <= 1) == ("review", True, True)
    assert "it differs from its keeper by more than coding and scaling: at " in row["reason"]
    assert record(run, FIRST, None) == {"review": 1, "done": 1}
    shown = {one.id: one.change for one in read_cluster(run, row["cluster_id"]).outcomes}
    assert shown == {"b.jpg": (left, top, right, bottom), "c.jpg": ()}
    assert set(library.files()) == set(library.acting.documents()) == {"a.jpg", "b.jpg"}


def test_a_picture_that_became_unreadable_is_no_keeper_and_stays(library: Library) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": CAT, "c.jpg": CAT})
    (library.folder / "a.jpg").write_bytes(CAT[:200])
    library.acting.change({"id": "a.jpg", "unreadable_s": {"set": "it ends too early"}})
    stats = library.apply(library.decided())
    assert (stats.done, stats.skipped) == (1, 1)
    assert set(library.files()) == set(library.acting.documents()) == {"a.jpg", "b.jpg"}


def test_a_near_duplicate_is_not_expected_to_be_the_same(library: Library) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": jpeg(stamped())})
    near = {"policies": {"near": {"do": "delete"}}, "scan": {"exact_threshold": 0.9999}}
    assert library.apply(library.decided(**near, guards={"delete_threshold": 0.7})).done == 1


def test_a_dry_run_looks_as_well(library: Library) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": jpeg(stamped()), "c.jpg": CAT})
    digest = library.decided(**LENIENT)
    library.acting.server.clear_counts()
    stats = library.acting.apply(library.acting.run(), digest, dry_run=True)
    assert (stats.planned, stats.review) == (1, 1)
    assert library.acting.server.counts().get("update", 0) == 0


class TestUnverified:
    """Pictures that only Flow reaches, as in a network of its own."""

    ELSEWHERE = "http://pictures.invalid/a.jpg"

    def filled(self, library: Library) -> None:
        library.fill({"a.jpg": CAT, "b.jpg": CAT})
        analysis = library.acting.client(lambda client: client.analyze(data=CAT))
        library.acting.change({"id": "a.jpg", "image": self.ELSEWHERE, "import": analysis})

    def test_the_check_says_what_cannot_be_told(self, library: Library) -> None:
        self.filled(library)
        library.acting.client(lambda client: client.delete(["b.jpg"], commit=True))
        config = library.acting.config(**library.settings(quarantine=None))
        problems = [step.problem for step in library.acting.check(config) if step.problem]
        assert len(problems) == 1
        assert "pictures.invalid" in problems[0]

    def test_nothing_is_deleted_unless_the_settings_say_so(self, library: Library) -> None:
        self.filled(library)
        library.fill({"a.jpg": CAT, "b.jpg": CAT})
        digest = library.decided(quarantine=None)
        self.filled(library)
        digest = library.acting.decide(
            library.acting.run("run-2"), library.acting.config(**library.settings(quarantine=None))
        ).hash
        assert library.apply(digest, "run-2").skipped == 1
        assert "guards.unverified: allow" in reasons(library.acting.run("run-2"))["b.jpg"]

    def test_where_they_do_the_word_of_the_index_counts(self, library: Library) -> None:
        library.fill({"a.jpg": CAT, "b.jpg": CAT})
        allowed: dict[str, Any] = {"quarantine": None, "guards": {"unverified": "allow"}}
        library.decided(**allowed)
        self.filled(library)
        config = library.acting.config(**library.settings(**allowed))
        assert (
            library.apply(library.acting.decide(library.acting.run("run-2"), config).hash, "run-2").done == 1
        )


def test_no_login_of_a_pictures_address_is_told(library: Library) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": CAT})
    library.decided(quarantine=None)
    secret = "http://reader:s3cret@pictures.invalid/b@2.jpg?token=s3cret"
    analysis = library.acting.client(lambda client: client.analyze(data=CAT))
    library.acting.change({"id": "b.jpg", "image": secret, "import": analysis})
    run, config = library.acting.run("run-2"), library.acting.config(**library.settings(quarantine=None))
    assert library.apply(library.acting.decide(run, config).hash, "run-2").skipped == 1
    told = reasons(run)["b.jpg"]
    assert "s3cret" not in told
    assert "guards.unverified: allow" in told


class TestSideFiles:
    def test_what_is_written_about_a_picture_goes_and_comes_back_with_it(self, library: Library) -> None:
        files = {"p/a.jpg": CAT, "p/b.jpg": CAT, "p/b.jpg.xmp": b"1", "p/B.AAE": b"2", "p/b.txt": b"3"}
        library.fill(files)
        before = library.acting.documents()
        assert library.apply(library.decided()).done == 1
        assert set(library.files()) == {"p/a.jpg", "p/b.txt"}
        assert set(library.moved()) == {"p/b.jpg", "p/b.jpg.xmp", "p/B.AAE"}
        library.acting.restore(Wanted(runs=("run-1",)))
        assert (library.files(), library.acting.documents()) == (files, before)

    @pytest.mark.parametrize("beside", ["b.mov", "b.CR2", "b.jpg.mp4"])
    def test_a_film_or_a_raw_picture_is_for_a_person(self, library: Library, beside: str) -> None:
        library.fill({"a.jpg": CAT, "b.jpg": CAT, beside: b"a film"})
        assert library.apply(library.decided()).review == 1
        assert f"{beside} belongs to it" in reasons(library.acting.run())["b.jpg"]
        assert set(library.files()) == {"a.jpg", "b.jpg", beside}

    def test_the_settings_say_what_becomes_of_which(self, library: Library) -> None:
        library.fill({"a.jpg": CAT, "b.jpg": CAT, "b.mov": b"a film", "b.txt": b"words", "b.xmp": b"?"})
        quarantine = {"library": str(library.folder), "folder": str(library.away)}
        quarantine["side_files"] = {".mov": "move", ".TXT": "move"}  # type: ignore[assignment]
        assert library.apply(library.decided(quarantine=quarantine)).done == 1
        assert set(library.files()) == {"a.jpg", "b.xmp"}

    def test_what_another_picture_of_that_name_needs_stays(self, library: Library) -> None:
        library.fill({"a.jpg": CAT, "b.jpg": CAT, "b.xmp": b"of both", "b.jpg.xmp": b"own"})
        (library.folder / "b.png").write_bytes(b"another picture")
        assert library.apply(library.decided()).done == 1
        assert set(library.files()) == {"a.jpg", "b.png", "b.xmp"}


class TestQuarantineFolder:
    @pytest.mark.parametrize("place", ["inside", "around", "itself", "behind a link", "a file", "missing"])
    def test_a_place_that_takes_no_files_is_said_before_anything_is_deleted(
        self, library: Library, place: str
    ) -> None:
        library.fill({"a.jpg": CAT, "b.jpg": CAT})
        away = library.away
        away.parent.mkdir(parents=True, exist_ok=True)
        if place == "behind a link":
            away.symlink_to(library.folder / "removed")
            (library.folder / "removed").mkdir()
        elif place == "a file":
            away.write_bytes(b"")
        folder = {"inside": library.folder / "removed", "around": library.folder.parent}.get(place, away)
        source = library.folder / "not-mounted" if place == "missing" else library.folder
        folder = library.folder if place == "itself" else folder
        settings = {"quarantine": {"library": str(source), "folder": str(folder)}}
        config = library.acting.config(**library.settings(**settings))
        with pytest.raises(PlanError, match=r"quarantine[.:]"):
            library.acting.decide(library.acting.run(), config)
        assert set(library.acting.documents()) == {"a.jpg", "b.jpg"}

    def test_one_that_has_gone_wrong_since_is_said_too(self, library: Library) -> None:
        library.fill({"a.jpg": CAT, "b.jpg": CAT})
        digest = library.decided()
        library.away.rmdir()
        library.away.write_bytes(b"")
        with pytest.raises(PlanError, match=r"quarantine\.folder"):
            library.apply(digest)
        assert set(library.files()) == set(library.acting.documents()) == {"a.jpg", "b.jpg"}


def test_without_its_check_nothing_goes(library: Library) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": CAT})
    digest = library.acting.decide(library.acting.run(), library.acting.config(**library.settings())).hash
    with pytest.raises(CheckError):
        library.apply(digest)
