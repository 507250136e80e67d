"""What a search finds, and by which queries."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deferapp.clock import now
from deferapp.executions.search import find, parse
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution
from tests.unit.rows import make_execution

pytestmark = pytest.mark.django_db


def found(text: str) -> set[Execution]:
    return set(parse(text, now()).apply(Execution.objects.all()))


def test_no_words_find_everything() -> None:
    rows = {make_execution(), make_execution()}
    assert found("") == rows


def test_by_state() -> None:
    failed, aborted, _ = (make_execution(state=state) for state in (State.FAILED, State.ABORTED, State.CREATED))
    assert found("state:failed") == {failed}
    assert found("state:failed state:aborted") == {failed, aborted}


@pytest.mark.parametrize("word", ["shop.defer.mail", "mail", "defer.mail", "MAIL", "*mail", "m?il", "shop.*"])
def test_a_function_by_its_name_its_end_or_a_pattern(word: str) -> None:
    mail = make_execution("shop.defer.mail")
    make_execution("web.defer.mail_all")
    assert mail in found(f"fn:{word}")
    assert {each.function for each in found(f"fn:{word}")} == {"shop.defer.mail"}


@pytest.mark.parametrize("word", ["ma", "hop.defer.mail", "shop", "[a-z]*", "shop.defer"])
def test_a_part_of_a_functions_name_is_not_the_function(word: str) -> None:
    make_execution("shop.defer.mail")
    assert found(f"fn:{word}") == set()


def test_several_functions() -> None:
    a, b, _ = (make_execution(f"shop.defer.{name}") for name in "abc")
    assert found("fn:a fn:b") == {a, b}


def test_by_metadata_all_of_it() -> None:
    both = make_execution(metadata={"tenant": "Acme Inc", "order-id": "7"})
    make_execution(metadata={"tenant": "Acme Inc"})
    assert found('meta.tenant:"Acme Inc" meta.order-id:7') == {both}
    assert len(found('meta.tenant:"Acme Inc"')) == 2


def test_by_time() -> None:
    moment = now()
    old, new = make_execution(created_at=moment - timedelta(hours=3)), make_execution(created_at=moment)
    assert found("since:2h") == {new}
    assert found("until:2h") == {old}
    assert found("since:4h until:1h") == {old}


def test_by_parent() -> None:
    parent = make_execution()
    child = make_execution(parent=parent)
    assert found(f"parent:{parent.id}") == {child}


def test_by_the_group_of_an_error_of_any_attempt() -> None:
    broken, moment = make_execution(state=State.SUCCEEDED), now()
    make_execution(state=State.FAILED)
    Attempt.objects.create(
        execution=broken, number=1, outcome="failed", started_at=moment, ended_at=moment, error_key="ab12"
    )
    assert found("error:ab12") == {broken}
    assert found("error:ab13") == set()


def test_by_id_whole_or_its_end() -> None:
    one, two, _ = (make_execution() for _ in range(3))
    assert found(f"id:{one.id}") == {one}
    assert found(f"id:{one.id.hex}") == {one}
    assert found(f"id:…{one.id.hex[-8:]}") == {one}
    assert found(f"id:{one.id} id:{str(two.id)[-12:].upper()}") == {one, two}
    assert found(f"id:{uuid4()}") == set()


def test_a_free_word_is_a_part_of_a_name_or_an_id() -> None:
    mail, other = make_execution("shop.defer.mail"), make_execution("web.defer.other")
    assert found("Ai") == {mail}
    assert found(str(other.id)) == {other}
    assert found(other.id.hex[-8:]) == {other}
    assert found("defer") == {mail, other}
    assert found(f"web {mail.id}") == set()


def test_words_narrow_each_other_and_what_was_filtered_before() -> None:
    wanted = make_execution("shop.defer.mail", state=State.FAILED)
    make_execution("shop.defer.mail")
    make_execution("shop.defer.other", state=State.FAILED)
    assert found("mail state:failed") == {wanted}
    none = Execution.objects.filter(state=State.CREATED)
    assert not parse("state:failed", now()).apply(none).exists()


def test_the_end_of_an_id_is_looked_for_among_the_newest_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "NEWEST", 1)
    old, new = make_execution(), make_execution()
    assert found(f"id:{new.id.hex[-8:]}") == {new}
    assert found(f"id:{old.id.hex[-8:]}") == set()


def test_columns_alone_ask_nothing_beforehand_and_many_ends_of_ids_ask_once() -> None:
    make_execution()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        parse(f"state:failed since:1h error:x meta.a:b parent:{uuid4()}", now()).apply(Execution.objects.all())
    assert len(queries) == 0
    with CaptureQueriesContext(connection) as queries:
        parse("abcdef1 abcdef2 id:abcdef3 fn:x", now()).apply(Execution.objects.all())
    assert len(queries) == 2
