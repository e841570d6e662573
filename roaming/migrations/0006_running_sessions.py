"""Running sessions: bodies apart from facts, closings by hand, tariffs per home-CSP."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("roaming", "0005_deliveries_replaced"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ChargePlanBody",
            fields=[
                (
                    "step",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="body",
                        serialize=False,
                        to="roaming.chargeplan",
                    ),
                ),
                (
                    "wishes",
                    models.TextField(blank=True, help_text="The JSON as the home-CSP sent it."),
                ),
                (
                    "plan",
                    models.TextField(blank=True, help_text="The JSON as the visited-CSO sent it."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ChargingUpdateBody",
            fields=[
                (
                    "update",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="body",
                        serialize=False,
                        to="roaming.chargingupdate",
                    ),
                ),
                ("content", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="ConnectorTariffs",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "tariff_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=36), default=list, size=None
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SessionClosing",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "from_state",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("refused", "Refused"),
                            ("reserved", "Reserved"),
                            ("authorised", "Authorised"),
                            ("active", "Active"),
                            ("completed", "Completed"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "to_state",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("refused", "Refused"),
                            ("reserved", "Reserved"),
                            ("authorised", "Authorised"),
                            ("active", "Active"),
                            ("completed", "Completed"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.RemoveField(
            model_name="chargeplan",
            name="plan",
        ),
        migrations.RemoveField(
            model_name="chargeplan",
            name="wishes",
        ),
        migrations.AddField(
            model_name="chargeplan",
            name="has_plan",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="servicesession",
            name="sdr_accounted_for",
            field=models.BooleanField(
                default=False, help_text="Its SDR has come, or staff gave it up."
            ),
        ),
        migrations.AddField(
            model_name="servicesession",
            name="closed_by_hand_at",
            field=models.DateTimeField(
                help_text="Closed by staff for want of news; empty again once news came.", null=True
            ),
        ),
        migrations.AddField(
            model_name="tariffversion",
            name="on_request",
            field=models.BooleanField(
                default=False,
                help_text="Told to the one home-CSP that asked (UC2-2); counts as if told to all.",
            ),
        ),
        migrations.AlterField(
            model_name="chargeplan",
            name="stamped_at",
            field=models.DateTimeField(help_text="Of a plan the CSO's own time stamp."),
        ),
        migrations.AddIndex(
            model_name="servicesession",
            index=models.Index(
                condition=models.Q(("sdr_accounted_for", False), ("state", "completed")),
                fields=["-id"],
                name="session_awaits_sdr",
            ),
        ),
        migrations.AddField(
            model_name="connectortariffs",
            name="connector",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="individual_tariffs",
                to="roaming.connector",
            ),
        ),
        migrations.AddField(
            model_name="connectortariffs",
            name="home_csp",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="roaming.operatoridentifier",
            ),
        ),
        migrations.AddField(
            model_name="sessionclosing",
            name="closed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="sessionclosing",
            name="session",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="closings",
                to="roaming.servicesession",
            ),
        ),
        migrations.AddConstraint(
            model_name="connectortariffs",
            constraint=models.UniqueConstraint(
                fields=("connector", "home_csp"), name="connector_tariffs_once_per_csp"
            ),
        ),
        migrations.RunSQL(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON roaming_sessionclosing FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()",
            "DROP TRIGGER append_only ON roaming_sessionclosing",
        ),
    ]
