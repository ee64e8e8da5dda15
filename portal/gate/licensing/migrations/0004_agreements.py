import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import portal.gate.licensing.codes


def give_codes(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    Signature = apps.get_model("licensing", "Signature")
    # The trigger lets nothing change but an erasure; these rows get what newer ones begin with.
    schema_editor.execute("ALTER TABLE licensing_signature DISABLE TRIGGER signature_immutable")
    for pk in Signature.objects.filter(code=None).values_list("pk", flat=True):
        Signature.objects.filter(pk=pk).update(code=portal.gate.licensing.codes.make_code())
    schema_editor.execute("ALTER TABLE licensing_signature ENABLE TRIGGER signature_immutable")


class Migration(migrations.Migration):
    dependencies = [("licensing", "0003_erasable_signers")]
    operations = [
        migrations.AddField(
            model_name="signature",
            name="code",
            field=models.CharField(null=True, max_length=19),
        ),
        migrations.RunPython(give_codes, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="signature",
            name="code",
            field=models.CharField(
                default=portal.gate.licensing.codes.make_code,
                help_text="Who knows it may verify.",
                max_length=19,
                unique=True,
            ),
        ),
        migrations.CreateModel(
            name="IssuedAgreement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("issued_at", models.DateTimeField()),
                (
                    "signature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="issued",
                        to="licensing.signature",
                    ),
                ),
            ],
            options={"ordering": ["issued_at"]},
        ),
    ]
