"""The recommender's file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pytest
from django.conf import LazySettings

from marketplace.recommender import storage
from marketplace.recommender.evaluation import Evaluation
from marketplace.recommender.model import FACTORS, Model

PRODUCTS = 3


def trained(recall: float = 0.5) -> storage.Trained:
    numbers = np.random.default_rng(1)
    model = Model(
        product=np.array([10, 20, 30]),
        look=np.array([0, 1, 1]),
        demand=np.log(np.array([3, 2, 1], dtype=np.float32)),
        factors=numbers.random((2, PRODUCTS, FACTORS), dtype=np.float32),
        usual=np.full((2, PRODUCTS), 1 / PRODUCTS, dtype=np.float32),
    )
    evaluation = Evaluation(
        customers=9, recall_at_10=recall, recall_at_10_popular=0.25, recall_at_10_popular_lately=0.4
    )
    return storage.Trained(model=model, evaluation=evaluation)


def test_what_was_saved_is_loaded() -> None:
    saved = trained()
    storage.save(saved)
    loaded = storage.load()
    assert loaded.evaluation == saved.evaluation
    for field in fields(Model):
        np.testing.assert_array_equal(getattr(loaded.model, field.name), getattr(saved.model, field.name))
    assert loaded.model.recommend({10: 1}) == saved.model.recommend({10: 1})


def test_the_file_is_read_once_and_again_when_it_has_changed() -> None:
    storage.save(trained(0.5))
    first = storage.load()
    assert storage.load() is first
    storage.save(trained(0.6))
    assert storage.load().evaluation.recall_at_10 == 0.6


def test_a_file_that_holds_pickles_is_refused(settings: LazySettings) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return os.putenv, ("MARKETPLACE_TRAP", "sprung")

    content = {field.name: np.array([Trap()], dtype=object) for field in fields(Model)}
    np.savez(settings.RECOMMENDER_FILE, **content, evaluation=np.array(json.dumps(asdict(trained().evaluation))))
    with pytest.raises(ValueError, match="allow_pickle"):
        storage.load()


def test_a_save_that_fails_leaves_the_old_file_and_no_other(settings: LazySettings) -> None:
    storage.save(trained(0.5))

    class Full:
        def __array__(self, *_args: object, **_kwargs: object) -> None:
            raise OSError("no space left")

    broken = replace(trained(0.6), model=replace(trained().model, usual=Full()))
    with pytest.raises(OSError, match="no space left"):
        storage.save(broken)
    assert storage.load().evaluation.recall_at_10 == 0.5
    file = Path(settings.RECOMMENDER_FILE)
    assert [path.name for path in file.parent.glob("recommender*")] == [file.name]
