"""Makes a model of a history.

What was tried, as mean recall@10 (see `evaluation`) over three windows of four weeks that end 4, 8 and 12 weeks before
the data does. They were used to choose, so they flatter the choice a little. The last four weeks, which `evaluation`
holds back, chose nothing: the baselines and the first simple blends were looked at there too, and none of the
factorizations before the choice was made.

    most popular ever; of the last four weeks                                           0.037; 0.037
    demand of late (memories of 7 to 42 days)                                           0.035 to 0.038
    item to item by `implicit`, all products: BM25; cosine; TF-IDF                      0.013; 0.039; 0.040
    demand × brands; × products in the customer's own shops; × categories               0.040; 0.040; 0.041
    demand × item to item, at the best of many exponents                                0.044
    demand × what similar customers buy                                                 0.045
    demand × one factorization of 8; 16; 32; 64 factors                                 0.046; 0.046; 0.045; 0.043
    demand × mean of 4 factorizations of 16 factors                                     0.048
    demand × mean of 6 of 32 factors, confidence by times bought: this                  0.049
    gradient boosting over 31 features of all these, in the newest window alone         0.051, as this

All without the two rules of the mail, which cost 0.004: nothing that `may_be_recommended` forbids (fuel and beer are
popular), and no two products that read alike.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from marketplace.recommender.history import History, Pairs
from marketplace.recommender.model import Model, confidence, factorization, usual_shares

CANDIDATES: Final = 2_000
"""How many products compete: those in most demand. Nothing further down reaches anybody's first ten."""
FACTORIZATIONS: Final = 6
MEMORY_DAYS: Final = 28
"""A customer who bought a product so many days ago counts 1/e of one who bought it on the last day."""
THREADS: Final = 2


def train(history: History) -> Model:
    """A model of everything in the history. Takes a few seconds; raises `ValueError` when there are no purchases."""
    pairs = history.pairs()
    demand = _demand(pairs, history.shelf.product, history.last_day)
    best = np.sort(np.argsort(-demand)[:CANDIDATES])
    best = best[demand[best] > 0]
    bought = _matrix(pairs, history.shelf.product[best])
    factors, usual = zip(*(_factorize(bought, seed) for seed in range(FACTORIZATIONS)), strict=True)
    return Model(
        product=history.shelf.product[best],
        look=history.shelf.look[best],
        demand=np.log(demand[best]).astype(np.float32),
        factors=np.stack(factors),
        usual=np.stack(usual),
    )


def _demand(pairs: Pairs, products: NDArray[np.int64], today: np.datetime64) -> NDArray[np.float64]:
    """Customers of each product, the recent ones counting most."""
    days_ago = (today - pairs.last) / np.timedelta64(1, "D")
    on_shelf = np.isin(pairs.product, products)
    places = np.searchsorted(products, pairs.product[on_shelf])
    return np.bincount(places, np.exp(-days_ago[on_shelf] / MEMORY_DAYS), minlength=len(products))


def _matrix(pairs: Pairs, products: NDArray[np.int64]) -> csr_matrix:
    """Customers × products, with the confidence that each purchase gives."""
    chosen = np.isin(pairs.product, products)
    customers, rows = np.unique(pairs.customer, return_inverse=True)
    columns = np.searchsorted(products, pairs.product[chosen])
    values = confidence(pairs.times[chosen])
    return csr_matrix((values, (rows[chosen], columns)), shape=(len(customers), len(products)))


def _factorize(bought: csr_matrix, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    solver = factorization(THREADS, seed)
    # The library shares the work out itself and is slow when the algebra below it does so too.
    with threadpool_limits(1, "blas"):
        solver.fit(bought, show_progress=False)
        customers = solver.recalculate_user(np.arange(bought.shape[0]), bought)
    return solver.item_factors, usual_shares(customers, solver.item_factors)
