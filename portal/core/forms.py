"""How forms are drawn, and what one brings that writes over something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.forms.renderers import TemplatesSetting

from portal.core.seen import fingerprint

if TYPE_CHECKING:
    Base = forms.BaseForm
else:
    Base = object


class FieldRenderer(TemplatesSetting):
    """Draws `{{ form }}` and `{{ form.field.as_field_group }}` with the site's templates."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"


class SeenMixin(Base):
    """A form that writes over what is there: it says what its reader saw of that.

    `cleaned_data["seen"]` is what was sent, for the domain's comparison; the form that comes
    back after a refusal carries what is there now, because its reader has been told.
    """

    def __init__(self, *args: Any, saved: object, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen"] = forms.CharField(
            required=False,
            # What is drawn is never what was sent.
            disabled=True,
            initial=fingerprint(saved),
            widget=forms.HiddenInput,
        )

    def clean_seen(self) -> str | None:
        """As it was sent; None from a program that sends none."""
        sent = self.data.get(self.add_prefix("seen"))
        return None if sent is None else str(sent)
