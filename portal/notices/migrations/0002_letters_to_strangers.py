"""Who had a letter to a stranger sent, so that letters can be counted."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    dependencies = [
        ("notices", "0001_outbox"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="notice",
            name="sender",
            field=models.ForeignKey(
                help_text="Who had a letter to somebody without an account sent.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("sender__isnull", False)),
                fields=["sender", "created_at"],
                name="notice_of_sender",
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                Upper("address"),
                models.F("created_at"),
                condition=models.Q(("recipient__isnull", True)),
                name="notice_to_stranger",
            ),
        ),
    ]
