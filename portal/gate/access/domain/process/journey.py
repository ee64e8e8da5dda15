"""The stages from an account to a running model, and the one that a person has reached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.db.models import Max, QuerySet
from django.urls import reverse
from django.utils import timezone

from portal.gate.access.domain.decide import NextStep, usable_models
from portal.gate.access.domain.workflow.working_days import add_working_days
from portal.gate.access.enums import (
    HELD_STATES,
    REVIEW_STATES,
    ApplicationState,
    Capability,
    GrantState,
)
from portal.gate.access.models import Application, Grant
from portal.gate.catalog.models import Release
from portal.gate.licensing.domain.signing import standing
from portal.gate.licensing.enums import Standing
from portal.gate.licensing.models import Licence
from portal.platform.accounts.domain.identity import is_email_verified
from portal.platform.accounts.models import User

DEFAULT_REVIEW_DAYS = 5
APPLY = "Apply"


class StageState(StrEnum):
    """`CURRENT` waits for the person, `WAITING` for someone else."""

    DONE = "done"
    CURRENT = "current"
    WAITING = "waiting"
    TODO = "todo"
    STOPPED = "stopped"


ACTIVE = (StageState.CURRENT, StageState.WAITING, StageState.STOPPED)


@dataclass(frozen=True)
class Stage:
    """One stage, with what to do there."""

    title: str
    state: StageState
    text: str
    steps: tuple[NextStep, ...] = ()


@dataclass(frozen=True)
class Journey:
    """All stages; `current` is the one that needs action now."""

    stages: tuple[Stage, ...]

    @property
    def current(self) -> Stage:
        return next((stage for stage in self.stages if stage.state in ACTIVE), self.stages[-1])


def plan_journey(user: User, *, at: datetime) -> Journey:
    """The person's stages; exactly one is marked as the one to act on."""
    application = Application.objects.newest_of(user)
    has_grant = _held_grants(user, at=at).exists()
    stages = [
        _email_stage(user),
        _licence_stage(user, application, at=at),
        _apply_stage(application, has_grant=has_grant, at=at),
        _review_stage(application, has_grant=has_grant, at=at),
        _use_stage(user, at=at),
    ]
    return Journey(tuple(_close_later_stages(stages)))


def expected_by(application: Application) -> datetime | None:
    """When most applications like this one are decided; None unless it is in review."""
    told = application.visible_state(at=timezone.now())
    if told not in REVIEW_STATES or application.submitted_at is None:
        return None
    return add_working_days(application.submitted_at, review_days(application))


def review_days(application: Application | None = None) -> int:
    """The longest time promised by the releases concerned, in working days."""
    releases = Release.objects.all()
    if application is not None and application.models_wanted.exists():
        releases = releases.filter(models__applications=application)
    longest: int | None = releases.aggregate(longest=Max("review_days"))["longest"]
    return longest or DEFAULT_REVIEW_DAYS


def _held_grants(user: User, *, at: datetime) -> QuerySet[Grant]:
    """Grants that have begun and have not ended, including suspended ones."""
    return Grant.objects.filter(user=user, state__in=HELD_STATES, starts_at__lte=at, ends_at__gt=at)


def _close_later_stages(stages: list[Stage]) -> list[Stage]:
    """Leave only the first unfinished stage open; the later ones become `TODO`."""
    closed: list[Stage] = []
    is_open = False
    for stage in stages:
        is_later = is_open and stage.state in (StageState.CURRENT, StageState.STOPPED)
        closed.append(replace(stage, state=StageState.TODO, steps=()) if is_later else stage)
        is_open = is_open or stage.state in ACTIVE
    return closed


def _email_stage(user: User) -> Stage:
    title = "Confirm your e-mail address"
    if is_email_verified(user):
        return Stage(title, StageState.DONE, f"{user.email} is confirmed.")
    return Stage(
        title,
        StageState.CURRENT,
        f"A link was sent to {user.email}. Open it, or request a new one.",
        (NextStep("Confirm your address", reverse("account_email")),),
    )


