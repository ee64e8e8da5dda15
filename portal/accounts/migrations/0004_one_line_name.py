"""What is one line is held to one line; older rows lose what breaks or hides it."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from portal.core.lines import mend_rows, validate_name

UNSEEN = r"[\u0001-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
CONSTRAINTS = {
    "name": "user_name_is_one_line",
}


def mend(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    mend_rows(apps.get_model("accounts", "user").objects.all(), columns=CONSTRAINTS, unseen=UNSEEN)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_addresses_in_ascii")]

    operations = [
        migrations.AlterField(
            "user",
            "name",
            models.CharField("full name", max_length=200, validators=[validate_name]),
        ),
        migrations.RunPython(mend, migrations.RunPython.noop),
        *(
            migrations.AddConstraint(
                "user",
                models.CheckConstraint(
                    condition=~models.Q((f"{column}__regex", UNSEEN)), name=name
                ),
            )
            for column, name in CONSTRAINTS.items()
        ),
    ]
