"""Settings of the tests' project, made to resemble those of a real one.

Set by environment variables, because the acceptance tests start real processes:

* DATABASE_URL: postgresql://…, mysql://… (MariaDB) or sqlite:///path; without it SQLite in memory.
* BROKER_URL: Celery's broker; without it one in memory.
* WITNESS: the file to which `tests.shop.witness` appends.
* TESTS_SETTINGS: a JSON object of settings that replace those here; EXTRA_APPS are installed besides.
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent
ENGINES = {"postgres": "postgresql", "postgresql": "postgresql", "mysql": "mysql", "sqlite": "sqlite3"}


def database(url: str) -> dict[str, Any]:
    """Return the entry of DATABASES for a URL. Its query becomes OPTIONS."""
    parts = urlsplit(url)
    if parts.scheme not in ENGINES:
        raise ValueError(f"DATABASE_URL begins with postgresql://, mysql:// or sqlite://, not with {parts.scheme}://")
    engine, name = f"django.db.backends.{ENGINES[parts.scheme]}", unquote(parts.path[1:])
    if parts.scheme == "sqlite":
        return {"ENGINE": engine, "NAME": name or ":memory:"}
    return {
        "ENGINE": engine,
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


SECRET_KEY = "of the tests, and of nothing else"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"
WITNESS = os.environ.get("WITNESS", os.devnull)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "anymail",
    "deferapp",
    "marketplace",
    "tests.shop",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": database(os.environ.get("DATABASE_URL", "sqlite:///"))}

# Signing in is not what the tests are about, and the default is slow on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

CELERY_BROKER_URL = os.environ.get("BROKER_URL", "memory://")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"

_replacements = json.loads(os.environ.get("TESTS_SETTINGS", "{}"))
INSTALLED_APPS += _replacements.pop("EXTRA_APPS", [])
globals().update(_replacements)

CELERY_TIMEZONE = TIME_ZONE
