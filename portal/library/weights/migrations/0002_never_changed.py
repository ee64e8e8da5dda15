from django.db import migrations

FORBID = """
CREATE TRIGGER weights_revision_never_changed BEFORE UPDATE OR DELETE ON weights_revision
    FOR EACH ROW EXECUTE FUNCTION gatehouse_forbid_change();
CREATE TRIGGER weights_file_never_changed BEFORE UPDATE OR DELETE ON weights_file
    FOR EACH ROW EXECUTE FUNCTION gatehouse_forbid_change();
"""

ALLOW = """
DROP TRIGGER weights_file_never_changed ON weights_file;
DROP TRIGGER weights_revision_never_changed ON weights_revision;
"""


class Migration(migrations.Migration):
    dependencies = [("weights", "0001_initial"), ("audit", "0002_append_only")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]
