"""The model: how well products sell lately, times how much more than others a customer is drawn to them.

What a customer is drawn to comes from several factorizations of who bought what (alternating least squares, by the
library `implicit`), which differ in their random beginnings only; the mean of their opinions is steadier than each.
A customer's own factors are computed from the purchases at hand, so a recommendation knows those of this morning,
while the products' factors are as old as the last training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

FACTORS: Final = 32
REGULARIZATION: Final = 20.0
FLOOR: Final = 0.05
"""Keeps the logarithm of an attraction near zero from outweighing everything else."""
LEAST: Final = 1e-3
"""The least attraction; least squares give negative ones too."""


def confidence(times: NDArray[np.int64]) -> NDArray[np.float32]:
    """How much buying something so many times says."""
    return (1 + np.log(times)).astype(np.float32)


def factorization(threads: int, seed: int = 0) -> AlternatingLeastSquares:
    """The library's solver, not fitted yet."""
    # It warns, when it is made, of algebra underneath that would share the work out once more.
    with threadpool_limits(1, "blas"):
        return AlternatingLeastSquares(
            factors=FACTORS,
            regularization=REGULARIZATION,
            alpha=1.0,
            iterations=10,
            num_threads=threads,
            random_state=seed,
        )


@dataclass(frozen=True, kw_only=True)
class Model:
    """Arrays with one entry a product that may be recommended, all in the same order."""

    product: NDArray[np.int64]
    """Numbers, ascending."""
    look: NDArray[np.int64]
    """Equal for products that read alike; only the best of them is recommended."""
    demand: NDArray[np.float32]
    """Logarithm of the number of customers, the recent ones counting most."""
    factors: NDArray[np.float32]
    """Of the products, in each factorization: factorizations × products × factors."""
    usual: NDArray[np.float32]
    """Share of the average customer's attraction that goes to each product: factorizations × products."""

    def recommend(self, bought: Mapping[int, int], count: int = 10) -> list[int]:
        """Numbers of up to `count` products, the best first, for who bought these (number → times).

        Nothing that was bought, and no two that read alike. Who bought nothing gets what sells lately.
        """
        places, times = self._places(bought)
        scores = self.demand + self._attraction(places, times)
        scores[places] = -np.inf
        return self._different(np.argsort(-scores)[: count * 20 + len(places)], scores, count)

    def _places(self, bought: Mapping[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        numbers = np.fromiter(bought, dtype=np.int64, count=len(bought))
        times = np.fromiter(bought.values(), dtype=np.int64, count=len(bought))
        places = np.searchsorted(self.product, numbers).clip(max=len(self.product) - 1)
        known = self.product[places] == numbers
        return places[known], times[known]

    def _attraction(self, places: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.float32]:
        """Mean logarithm of how many times the usual share of attraction each product has."""
        row = csr_matrix((confidence(times), places, [0, len(places)]), shape=(1, len(self.product)))
        shares = np.stack([_shares(each.recalculate_user([0], row), each.item_factors)[0] for each in self._solvers])
        return np.log(shares / self.usual + FLOOR).mean(axis=0)

    def _different(self, ranking: NDArray[np.int64], scores: NDArray[np.float32], count: int) -> list[int]:
        chosen: dict[int, int] = {}
        for place in ranking:
            if len(chosen) == count or scores[place] == -np.inf:
                break
            chosen.setdefault(int(self.look[place]), int(self.product[place]))
        return list(chosen.values())

    @cached_property
    def _solvers(self) -> Sequence[AlternatingLeastSquares]:
        return [_solver(factors) for factors in self.factors]


def _solver(factors: NDArray[np.float32]) -> AlternatingLeastSquares:
    solver = factorization(threads=1)
    solver.item_factors = factors
    return solver


def _shares(customers: NDArray[np.float32], products: NDArray[np.float32]) -> NDArray[np.float32]:
    attraction = np.maximum(customers @ products.T, LEAST)
    return attraction / attraction.sum(axis=1, keepdims=True)


def usual_shares(customers: NDArray[np.float32], products: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean over all customers of what share of their attraction goes to each product."""
    return _shares(customers, products).mean(axis=0)
