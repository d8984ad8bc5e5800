"""Every setting, read from the environment and safe by default (docs/settings.md lists them).

Reading this file starts nothing and writes nothing but SNNLAB_HOME/secret_key.
"""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from celery.schedules import schedule
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue
from kombu.common import Broadcast
from platformdirs import user_data_dir

from snnlab import env
from snnlab.embedded import postgres, valkey


BASE_DIR = Path(__file__).resolve().parent.parent
SNNLAB_HOME = Path(env.text("SNNLAB_HOME", user_data_dir("snnlab"))).expanduser().resolve()
PRODUCTION = env.flag("SNNLAB_PRODUCTION", default=False)
HTTPS = env.flag("SNNLAB_HTTPS", default=PRODUCTION)
DEBUG = env.flag("DEBUG", default=False)

# --- who we are ----------------------------------------------------------------------------------

LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", [] if PRODUCTION else LOOPBACK)
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
SECRET_KEY = env.text("SECRET_KEY")


def _key_of_this_home() -> str:
    """A secret key, made once for a data folder."""
    path = SNNLAB_HOME / "secret_key"
    try:
        SNNLAB_HOME.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, secrets.token_urlsafe(60))
        key = path.read_text()
    except OSError as error:
        raise ImproperlyConfigured(
            f"cannot use {path}: {error.strerror}. "
            "Make the folder yours, or set SNNLAB_HOME to another one"
        ) from None
    if len(key) < 50:
        raise ImproperlyConfigured(f"{path} holds no key. Delete it: then a new one is made")
    return key


def _write_once(path: Path, text: str) -> None:
    """Write a private file whole or not at all; of many processes at once, the first wins."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name) as draft:
        draft.write(text)
        draft.flush()
        with contextlib.suppress(FileExistsError):
            os.link(draft.name, path)


def _refuse_unsafe_production() -> None:
    """A team's server does not start half safe."""
    rules = {
        "SECRET_KEY must be set to 50 or more random characters, and to no example's": (
            len(SECRET_KEY) >= 50
            and len(set(SECRET_KEY)) >= 5
            and "insecure" not in SECRET_KEY
            and "change" not in SECRET_KEY
        ),
        "ALLOWED_HOSTS must name the hosts of this server, without *": (
            ALLOWED_HOSTS and "*" not in ALLOWED_HOSTS
        ),
        "DEBUG must be off": not DEBUG,
    }
    if broken := [rule for rule, kept in rules.items() if not kept]:
        raise ImproperlyConfigured(f"with SNNLAB_PRODUCTION=1: {'; '.join(broken)}")


if PRODUCTION:
    _refuse_unsafe_production()
SECRET_KEY = SECRET_KEY or _key_of_this_home()

# --- parts ---------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "snnlab.teams",
    "snnlab.experiments",
    "snnlab.web",
    "snnlab.boards",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "snnlab.web.share_door.ShareDoor",  # all below /s/ and /gallery/NUMBER/
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # private unless a view says not
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "snnlab.urls"
WSGI_APPLICATION = "snnlab.wsgi.application"
SNNLAB_WEB_WORKERS = env.whole("SNNLAB_WEB_WORKERS", default=2)
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
            ]
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = SNNLAB_HOME / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"

# --- sign-in and safety --------------------------------------------------------------------------

AUTH_USER_MODEL = "teams.User"
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = False  # Dash sends it back in a header
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, "'unsafe-inline'"],  # Dash and Plotly set styles on elements
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF, "data:"],
        "connect-src": [SELF],
        "worker-src": [SELF, "blob:"],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
    }
}
if HTTPS:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # asked from inside, without the proxy
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
SNNLAB_BEHIND_PROXY = env.flag("SNNLAB_BEHIND_PROXY", default=False)
if SNNLAB_BEHIND_PROXY:  # only where the proxy sets this header itself
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- the database --------------------------------------------------------------------------------

DATABASES = {
    "default": env.database("DATABASE_URL", postgres.url(SNNLAB_HOME))
    | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
}
STATEMENT_TIMEOUT = env.seconds("SNNLAB_STATEMENT_TIMEOUT", default=30, least=0)
DATABASES["default"].setdefault("OPTIONS", {}).update(
    connect_timeout=5,
    keepalives_idle=5,
    keepalives_interval=2,
    keepalives_count=2,
    tcp_user_timeout=5000,
    options=f"-c statement_timeout={STATEMENT_TIMEOUT:g}s -c lock_timeout=2s"
    " -c idle_in_transaction_session_timeout=15s",
)

