"""Forms about people."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest

from portal.platform.accounts.models import User
from portal.platform.core.forms import FingerprintMixin

NAME_HELP = "As colleagues would cite you. Reviewers see it."


class SignupForm(forms.Form):
    """What sign-up asks beside e-mail and password."""

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
    """Change one's own name."""

    class Meta:
        model = User
        fields = ["name"]
        labels = {"name": "Full name"}
        help_texts = {"name": f"{NAME_HELP} What you have signed keeps the name you signed with."}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}
