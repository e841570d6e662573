"""Settings: safe for real use, and enough by themselves to start on a fresh machine.

With nothing set the product runs on an embedded PostgreSQL, a broker of plain files and random
keys, all under `.data`. DATABASE_URL, CELERY_BROKER_URL and the CLEARINGHOUSE_* variables point it
at real servers; the README lists them.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url

from clearinghouse import admin_site
from clearinghouse import environment as env
from clearinghouse.api_description import API_DESCRIPTION, API_TAGS
from clearinghouse.beat import BEAT_SCHEDULE
from clearinghouse.logs import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("CLEARINGHOUSE_DATA_DIR", str(BASE_DIR / ".data"))).resolve()

DEBUG = env.flag("CLEARINGHOUSE_DEBUG")

# --- Keys -----------------------------------------------------------------------------------------
_KEY_NAMES = {
    "secret_key": "CLEARINGHOUSE_SECRET_KEY",
    "encryption_key": "CLEARINGHOUSE_ENCRYPTION_KEYS",
    "hmac_key": "CLEARINGHOUSE_HMAC_KEY",
}
USES_LOCAL_SECRETS = not all(env.text(name) for name in _KEY_NAMES.values())
_local = env.local_secrets(DATA_DIR) if USES_LOCAL_SECRETS else {}
SECRET_KEY = env.text(_KEY_NAMES["secret_key"]) or _local["secret_key"]
# The first encrypts, all decrypt (MultiFernet): put the new key in front, rotate, drop the old one.
ENCRYPTION_KEYS = env.names(_KEY_NAMES["encryption_key"]) or [_local["encryption_key"]]
env.check_encryption_keys(ENCRYPTION_KEYS)
HMAC_KEY = env.text(_KEY_NAMES["hmac_key"]) or _local["hmac_key"]

# --- Applications ---------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "pgtrigger",
    "pghistory",
    "roaming",
    "settlement",
    "clearinghouse",
]
AUTH_USER_MODEL = "clearinghouse.User"

MIDDLEWARE = [
    "clearinghouse.middleware.ApiWatchMiddleware",
    "roaming.api.manners.MannersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "clearinghouse.middleware.PeoplesOnlyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "clearinghouse.second_factor.SecondFactorMiddleware",
    "clearinghouse.middleware.StaffHistoryMiddleware",
    "clearinghouse.portal.middleware.PortalMiddleware",
    "axes.middleware.AxesMiddleware",
    "clearinghouse.middleware.EndOfPeoplesMiddleware",
]
ROOT_URLCONF = "clearinghouse.urls"
WSGI_APPLICATION = "clearinghouse.wsgi.application"
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
                "clearinghouse.portal.menu.menu",
            ],
            "libraries": {
                "with_code": "roaming.api.page_texts",
                "portal": "clearinghouse.portal.presentation",
            },
        },
    }
]

# --- Database: PostgreSQL, the only dialect -------------------------------------------------------
# Two roles: the owner migrates, the application works and owns nothing (house.md, money rules).
DATABASE_URL = env.text("DATABASE_URL")
DATABASE_OWNER_URL = env.text("CLEARINGHOUSE_DATABASE_OWNER_URL", DATABASE_URL)
EMBEDDED_POSTGRES_DATA_DIR = DATA_DIR / "postgres"
APPLICATION_ROLE = env.text("CLEARINGHOUSE_APPLICATION_ROLE", "clearinghouse_app")
if DATABASE_URL:
    _database: dict[str, Any] = {**dj_database_url.parse(DATABASE_URL)}
else:
    _database = {
        "ENGINE": "clearinghouse.embedded_postgres.backend",
        "NAME": "clearinghouse",
        "USER": "clearinghouse_app",
    }
# Where pg_dump and pg_restore are; they must be as new as the server (default: the wheel's).
POSTGRES_PROGRAMS = env.text("CLEARINGHOUSE_POSTGRES_PROGRAMS")
# A pool per process for the web server; other processes keep one connection, checked before use.
_pool_size = env.number("CLEARINGHOUSE_DB_POOL", 0)
_database["OPTIONS"] = dict(_database.get("OPTIONS") or {})
# Django turns prepared statements off altogether where this is not said. Its own queries are none;
# those of the hot path are (`roaming.hub_switch.statements`), and would else be planned each time.
_database["OPTIONS"].setdefault("prepare_threshold", 5)
if _pool_size:
    _database["OPTIONS"]["pool"] = {"min_size": 1, "max_size": _pool_size, "timeout": 10}
else:
    _database.update(CONN_MAX_AGE=300, CONN_HEALTH_CHECKS=True)
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Work in the background -----------------------------------------------------------------------
# Work waits in rows; the broker only wakes a worker, so one made of plain files is enough here.
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "filesystem://")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = BEAT_SCHEDULE
if CELERY_BROKER_URL.startswith("filesystem://"):
    _broker = DATA_DIR / "broker"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker / "messages"),
        "data_folder_out": str(_broker / "messages"),
        "control_folder": str(_broker / "control"),
        "store_processed": False,
        "polling_interval": 0.05,
    }
elif CELERY_BROKER_URL.startswith(("redis", "valkey")):
    # A tick that a killed worker had taken is given to another one after a minute, not an hour;
    # it has expired by then, and the next tick has found its work long since.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 60,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
    }

# Evidence that comes in is judged at once; off: at the next tick of the clock.
WAKE_WORKERS = env.flag("CLEARINGHOUSE_WAKE_WORKERS", default=True)

# --- Time -----------------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
# A settable clock is for test environments only: it is what the demo replays a month on.
BUSINESS_CLOCK_SETTABLE = env.flag("CLEARINGHOUSE_BUSINESS_CLOCK_SETTABLE")

# --- The switch (IEC 63119-2, 5.3 and 6.4.1) ------------------------------------------------------
LIVE_QUESTION_TIMEOUT_S = env.number("CLEARINGHOUSE_LIVE_QUESTION_TIMEOUT_S", 3, least=1)
# A live question holds a web thread: one receiver may hold a quarter of them, all three quarters.
WEB_THREADS = env.number("CLEARINGHOUSE_WEB_THREADS", 32, least=1)
LIVE_QUESTIONS_PER_RECEIVER = env.number(
    "CLEARINGHOUSE_LIVE_QUESTIONS_PER_RECEIVER", max(1, WEB_THREADS // 4), least=1
)
LIVE_QUESTIONS_AT_ONCE = env.number(
    "CLEARINGHOUSE_LIVE_QUESTIONS_AT_ONCE", max(1, WEB_THREADS * 3 // 4), least=1
)
# A receiver that failed so often in a row is left alone for a pause, longer each time.
BREAKER_FAILURES = env.number("CLEARINGHOUSE_BREAKER_FAILURES", 5, least=1)
BREAKER_PAUSE_S = env.number("CLEARINGHOUSE_BREAKER_PAUSE_S", 5, least=1)
# A question to many: when it is answered at the latest, and how long its "nobody" is remembered.
BROADCAST_BUDGET_S = env.number("CLEARINGHOUSE_BROADCAST_BUDGET_S", 2, least=1)
UNKNOWN_TOKEN_TTL_S = env.number("CLEARINGHOUSE_UNKNOWN_TOKEN_TTL_S", 300)
COMMAND_RESULT_LONGEST_S = env.number("CLEARINGHOUSE_COMMAND_RESULT_LONGEST_S", 300, least=1)
DELIVERY_TIMEOUT_S = env.number("CLEARINGHOUSE_DELIVERY_TIMEOUT_S", 10, least=1)
DELIVERY_LOOPS = env.number("CLEARINGHOUSE_DELIVERY_LOOPS", 1, least=1)
PROBE_AFTER_SILENCE_S = env.number("CLEARINGHOUSE_PROBE_AFTER_SILENCE_S", 300, least=1)
DELIVERY_DEADLINE_HOURS = env.number("CLEARINGHOUSE_DELIVERY_DEADLINE_HOURS", 72, least=1)
# A session of which nothing is heard for so long is shown to staff, and so is a missing SDR.
SESSION_NEWS_HOURS = env.number("CLEARINGHOUSE_SESSION_NEWS_HOURS", 24, least=1)
# How long after an SDR the home-CSP's own record is due, where the agreement requires it.
CSP_RECORD_HOURS = env.number("CLEARINGHOUSE_CSP_RECORD_HOURS", 48, least=1)
SDR_MISSING_HOURS = env.number("CLEARINGHOUSE_SDR_MISSING_HOURS", 72, least=1)
# What waits for a member of staff longer than this is overdue.
QUEUE_DAYS = env.number("CLEARINGHOUSE_QUEUE_DAYS", 7, least=1)
CREDENTIAL_OVERLAP_HOURS = env.number("CLEARINGHOUSE_CREDENTIAL_OVERLAP_HOURS", 24)
ALLOW_PLAIN_HTTP_ENDPOINTS = env.flag("CLEARINGHOUSE_ALLOW_PLAIN_HTTP_ENDPOINTS")
# Partners behind a private interconnection; else only public addresses are called.
PRIVATE_ENDPOINT_NETWORKS = env.networks("CLEARINGHOUSE_PRIVATE_ENDPOINT_NETWORKS")
OUTBOUND_TLS_MINIMUM = env.choice("CLEARINGHOUSE_OUTBOUND_TLS_MINIMUM", "1.3", ("1.2", "1.3"))
OUTBOUND_CA_FILE = env.text("CLEARINGHOUSE_OUTBOUND_CA_FILE")
OUTBOUND_CLIENT_CERTIFICATE_FILE = env.text("CLEARINGHOUSE_OUTBOUND_CLIENT_CERTIFICATE_FILE")
OUTBOUND_CLIENT_KEY_FILE = env.text("CLEARINGHOUSE_OUTBOUND_CLIENT_KEY_FILE")
MAX_MESSAGE_BYTES = env.number("CLEARINGHOUSE_MAX_MESSAGE_BYTES", 1_000_000, least=1_000)
MAX_BULK_BYTES = env.number("CLEARINGHOUSE_MAX_BULK_BYTES", 64_000_000, least=1_000)
MAX_BULK_SDRS = 10_000
MAX_BULK_IDENTIFICATIONS = 200_000
MAX_BULK_STATUSES = 5_000
# Of a status without its own time to live, and the longest that a status may have (UC1-3).
EVSE_STATUS_LIFE_S = env.number("CLEARINGHOUSE_EVSE_STATUS_LIFE_S", 86_400, least=1)
EVSE_STATUS_LONGEST_LIFE_S = env.number(
    "CLEARINGHOUSE_EVSE_STATUS_LONGEST_LIFE_S", 604_800, least=1
)
# --- Disputes (6.4.2): evidence lies outside the web root, under its own hash ---------------------
DISPUTE_FILES_DIR = Path(
    env.text("CLEARINGHOUSE_DISPUTE_FILES_DIR", str(DATA_DIR / "dispute-files"))
)
DISPUTE_FILE_BYTES = env.number("CLEARINGHOUSE_DISPUTE_FILE_BYTES", 5_000_000, least=1_000)
DISPUTE_FILES = env.number("CLEARINGHOUSE_DISPUTE_FILES", 20, least=1)
MAIL_ATTEMPTS = env.number("CLEARINGHOUSE_MAIL_ATTEMPTS", 12, least=1)
# --- Privacy (5.4.3): how long what could name a person is kept -----------------------------------
RETENTION_MESSAGES_DAYS = env.number("CLEARINGHOUSE_RETENTION_MESSAGES_DAYS", 90, least=4)
# Lists of identifications are large, and personal through and through: after they have arrived.
RETENTION_IDENTIFICATIONS_DAYS = env.number("CLEARINGHOUSE_RETENTION_IDENTIFICATIONS_DAYS", 7)
RETENTION_PERSONAL_DATA_DAYS = env.number(
    "CLEARINGHOUSE_RETENTION_PERSONAL_DATA_DAYS", 400, least=35
)
# Limits of the API's edge; 0: none. Without Redis each web process counts for itself.
MESSAGES_PER_MINUTE = env.number("CLEARINGHOUSE_MESSAGES_PER_MINUTE", 60_000)
FAILED_AUTHENTICATIONS_PER_MINUTE = env.number(
    "CLEARINGHOUSE_FAILED_AUTHENTICATIONS_PER_MINUTE", 30
)
RATE_LIMIT_URL = env.redis_url("CLEARINGHOUSE_RATE_LIMIT_URL", CELERY_BROKER_URL)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
# What proxies in front say of the caller is believed from these addresses only.
TRUSTED_PROXIES = env.networks("CLEARINGHOUSE_TRUSTED_PROXIES")
CLIENT_CERTIFICATE_HEADER = env.text("CLEARINGHOUSE_CLIENT_CERTIFICATE_HEADER")
IDEMPOTENCY_HOURS = env.number("CLEARINGHOUSE_IDEMPOTENCY_HOURS", 24, least=1)
# Then an attempt counts as lost with its process: a live question takes seconds, a bulk call more.
IDEMPOTENCY_LEASE_S = env.number("CLEARINGHOUSE_IDEMPOTENCY_LEASE_S", 60, least=1)
DATA_UPLOAD_MAX_MEMORY_SIZE = None  # each endpoint states its own limit, checked while it reads

# --- Web ------------------------------------------------------------------------------------------
ALLOWED_HOSTS = env.names("CLEARINGHOUSE_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env.names("CLEARINGHOUSE_CSRF_TRUSTED_ORIGINS")
APPEND_SLASH = True
UNFOLD = admin_site.UNFOLD
LOGIN_REDIRECT_URL = "admin:index"
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("CLEARINGHOUSE_STATIC_ROOT", str(DATA_DIR / "static")))
WHITENOISE_USE_FINDERS = True  # no build step: files are served from the packages that ship them
WHITENOISE_AUTOREFRESH = DEBUG
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
USE_I18N = True
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# TLS ends at a proxy in real use; on a local machine there is none and the cookies must still work.
BEHIND_TLS = env.flag("CLEARINGHOUSE_BEHIND_TLS")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BEHIND_TLS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
X_FRAME_OPTIONS = "DENY"
# People: locked out after wrong passwords (django-axes), a second factor (django-otp).
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
# By name alone: whoever guesses from many addresses is stopped as well.
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_LOCKOUT_CALLABLE = "clearinghouse.second_factor.locked_out"
# The warning against names alone speaks of counting per browser, which a test excludes here.
SILENCED_SYSTEM_CHECKS = ["axes.W006"]
AXES_ENABLE_ADMIN = False  # shown in the admin's own look (clearinghouse.admin)
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "password"]
SECOND_FACTOR_REQUIRED = env.flag("CLEARINGHOUSE_SECOND_FACTOR", default=BEHIND_TLS)
OTP_TOTP_ISSUER = "Clearing house"
PASSWORD_RESET_TIMEOUT = 2 * 3600

# --- E-mail ---------------------------------------------------------------------------------------
# Without a server each mail is a file under the data directory, to be read there.
EMAIL_HOST = env.text("CLEARINGHOUSE_MAIL_HOST")
EMAIL_PORT = env.number("CLEARINGHOUSE_MAIL_PORT", 587, least=1)
EMAIL_HOST_USER = env.text("CLEARINGHOUSE_MAIL_USER")
EMAIL_HOST_PASSWORD = env.text("CLEARINGHOUSE_MAIL_PASSWORD")
_mail_security = env.choice("CLEARINGHOUSE_MAIL_SECURITY", "starttls", ("starttls", "tls", "none"))
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail_security == "starttls", _mail_security == "tls"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text(
    "CLEARINGHOUSE_MAIL_FROM", "clearing house <noreply@clearinghouse.example>"
)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = str(DATA_DIR / "mail")

# --- API ------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["roaming.api.authentication.PlatformAuthentication"],
    "DEFAULT_THROTTLE_CLASSES": ["roaming.api.rates.PlatformRate"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["roaming.api.rendering.ExactJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "roaming.api.operation_schema.ApiSchema",
    "EXCEPTION_HANDLER": "roaming.api.problems.problem_response",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Roaming clearing house",
    "VERSION": "1",
    "REDOC_UI_SETTINGS": {"theme": {"typography": {"fontFamily": "system-ui, sans-serif"}}},
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SORT_OPERATIONS": False,  # the order of the standard, as in the list of addresses
    "TAGS": [{"name": name} for name in API_TAGS],
    "DESCRIPTION": API_DESCRIPTION,
    "POSTPROCESSING_HOOKS": ["roaming.api.schema_parts.complete"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

# --- Operations -----------------------------------------------------------------------------------
LOG_FORMAT = env.choice("CLEARINGHOUSE_LOG_FORMAT", "line", ("line", "json"))
LOGGING = logging_settings(LOG_FORMAT, env.text("CLEARINGHOUSE_LOG_LEVEL", "INFO"))
ACCESS_LOG = env.flag("CLEARINGHOUSE_ACCESS_LOG")
METRICS_TOKEN = env.text("CLEARINGHOUSE_METRICS_TOKEN")
