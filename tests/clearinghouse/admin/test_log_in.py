"""Staff log in: locked out after wrong passwords, let in after the second factor only."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests import factories

PASSWORD = "correct horse battery staple"
LOGIN = "/admin/login/"


@pytest.fixture
def person(db):
    return factories.UserFactory(username="kim")


def log_in(client, password=PASSWORD, **extra):
    data = {"username": "kim", "password": password, "next": "/admin/"}
    return client.post(LOGIN, data, **extra)


def code_of(person) -> str:
    device = TOTPDevice.objects.get(user=person)
    return f"{totp(device.bin_key):06d}"


def set_up(client, person):
    client.get(reverse("second-factor-setup"))
    return client.post(reverse("second-factor-setup"), {"code": code_of(person)})


@pytest.fixture
def with_device(client, person):
    """A person who set up a device, logged out again; the codes for a lost phone."""
    log_in(client)
    page = set_up(client, person)
    codes = re.findall(r"<li>(\w+)</li>", page.content.decode())
    client.logout()
    forget_the_last_code(person)
    return codes


def forget_the_last_code(person) -> None:
    """A code is good once; as if half a minute had passed."""
    TOTPDevice.objects.filter(user=person).update(
        last_t=-1, throttling_failure_timestamp=None, throttling_failure_count=0
    )


# --- Locked out -----------------------------------------------------------------------------------


def test_after_five_wrong_passwords_the_right_one_is_refused(client, person):
    for _ in range(5):
        log_in(client, "wrong")
    response = log_in(client)
    assert response.status_code == 429
    assert "Too many wrong passwords" in response.content.decode()


def test_another_browser_or_address_does_not_help_who_guesses(person):
    for n in range(5):
        log_in(Client(headers={"user-agent": f"b{n}"}), "wrong", REMOTE_ADDR=f"192.0.2.{n}")
    assert log_in(Client(), REMOTE_ADDR="192.0.2.99").status_code == 429


def test_others_are_not_locked_out_with_it(client, person):
    for _ in range(6):
        client.post(LOGIN, {"username": "nobody", "password": "wrong"})
    assert log_in(client).status_code == 302


def test_the_lock_ends_by_itself(client, person):
    from axes.models import AccessAttempt

    for _ in range(5):
        log_in(client, "wrong")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert log_in(client).status_code == 302


def test_an_administrator_unlocks_a_name_and_it_is_noted(client, person):
    from axes.models import AccessAttempt
    from django.contrib.admin.models import LogEntry

    for _ in range(5):
        log_in(client, "wrong")
    boss = Client()
    boss.force_login(factories.UserFactory(username="boss"))
    attempt = AccessAttempt.objects.get()
    address = reverse("admin:axes_accessattempt_step", args=[attempt.pk, "unlock"])
    boss.post(address, {"reason": "rang me up"})
    assert log_in(client).status_code == 302
    assert "rang me up" in LogEntry.objects.latest("pk").change_message


def test_a_password_that_was_tried_is_stored_nowhere(client, person):
    from axes.models import AccessAttempt

    log_in(client, "my-other-secret")
    (row,) = AccessAttempt.objects.values()
    assert "my-other-secret" not in str(row)


# --- The second factor ----------------------------------------------------------------------------


def test_without_a_device_everything_leads_to_its_set_up_where_one_is_required(
    client, person, settings
):
    settings.SECOND_FACTOR_REQUIRED = True
    log_in(client)
    response = client.get(reverse("admin:roaming_operator_changelist"))
    assert response.status_code == 302
    assert response["Location"] == reverse("second-factor-setup")
    page = client.get(response["Location"])
    assert "data:image/svg+xml" in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_a_device_is_set_up_with_a_code_of_it(client, person, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    log_in(client)
    wrong = client.post(reverse("second-factor-setup"), {"code": "000000"})
    assert "not the code" in wrong.content.decode()
    forget_the_last_code(person)
    page = set_up(client, person)
    assert len(re.findall(r"<li>\w+</li>", page.content.decode())) == 10
    assert client.get(reverse("admin:index")).status_code == 200


def test_who_has_a_device_must_use_it_at_every_log_in(client, person, with_device):
    log_in(client)
    response = client.get(reverse("admin:roaming_operator_changelist"))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("second-factor"))
    answer = client.post(response["Location"], {"code": code_of(person)})
    assert answer["Location"] == reverse("admin:roaming_operator_changelist")
    assert client.get(answer["Location"]).status_code == 200


def test_a_wrong_code_opens_nothing(client, person, with_device):
    log_in(client)
    client.post(reverse("second-factor"), {"code": "123456"})
    assert client.get(reverse("admin:index")).status_code == 302


def test_after_a_wrong_code_the_device_waits(client, person, with_device):
    log_in(client)
    client.post(reverse("second-factor"), {"code": "123456"})
    client.post(reverse("second-factor"), {"code": code_of(person)})
    assert client.get(reverse("admin:index")).status_code == 302


def test_a_recovery_code_opens_once(client, person, with_device):
    codes = with_device
    for attempt, expected in ((1, 200), (2, 302)):
        log_in(client)
        client.post(reverse("second-factor"), {"code": codes[0]})
        assert client.get(reverse("admin:index")).status_code == expected, attempt
        client.logout()
    assert StaticToken.objects.count() == 9


def test_a_stolen_password_does_not_replace_the_device(client, person, with_device):
    log_in(client)
    response = client.get(reverse("second-factor-setup"))
    assert response.status_code == 302
    assert TOTPDevice.objects.filter(confirmed=True).count() == 1


def test_nobody_is_sent_to_another_host_afterwards(client, person, with_device):
    log_in(client)
    address = f"{reverse('second-factor')}?next=https://evil.example/"
    response = client.post(address, {"code": code_of(person)})
    assert response["Location"] == reverse("admin:index")


def test_an_administrator_removes_a_lost_device(client, person, with_device):
    boss = Client()
    boss.force_login(factories.UserFactory(username="boss"))
    step = reverse("admin:clearinghouse_user_step", args=[person.pk, "remove-second-factor"])
    boss.post(step, {"reason": "phone lost, seen in person"})
    assert not TOTPDevice.objects.exists()
    assert not StaticToken.objects.exists()


def test_keys_of_devices_stand_on_no_page_of_the_admin(client, person):
    from django.contrib import admin

    assert TOTPDevice not in admin.site._registry
    assert all("otp" not in model._meta.app_label for model in admin.site._registry)
