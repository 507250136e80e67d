"""What is wrong with a frequency, said on a page in the page's language."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from deferapp.admin.schedule_page.forms import FrequencyForm


@pytest.mark.parametrize(
    ("frequency", "message"),
    [
        ("* * * *", "ein Takt hat 5 Felder (minute hour day-of-month month day-of-week), nicht 4 wie in '* * * *'"),
        ("0 24 * * *", "hour: 24 liegt außerhalb von 0-23 in '0 24 * * *'"),
        ("0 0 * x *", "month: 'x' ist nicht zu verstehen: Zahlen 1-12, Namen jan bis dec, Bereiche wie 1-12"),
        ("0 0 31 2 *", "day-of-month: 31 kommt im Monat 2, der spätestens mit 29 endet, nie vor"),
    ],
)
def test_it_is_told_in_german(frequency: str, message: str) -> None:
    with override("de"):
        (told,) = FrequencyForm({"frequency": frequency, "seen": "0 8 * * 1"}).errors["frequency"]
    assert message in told
