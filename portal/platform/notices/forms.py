"""The form for mail settings."""

from __future__ import annotations

from django import forms

from portal.platform.core.forms import FingerprintMixin
from portal.platform.notices.models import MailPreference


class MailPreferenceForm(FingerprintMixin, forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """The choice of one mail a day instead of one for every application."""

    class Meta:
        model = MailPreference
        fields = ["is_digest"]
        labels = {"is_digest": "Send me one mail a day about review work"}
        help_texts = {"is_digest": "Every notice still appears here immediately."}
