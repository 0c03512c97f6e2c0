"""Every setting of the product. Typed, read once from the environment, documented in .env.example; a bad value stops the start."""

from __future__ import annotations

import ipaddress
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import environ
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from adplatform import runtime

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()

PLACES = runtime.places()
VAR_DIR = PLACES.var
DEBUG: bool = env.bool("DEBUG", default=False)


def _secret_key() -> str:
    """The configured key, or one made at first run and kept beside the data: tokens must survive a restart."""
    configured = env.str("SECRET_KEY", default="")
    if configured:
        if len(configured) < 32:
            raise ImproperlyConfigured("SECRET_KEY must have at least 32 characters; unset it to have one generated")
        return str(configured)
    kept = VAR_DIR / "secret-key"
    if not kept.exists():
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        # Appears with its content, once: of processes that start together all read the key of the first.
        draft = VAR_DIR / f"secret-key.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            kept.hardlink_to(draft)
        draft.unlink()
    return kept.read_text()


SECRET_KEY = _secret_key()

# Hosts. Inside a Codespace the forwarded name is derived from its environment.
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
if os.environ.get("CODESPACE_NAME"):
    _forwarding = os.environ.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "app.github.dev")
    _host = f"{os.environ['CODESPACE_NAME']}-{env.int('PORT', default=8000)}.{_forwarding}"
    ALLOWED_HOSTS.append(_host)
    CSRF_TRUSTED_ORIGINS.append(f"https://{_host}")
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Applications

INSTALLED_APPS = [
    "daphne",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_filters",
    "django_structlog",
    "import_export",
    "drf_spectacular",
    "rest_framework",
    "simple_history",
    "adplatform",
    "catalog",
    "ads",
    "engagement",
    "insights",
]
LOCAL_APPS = ["catalog", "ads", "engagement", "insights"]

MIDDLEWARE = [
    "adplatform.metrics.request_metrics",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "adplatform.admin_look.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

ROOT_URLCONF = "adplatform.urls"
ASGI_APPLICATION = "adplatform.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"

TEMPLATES: list[dict[str, Any]] = [
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

# Servers

_configured_database: str = env.str("DATABASE_URL", default="")
DATABASE_URL = _configured_database or PLACES.database_url()
INSIGHTS_DATABASE_URL = env.str("INSIGHTS_DATABASE_URL", default="") or _configured_database or PLACES.database_url(runtime.INSIGHTS_ROLE)


# Under ASGI every request has a thread of its own, and with it a connection of its own: web processes borrow from a pool
# instead. Processes that fork (Celery) or hold one connection (the consumer) do without.
DATABASE_POOL_SIZE: int = env.int("DATABASE_POOL_SIZE", default=0)


def _database(url: str) -> dict[str, Any]:
    parsed: dict[str, Any] = env.db_url_config(url)
    if parsed.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must start with postgresql://; no other database is supported")
    reuse: dict[str, Any] = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    if DATABASE_POOL_SIZE:
        reuse = {"OPTIONS": {**parsed.get("OPTIONS", {}), "pool": {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 10}}}
    return parsed | {"HOST": unquote(parsed["HOST"])} | reuse


DATABASES = {"default": _database(DATABASE_URL), "insights": _database(INSIGHTS_DATABASE_URL)}


def _redis(name: str, variable: str, db: int) -> str:
    configured = str(env.str(variable, default=""))
    if not configured:
        return PLACES.redis_url(name, db)
    if not configured.startswith(("redis://", "rediss://", "unix://")):
        raise ImproperlyConfigured(f"{variable} must start with redis://, rediss:// or unix://")
    parts = urlsplit(configured)
    # The number is ours to choose, also where the address names one; what else it asks for (TLS, time-outs) stays.
    options = [(key, value) for key, value in parse_qsl(parts.query) if key != "db"]
    if parts.scheme == "unix":
        return f"unix://{parts.netloc}{parts.path}?{urlencode([*options, ('db', str(db))])}"
    return parts._replace(path=f"/{db}", query=urlencode(options)).geturl()


_redis_base: int = env.int("REDIS_DB_BASE", default=0)
CACHE_REDIS_URL = _redis("cache", "REDIS_URL", _redis_base)
BROKER_REDIS_URL = _redis("cache", "REDIS_URL", _redis_base + 1)
CHANNELS_REDIS_URL = _redis("cache", "REDIS_URL", _redis_base + 2)
EVENTLOG_REDIS_URL = _redis("eventlog", "EVENTLOG_REDIS_URL", _redis_base)

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": CACHE_REDIS_URL}}
# Streams of the live dashboards at once: each different filter that somebody watches is one more to build each second.
LIVE_MOST_STREAMS: int = env.int("LIVE_MOST_STREAMS", default=60)
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # Small on purpose: a slow client loses stale ticks, not its connection.
        # Sockets wait for messages in blocking reads, which redis-py's own default timeout would end with an error.
        "CONFIG": {
            "hosts": [{"address": CHANNELS_REDIS_URL, "socket_timeout": None}],
            "capacity": 20,
            # On its way to a process all of its sockets share one queue: a tick of every stream there may be must fit into it.
            "channel_capacity": {"specific.*": 20 + 2 * LIVE_MOST_STREAMS},
            "expiry": 10,
            "group_expiry": 3600,
        },
    }
}

