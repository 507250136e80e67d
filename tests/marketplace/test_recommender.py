"""What the recommender recommends, and how it is measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from marketplace.models import Customer, Product, Purchase
from marketplace.recommender import NotTrained
from marketplace.recommender.evaluation import evaluate
from marketplace.recommender.history import History, Shelf, read_history
from marketplace.recommender.model import Model
from marketplace.recommender.recommend import recommend
from marketplace.recommender.refresh import refresh
from marketplace.recommender.training import train
from tests.marketplace import sample


@pytest.fixture
def history(loaded: None) -> History:
    return read_history()


@pytest.fixture
def model(history: History) -> Model:
    return train(history)


@pytest.mark.parametrize("taste", [0, 1])
def test_who_bought_a_few_things_of_a_kind_gets_more_of_that_kind(model: Model, taste: int) -> None:
    liked = sample.TASTES[taste]
    recommended = model.recommend(dict.fromkeys(liked[:6], 1), count=6)
    assert set(recommended) == set(liked[6:])


def test_nothing_is_recommended_that_was_bought_before(model: Model) -> None:
    bought = dict.fromkeys(sample.TASTES[0], 2)
    assert not set(model.recommend(bought, count=10)) & bought.keys()


def test_what_may_not_be_recommended_is_not_however_popular(model: Model) -> None:
    everything = set(model.recommend({}, count=1000))
    assert everything.isdisjoint({sample.FUEL, sample.BEER, sample.UNKNOWN})


def test_of_two_products_that_read_alike_only_one_is_recommended(model: Model) -> None:
    everything = model.recommend({}, count=1000)
    names = list(Product.objects.filter(pk__in=everything).values_list("name", flat=True))
    assert len(names) == len(set(names)) == len(everything)
    assert len({100, sample.NAMESAKE} & set(everything)) == 1


def test_who_bought_nothing_that_is_known_gets_what_sells_lately(model: Model) -> None:
    assert model.recommend({}, count=5) == model.recommend({sample.FUEL: 3, 999_999: 1}, count=5)
    assert len(model.recommend({}, count=5)) == 5


def test_recent_customers_count_more_than_those_of_long_ago(history: History) -> None:
    old, new = sample.TASTES[0][0], sample.TASTES[0][1]
    day = np.where(history.product == old, history.last_day - np.timedelta64(120, "D"), history.day)
    model = train(replace(history, day=np.where(history.product == new, history.last_day, day)))
    everything = model.recommend({}, count=1000)
    assert everything.index(new) < everything.index(old)


def test_training_twice_gives_the_same_recommendations(history: History, model: Model) -> None:
    bought = dict.fromkeys(sample.TASTES[1][:3], 1)
    assert train(history).recommend(bought) == model.recommend(bought)


def test_the_order_of_the_purchases_does_not_matter(history: History, model: Model) -> None:
    back = slice(None, None, -1)
    turned = replace(history, customer=history.customer[back], product=history.product[back], day=history.day[back])
    bought = dict.fromkeys(sample.TASTES[1][:3], 1)
    assert train(turned).recommend(bought) == model.recommend(bought)


def test_pairs_count_lines_and_keep_the_last_day() -> None:
    days = np.array(["2017-01-03", "2017-01-01", "2017-01-02", "2017-01-01"], dtype="datetime64[D]")
    nothing = Shelf(product=np.array([], dtype=np.int64), look=np.array([], dtype=np.int64))
    history = History(customer=np.array([1, 1, 2, 1]), product=np.array([5, 5, 5, 6]), day=days, shelf=nothing)
    pairs = history.pairs()
    assert list(zip(pairs.customer, pairs.product, pairs.times, strict=True)) == [(1, 5, 2), (1, 6, 1), (2, 5, 1)]
    assert [str(day) for day in pairs.last] == ["2017-01-03", "2017-01-01", "2017-01-02"]


def test_it_finds_more_than_what_is_most_popular(history: History) -> None:
    evaluation = evaluate(history)
    assert evaluation.customers == sample.HOUSEHOLDS
    assert evaluation.recall_at_10 == 1.0
    assert evaluation.recall_at_10_popular < 0.9
    assert evaluation.recall_at_10_popular_lately < 0.9


def test_the_weeks_held_back_are_not_learned_from(history: History) -> None:
    """What is sold in these weeks alone cannot have been recommended, so customers who buy only that are a miss."""
    cut = history.last_day - np.timedelta64(28, "D")
    unheard_of = 999
    is_late = history.day > cut
    only_new = replace(history, product=np.where(is_late, unheard_of, history.product))
    evaluation = evaluate(only_new)
    assert evaluation.customers == sample.HOUSEHOLDS
    assert evaluation.recall_at_10 == evaluation.recall_at_10_popular == 0


def test_buying_again_is_not_counted_as_new(history: History) -> None:
    cut = history.last_day - np.timedelta64(28, "D")
    again = replace(history, product=np.where(history.day > cut, sample.FUEL, history.product))
    with pytest.raises(ValueError, match="Nobody bought anything new"):
        evaluate(again)


def test_without_purchases_there_is_nothing_to_train(db: None) -> None:
    for command in ("train_recommender", "evaluate_recommender"):
        with pytest.raises(CommandError, match="load_purchases"):
            call_command(command)


def test_the_command_prints_all_three_measures(loaded: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("evaluate_recommender")
    assert "1.0000" in capsys.readouterr().out


def test_products_come_in_the_order_of_the_recommendation(trained: None) -> None:
    customer = Customer.objects.get(pk=2)
    Purchase.objects.filter(customer=customer, product__in=sample.TASTES[0][4:]).delete()
    products = recommend(customer)
    assert {product.number for product in products} >= set(sample.TASTES[0][4:])
    assert len(products) == 10


def test_purchases_after_the_training_are_known(trained: None) -> None:
    customer = Customer.objects.get(pk=2)
    first = recommend(customer)[0]
    Purchase.objects.create(customer=customer, product=first, quantity=1, amount=1, purchased_at=sample.END)
    assert first not in recommend(customer)


def test_a_product_that_was_deleted_since_the_training_is_left_out(trained: None) -> None:
    newcomer = Customer.objects.create(household=100_000, email="new@example.com")
    gone = recommend(newcomer)[0]
    Purchase.objects.filter(product=gone).delete()
    gone.delete()
    assert gone.number not in {product.number for product in recommend(newcomer)}


def test_without_a_model_it_is_said_how_to_get_one(customer: Customer) -> None:
    with pytest.raises(NotTrained, match="train_recommender"):
        recommend(customer)


def test_refreshing_puts_a_model_in_use(loaded: None) -> None:
    evaluation = refresh()
    assert evaluation.recall_at_10 == 1.0
    assert recommend(Customer.objects.get(pk=1))
