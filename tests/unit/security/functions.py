"""Functions that are called with secrets, and bodies that speak of them. Every secret has `SECRET` in it."""

from __future__ import annotations

from typing import Any, Final

SECRET: Final = "hunter2"

CALL: Final[dict[str, Any]] = {
    "password": f"{SECRET}-argument",
    "options": {
        "user": [{"name": "ada", "api_token": f"{SECRET}-nested"}],
        "headers": [["Authorization", f"Bearer {SECRET}-header"], ["Accept", "*/*"]],
        "callback": f"https://shop.example/done?page=2&token={SECRET}-url",
        "broker": f"redis://:{SECRET}-p@ss@broker.example:6379/0",
        "note": f"he wrote: api_key={SECRET}-text",
        "SECRETS": [f"{SECRET}-list"],
    },
}


class Card:
    """Something whose repr tells all, as that of a dataclass does."""

    def __repr__(self) -> str:
        return f"Card(owner='ada', access_token='{SECRET}-repr')"


def charge(account: str, password: str, options: dict[str, Any]) -> None:
    """Fails, and says with what, as libraries do."""
    try:
        raise ConnectionError(f"POST https://ada:{password}@shop.example/?signature={SECRET}-query refused {Card()!r}")
    except ConnectionError as error:
        raise ValueError(f"cannot charge {account}: called with password={password!r}, options={options!r}") from error


def sign_in(account: str, secret: str) -> dict[str, str]:
    """Returns secrets."""
    return {"session_key": f"{SECRET}-result", "link": f"https://shop.example/?auth={SECRET}-result-url", "to": account}


def greet(visit: object) -> None:
    """Takes a row whose primary key is a secret."""