# Celery


def _celery_url(url: str) -> str:
    if url.startswith("unix://"):
        path, _, query = url.removeprefix("unix://").partition("?")
        return f"redis+socket://{path}?{urlencode([('virtual_host' if key == 'db' else key, value) for key, value in parse_qsl(query)])}"
    return url


CELERY_BROKER_URL = _celery_url(BROKER_REDIS_URL)
CELERY_RESULT_BACKEND = CELERY_BROKER_URL
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 3600
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Somebody waits for a creative while a model trains: a queue, and a worker, of its own.
CELERY_TASK_ROUTES = {"ads.process_creative": {"queue": "creatives"}}

# Web

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise complains about a missing folder; files come from the finders.
STATICFILES_DIRS: list[Any] = [
    BASE_DIR / "static",
    ("vendor/hls.js", BASE_DIR / "node_modules/hls.js/dist"),
    ("vendor/chart.js", BASE_DIR / "node_modules/chart.js/dist"),
]
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = VAR_DIR / "media"
MEDIA_URL = "/media/"

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "adplatform.problems.csrf_failed"
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "worker-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "object-src": [NONE],
    }
}

AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Intermission",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": (
        "The ad server, its catalogue of breaks and its reports. docs/api.md tells how to sign in, page, filter, write safely and read errors."
    ),
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "adplatform.openapi.add_documented_views"],
}

# Who changed what is read by whom docs/permissions.md names, and a version of the past is not put back behind the services' backs.
SIMPLE_HISTORY_ENFORCE_HISTORY_MODEL_PERMISSIONS = True

# Admin (django-unfold), in the product's accent

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Intermission",
    "SITE_HEADER": "Intermission",
    "SITE_SUBHEADER": "Ad operations",
    "SITE_URL": "/",
    "SITE_ICON": "/static/img/mark.svg",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "/static/img/mark.svg"}],
    "SHOW_HISTORY": "adplatform.admin_look.may_read_history",
    "SHOW_BACK_BUTTON": True,
    "STYLES": ["/static/css/admin.css", "/static/css/creatives.css"],
    "DASHBOARD_CALLBACK": "ads.admin.home.dashboard",
    "SIDEBAR": {"show_search": True, "command_search": True, "show_all_applications": False, "navigation": "adplatform.admin_look.navigation"},
    "COMMAND": {"search_models": True, "show_history": True},
    "COLORS": {
        "primary": {
            "50": "oklch(98% .02 85)", "100": "oklch(95.5% .05 85)", "200": "oklch(91% .09 84)", "300": "oklch(86% .12 82)",
            "400": "oklch(80% .135 79)", "500": "oklch(72% .135 74)", "600": "oklch(60% .12 70)", "700": "oklch(50% .1 67)",
            "800": "oklch(42% .08 64)", "900": "oklch(36% .065 62)", "950": "oklch(26% .05 60)",
        }
    },
}  # fmt: skip


