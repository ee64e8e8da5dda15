"""How forms are drawn: one field template for the whole site."""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting


class FieldRenderer(TemplatesSetting):
    """Draws `{{ form }}` and `{{ form.field.as_field_group }}` with the site's templates."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
