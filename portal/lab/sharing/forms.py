"""The form that makes a link to a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from portal.gate.teams.models import Team
from portal.lab.sharing.domain.listing import describe_team
from portal.lab.sharing.domain.reading import teams_now
from portal.lab.sharing.enums import Audience, Life
from portal.platform.accounts.models import User
from portal.platform.core.page_forms import PageForm


class ShareForm(PageForm):
    """Who may read the run, for how long, and what they see first."""

    audience = forms.ChoiceField(
        label="Who may read it",
        help_text="Readers sign in, and see your name. The link alone is not enough.",
        error_messages={"required": "Choose who may read the run."},
    )
    life = forms.TypedChoiceField(
        label="The link works for",
        coerce=lambda value: Life(int(value)),
        choices=Life.choices,
        initial=Life.WEEK,
        help_text="It ends sooner if you revoke it, delete the run or lose access to the model.",
    )
    notice = forms.CharField(
        label="Note for readers",
        required=False,
        max_length=200,
        help_text="A line above the text, such as what it shows.",
    )
    is_sensitive = forms.BooleanField(
        label="May contain offensive text",
        required=False,
        help_text="The text is folded until a reader chooses to see it.",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        """The person's teams are among the choices."""
        super().__init__(*args, **kwargs)
        self._teams: Mapping[str, Team] = {f"team-{team.pk}": team for team in teams_now(user)}
        self.fields["audience"].choices = [  # type: ignore[attr-defined]
            (Audience.ME.value, Audience.ME.label),
            *((key, describe_team(team)) for key, team in self._teams.items()),
            (Audience.LICENCE_HOLDERS.value, Audience.LICENCE_HOLDERS.label),
        ]

    def to_terms(self) -> dict[str, Any]:
        """The arguments of `create_link` that a valid form gives."""
        terms = dict(self.cleaned_data)
        team = self._teams.get(terms["audience"])
        audience = Audience.TEAM if team else Audience(terms["audience"])
        return {**terms, "audience": audience, "team": team}
