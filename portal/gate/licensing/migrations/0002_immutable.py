from django.db import migrations

FORBID = """
CREATE TRIGGER licence_version_immutable BEFORE UPDATE OR DELETE ON licensing_licenceversion
    FOR EACH ROW EXECUTE FUNCTION gatehouse_forbid_change();
CREATE TRIGGER signature_immutable BEFORE UPDATE OR DELETE ON licensing_signature
    FOR EACH ROW EXECUTE FUNCTION gatehouse_forbid_change();
"""

ALLOW = """
DROP TRIGGER signature_immutable ON licensing_signature;
DROP TRIGGER licence_version_immutable ON licensing_licenceversion;
"""


class Migration(migrations.Migration):
    dependencies = [("licensing", "0001_initial"), ("audit", "0002_append_only")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]
