"""Laws of run ids."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from models.run import is_run_id, new_run_id

CLOCK = st.integers(0, 200_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(st.lists(CLOCK, min_size=1, max_size=20))
def test_ids_are_in_the_order_in_which_they_were_made_however_the_clock_moves(clock: list[datetime]) -> None:
    made: list[str] = []
    for now in clock:
        made.append(new_run_id(now, made[-1] if made else ""))
    assert made == sorted(set(made))
    assert all(is_run_id(one) for one in made)
    assert made[0].startswith(f"{clock[0]:%Y%m%dT%H%M%SZ}-")


def test_the_id_after_the_last_one_of_a_second_is_of_the_next_second() -> None:
    made = new_run_id(datetime(2026, 1, 31, tzinfo=UTC), "20260131T235959Z-ffffff")
    assert made == "20260201T000000Z-000000"
