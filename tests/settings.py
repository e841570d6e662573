"""Settings of the tests: a database server and keys of their own, a settable clock, fast hashes."""

import os
from pathlib import Path

_TEST_DATA = Path(__file__).resolve().parent.parent / ".data" / "test"
os.environ.setdefault("CLEARINGHOUSE_DATA_DIR", str(_TEST_DATA))
os.environ.setdefault("CLEARINGHOUSE_BUSINESS_CLOCK_SETTABLE", "yes")
os.environ.setdefault("CLEARINGHOUSE_ALLOW_PLAIN_HTTP_ENDPOINTS", "yes")
os.environ.setdefault("CLEARINGHOUSE_LIVE_QUESTION_TIMEOUT_S", "1")
# Tests of wrong tokens share one address; those of the limit set their own.
os.environ.setdefault("CLEARINGHOUSE_FAILED_AUTHENTICATIONS_PER_MINUTE", "0")

from clearinghouse.settings import *  # noqa: E402, F403
from clearinghouse.settings import DATABASES, MIDDLEWARE, STATIC_ROOT  # noqa: E402

WAKE_WORKERS = False  # no worker runs beside most tests
EMBEDDED_POSTGRES_DURABLE = False  # a test database may be lost with the machine
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MIDDLEWARE = ["tests.documented.DocumentedAnswers", *MIDDLEWARE]
DATABASES["default"]["CONN_MAX_AGE"] = 0
DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
