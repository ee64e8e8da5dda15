"""Applications that lapse, grants that are given back, and steps that nobody made by hand."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0006_told_steps"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="application",
            name="erased_at",
            field=models.DateTimeField(
                blank=True, help_text="When what its applicant wrote was erased.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="application",
            name="state",
            field=models.CharField(
                choices=[
                    ("draft", "Draft"),
                    ("submitted", "Waiting for review"),
                    ("in_review", "In review"),
                    ("returned", "Returned for changes"),
                    ("approved", "Approved"),
                    ("rejected", "Rejected"),
                    ("appealed", "Appealed"),
                    ("withdrawn", "Withdrawn"),
                    ("lapsed", "Closed without an answer"),
                ],
                default="draft",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="grant",
            name="state",
            field=models.CharField(
                choices=[
                    ("active", "Active"),
                    ("suspended", "Suspended"),
                    ("revoked", "Revoked"),
                    ("superseded", "Replaced"),
                    ("void", "Taken back"),
                    ("closed", "Given back"),
                ],
                default="active",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="step",
            name="actor",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="step",
            name="command",
            field=models.CharField(
                choices=[
                    ("submit", "Submitted"),
                    ("withdraw", "Withdrawn"),
                    ("appeal", "Appealed"),
                    ("claim", "Taken up"),
                    ("release", "Laid down"),
                    ("hand_over", "Handed over"),
                    ("return", "Returned for changes"),
                    ("remind", "Reminded"),
                    ("endorse", "Approved by a first reviewer"),
                    ("approve", "Approved"),
                    ("reject", "Rejected"),
                    ("lapse", "Closed without an answer"),
                    ("take_back", "Decision taken back"),
                    ("reopen", "Reopened"),
                    ("suspend", "Suspended"),
                    ("resume", "Resumed"),
                    ("revoke", "Revoked"),
                    ("supersede", "Replaced by a newer grant"),
                    ("halt", "Suspended while its application is open again"),
                    ("end", "Ended with its application"),
                    ("void", "Taken back with its decision"),
                    ("restore", "Restored with its decision taken back"),
                    ("extend", "Extended"),
                    ("give_back", "Given back"),
                ],
                max_length=16,
            ),
        ),
    ]
