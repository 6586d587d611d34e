"""Every batch is answered once, whatever nodes do; what cannot be answered ends in one error."""

from __future__ import annotations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from ckssd.cluster.schedule import MOST_TRIES, Given, Schedule
from ckssd.errors import RunError

TWO = {"a": 1, "b": 1}


def begun(batches: int = 4, nodes: dict[str, int] | None = None) -> Schedule:
    schedule = Schedule(batches, 10.0)
    schedule.nodes(nodes or TWO)
    return schedule


def test_each_place_has_one_batch_and_the_emptiest_node_is_first() -> None:
    schedule = begun(9, {"small": 1, "large": 3})
    given = list(schedule.give(0.0))
    assert sorted(one.node for one in given) == ["large"] * 3 + ["small"]
    assert [one.batch for one in given] == [0, 1, 2, 3]
    assert not list(schedule.give(1.0))


def test_what_is_done_is_not_given_out() -> None:
    schedule = Schedule(3, 10.0, {0, 2})
    schedule.nodes(TWO)
    (given,) = schedule.give(0.0)
    assert given.batch == 1
    assert schedule.answered(given, 1.0)
    assert schedule.finished


def test_a_node_that_leaves_loses_its_batch_and_one_that_joins_gets_some() -> None:
    schedule = begun()
    first, second = schedule.give(0.0)
    assert schedule.nodes({"b": 1, "c": 1}) == [first]
    (again,) = schedule.give(1.0)
    assert (again.batch, again.node) == (first.batch, "c")
    assert schedule.given_again == 1
    assert schedule.answered(second, 2.0)


def test_of_two_answers_the_first_counts_and_a_late_node_gets_nothing_until_it_answers() -> None:
    schedule = begun(3)
    late, other = schedule.give(0.0)
    assert schedule.answered(other, 9.0)
    assert schedule.overdue(11.0) == [late]
    assert schedule.overdue(12.0) == [], "it is said once"
    (again,) = schedule.give(12.0)
    assert (again.batch, again.node) == (late.batch, other.node)
    assert schedule.answered(again, 13.0)
    (last,) = schedule.give(13.0)
    assert last.node == other.node, "the other one hangs"
    assert not schedule.answered(late, 14.0), "the second answer"
    assert schedule.late_nodes == set()
    assert schedule.answered(last, 14.0)
    assert schedule.finished


def test_a_batch_that_is_lost_every_time_ends_the_run_with_the_reasons() -> None:
    schedule = begun(1)
    for _ in range(MOST_TRIES - 1):
        (given,) = schedule.give(0.0)
        schedule.lost(given, "its worker died")
    (given,) = schedule.give(0.0)
    with pytest.raises(RunError, match=r"lost every time: batch 1 of 1 \(got its worker died\).*--resume"):
        schedule.lost(given, "its worker died")


def test_a_runtime_that_dies_twice_with_a_batch_is_no_coincidence() -> None:
    schedule = begun(1)
    (given,) = schedule.give(0.0)
    assert schedule.crashed(given, "signal 11")
    (again,) = schedule.give(0.0)
    assert not schedule.crashed(again, "signal 11")


def test_a_cluster_that_never_answers_ends_the_run() -> None:
    schedule = begun()
    list(schedule.give(0.0))
    schedule.overdue(0.0)
    schedule.overdue(11.0)
    with pytest.raises(RunError, match=r"No node of the cluster answers .*2 nodes, 4 batches left"):
        schedule.overdue(50.0)
    empty = Schedule(2, 10.0)
    empty.nodes({})
    assert not list(empty.give(0.0))
    empty.overdue(0.0)
    with pytest.raises(RunError, match="0 nodes"):
        empty.overdue(41.0)


@for_all(st.data())
def test_whatever_happens_every_batch_counts_once_or_the_run_ends_in_an_error(data: st.DataObject) -> None:
    batches = data.draw(st.integers(1, 12))
    schedule = Schedule(batches, 10.0)
    out: list[Given] = []
    counted: list[int] = []
    now = 0.0
    for _ in range(60):
        names = data.draw(st.sets(st.sampled_from("abcd")))
        try:
            gone = schedule.nodes(dict.fromkeys(names, 2))
            out = [given for given in out if given not in gone]
            schedule.overdue(now)
            fresh = list(schedule.give(now))
            assert {given.node for given in fresh} <= names
            assert not {given.batch for given in fresh} & set(counted)
            out += fresh
            if out:
                given = out.pop(data.draw(st.integers(0, len(out) - 1)))
                what = data.draw(st.sampled_from(["answer", "answer", "answer", "lost", "crash", "nothing"]))
                if what == "answer" and schedule.answered(given, now):
                    counted.append(given.batch)
                elif what == "lost":
                    schedule.lost(given, "gone")
                elif what == "crash" and not schedule.crashed(given, "died"):
                    return
                elif what == "nothing":
                    out.append(given)
        except RunError:
            return
        assert len(counted) == len(set(counted))
        if schedule.finished:
            assert sorted(counted) == list(range(batches))
            return
        now += data.draw(st.sampled_from([0.0, 1.0, 6.0]))
