"""What the process is told from outside: environment variables, read once, refused at start-up.

Every setting is named CLEARINGHOUSE_*, except DATABASE_URL and CELERY_BROKER_URL, which keep the
names that hosting platforms use. A value that cannot be read stops the process with a sentence that
names the variable, because a wrong guess about money or keys is worse than no start.
"""

from __future__ import annotations

import json
import os
import secrets
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    """The variable, stripped; `default` where it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool = False) -> bool:
    """The variable as yes or no; anything else is refused."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    if raw.strip().lower() in _TRUE:
        return True
    if raw.strip().lower() in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be yes or no, not {raw!r}")


def number(name: str, default: int, *, least: int = 0) -> int:
    """The variable as a whole number, at least `least`."""
    raw = text(name, str(default))
    if not raw.isdecimal() or int(raw) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number from {least} on, not {raw!r}")
    return int(raw)


def choice(name: str, default: str, offered: tuple[str, ...]) -> str:
    """The variable as one of the words that are offered; anything else is refused."""
    word = text(name, default)
    if word not in offered:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(offered)}, not {word!r}")
    return word


def names(name: str, default: str = "") -> list[str]:
    """The variable as a comma separated list without blanks."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """The variable as a comma separated list of networks or single addresses."""
    try:
        return [ip_network(part) for part in names(name)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must list networks: {error}") from error


def redis_url(name: str, broker: str) -> str:
    """The variable as the address of a Redis or Valkey; else the broker's, where it is one.

    `no`: none at all. Anything else is refused; a broker of several addresses counts as none.
    """
    raw = text(name)
    if raw.lower() in _FALSE - {""}:
        return ""
    url = (raw or broker).replace("valkey", "redis", 1)
    if url.startswith(("redis://", "rediss://")) and ";" not in url:
        return url
    if raw:
        raise ImproperlyConfigured(f"{name} must be redis://..., rediss://..., or no, not {raw!r}")
    return ""


def local_secrets(data_dir: Path) -> dict[str, str]:
    """Random keys of a local installation, made once under `data_dir`, mode 0600.

    They are what makes the product start with no settings. `script/server` refuses them: keys of
    real use belong in the environment, where a backup of the data directory does not carry them.
    """
    path = data_dir / "secrets.json"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        fresh = {
            "secret_key": secrets.token_urlsafe(50),
            "encryption_key": Fernet.generate_key().decode(),
            "hmac_key": secrets.token_hex(32),
        }
        draft = path.with_name(f".secrets-{os.getpid()}-{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            json.dump(fresh, handle)
        try:
            os.link(draft, path)  # two first starts at once: the first to link wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    loaded: dict[str, str] = json.loads(path.read_text())
    return loaded


def check_encryption_keys(keys: list[str]) -> None:
    """Refuses at start-up what would fail at the first message."""
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"Key {number} of CLEARINGHOUSE_ENCRYPTION_KEYS is no Fernet key (32 bytes, base64)"
            ) from error
