"""How forms are rendered, and the fingerprint in forms that overwrite something."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.forms.renderers import TemplatesSetting

from portal.platform.core.fingerprints import fingerprint

if TYPE_CHECKING:
    Base = forms.BaseForm
else:
    Base = object

FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2999, 12, 31)
"""Days between them are safe for arithmetic in any time zone."""
_BETWEEN: Final = "Choose a day between 1900 and 2999."


class FieldRenderer(TemplatesSetting):
    """Renders `{{ form }}` and `{{ form.field.as_field_group }}` with the site's templates."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"


class FingerprintMixin(Base):
    """A form that overwrites a saved value: it carries the fingerprint of what its reader saw.

    `cleaned_data["seen"]` is the fingerprint that was sent, for the domain's comparison. After a
    refusal the form carries the current one, because its reader has seen the change.
    """

    def __init__(self, *args: Any, saved: object, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen"] = forms.CharField(
            required=False,
            # So that the field always shows `initial`, never what was sent.
            disabled=True,
            initial=fingerprint(saved),
            widget=forms.HiddenInput,
        )

    def clean_seen(self) -> str | None:
        """The fingerprint as it was sent; None from a program that sends none."""
        sent = self.data.get(self.add_prefix("seen"))
        return None if sent is None else str(sent)


class DayField(forms.DateField):
    """A day, chosen from a calendar or typed."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_validators = [
        MinValueValidator(FIRST_DAY, message=_BETWEEN),
        MaxValueValidator(LAST_DAY, message=_BETWEEN),
    ]