def _shares(name: str, *, default: str) -> list[float]:
    """Shares between 0 and 1 that grow."""
    given: str = env.str(name, default=default)
    try:
        shares = [float(part) for part in given.split(",")]
    except ValueError:
        shares = []
    if not shares or sorted(set(shares)) != shares or not 0 < shares[0] <= shares[-1] < 1:
        raise ImproperlyConfigured(f"{name}={given}: give shares between 0 and 1 that grow, for example {default}")
    return shares


def _ads_txt_line(given: str) -> str:
    """A record of ads.txt, written with semicolons since commas part the records of the variable."""
    fields = [field.strip() for field in given.split(";")]
    if len(fields) not in (3, 4) or not all(fields) or fields[2].upper() not in ("DIRECT", "RESELLER") or "\n" in given:
        raise ImproperlyConfigured(f"ADS_TXT_LINES has “{given}”; write DOMAIN;ACCOUNT;DIRECT or RESELLER, and if you like ;CERTIFICATION")
    return ", ".join([*fields[:2], fields[2].upper(), *fields[3:]])


def _between(name: str, *, default: float, low: float, high: float, why: str) -> float:
    given: float = env.float(name, default=default)
    if not low <= given <= high:
        raise ImproperlyConfigured(f"{name}={given}: give a number from {low} to {high}; {why}")
    return given


def _networks(name: str) -> list[str]:
    given: list[str] = env.list(name, default=[])
    for text in given:
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {text!r} is no address and no network; write for example 10.0.0.0/8,192.0.2.7") from error
    return given


# Product

# Set by `make run`, and known by what it leaves to commands in a terminal: what is here was made for showing, and is a week old.
DEMO: bool = env.bool("INTERMISSION_DEMO", default=(VAR_DIR / "demo-logins.json").exists())
MODELS_DIR = VAR_DIR / "models"
# Where days of rows lie while a cluster learns from them, the same folder on every machine of it. Without a scheduler's address it is
# a cluster of this machine alone.
DASK_DIR: Path = Path(env.str("DASK_DIR", default=str(VAR_DIR / "dask")))
DASK_SCHEDULER: str = env.str("DASK_SCHEDULER", default="")
# Days of decisions and events as files, and how long they stay in the database beside that.
ARCHIVE_DIR: Path = Path(env.str("ARCHIVE_DIR", default=str(VAR_DIR / "archive")))
PARTITION_KEEP_DAYS: int = env.int("PARTITION_KEEP_DAYS", default=90)
# How long figures by the minute and by the hour are kept; those by the day stay.
ROLLUP_MINUTE_HOURS: int = env.int("ROLLUP_MINUTE_HOURS", default=48)
ROLLUP_HOUR_DAYS: int = env.int("ROLLUP_HOUR_DAYS", default=400)
CURRENCY: str = env.str("CURRENCY", default="USD")
# Creatives as they were uploaded, kept for good, and what is taken. The loudness is what clips are brought to: -23 LUFS as EBU R 128 has it,
# -24 as ATSC A/85.
ORIGINALS_DIR: Path = Path(env.str("ORIGINALS_DIR", default=str(VAR_DIR / "originals")))
CREATIVE_MOST_BYTES: int = env.int("CREATIVE_MOST_BYTES", default=512 * 1024 * 1024)
CREATIVE_LONGEST_SECONDS: float = _between("CREATIVE_LONGEST_SECONDS", default=120.0, low=5.0, high=600.0, why="no break is longer")
CREATIVE_LOUDNESS_LUFS: float = _between("CREATIVE_LOUDNESS_LUFS", default=-23.0, low=-40.0, high=-10.0, why="it is a loudness in LUFS")
# What /ads.txt and /sellers.json say of who sells here (IAB Tech Lab, ads.txt 1.1 and sellers.json 1.0).
ADS_DOMAIN: str = env.str("ADS_DOMAIN", default="")
ADS_CONTACT_EMAIL: str = env.str("ADS_CONTACT_EMAIL", default="")
ADS_SELLER_ID: str = env.str("ADS_SELLER_ID", default="1")
ADS_SELLER_NAME: str = env.str("ADS_SELLER_NAME", default="Intermission")
# Keys of the exchanges that may send bid requests; none: anybody, within the quota of its address.
OPENRTB_KEYS: list[str] = env.list("OPENRTB_KEYS", default=[])
ADS_TXT_LINES: list[str] = [_ads_txt_line(line) for line in env.list("ADS_TXT_LINES", default=[])]
# Requests a minute over the staff API, for each person.
API_READS_PER_MINUTE: int = env.int("API_READS_PER_MINUTE", default=600)
API_WRITES_PER_MINUTE: int = env.int("API_WRITES_PER_MINUTE", default=120)
# Addresses and networks of one's own proxies and ad stitching servers, whose word is taken on the viewer's address and browser.
TRUSTED_PROXIES: list[str] = _networks("TRUSTED_PROXIES")
# Set by a proxy of one's own that knows the country of an address, for example "CF-IPCountry". Believed without a check: name
# none that a client could send through.
COUNTRY_HEADER: str = env.str("COUNTRY_HEADER", default="")
DECISIONS_PER_MINUTE: int = env.int("DECISIONS_PER_MINUTE", default=600)
# Whether the player shows what the Director sees and does to viewers who never opened or closed its panel.
DIRECTOR_PANEL: bool = env.bool("DIRECTOR_PANEL", default=False)
COUNTED_USER_AGENTS: list[str] = env.list("COUNTED_USER_AGENTS", default=[])
HOLDS_PER_ADDRESS: int = env.int("HOLDS_PER_ADDRESS", default=100)

