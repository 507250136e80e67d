"""Recommends products that a customer has not bought yet, from what such customers buy and what sells now.

`history` reads the purchases, `training` makes a `model` of them, `evaluation` measures it on weeks that it has not
seen, `storage` keeps both in a file, and `recommend` is what the rest of the marketplace calls.

They need numpy, scipy and implicit, which take half a second to load: the rest of the marketplace imports them where it
calls them, so that processes that recommend nothing start in half the time.
"""

from __future__ import annotations


class NotTrained(Exception):
    """There is no model yet. Train one with `manage.py train_recommender`, or wait for Monday morning."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)
