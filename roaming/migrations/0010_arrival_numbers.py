"""Arrival numbers are given when a receiver fetches, to what is committed then."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("roaming", "0009_contract_search"),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE roaming_delivery_arrival_seq",
            "DROP SEQUENCE roaming_delivery_arrival_seq",
        ),
        migrations.RemoveIndex(
            model_name="delivery",
            name="roaming_del_receive_b80335_idx",
        ),
        migrations.RemoveField(
            model_name="delivery",
            name="written_in",
        ),
        migrations.AddField(
            model_name="delivery",
            name="arrival",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("arrival__isnull", True)),
                fields=["receiver", "id"],
                name="delivery_not_numbered",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("arrival__isnull", False)),
                fields=["receiver", "arrival"],
                name="delivery_arrival",
            ),
        ),
    ]
