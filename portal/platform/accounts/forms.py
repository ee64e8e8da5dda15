"""Forms about people."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest

from portal.platform.accounts.models import User
from portal.platform.core.forms import FingerprintMixin

NAME_HELP = "As colleagues cite you. Reviewers see it."


class SignupForm(forms.Form):
    """The fields of sign-up beside e-mail address and password."""

    name = forms.CharField(
        label="Full name",
        max_length=200,
        help_text=NAME_HELP,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )

    field_order = ["name", "email", "password1", "password2"]

    def signup(self, _request: HttpRequest, user: User) -> None:
        """Called by allauth once the account exists."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])


class NameForm(FingerprintMixin, forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Change of a person's own name."""

    class Meta:
        model = User
        fields = ["name"]
        labels = {"name": "Full name"}
        help_texts = {"name": f"{NAME_HELP} Documents that you have signed keep your old name."}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}
