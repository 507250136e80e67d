"""Pages of executions by cursor."""

from __future__ import annotations

import base64
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from hypothesis import given
from hypothesis import strategies as st

from deferapp.exceptions import CursorError, DeferError
from deferapp.models import Execution
from deferapp.models.pages import Cursor, Page
from tests.unit.options.ledgers import a_row, filtered, is_kept, ledger_of, newest_first, some_filters, unhurried
from tests.unit.rows import make_executions

pytestmark = pytest.mark.django_db

SOME_ROWS = st.lists(a_row(), max_size=12, unique_by=lambda row: row.id)


def cursor(row: Execution | None) -> str | None:
    return None if row is None else str(Cursor.of(row))


@unhurried
@given(SOME_ROWS, some_filters(), st.sampled_from(["first", "last"]), st.integers(1, 6), st.data())
def test_every_combination_of_filters_and_cursors_gives_the_page_that_it_means(
    rows: list[Execution], filters: dict[str, Any], side: str, size: int, data: st.DataObject
) -> None:
    """Cursors are of any rows, also of those that the filters leave out, and need not be in order."""
    after = data.draw(st.sampled_from([None, *rows]), label="after")
    before = data.draw(st.sampled_from([None, *rows]), label="before")
    ordered = newest_first(rows)
    kept = [row for row in ordered if is_kept(row, filters)]
    older = kept if after is None else [row for row in kept if ordered.index(row) > ordered.index(after)]
    span = older if before is None else [row for row in older if ordered.index(row) < ordered.index(before)]
    expected = span[:size] if side == "first" else span[-size:]
    with ledger_of(rows):
        page = filtered(filters).page(**{side: size}, after=cursor(after), before=cursor(before))
    assert page.items == expected
    if expected:
        assert (page.start_cursor, page.end_cursor) == (cursor(expected[0]), cursor(expected[-1]))
    else:
        assert page.start_cursor is page.end_cursor is None
    goes_on = page.has_next if side == "first" else page.has_previous
    assert goes_on == (len(span) > size)


@unhurried
@given(SOME_ROWS, st.integers(1, 4), st.sampled_from(["first", "last"]), st.data())
def test_who_walks_while_rows_come_and_go_meets_each_row_that_stays_once_and_none_twice(
    rows: list[Execution], size: int, side: str, data: st.DataObject
) -> None:
    leaving = data.draw(st.lists(st.sampled_from(rows), unique_by=id) if rows else st.just([]), label="leaving")
    coming = data.draw(st.lists(a_row(), max_size=8, unique_by=lambda row: row.id), label="coming")
    coming = [row for row in coming if row not in rows]
    stay = [row for row in newest_first(rows) if row not in leaving]
    met: list[Execution] = []
    with ledger_of(rows):
        page = Execution.objects.page(**{side: size})
        met = list(page.items)
        while page.has_next if side == "first" else page.has_previous:
            change_something(data, coming, leaving)
            here = {"after": page.end_cursor} if side == "first" else {"before": page.start_cursor}
            page = Execution.objects.page(**{side: size}, **here)
            met = [*met, *page.items] if side == "first" else [*page.items, *met]
    assert len(met) == len(set(met))
    assert [row for row in met if row in stay] == stay
    assert met == newest_first(met)


def change_something(data: st.DataObject, coming: list[Execution], leaving: list[Execution]) -> None:
    if coming and data.draw(st.booleans(), label="one comes"):
        coming.pop().save(force_insert=True)
    if leaving and data.draw(st.booleans(), label="one leaves"):
        Execution.objects.filter(pk=leaving.pop().pk).delete()


@unhurried
@given(SOME_ROWS, st.integers(1, 4))
def test_there_and_back_again(rows: list[Execution], size: int) -> None:
    with ledger_of(rows):
        there: list[Page] = [Execution.objects.page(first=size)]
        while there[-1].has_next:
            there.append(Execution.objects.page(first=size, after=there[-1].end_cursor))
        back = [there[-1]]
        while back[-1].has_previous:
            back.append(Execution.objects.page(last=size, before=back[-1].start_cursor))
    assert back[::-1] == there
    assert [row for page in there for row in page.items] == newest_first(rows)


