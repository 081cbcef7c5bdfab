from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.acting.lease import (
    RENEWED_AFTER_S,
    SILENT_S,
    allow_writing,
    hold_lease,
    meeting_place,
    stop_writing,
)
from include.dedupe.errors import LeaseError, StoppedError
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.storage import Storage


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def lasting(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path))


def test_only_one_holds_it_and_it_is_free_again_afterwards(lasting: Storage) -> None:
    with hold_lease(lasting, "one") as first:
        with pytest.raises(LeaseError, match=r"one .* is writing"), hold_lease(lasting, "two"):
            pass
        first.require()
    with hold_lease(lasting, "two") as second:
        assert second.token > first.token


def test_who_is_silent_for_too_long_loses_it_and_notices(lasting: Storage) -> None:
    clock = Clock()
    with hold_lease(lasting, "one", clock=clock) as first:
        clock.now += SILENT_S - 1
        first.require()
        clock.now += SILENT_S - 1
        with pytest.raises(LeaseError, match="is writing"), hold_lease(lasting, "two", clock=clock):
            pass
        clock.now += 2
        with hold_lease(lasting, "two", clock=clock) as second:
            with pytest.raises(LeaseError, match="lost the lease"):
                first.require()
            second.require()


def test_between_the_writes_of_a_slow_batch_it_is_looked_at_now_and_then(lasting: Storage) -> None:
    clock, own = Clock(), Clock()
    with hold_lease(lasting, "one", clock=clock, own_clock=own) as first:
        clock.now += SILENT_S + 1
        with hold_lease(lasting, "two", clock=clock):
            own.now += RENEWED_AFTER_S - 1
            first.keep()
            for step in (1, -RENEWED_AFTER_S - 1):  # also when this machine's clock was set back
                own.now += step
                with pytest.raises(LeaseError, match="lost the lease"):
                    first.keep()


def test_a_lease_that_somebody_else_could_create_again_is_noticed(lasting: Storage) -> None:
    """On a storage that cannot create a file exclusively."""
    with hold_lease(lasting, "one") as first:
        with hold_lease(Storage(f"{lasting.root}/elsewhere"), "two") as second:
            lasting.write("lease/0000000001.json", second.place.read("lease/0000000001.json"))
        with pytest.raises(LeaseError, match="lost the lease"):
            first.require()


@pytest.mark.parametrize("address", ["", "memory://lease-clock"])
def test_machines_whose_clocks_differ_go_by_the_clock_of_the_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    storage = Storage(address or str(tmp_path))
    with hold_lease(storage, "one") as first:
        monkeypatch.setattr("time.time", lambda: 4e9)
        with pytest.raises(LeaseError, match="is writing"), hold_lease(storage, "two"):
            pass
        first.require()
    assert storage.names("") in ([], ["lease"])


def test_settings_that_lead_to_the_same_collection_of_flow_share_it(tmp_path: Path) -> None:
    config = CollectionConfig.model_validate({"flow": {"connection": "flow_a", "collection": "the/photos"}})
    one, other = Storage(f"{tmp_path}/strict"), Storage(f"{tmp_path}/loose")
    with (
        hold_lease(meeting_place(one, config), "Run a"),
        pytest.raises(LeaseError, match="Run a"),
        hold_lease(meeting_place(other, config), "Run b"),
    ):
        pass


def test_a_retry_takes_over_from_its_own_zombie_at_once(lasting: Storage) -> None:
    with hold_lease(lasting, "Run a") as zombie:
        with hold_lease(lasting, "Run a", takes_over=True) as retry:
            retry.require()
        with pytest.raises(LeaseError):
            zombie.require()


def test_another_run_whose_name_begins_alike_does_not_take_over(lasting: Storage) -> None:
    with (
        hold_lease(lasting, "Run ab"),
        pytest.raises(LeaseError),
        hold_lease(lasting, "Run a", takes_over=True),
    ):
        pass


def test_the_stop_switch_ends_the_holder_and_lets_no_new_one_begin(lasting: Storage) -> None:
    with hold_lease(lasting, "one") as lease:
        stop_writing(lasting, "somebody")
        with pytest.raises(StoppedError, match="somebody"):
            lease.require()
    with pytest.raises(StoppedError), hold_lease(lasting, "two"):
        pass
    allow_writing(lasting)
    with hold_lease(lasting, "two"):
        pass


@given(st.lists(st.sampled_from(["begin", "end", "wait", "write"]), max_size=30), st.randoms())
def test_two_never_write_in_any_interleaving(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], random: object
) -> None:
    lasting, clock = Storage(str(tmp_path_factory.mktemp("lease"))), Clock()
    held: list[tuple[object, object]] = []
    for step in steps:
        if step == "wait":
            clock.now += SILENT_S * 0.7
        elif step == "begin":
            context = hold_lease(lasting, f"writer {len(held)}", clock=clock)
            try:
                held.append((context, context.__enter__()))
            except LeaseError:
                continue
        elif step == "end" and held:
            held.pop(random.randrange(len(held)))[0].__exit__(None, None, None)  # type: ignore[attr-defined]
        elif step == "write":
            writers = 0
            for _, lease in held:
                try:
                    lease.require()  # type: ignore[attr-defined]
                    writers += 1
                except LeaseError:
                    pass
            assert writers <= 1
