"""Instances of models as arguments: a reference travels, the row is loaded afresh."""

# ruff: noqa: DJ008 (the models here are never shown)

from __future__ import annotations

import inspect
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db import connection, models
from django.test.utils import CaptureQueriesContext, isolate_apps
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from deferapp.exceptions import ArgumentError, ArgumentGone
from deferapp.executions.values import decode_call, decode_result, encode_call, encode_result

SIGNATURE = inspect.signature(lambda *args, **kwargs: None)


def encode(*args: Any, **kwargs: Any) -> str:
    return encode_call("shop.defer.greet", SIGNATURE, args, kwargs)


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create(username="ann", first_name="Ann")


def test_an_instance_travels_as_model_database_and_primary_key(user: User) -> None:
    assert encode(user) == f'{{"args":[{{"$model":["auth.User","default",{user.pk}]}}]}}'


def test_an_instance_is_loaded_afresh(user: User) -> None:
    text = encode(user)
    User.objects.update(first_name="Anna")
    (found,), _ = decode_call(text)
    assert found == user
    assert type(found) is User
    assert found.first_name == "Anna"
    assert found._state.db == "default"


def test_instances_travel_nested_and_in_results(user: User) -> None:
    group = Group.objects.create(name="admins")
    assert decode_call(encode([{"who": user}], where=(group,))) == ([[{"who": user}]], {"where": [group]})
    assert decode_result(encode_result("greet", {"who": user})) == {"who": user}


def test_a_lazy_user_of_a_request_travels_as_the_user(user: User) -> None:
    assert encode(SimpleLazyObject(lambda: user)) == encode(user)


def test_an_instance_with_deferred_fields_travels_and_comes_back_whole(user: User) -> None:
    (found,), _ = decode_call(encode(User.objects.only("pk").get()))
    assert found.get_deferred_fields() == set()


def test_a_primary_key_set_as_text_is_the_same_reference(user: User) -> None:
    text = encode(user)
    user.pk = str(user.pk)
    assert encode(user) == text


def test_a_row_is_found_even_if_the_default_manager_hides_it(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(User._default_manager), "get_queryset", lambda manager: User._base_manager.none())
    (found,), _ = decode_call(encode(user))
    assert found == user


def test_a_row_that_two_arguments_refer_to_is_loaded_once(user: User) -> None:
    text = encode(user, [user, {"who": user}])
    with CaptureQueriesContext(
        connection,
    ) as queries:
        (first, (second, third)), _ = decode_call(text)
    assert first is second is third["who"]
    assert len(queries) == 1


def test_a_call_without_instances_asks_the_database_nothing(django_assert_num_queries: Any, db: None) -> None:
    with django_assert_num_queries(0):
        decode_call(encode(uuid.uuid4(), name=1))


def test_a_row_that_has_been_deleted_is_gone_and_named(user: User) -> None:
    text, pk = encode({"who": user}), user.pk
    user.delete()
    with pytest.raises(ArgumentGone, match=rf"^auth\.User {pk} has been deleted$"):
        decode_call(text)


def test_a_primary_key_beyond_the_range_of_its_column_is_gone(db: None) -> None:
    with pytest.raises(ArgumentGone):
        decode_result(f'{{"$model":["auth.User","default",{2**70}]}}')


def test_a_deleted_instance_is_refused(user: User) -> None:
    user.delete()
    with pytest.raises(ArgumentError, match=r"auth\.User that is not in the database .* Save it first\."):
        encode(user)


def test_a_primary_key_may_be_text(db: None) -> None:
    session = Session.objects.create(session_key="$date", session_data="", expire_date=timezone.now())
    text = encode(session)
    assert '["sessions.Session","default","$date"]' in text
    assert decode_call(text) == ([session], {})
    session.delete()
    with pytest.raises(ArgumentGone, match=r"^sessions\.Session \*+ has been deleted$"):
        decode_call(text)


@pytest.fixture
def zoo(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, type[models.Model]]]:
    """Models of every kind with tables of their own, known only while the test runs."""
    with isolate_apps("django.contrib.auth", "django.contrib.contenttypes") as registry:

        class Animal(models.Model):
            id = models.UUIDField(primary_key=True, default=uuid.uuid4)

            class Meta:
                app_label = "auth"

        class Cat(Animal):  # multi-table inheritance
            class Meta:
                app_label = "auth"

        class Tomcat(Cat):
            class Meta:
                app_label = "auth"
                proxy = True

        class Tag(models.Model):
            pk = models.CompositePrimaryKey("animal_id", "number")
            animal = models.ForeignKey(Animal, models.CASCADE)
            number = models.IntegerField()

            class Meta:
                app_label = "auth"

    monkeypatch.setattr("django.apps.apps", registry)
    with connection.schema_editor() as editor:
        for model in (Animal, Cat, Tag):
            editor.create_model(model)
    yield {"Animal": Animal, "Cat": Cat, "Tomcat": Tomcat, "Tag": Tag}
    with connection.schema_editor() as editor:
        for model in (Tag, Cat, Animal):
            editor.delete_model(model)


@pytest.mark.parametrize("name", ["Animal", "Cat", "Tomcat"])
def test_an_instance_comes_back_as_the_model_that_it_was(zoo: dict[str, type[models.Model]], name: str) -> None:
    instance = zoo[name]._base_manager.create()
    text = encode(instance)
    assert f'["auth.{name}","default",{{"$uuid":"{instance.pk}"}}]' in text
    (found,), _ = decode_call(text)
    assert type(found) is zoo[name]
    assert found == instance


def test_a_composite_primary_key_travels(zoo: dict[str, type[models.Model]]) -> None:
    animal = zoo["Animal"]._base_manager.create()
    tag = zoo["Tag"]._base_manager.create(animal=animal, number=1)
    zoo["Tag"]._base_manager.create(animal=animal, number=2)
    (found,), _ = decode_call(encode(tag))
    assert found == tag


def test_an_instance_with_a_primary_key_of_its_own_that_was_never_saved_is_refused(
    zoo: dict[str, type[models.Model]],
) -> None:
    with pytest.raises(ArgumentError, match=r"auth\.Animal that is not in the database"):
        encode(zoo["Animal"]())
