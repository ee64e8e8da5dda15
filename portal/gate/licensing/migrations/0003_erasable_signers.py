from django.db import migrations

ERASABLE = """
CREATE FUNCTION gatehouse_signature_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    erased licensing_signature;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        erased := OLD;
        erased.legal_name := 'person-' || OLD.user_id;
        erased.email := 'person-' || OLD.user_id || '@erased.invalid';
        erased.entity_name := CASE WHEN OLD.entity_name = '' THEN '' ELSE 'erased' END;
        erased.ip := NULL;
        IF NEW IS NOT DISTINCT FROM erased THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END;
$$;
DROP TRIGGER signature_immutable ON licensing_signature;
CREATE TRIGGER signature_immutable BEFORE UPDATE OR DELETE ON licensing_signature
    FOR EACH ROW EXECUTE FUNCTION gatehouse_signature_change();
"""

IMMUTABLE = """
DROP TRIGGER signature_immutable ON licensing_signature;
CREATE TRIGGER signature_immutable BEFORE UPDATE OR DELETE ON licensing_signature
    FOR EACH ROW EXECUTE FUNCTION gatehouse_forbid_change();
DROP FUNCTION gatehouse_signature_change();
"""


class Migration(migrations.Migration):
    dependencies = [("licensing", "0002_immutable")]
    operations = [migrations.RunSQL(ERASABLE, IMMUTABLE)]
