"""Mail that fails for some, for a demo."""

from __future__ import annotations

import smtplib
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.mail import EmailMessage

from marketplace.demo import trouble


@pytest.fixture(autouse=True)
def folder(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.EMAIL_FILE_PATH = tmp_path / "mails"
    settings.DEFER = {}
    settings.DEMO_FAILING = 0.0
    monkeypatch.setattr(trouble, "_failed_once", set())
    return tmp_path / "mails"


def send(number: int) -> str:
    """What becomes of the mail to a household."""
    message = EmailMessage(
        "Hello", "…", to=[f"household-{number}@example.com"], headers={"Message-ID": f"<{number}@x>"}
    )
    try:
        message.send()
    except smtplib.SMTPException as error:
        return type(error).__name__
    return "sent"


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0.05", 0.05), ("0", 0.0), ("100%", 1.0)])
def test_a_share_is_a_percentage_or_a_fraction(text: str, share: float) -> None:
    assert trouble.share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "many", "101%", "-1%", "nan"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        trouble.share(text)


def test_the_share_fails_most_of_it_once_and_every_fifth_for_good(folder: Path) -> None:
    trouble.begin(0.25)
    first = [send(number) for number in range(400)]
    second = [send(number) for number in range(400)]
    assert 70 <= len(first) - first.count("sent") <= 130
    assert set(first) == {"sent", "SMTPRecipientsRefused", "SMTPServerDisconnected"}
    assert set(second) == {"sent", "SMTPRecipientsRefused"}
    assert 10 <= second.count("SMTPRecipientsRefused") <= 30
    assert len(list(folder.glob("*.eml"))) == second.count("sent")


def test_each_run_fails_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    trouble.begin(0.5)
    first = [send(number) for number in range(50)]
    monkeypatch.setattr(trouble, "_failed_once", set())
    assert [send(number) for number in range(50)] == first


def test_without_trouble_all_mails_leave() -> None:
    trouble.begin(0.0)
    assert {send(number) for number in range(50)} == {"sent"}