# --- runs ----------------------------------------------------------------------------------------

SNNLAB_POOLS = env.labels("SNNLAB_POOLS", ["cpu"], longest=20)
SNNLAB_LABELS = env.labels("SNNLAB_LABELS", longest=40)
SNNLAB_GPUS = env.numbers("SNNLAB_GPUS")
SNNLAB_CORES = env.numbers("SNNLAB_CORES")
SNNLAB_SLOTS = env.whole("SNNLAB_SLOTS", default=len(SNNLAB_GPUS) or 1)
if SNNLAB_GPUS and len(SNNLAB_GPUS) < SNNLAB_SLOTS:
    raise ImproperlyConfigured(
        f"SNNLAB_GPUS must name a GPU for each of the {SNNLAB_SLOTS} slots, got {SNNLAB_GPUS}"
    )
SNNLAB_MEMORY = env.whole("SNNLAB_MEMORY", default=None)
SNNLAB_THREADS = env.whole("SNNLAB_THREADS", default=max(1, (os.cpu_count() or 1) // SNNLAB_SLOTS))
SNNLAB_LEASE = env.seconds("SNNLAB_LEASE", default=60)
SNNLAB_HEARTBEAT = env.seconds("SNNLAB_HEARTBEAT", default=10)
SNNLAB_FENCE = env.seconds("SNNLAB_FENCE", default=40)
SNNLAB_REAP = env.seconds("SNNLAB_REAP", default=10)
SNNLAB_POLL = env.seconds("SNNLAB_POLL", default=15)
SNNLAB_STALL = env.seconds("SNNLAB_STALL", default=15 * 60)
SNNLAB_WALL = env.seconds("SNNLAB_WALL", default=7 * 24 * 3600)
SNNLAB_STORE = env.text("SNNLAB_STORE")
SNNLAB_STORE_KEY = env.text("SNNLAB_STORE_KEY")
SNNLAB_LARGEST = env.whole("SNNLAB_LARGEST", default=4096)
SNNLAB_QUARANTINE = env.whole("SNNLAB_QUARANTINE", default=5)
if not SNNLAB_HEARTBEAT < SNNLAB_FENCE < SNNLAB_LEASE:
    raise ImproperlyConfigured(
        "SNNLAB_HEARTBEAT < SNNLAB_FENCE < SNNLAB_LEASE must hold, or two workers might train one"
        f" run; got {SNNLAB_HEARTBEAT:g}, {SNNLAB_FENCE:g}, {SNNLAB_LEASE:g}"
    )

# --- the doorbell: early acknowledgement, nothing kept, no work in a message ---------------------

CELERY_BROKER_URL = env.broker("BROKER_URL", valkey.url(SNNLAB_HOME))
CELERY_BROKER_TRANSPORT_OPTIONS = {  # a broker takes those that it knows
    "visibility_timeout": 3600,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "connect_timeout": 5,
    "write_timeout": 10,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_BACKEND = None
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY = False  # a request never waits for the broker
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_DEFAULT_QUEUE = "ticks"
CELERY_TASK_QUEUES = [Queue("ticks"), Broadcast("doorbell")]
# Every worker hears the doorbell. Celery does not declare a broadcast when it sends, and over
# Redis an exchange nobody declared is not a broadcast.
CELERY_TASK_ROUTES = {
    "workers.wake": {"queue": "doorbell", "declare": [Exchange("doorbell", type="fanout")]}
}
CELERY_BEAT_SCHEDULE = {
    "reap": {
        "task": "workers.reap",
        "schedule": schedule(SNNLAB_REAP),
        "options": {"expires": 2 * SNNLAB_REAP},
    }
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # nobody asks a worker but through the database
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TIMEZONE = "UTC"

# --- logs ----------------------------------------------------------------------------------------

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOG_LEVEL = env.one_of("LOG_LEVEL", LEVELS, "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no_tokens": {"()": "snnlab.client.access_log.NoTokens"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no_tokens"]}
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {  # each tick of the scheduler is no news
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}
