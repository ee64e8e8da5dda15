"""What a visitor can do next to use a model, as far as the catalog knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.contrib.humanize.templatetags.humanize import apnumber
from django.urls import reverse

from portal.gate.catalog.enums import Tier
from portal.gate.catalog.models import HostedModel
from portal.gate.licensing.domain.signing import standing
from portal.gate.licensing.enums import Standing
from portal.platform.accounts.models import User


@dataclass(frozen=True)
class Step:
    """One step on the way to a model. At most one step of a list `is_next`."""

    title: str
    text: str
    label: str
    url: str
    is_done: bool = False
    is_next: bool = False


def list_steps(visitor: User | AnonymousUser, model: HostedModel, *, at: datetime) -> list[Step]:
    """The steps to a first prompt, with the visitor's place among them.

    The access page shows the state of an application: the step that leads there is never
    marked as done here.
    """
    is_known = isinstance(visitor, User)
    licence = model.release.licence
    how = standing(visitor, licence, at=at) if isinstance(visitor, User) else Standing.UNSIGNED
    account = Step(
        title="Create an account",
        text="With your e-mail address, which you confirm once.",
        label="Create an account",
        url=reverse("account_signup"),
        is_done=is_known,
        is_next=not is_known,
    )
    sign = Step(
        title="Read and sign the licence",
        text="It has changed since you signed it."
        if how == Standing.OUTDATED
        else f"The {licence.name}. You keep a copy.",
        label="Read and sign",
        url=reverse("licensing:sign", args=[licence.slug]),
        is_done=how == Standing.SIGNED,
        is_next=is_known and how != Standing.SIGNED,
    )
    is_ready = is_known and how == Standing.SIGNED
    return [account, sign, _last_step(model, is_ready=is_ready)]


def _last_step(model: HostedModel, *, is_ready: bool) -> Step:
    if model.tier == Tier.SIGNATURE:
        return Step(
            title="Try it",
            text="The signature opens this model; no application is needed.",
            label="Open the playground",
            url=reverse("playground:editor"),
            is_next=is_ready,
        )
    reviewers = "Two reviewers decide" if model.tier == Tier.TWO_REVIEWERS else "A reviewer decides"
    return Step(
        title="Apply",
        text=f"{reviewers}, usually within {apnumber(model.release.review_days)} working days. "
        "Your access page shows the status.",
        label="Go to your access page",
        url=reverse("access:status"),
        is_next=is_ready,
    )