# The Director, see docs/director.md: the share of boundaries where chance draws what happens, the quantile of a gain over the bags of its
# model that must be positive, how often chance must have tried an action before it is chosen for its worth, and what a minute watched is
# worth beside the ads of that playback; unset, what a minute has earned in the last weeks.
DIRECTOR_EXPLORATION: float = _between("DIRECTOR_EXPLORATION", default=0.10, low=0.0, high=0.10, why="more would cost viewers more than it teaches")
DIRECTOR_GAIN_QUANTILE: float = _between("DIRECTOR_GAIN_QUANTILE", default=0.01, low=0.01, high=0.5, why="above the median nothing is a lower bound")
DIRECTOR_LEAST_TRIALS: int = env.int("DIRECTOR_LEAST_TRIALS", default=50)
DIRECTOR_MINUTE_MICROS: float | None = (
    _between("DIRECTOR_MINUTE_MICROS", default=0.0, low=0.0, high=1e12, why="it is an amount of money in millionths")
    if env.str("DIRECTOR_MINUTE_MICROS", default="")
    else None
)
# What the click model is trained by; the first is the default, the others must be better to take its place.
CTR_ESTIMATORS: list[str] = env.list("CTR_ESTIMATORS", default=["random_forest", "hashed_logistic"])
COMPLETION_ESTIMATORS: list[str] = env.list("COMPLETION_ESTIMATORS", default=["hashed_logistic"])
# The same for the models of watching: how much of the coming scenes is watched, and who is about to leave.
ENGAGEMENT_ESTIMATORS: list[str] = env.list("ENGAGEMENT_ESTIMATORS", default=["random_forest", "mlp"])
LEAVE_ESTIMATORS: list[str] = env.list("LEAVE_ESTIMATORS", default=["lightgbm", "mlp"])
DIRECTOR_ESTIMATORS: list[str] = env.list("DIRECTOR_ESTIMATORS", default=["gradient_boosting"])
# Who is here, and stays away for so many days, is counted as lost. The demo's history is a week: with seven days nobody could be known
# to have stayed away.
CHURN_HORIZON_DAYS: float = env.float("CHURN_HORIZON_DAYS", default=2.0 if DEMO else 7.0)
CHURN_ESTIMATORS: list[str] = env.list("CHURN_ESTIMATORS", default=["random_forest"])
# Viewers with at least this risk are cared for: more likely to stay away than to come.
CHURN_AT_RISK: float = env.float("CHURN_AT_RISK", default=0.5)
# Share of a break's seconds that a viewer at risk still gets.
CARE_BREAK_SHARE: float = env.float("CARE_BREAK_SHARE", default=0.5)
for _name, _value, _words in (
    ("CHURN_HORIZON_DAYS", 0 < CHURN_HORIZON_DAYS <= 60, "a number of days, above 0 and at most 60"),
    ("CHURN_AT_RISK", 0 < CHURN_AT_RISK < 1, "a chance between 0 and 1, for example 0.5"),
    ("CARE_BREAK_SHARE", 0 <= CARE_BREAK_SHARE <= 1, "a share from 0 to 1, for example 0.5"),
):
    if not _value:
        raise ImproperlyConfigured(f"{_name} must be {_words}")