def _licence_stage(user: User, application: Application | None, *, at: datetime) -> Stage:
    standings = [
        (licence, standing(user, licence, at=at)) for licence in _licences_for(application)
    ]
    missing = [(licence, how) for licence, how in standings if how != Standing.SIGNED]
    title = "Read and sign the licence"
    if standings and not missing:
        return Stage(title, StageState.DONE, "Signed. Your signed copies are kept for you.")
    is_outdated = any(how == Standing.OUTDATED for _, how in missing)
    return Stage(
        title,
        StageState.CURRENT,
        "The licence has changed since you signed it. Read and sign the new version."
        if is_outdated
        else "The licence says what you may do with the models. You sign it with your legal name.",
        tuple(
            NextStep(
                f"Read and sign {licence.name}", reverse("licensing:sign", args=[licence.slug])
            )
            for licence, _ in missing
        ),
    )


def _licences_for(application: Application | None) -> list[Licence]:
    """The licences of the models asked for; before any is chosen, those of all releases."""
    licences = Licence.objects.filter(releases__isnull=False).order_by("slug").distinct()
    if application is None:
        return list(licences)
    chosen = application.draft.get("models_wanted") or []
    asked = licences.filter(releases__models__slug__in=chosen)
    return list(asked) or list(licences)


def _apply_stage(application: Application | None, *, has_grant: bool, at: datetime) -> Stage:
    match application.visible_state(at=at) if application else None:
        case ApplicationState.SUBMITTED | ApplicationState.IN_REVIEW:
            return Stage(APPLY, StageState.DONE, "Submitted.")
        case ApplicationState.APPEALED:
            return Stage(APPLY, StageState.DONE, "Submitted. You appealed against the refusal.")
        case ApplicationState.RETURNED:
            return _to_apply(
                "A reviewer asked for changes. Read the notes, change your application, and "
                "submit it again.",
                "Change your application",
            )
        case ApplicationState.DRAFT if has_grant:
            return Stage(APPLY, StageState.DONE, "You have started another application.")
        case _ if has_grant:
            return Stage(APPLY, StageState.DONE, "Approved.")
        case ApplicationState.DRAFT:
            return _to_apply("Your draft is saved. Finish it and submit it.", "Continue your draft")
        case ApplicationState.REJECTED:
            return _to_apply(
                "Your last application was not approved. You may appeal once, or answer the "
                "reason in a new application.",
                "Apply again",
            )
        case ApplicationState.LAPSED:
            return _to_apply(
                "Your last application was closed because you did not answer. A new one starts "
                "with your last answers.",
                "Apply again",
            )
        case ApplicationState.APPROVED:
            return _to_apply(
                "Your access has ended. A new application starts with your last answers.",
                "Apply again",
            )
        case _:
            return _to_apply(
                "Say who you are, what you want to find out, and with which models.",
                "Apply for access",
            )


def _to_apply(text: str, label: str) -> Stage:
    return Stage(APPLY, StageState.CURRENT, text, (NextStep(label, reverse("access:apply")),))


def _review_stage(application: Application | None, *, has_grant: bool, at: datetime) -> Stage:
    title = "Review"
    if application and application.visible_state(at=at) in REVIEW_STATES:
        due = expected_by(application)
        when = f" Most are decided by {due:%d %B %Y}." if due else ""
        return Stage(title, StageState.WAITING, f"Your application is with the reviewers.{when}")
    if has_grant:
        return Stage(title, StageState.DONE, "A reviewer has approved your access.")
    days = review_days(application)
    return Stage(
        title,
        StageState.TODO,
        f"A reviewer decides, usually within {days} working days. You get a mail at each step.",
    )


def _use_stage(user: User, *, at: datetime) -> Stage:
    title = "Use the models"
    models = usable_models(user, Capability.PLAYGROUND, at)
    if names := [model.name for model in models]:
        return Stage(
            title,
            StageState.CURRENT,
            f"Open to you in the playground: {', '.join(names)}.",
            (NextStep("Open the playground", reverse("playground:editor")),),
        )
    held = _held_grants(user, at=at)
    if held.filter(state=GrantState.SUSPENDED).exists():
        return Stage(title, StageState.STOPPED, "Your access is suspended. The reason is below.")
    if held.exists():
        return Stage(
            title,
            StageState.STOPPED,
            "None of the models that you have access to is open in the playground now.",
            (NextStep("See which models are live", reverse("catalog:models")),),
        )
    return Stage(title, StageState.TODO, "Try prompts in the playground.")
