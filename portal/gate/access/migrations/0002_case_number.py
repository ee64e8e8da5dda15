from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial")]
    operations = [
        migrations.RunSQL("CREATE SEQUENCE access_case_number", "DROP SEQUENCE access_case_number")
    ]