# Rows that monitoring reads of an hour or a day at most, drawn by chance.
MONITOR_ROWS: int = env.int("MONITOR_ROWS", default=20_000)
# How a version that passed its gates comes to serve, see docs/learning.md: what it scores in shadow, and what its canary sees in each step.
ROLLOUT_SHADOW_SCORES: int = env.int("ROLLOUT_SHADOW_SCORES", default=2000)
ROLLOUT_SHADOW_HOURS: float = env.float("ROLLOUT_SHADOW_HOURS", default=1.0)
ROLLOUT_STEPS: list[float] = _shares("ROLLOUT_STEPS", default="0.05,0.25,0.5")
ROLLOUT_STEP_HOURS: float = env.float("ROLLOUT_STEP_HOURS", default=2.0)
ROLLOUT_STEP_IMPRESSIONS: int = env.int("ROLLOUT_STEP_IMPRESSIONS", default=200)
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")
OPENAI_API_KEY: str = env.str("OPENAI_API_KEY", default="")
INSIGHTS_LLM_BASE_URL: str = env.str("INSIGHTS_LLM_BASE_URL", default="")
INSIGHTS_LLM_MODEL: str = env.str("INSIGHTS_LLM_MODEL", default="gpt-4o-mini")
INSIGHTS_LLM_TIMEOUT_SECONDS: float = env.float("INSIGHTS_LLM_TIMEOUT_SECONDS", default=8.0)
# Most tokens of one answer of it; models that think aloud need several thousand.
INSIGHTS_LLM_MOST_TOKENS: int = env.int("INSIGHTS_LLM_MOST_TOKENS", default=1500)
INSIGHTS_LLM_EMBEDDING_MODEL: str = env.str("INSIGHTS_LLM_EMBEDDING_MODEL", default="")
INSIGHTS_LLM_ROWS: str = env.str("INSIGHTS_LLM_ROWS", default="aggregates")
INSIGHTS_LLM_DAILY_TOKENS: int = env.int("INSIGHTS_LLM_DAILY_TOKENS", default=200_000)
if INSIGHTS_LLM_ROWS not in ("none", "aggregates"):
    raise ImproperlyConfigured("INSIGHTS_LLM_ROWS must be none or aggregates: what of an answer's rows the language model may see")
# A stage of an answer (reading, SQL, wording) that takes longer ends, and the person is told which.
INSIGHTS_STAGE_SECONDS: float = env.float("INSIGHTS_STAGE_SECONDS", default=20.0)
# A statement that PostgreSQL expects to cost more is not run: its planner's unit, about the reading of one page each.
INSIGHTS_MOST_COST: float = env.float("INSIGHTS_MOST_COST", default=2_000_000.0)

vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
# What links in mails begin with.
PUBLIC_URL: str = env.str("PUBLIC_URL", default=f"http://127.0.0.1:{env.int('PORT', default=8000)}").rstrip("/")
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="Intermission <intermission@localhost>")

# Logs: one JSON object a line, request id bound by django-structlog in web and tasks.

DJANGO_STRUCTLOG_CELERY_ENABLED = True
# Naming the user in each line would cost two queries on every request with a cookie, media and events included.
DJANGO_STRUCTLOG_USER_ID_FIELD = ""
_shared_processors: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
]
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
            "foreign_pre_chain": _shared_processors,
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django_structlog": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "django.channels.server": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[structlog.stdlib.filter_by_level, *_shared_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
