"""The queue page and its filters with many applications, measured with Django's test client.

python -m benchmarks.console_pages [--applications N] [--events N] [--rounds N]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from random import Random

import django

django.setup()

from django.core.management import call_command  # noqa: E402 -- after the settings are read
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.table import render  # noqa: E402
from portal.gate.access.enums import ApplicationState, Capability, Command, Sector  # noqa: E402
from portal.gate.access.models import Application, Ruling, Step  # noqa: E402
from portal.gate.catalog.models import HostedModel  # noqa: E402
from portal.platform.accounts.models import User  # noqa: E402
from portal.platform.audit.domain.record import GENESIS, chain_hash  # noqa: E402
from portal.platform.audit.enums import AuditTag  # noqa: E402
from portal.platform.audit.models import AuditEvent  # noqa: E402

TARGET_MS = 200.0
STATES = (
    *[ApplicationState.SUBMITTED] * 3,
    *[ApplicationState.IN_REVIEW] * 2,
    ApplicationState.RETURNED,
    *[ApplicationState.APPROVED] * 10,
    *[ApplicationState.REJECTED] * 3,
    ApplicationState.WITHDRAWN,
)
COUNTRIES = ("AR", "BR", "CH", "DE", "FR", "GB", "IN", "JP", "KE", "NL", "NO", "US")
RULED = {
    ApplicationState.APPROVED: Command.APPROVE,
    ApplicationState.REJECTED: Command.REJECT,
    ApplicationState.RETURNED: Command.RETURN,
}


def main() -> int:
    """Seed, measure and print one table; returns 1 if a median is above the target."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console")
    parser.add_argument("--applications", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    call_command("load_release", verbosity=0, stdout=StringIO())
    reviewer = seed(applications=options.applications, events=options.events)
    client = Client()
    client.force_login(reviewer)
    rows = [measure(client, name, path, rounds=options.rounds) for name, path in pages().items()]
    print(f"{Application.objects.count():,} applications, {AuditEvent.objects.count():,} events\n")
    header = ("page", "median, ms", "slowest, ms", "queries", "target, ms")
    print(render(header, [row[:-1] for row in rows]))
    return 1 if any(row[-1] == "over" for row in rows) else 0


def pages() -> dict[str, str]:
    """The queue page without options, and with each filter and order."""
    model = HostedModel.objects.order_by("pk")[0].slug
    newest = Application.objects.order_by("-pk")[0].case_number
    return {
        "queue": "/console/",
        "every state": "/console/?state=all",
        "last page of every state": "/console/?state=all&page=last",
        "approved": "/console/?state=approved",
        "not claimed": "/console/?claim=free",
        "claimed by me": "/console/?claim=mine",
        "one model": f"/console/?state=all&model={model}",
        "one country": "/console/?state=all&country=KE",
        "by name": "/console/?state=all&order=name",
        "by country": "/console/?state=all&order=country",
        "newest first": "/console/?state=all&order=newest",
        "words, many hits": "/console/?state=all&q=university",
        "words, one hit": f"/console/?state=all&q={newest}",
        "words, no hit": "/console/?state=all&q=nowhere-at-all",
        "one application": f"/console/applications/{newest}/",
        "metrics of 90 days": "/console/metrics/",
        "metrics of five years": "/console/metrics/?period=1825",
    }


def measure(client: Client, name: str, path: str, *, rounds: int) -> tuple[str, ...]:
    """Milliseconds from request to rendered response, after one warm-up round."""
    with CaptureQueriesContext(connection) as queries:
        response = client.get(path)
    asked = len(queries)  # The next request empties the log.
    if response.status_code != 200:
        raise SystemExit(f"{path} returned status {response.status_code}")
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        client.get(path)
        taken.append((time.perf_counter() - began) * 1000)
    median = statistics.median(taken)
    verdict = "over" if median > TARGET_MS else "kept"
    return (
        name,
        f"{median:.0f}",
        f"{max(taken):.0f}",
        str(asked),
        f"{TARGET_MS:.0f}",
        verdict,
    )


def seed(*, applications: int, events: int) -> User:
    """Create a history: people, applications, steps, rulings and a complete audit chain."""
    chance = Random(1843)
    now = timezone.now()
    reviewers = [
        User.objects.create_user(f"reviewer{n}@example.org", name=f"Reviewer {n}", is_reviewer=True)
        for n in range(5)
    ]
    people = User.objects.bulk_create(
        User(email=f"person{n}@example.org", name=f"Person {n}", password="!")
        for n in range(applications)
    )
    rows = Application.objects.bulk_create(
        _application(n, person, reviewers, chance, now) for n, person in enumerate(people)
    )
    models = list(HostedModel.objects.all())
    wanted = Application.models_wanted.through
    wanted.objects.bulk_create(
        wanted(application_id=row.pk, hostedmodel_id=model.pk)
        for row in rows
        for model in chance.sample(models, k=chance.randint(1, 3))
    )
    _seed_steps(rows, reviewers, chance)
    AuditEvent.objects.bulk_create(_events(rows, events, now), batch_size=5000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return reviewers[0]


def _application(
    number: int, person: User, reviewers: list[User], chance: Random, now: datetime
) -> Application:
    state = chance.choice(STATES)
    submitted_at = now - timedelta(hours=chance.uniform(1, 24 * 400))
    decided_at = submitted_at + timedelta(hours=40 + chance.expovariate(1 / 30))
    is_claimed = state == ApplicationState.IN_REVIEW and chance.random() < 0.7
    return Application(
        applicant=person,
        state=state,
        case_number=f"GH-2026-{number:05d}",
        affiliation=f"University {number % 400}",
        position="Researcher",
        sector=chance.choice(Sector.values),
        country=chance.choice(COUNTRIES),
        homepage="https://people.example.org/",
        intended_use="How calibration changes with scale. " * 8,
        capabilities=[Capability.PLAYGROUND],
        data_handling="On an encrypted disk.",
        others_with_access="Nobody.",
        applicant_name=person.name,
        applicant_email=person.email,
        submitted_at=submitted_at,
        decided_at=decided_at if state in RULED else None,
        effective_at=decided_at + timedelta(minutes=10) if state in RULED else None,
        claimed_by=chance.choice(reviewers) if is_claimed else None,
        claim_ends_at=now + timedelta(hours=12) if is_claimed else None,
    )


def _seed_steps(rows: list[Application], reviewers: list[User], chance: Random) -> None:
    Step.objects.bulk_create(
        Step(
            application=row,
            command=Command.SUBMIT,
            actor_id=row.applicant_id,
            at=row.submitted_at or row.created_at,
            told_at=row.submitted_at,
        )
        for row in rows
    )
    Step.objects.bulk_create(
        Step(
            application=row,
            command=Command.CLAIM,
            actor=row.claimed_by or chance.choice(reviewers),
            at=(row.submitted_at or row.created_at) + timedelta(hours=chance.uniform(0, 40)),
        )
        for row in rows
        if row.state in RULED or row.claimed_by
    )
    ruled = [(row, RULED[ApplicationState(row.state)]) for row in rows if row.state in RULED]
    steps = Step.objects.bulk_create(
        Step(
            application=row,
            command=command,
            actor=chance.choice(reviewers),
            note="A reason.",
            at=row.decided_at or row.created_at,
            told_at=row.effective_at,
        )
        for row, command in ruled
    )
    Ruling.objects.bulk_create(
        Ruling(
            step=step,
            waited=step.at - (step.application.submitted_at or step.at),
            made_at=step.at,
            effective_at=step.at + timedelta(minutes=10),
        )
        for step in steps
    )


def _events(rows: list[Application], count: int, now: datetime) -> Iterator[AuditEvent]:
    previous = GENESIS
    for number in range(count):
        row = rows[number % len(rows)]
        event = AuditEvent(
            at=now - timedelta(seconds=count - number),
            actor_id=row.applicant_id,
            tag=AuditTag.APPLICATION_SUBMITTED.value,
            subject=f"application:{row.case_number}",
            data={"from": "draft", "to": "submitted"},
            previous_hash=previous,
        )
        previous = event.hash = chain_hash(event)
        yield event


if __name__ == "__main__":
    raise SystemExit(main())
