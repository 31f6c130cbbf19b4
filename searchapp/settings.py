"""Django's settings; every REPRISE_* variable is described in docs/settings.md.

With nothing set, Reprise runs embedded: SQLite, a broker made of files and the media all live
under one data root, so two data roots are two independent installations.
"""

import os
import secrets
from pathlib import Path

from searchapp import env

BASE_DIR = Path(__file__).resolve().parent.parent
REPRISE_DATA = Path(env.text("REPRISE_DATA") or BASE_DIR / "var").expanduser().resolve()


def _secret_key() -> str:
    """Return the configured key, or one made once and kept in the data root."""
    configured = env.text("REPRISE_SECRET_KEY")
    if configured:
        return configured
    path = REPRISE_DATA / "secret-key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"secret-key.{os.getpid()}")
        temporary.write_text(secrets.token_urlsafe(64))
        temporary.chmod(0o600)
        try:
            os.link(temporary, path)  # the first of several processes wins
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_text().strip()


SECRET_KEY = _secret_key()
DEBUG = env.flag("REPRISE_DEBUG")
ALLOWED_HOSTS = env.listed("REPRISE_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.listed("REPRISE_ORIGINS")
CSRF_FAILURE_VIEW = "searchapp.views.errors.stale_form"

INSTALLED_APPS = [
    "searchapp",
    "indexing",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "searchapp.middleware.ContentSecurityPolicy",
]

ROOT_URLCONF = "searchapp.urls"
WSGI_APPLICATION = "searchapp.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["searchapp.templatetags.icons", "searchapp.templatetags.words"],
        },
    },
]

SQLITE: dict[str, object] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": REPRISE_DATA / "reprise.sqlite3",
    "OPTIONS": {
        # A transaction takes the write lock at its start, so that two workers wait for each
        # other instead of failing half-way.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
}
DATABASES = {"default": env.postgres("REPRISE_DATABASE_URL") or SQLITE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "library"
LOGOUT_REDIRECT_URL = "sign-in"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.text("REPRISE_TIME_ZONE", "UTC")
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = REPRISE_DATA / "static"
WHITENOISE_USE_FINDERS = True

# Where nginx stands in front, it sends the media itself: REPRISE_ACCEL_PREFIX names its internal
# location for the data root. Empty means that Django answers range requests.
MEDIA_ACCEL_PREFIX = env.text("REPRISE_ACCEL_PREFIX")

HTTPS = env.flag("REPRISE_HTTPS")
SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Without a broker of its own Reprise uses files in the data root (indexing.work.broker).
CELERY_BROKER_URL = env.text("REPRISE_BROKER_URL", "files://localhost")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = (
    {"polling_interval": 0.2} if CELERY_BROKER_URL.startswith("files:") else {}
)
CELERY_WORKER_ENABLE_REMOTE_CONTROL = not CELERY_BROKER_URL.startswith("files:")
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "work"
CELERY_TASK_ROUTES = {"indexing.tasks.sweep": {"queue": "sweep"}}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

# Processes a worker forks, and threads of inference in each: one process a core keeps both
# decoding and inference busy (docs/decisions.md).
WORKER_PROCESSES = env.whole("REPRISE_WORKER_PROCESSES", os.cpu_count() or 1, minimum=1)
WORKER_THREADS = env.whole("REPRISE_WORKER_THREADS", 1, minimum=1)
# numpy's matrix products too, and before numpy is loaded: threads that wait for each other on busy
# cores took forty times as long to embed a chunk by a trained encoder.
os.environ.setdefault("OPENBLAS_NUM_THREADS", str(WORKER_THREADS))
DEVICE = env.text("REPRISE_DEVICE", "auto")
# Graphs converted for this machine's processor; made again where they are missing.
COMPILED_FOLDER = Path(env.text("REPRISE_COMPILED") or REPRISE_DATA / "compiled").expanduser()

# Requests a minute that one token may make.
API_RATE = env.whole("REPRISE_API_RATE", 600, minimum=1)

# The largest file that may be uploaded, and how long an unfinished upload waits to be gone on with.
UPLOAD_BYTES = env.whole("REPRISE_UPLOAD_GB", 200, minimum=1) * 10**9
UPLOAD_DAYS = env.whole("REPRISE_UPLOAD_DAYS", 7, minimum=1)

# How notifications leave the house. Webhooks stay out of private networks unless this allows them.
PUBLIC_URL = env.text("REPRISE_URL").rstrip("/")
WEBHOOK_PRIVATE = env.flag("REPRISE_WEBHOOK_PRIVATE")
EMAIL_HOST = env.text("REPRISE_EMAIL_HOST")
EMAIL_PORT = env.whole("REPRISE_EMAIL_PORT", 587, minimum=1)
EMAIL_HOST_USER = env.text("REPRISE_EMAIL_USER")
EMAIL_HOST_PASSWORD = env.text("REPRISE_EMAIL_PASSWORD")
EMAIL_USE_TLS = env.flag("REPRISE_EMAIL_TLS", default=True)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("REPRISE_EMAIL_FROM", "reprise@localhost")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "faiss": {"level": "WARNING"},
        # What a browser asked for in vain is told to it, not to the terminal.
        "django.request": {"level": "ERROR"},
        "django.security": {"level": "ERROR"},
    },
    "root": {"handlers": ["console"], "level": env.text("REPRISE_LOG_LEVEL", "INFO")},
}
