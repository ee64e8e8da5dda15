"""Addresses with other letters than ASCII get the one spelling that is looked for since."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from portal.platform.core.domain_names import canonical_address


def spell_in_ascii(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Where that is another account's address already, the row stays as it is."""
    for model in (apps.get_model("accounts", "User"), apps.get_model("account", "EmailAddress")):
        for pk, email in model.objects.filter(email__regex=r"[^\x01-\x7f]").values_list(
            "pk", "email"
        ):
            try:
                spelling = canonical_address(email)
            except ValueError:
                continue
            if not model.objects.filter(email__iexact=spelling).exists():
                model.objects.filter(pk=pk).update(email=spelling)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_auditors"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunPython(spell_in_ascii, migrations.RunPython.noop)]