def test_the_other_side_is_told_too() -> None:
    newest, middle, oldest = newest_first(make_executions(3))
    page = Execution.objects.page(first=1, after=cursor(newest))
    assert (page.items, page.has_previous, page.has_next) == ([middle], True, True)
    page = Execution.objects.page(last=1, before=cursor(oldest))
    assert (page.items, page.has_previous, page.has_next) == ([middle], True, True)
    beyond = Execution.objects.page(first=1, after=cursor(oldest))
    assert (beyond.items, beyond.has_previous, beyond.has_next) == ([], True, False)
    beyond = Execution.objects.page(last=1, before=cursor(newest))
    assert (beyond.items, beyond.has_previous, beyond.has_next) == ([], False, True)


def test_the_other_side_is_empty_when_its_rows_have_gone() -> None:
    newest, middle, oldest = newest_first(make_executions(3))
    after_newest = cursor(newest)
    newest.delete()
    assert not Execution.objects.page(first=1, after=after_newest).has_previous
    Execution.objects.exclude(pk=middle.pk).delete()
    assert not Execution.objects.page(last=1, before=cursor(oldest)).has_next


def test_new_executions_are_newer_than_the_page_that_one_has() -> None:
    first, second = newest_first(make_executions(2))
    page = Execution.objects.page(first=2)
    assert not page.has_previous
    (third,) = make_executions(1)
    assert Execution.objects.page(last=5, before=page.start_cursor).items == [third]
    assert page.items == [first, second]


def test_an_empty_ledger_has_an_empty_page() -> None:
    for asked in ({}, {"first": 1}, {"last": 1}):
        page = Execution.objects.page(**asked)
        assert page == Page(items=[], has_next=False, has_previous=False, start_cursor=None, end_cursor=None)


def test_without_a_number_a_page_has_fifty() -> None:
    make_executions(51)
    page = Execution.objects.page()
    assert (len(page.items), page.has_next) == (50, True)
    assert len(Execution.objects.page(after=page.end_cursor).items) == 1


def test_a_page_is_the_newest_first_whatever_order_was_asked_for() -> None:
    rows = make_executions(3)
    assert Execution.objects.order_by("created_at").page().items == rows[::-1]


def test_a_page_from_async_code_is_the_same() -> None:
    make_executions(3)

    async def page() -> Page:
        return await Execution.objects.apage(first=2)

    assert async_to_sync(page)() == Execution.objects.page(first=2)


def test_a_page_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Execution.objects.page().has_next = True  # type: ignore[misc]


def test_a_page_takes_two_queries_at_the_most(django_assert_max_num_queries: Any) -> None:
    newest, *_ = newest_first(make_executions(3))
    with django_assert_max_num_queries(2):
        Execution.objects.page(first=1, after=cursor(newest))


@pytest.mark.parametrize("name", ["first", "last"])
@pytest.mark.parametrize("number", [0, -1, 1001, 1.0, "5", True])
def test_a_number_that_is_not_from_1_to_1000_is_refused(name: str, number: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} is a number from 1 to 1000"):
        Execution.objects.page(**{name: number})
    assert Execution.objects.page(**{name: 1000}).items == []


def test_first_and_last_together_are_refused() -> None:
    with pytest.raises(ValueError, match="not both"):
        Execution.objects.page(first=1, last=1)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "é", "====", 7, b"x", "\ud800",
        encoded("[]"), encoded("7"), encoded("null"), encoded("[1,2]"), encoded("[" * 100_000), encoded("\ud7ff"),
        encoded('["2026-11-23T08:00:00+00:00",7]'),
        encoded('["2026-11-23T08:00:00","00000000000000000000000000000001"]'),
        encoded('["2026-11-23T08:00:00+01:00","00000000000000000000000000000001"]'),
        encoded('["2026-11-23T08:00:00+00:00", "00000000000000000000000000000001"]'),
        encoded('["9999-99-99T08:00:00+00:00","00000000000000000000000000000001"]'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["after", "before"])
def test_what_is_no_cursor_is_refused_and_named(name: str, text: Any) -> None:
    with pytest.raises(CursorError, match="not a cursor") as refused:
        Execution.objects.page(**{name: text})
    assert repr(text)[:100] in str(refused.value)
    assert isinstance(refused.value, (DeferError, ValueError))


@unhurried
@given(a_row())
def test_a_cursor_is_read_as_it_was_written(row: Execution) -> None:
    assert Cursor.read(str(Cursor.of(row))) == Cursor.of(row)
