"""No table that holds words or ids of a person is forgotten by the erasing of them (5.4.3)."""

import re

import pytest
from django.apps import apps
from django.db import connection
from django.db import models as fields
from django.utils import timezone

from roaming import models
from roaming.models import erasing
from roaming.use_cases.erasure import erase_holder_of
from tests.roaming.api.remote import EMERGENCY

# Texts that speak of things and prices; whoever adds one here says why it can name nobody.
IMPERSONAL = {
    "roaming_site": "a place",
    "roaming_tariffversion": "prices",
    "roaming_outage": "what is broken, and until when",
    "roaming_sdr": "the rated part: times, quantities, prices",
}
BY_AGE = " ".join([*erasing._OLD_MESSAGES.values(), *erasing._OLD_BUSINESS.values()])
OF_A_PERSON = " ".join(erasing._OF_A_PERSON.values())
# Written by people in free words, on rows that stay.
FREE_WORDS = {"roaming_command": ("requested_by", "why", "note")}


def holders_of_bodies():
    """Every table whose model says that it is erasable, or that keeps a text of any length."""
    for model in apps.get_app_config("roaming").get_models():
        if model._meta.proxy or "pghistory" in str(model.__mro__):
            continue
        erasable = (model.__doc__ or "").startswith("Erasable")
        texts = [f.name for f in model._meta.local_fields if isinstance(f, fields.TextField)]
        if erasable or texts or model is models.GivenAnswer:
            yield model._meta.db_table


TABLES = sorted(set(holders_of_bodies()) - set(IMPERSONAL))


def test_the_tables_are_found():
    assert {"roaming_journalbody", "roaming_sdroriginal", "roaming_delivery"} <= set(TABLES)
    assert len(TABLES) >= 8
    assert set(IMPERSONAL) <= set(holders_of_bodies())


@pytest.mark.parametrize("table", [*TABLES, *FREE_WORDS])
def test_it_is_erased_by_age_and_of_a_person(table):
    for statements in (BY_AGE, OF_A_PERSON):
        assert re.search(rf"\b(DELETE FROM|UPDATE) {table}\b", statements)


@pytest.mark.parametrize(("table", "columns"), FREE_WORDS.items())
def test_words_on_rows_that_stay_are_emptied(table, columns):
    for statements in (BY_AGE, OF_A_PERSON):
        (found,) = [part for part in statements.split("UPDATE ") if part.startswith(table)]
        assert all(f"{column} = ''" in found for column in columns)


def test_the_words_on_the_commands_of_a_person_go_with_the_person(remote, now):
    started = remote.started()
    unlocking = remote.post(
        f"service-sessions/{started['service_session_id']}/unlock",
        {**EMERGENCY, "requested_by": "Erika Example"},
    ).json()
    remote.result(unlocking["command_id"], "FAILED", note="Call Erika Example")
    models.ServiceSession.objects.update(state="completed")
    assert "Erika" in everything()
    assert erase_holder_of("DE-HOM-C12345678", timezone.now())["words of commands"] == 1
    assert "Erika" not in everything()
    row = models.Command.objects.get(pk=unlocking["command_id"])
    assert (row.state, row.use_case) == ("failed", "UC5-2")


def test_of_a_session_that_runs_the_words_stay(remote):
    started = remote.started()
    address = f"service-sessions/{started['service_session_id']}/unlock"
    remote.post(address, {**EMERGENCY, "requested_by": "Erika Example"})
    assert erase_holder_of("DE-HOM-C12345678", timezone.now())["words of commands"] == 0


def everything() -> str:
    """All rows of all tables of the switch, as text."""
    tables = {model._meta.db_table for model in apps.get_app_config("roaming").get_models()}
    found = []
    with connection.cursor() as cursor:
        for table in sorted(tables):
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t")
            found += [row[0] for row in cursor.fetchall()]
    return " ".join(found)
