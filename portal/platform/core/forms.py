"""How forms are drawn, and what one brings that writes over something."""

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
"""Any day between them can be reckoned with, in any time zone."""
_BETWEEN: Final = "Choose a day between 1900 and 2999."


class FieldRenderer(TemplatesSetting):
    """Draws `{{ form }}` and `{{ form.field.as_field_group }}` with the site's templates."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"


class FingerprintMixin(Base):
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


class DayField(forms.DateField):
    """A day that is chosen from a calendar, or typed as one."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_validators = [
        MinValueValidator(FIRST_DAY, message=_BETWEEN),
        MaxValueValidator(LAST_DAY, message=_BETWEEN),
    ]
