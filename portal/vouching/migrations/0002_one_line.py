"""What is one line is held to one line; older rows lose what breaks or hides it."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from portal.core.lines import mend_rows

UNSEEN = r"[\u0001-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
CONSTRAINTS = {
    "name": "vouch_request_name_is_one_line",
    "institution": "vouch_request_institution_is_one_line",
}


def mend(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    mend_rows(
        apps.get_model("vouching", "vouchrequest").objects.all(), columns=CONSTRAINTS, unseen=UNSEEN
    )


class Migration(migrations.Migration):
    dependencies = [("vouching", "0001_initial")]

    operations = [
        migrations.RunPython(mend, migrations.RunPython.noop),
        *(
            migrations.AddConstraint(
                "vouchrequest",
                models.CheckConstraint(
                    condition=~models.Q((f"{column}__regex", UNSEEN)), name=name
                ),
            )
            for column, name in CONSTRAINTS.items()
        ),
    ]
