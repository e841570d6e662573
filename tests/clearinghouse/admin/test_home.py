"""The first page says whether anything needs a person; the menu shows what one may see."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.urls import reverse

from roaming import models
from settlement.models import SettlementPeriod
from tests import factories
from tests.clearinghouse.admin.fixtures import errors_of, page, text_of
from tests.clearinghouse.admin.world import business_time, draft_agreement, member_with
from tests.settlement.sdrs import OCTOBER_5

HOME = reverse("admin:index")


def figures(response):
    return {figure.words: figure for _, column in response.context["columns"] for figure in column}


def test_the_queues_say_how_many_how_old_and_how_much(clerk, world):
    queue = figures(clerk.get(HOME))["SDRs deviating"]
    assert (queue.value, queue.needs_somebody) == ("1", True)
    assert queue.note == "2.00 EUR at stake, oldest 14 days"
    listed = clerk.get(queue.url).context["cl"].result_list
    assert list(listed) == [world.wrong_sdr]


def test_the_switch_s_last_hour_is_counted(clerk, world):
    business_time(OCTOBER_5 + timedelta(minutes=30))
    shown = figures(clerk.get(HOME))
    assert shown["messages answered in the last hour"].value == "1"
    refused = shown["of them refused"]
    assert (refused.value, refused.note) == ("1", "no agreement 1")
    assert list(clerk.get(refused.url).context["cl"].result_list) == [world.entry]


def test_what_waits_for_a_person_leads_to_its_rows(clerk, world):
    draft = draft_agreement(world)
    models.Agreement.objects.filter(pk=draft.pk).update(status="proposed")
    shown = figures(clerk.get(HOME))
    for words, row in (
        ("agreements waiting for acceptance", draft),
        ("bank accounts waiting for a second person", models.BankAccount.objects.get()),
        ("deliveries given up", world.delivery),
    ):
        assert shown[words].value == "1"
        assert shown[words].needs_somebody
        assert list(clerk.get(shown[words].url).context["cl"].result_list) == [row]


def test_the_month_says_who_must_act_next(clerk, world):
    following = world.closing.following()
    assert figures(clerk.get(HOME))["Monthly, Berlin, live: open"].note == "runs"
    business_time(following.period.during.upper)
    assert "draft" in figures(clerk.get(HOME))["Monthly, Berlin, live: open"].note
    following.draft()
    assert "published" in figures(clerk.get(HOME))["Monthly, Berlin, live: draft"].note
    following.publish()
    shown = figures(clerk.get(HOME))["Monthly, Berlin, live: preliminary"]
    assert ("objections until" in shown.note, shown.needs_somebody) == (True, False)
    business_time(SettlementPeriod.objects.get(pk=following.period.pk).objections_until)
    shown = figures(clerk.get(HOME))["Monthly, Berlin, live: preliminary"]
    assert str(following.proposer) in shown.note
    assert shown.needs_somebody


def test_who_may_see_nothing_is_told_so(client, db):
    client.force_login(factories.UserFactory(is_superuser=False))
    response = client.get(HOME)
    assert response.context["columns"] == []
    assert "permission" in text_of(response)


def test_the_first_page_and_the_menu_show_what_one_may_see(client, world):
    client.force_login(member_with("roaming.view_delivery"))
    response = client.get(HOME)
    assert set(figures(response)) == {"deliveries waiting", "deliveries given up"}
    text = text_of(response)
    assert reverse("admin:roaming_delivery_changelist") in text
    assert reverse("admin:roaming_sdr_changelist") not in text


def test_the_business_clock_is_shown_where_it_is_not_the_real_one(clerk, world):
    assert "Clock 2026-11-20 09:00 UTC" in text_of(clerk.get(HOME))
    models.BusinessClock.objects.all().delete()
    assert "Clock 20" not in text_of(clerk.get(HOME))


def test_a_member_of_staff_is_added_and_made_inactive_but_never_deleted(clerk, world):
    model = get_user_model()
    data = {
        "username": "carla",
        "usable_password": "true",
        "password1": "correct horse battery staple",
        "password2": "correct horse battery staple",
    }
    assert clerk.post(page(model, "add"), data).status_code == 302
    made = model.objects.get(username="carla")
    assert made.check_password("correct horse battery staple")
    group = Group.objects.get()
    clerk.post(
        page(made, "change"),
        {"username": "carla", "is_staff": "on", "groups": [group.pk], "email": "c@x.example"},
    )
    made.refresh_from_db()
    assert (made.is_active, made.is_staff, list(made.groups.all())) == (False, True, [group])
    ((_, new_password),) = clerk.get(page(made, "change")).context["page_links"]
    assert clerk.get(new_password).status_code == 200
    assert "argon2" not in text_of(clerk.get(page(made, "change")))
    assert made.password.split("$")[-1][:6] not in text_of(clerk.get(page(made, "change")))
    weak = clerk.post(page(model, "add"), {**data, "username": "dora", "password1": "1"})
    assert "password2" in errors_of(weak)


def test_the_log_in_page_is_shown(client, db):
    assert "Roaming clearing house" in text_of(client.get(reverse("admin:login")))


def test_an_address_that_nobody_knows_is_not_found(clerk):
    assert clerk.get(page(models.Sdr, "changelist") + "no-such-row/change/").status_code in (
        302,
        404,
    )


def test_the_numbers_of_the_switch_lead_to_just_their_rows(clerk, world):
    business_time(OCTOBER_5 + timedelta(minutes=30))
    shown = figures(clerk.get(HOME))
    for words, row in (
        ("messages answered in the last hour", world.entry),
        ("commands of the last 24 hours without a result", models.Command.objects.get()),
    ):
        assert shown[words].value == "1"
        assert list(clerk.get(shown[words].url).context["cl"].result_list) == [row]
    business_time(OCTOBER_5 + timedelta(days=3))
    for words, figure in figures(clerk.get(HOME)).items():
        if words in ("of them refused", "commands of the last 24 hours without a result"):
            assert figure.value == "0"
            assert list(clerk.get(figure.url).context["cl"].result_list) == []
