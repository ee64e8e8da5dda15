import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("keys", "0003_weights"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DeviceLogin",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "device_digest",
                    models.CharField(
                        help_text="SHA-256 of the program's own code.", max_length=64, unique=True
                    ),
                ),
                (
                    "user_code",
                    models.CharField(
                        help_text="What the person types; it gives the program nothing.",
                        max_length=8,
                        unique=True,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting for an answer"),
                            ("approved", "Allowed"),
                            ("denied", "Denied"),
                            ("used", "Used"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                (
                    "address",
                    models.GenericIPAddressField(help_text="From where it was asked.", null=True),
                ),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("polled_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        help_text="Who has answered.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state", "pending"), ("user", None))
                        | models.Q(
                            models.Q(("state", "pending"), _negated=True),
                            ("user__isnull", False),
                        ),
                        name="login_has_answer_and_person",
                    )
                ],
            },
        ),
    ]
