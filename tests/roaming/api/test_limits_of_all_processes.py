"""Limits are exact over all processes where Redis is there; without it each counts by itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured

from clearinghouse import environment
from roaming.api import rates
from roaming.api.shared_counts import SharedCounts
from tests import databases
from tests.clearinghouse.brokers import Redis

MINUTE = 999_999_990
COUNTING = """
import sys
from roaming.api.shared_counts import SharedCounts
counts = SharedCounts(sys.argv[1])
sys.stdin.readline()
print(*[counts.add("rate:x:1", 60) for _ in range(300)])
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    made = Redis(tmp_path_factory.mktemp("redis"))
    made.start()
    yield made
    made.kill()


@pytest.fixture
def redis(server: Redis) -> Redis:
    SharedCounts(server.url)._client.flushall()
    return server


@pytest.fixture(autouse=True)
def one_minute(monkeypatch):
    cache.clear()
    monkeypatch.setattr(rates, "_now_s", lambda: MINUTE)
    yield
    cache.clear()
    rates._shared_counts_at.cache_clear()


@pytest.fixture
def limited(settings, redis, cast):
    """A platform of which another process has heard twice in this minute."""
    settings.RATE_LIMIT_URL = redis.url
    settings.MESSAGES_PER_MINUTE = 4
    another_process(redis, cast, 2)
    return cast.visited_cso


def another_process(redis, cast, messages: int) -> None:
    elsewhere = SharedCounts(redis.url)
    for _ in range(messages):
        elsewhere.add(f"rate:messages:{cast.visited_cso.platform.pk}:{MINUTE // 60}", 120)


def codes(client, party, messages: int) -> list[int]:
    return [
        client.get("/api/v1/credentials", headers=party.headers).status_code
        for _ in range(messages)
    ]


def test_processes_that_count_at_once_lose_and_double_nothing(redis):
    running = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTING, redis.url],
            cwd=databases.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    counted: list[int] = []
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        counted += map(int, process.communicate(timeout=60)[0].split())
    assert sorted(counted) == list(range(1, 1201))


def test_a_count_ends_by_itself(redis):
    counts = SharedCounts(redis.url)
    counts.add("x", 120)
    counts.add("x", 120)
    assert 0 < counts._client.ttl("x") <= 120
    assert (counts.read("x"), counts.read("y")) == (2, 0)


def test_what_other_processes_heard_counts(client, limited):
    assert codes(client, limited, 3) == [200, 200, 429]


def test_while_redis_is_away_the_process_s_own_count_goes_on(
    client, limited, redis, monkeypatch, caplog
):
    assert codes(client, limited, 2) == [200, 200]
    redis.kill()
    # Of its own it has counted two: it hears two more.
    assert codes(client, limited, 4) == [200, 200, 429, 429]
    said = [record.message for record in caplog.records if "counts" in record.message]
    assert len(said) == 1
    assert said[0].startswith("no shared counts, each process counts for itself")
    redis.start()
    shared = rates._shared_counts()
    shared._away_until = 0  # the pause is over
    assert codes(client, limited, 1) == [429]
    said = [record.message for record in caplog.records if "counts" in record.message]
    assert said[1:] == ["shared counts are back: all processes count together again"]


def test_a_redis_that_was_never_there_costs_one_attempt(client, cast, settings, caplog):
    settings.RATE_LIMIT_URL = "redis://127.0.0.1:1/0"
    settings.MESSAGES_PER_MINUTE = 2
    assert codes(client, cast.visited_cso, 3) == [200, 200, 429]
    assert len([record for record in caplog.records if "counts" in record.message]) == 1


def test_failures_count_together_too(client, redis, db, settings):
    settings.RATE_LIMIT_URL = redis.url
    settings.FAILED_AUTHENTICATIONS_PER_MINUTE = 3
    elsewhere = SharedCounts(redis.url)
    for _ in range(3):
        elsewhere.add(f"rate:failures:127.0.0.1:{MINUTE // 60}", 120)
    wrong = {"Authorization": "Bearer tst000000000.wrong"}
    assert client.get("/api/v1/credentials", headers=wrong).status_code == 429
    registering = client.post(
        "/api/v1/registration", {}, content_type="application/json", headers=wrong
    )
    assert registering.status_code == 429


@pytest.mark.parametrize(
    ("own", "broker", "url"),
    [
        ("", "filesystem://", ""),
        ("", "amqp://guest@localhost//", ""),
        ("", "redis://cache.example:6379/1", "redis://cache.example:6379/1"),
        ("", "valkey://cache.example/1", "redis://cache.example/1"),
        ("", "redis://one;redis://two", ""),
        ("rediss://limits.example/0", "amqp://guest@localhost//", "rediss://limits.example/0"),
        ("no", "redis://cache.example:6379/1", ""),
    ],
)
def test_the_broker_counts_where_it_can(monkeypatch, own, broker, url):
    monkeypatch.setenv("CLEARINGHOUSE_RATE_LIMIT_URL", own)
    assert environment.redis_url("CLEARINGHOUSE_RATE_LIMIT_URL", broker) == url


def test_an_address_that_is_no_redis_stops_the_start(monkeypatch):
    monkeypatch.setenv("CLEARINGHOUSE_RATE_LIMIT_URL", "http://cache.example")
    with pytest.raises(ImproperlyConfigured, match="CLEARINGHOUSE_RATE_LIMIT_URL must be redis"):
        environment.redis_url("CLEARINGHOUSE_RATE_LIMIT_URL", "redis://x")
