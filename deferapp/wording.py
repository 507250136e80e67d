"""Saying in English what is wrong, so that a page can say the same in its own language. Loads nothing of Django."""

from __future__ import annotations

from collections.abc import Callable


def gettext_noop(template: str) -> str:
    """Mark a template for translators. Django's own loads what declaring a function should not need."""
    return template


class Worded(Exception):
    """Says in English what is wrong; by `template` and `values` a page says the same in its own language."""

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template % values if values else template)
        self.template, self.values = template, values

    def told(self, translate: Callable[[str], str]) -> str:
        """In the language that `translate` translates the template into."""
        values = {
            name: value.told(translate) if isinstance(value, Worded) else value for name, value in self.values.items()
        }
        return translate(self.template) % values if values else translate(self.template)
