"""Settings of the sample. What differs between machines comes from environment variables, all of them optional:

* DATABASE_URL: `postgres://user:password@host:5432/name`, or `sqlite:///path`; without it SQLite in var/.
* REDIS_URL: Celery's broker; without it one in memory, for the embedded mode.
* EMAIL_BACKEND: without it each message becomes a file in var/mails. For a real provider the backend's path
  and the provider's keys, as django-anymail names them with ANYMAIL_ in front:

      EMAIL_BACKEND=anymail.backends.mailgun.EmailBackend
      ANYMAIL_MAILGUN_API_KEY=…  ANYMAIL_MAILGUN_SENDER_DOMAIN=mail.example.com
      ANYMAIL_WEBHOOK_SECRET=name:password                 (there are no webhooks without it)

  For SMTP `django.core.mail.backends.smtp.EmailBackend` with EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER,
  EMAIL_HOST_PASSWORD and EMAIL_USE_TLS.
* DEFAULT_FROM_EMAIL: the sender.
* SITE_URL: where customers reach the site. One-click unsubscribing asks for https.
* SLACK_WEBHOOK_URL, ALERT_EMAILS (separated by commas): whom alerts are told to; ENVIRONMENT: what they call this.
* SECRET_KEY, DEBUG=0, ALLOWED_HOSTS: for anything but a demonstration.
* VAR_DIR: the folder for the database, the mails and the model; var/ without it.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from marketplace import environment

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("VAR_DIR", BASE_DIR / "var")).resolve()
VAR_DIR.mkdir(parents=True, exist_ok=True)

DEBUG = environment.is_on("DEBUG", default=True)
SECRET_KEY = os.environ.get("SECRET_KEY") or ("for development and demonstrations only" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("Set SECRET_KEY: with DEBUG off there is no default.")

SITE_URL = os.environ.get("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = environment.names("ALLOWED_HOSTS") or [
    urlsplit(SITE_URL).hostname or "localhost",
    "localhost",
    "127.0.0.1",
    "[::1]",
]
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL.startswith("https://") else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE_URL.startswith("https://")

ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "admin:login"
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
LANGUAGE_CODE = "en-us"
USE_TZ = True
TIME_ZONE = "UTC"

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
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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

DATABASES = {
    "default": environment.database(os.environ.get("DATABASE_URL", ""), default=VAR_DIR / "marketplace.sqlite3")
}

CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
globals().update(environment.broker(os.environ.get("REDIS_URL", "")))

EMAIL_BACKEND = os.environ.get("EMAIL_BACKEND", "marketplace.mails.files.EmailBackend")
EMAIL_FILE_PATH = VAR_DIR / "mails"
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = environment.is_on("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "Marketplace <recommendations@marketplace.example>")
ANYMAIL = environment.anymail()

DEFER = {
    "ALERTS": environment.alerts(),
    "ENVIRONMENT": os.environ.get("ENVIRONMENT", "development" if DEBUG else "production"),
    "SITE_URL": SITE_URL,
}

RECOMMENDER_FILE = VAR_DIR / "recommender.npz"
