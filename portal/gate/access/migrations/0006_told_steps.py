"""The outbox knows what was sent; a step keeps when its applicant was told."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("access", "0005_grant_limits")]

    operations = [
        migrations.RemoveIndex(model_name="step", name="access_step_unmailed"),
        migrations.RemoveField(model_name="step", name="announced_at"),
        migrations.RenameField(model_name="step", old_name="mailed_at", new_name="told_at"),
    ]
