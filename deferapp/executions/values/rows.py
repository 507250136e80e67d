"""Instances of models as a reference: the model, the database and the primary key.

Django's models are imported inside functions, so that declaring a function loads none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deferapp.exceptions import ArgumentGone, ValueCorrupt
from deferapp.executions.values.refusal import Refusal

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet


def is_instance(value: object) -> bool:
    from django.db.models import Model

    return isinstance(value, Model)


def reference(instance: Model) -> tuple[str, str, Any]:
    """The model's label, the database's alias and the primary key as its field prepares it for a database."""
    from django.db import DEFAULT_DB_ALIAS

    meta, state = instance._meta, instance._state
    if state.adding or instance.pk is None:
        raise Refusal(f"an instance of {meta.label} that is not in the database", "Save it first.")
    # Prepared, so that the row saved under pk="42" and read as pk=42 is one reference.
    return meta.label, state.db or DEFAULT_DB_ALIAS, meta.pk.get_prep_value(instance.pk)


class Rows:
    """Loads the rows that one call refers to, each once."""

    def __init__(self) -> None:
        self._loaded: dict[str, Model] = {}

    def load(self, content: Any) -> Model:
        """Raises `ArgumentGone` for a row that is not there, `ValueCorrupt` for what is no reference."""
        key = repr(content)
        if key not in self._loaded:
            self._loaded[key] = _load(content)
        return self._loaded[key]


def _load(content: Any) -> Model:
    instance = _select(content).order_by("pk").first()
    if instance is None:
        from deferapp.redact import redact_reference

        raise ArgumentGone(f"{redact_reference(content[0], content[2])} has been deleted")
    return instance


def _select(content: Any) -> QuerySet[Model]:
    """The query, not run yet, so that the database's errors are not mistaken for those of the reference."""
    from django.apps import apps
    from django.core.exceptions import ValidationError
    from django.db import connections

    try:
        label, alias, pk = content
        if alias not in connections:
            raise ValueError(f"there is no database {alias!r}")
        model: type[Model] = apps.get_model(label)
        return model._base_manager.using(alias).filter(pk=pk)
    except (LookupError, TypeError, ValueError, AttributeError, ValidationError) as error:
        raise ValueCorrupt(f"what is tagged $model refers to no row ({type(error).__name__})") from None
