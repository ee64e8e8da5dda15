"""One object of each kind for the requests of the people who walk the site."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from inference_workers.contract import SamplingParams
from portal.gate.access.domain.screening.denylist import deny
from portal.gate.access.enums import DenialKind, KeyScope
from portal.gate.access.models import Application, Grant
from portal.gate.catalog.models import HostedModel, Release
from portal.gate.keys.domain.lifecycle import issue_key
from portal.gate.licensing.models import Licence, Signature
from portal.gate.renewals.enums import RenewalState
from portal.gate.teams.models import Member
from portal.gate.vouching.enums import VouchKind
from portal.gate.vouching.models import AuthorisedDomain
from portal.gate.webhooks.models import Delivery, Endpoint, Event
from portal.lab.batches.domain.ids import BATCH, FILE, write_id
from portal.lab.jobs.enums import JobState, Origin
from portal.lab.jobs.models import GenerationJob
from portal.lab.notebook.domain.imports import import_documents, list_imported
from portal.lab.notebook.domain.projects import save_project
from portal.lab.presets.domain.saving import save_preset
from portal.lab.sharing.domain.links import address_of, create_link
from portal.lab.sharing.enums import Audience, Life
from portal.platform.accounts.models import User
from portal.platform.mailbox.models import StoredMail
from portal.platform.notices.domain.outbox import post
from tests.factories.batch_lines import write_request
from tests.factories.batches import make_batch
from tests.factories.renewals import make_renewal
from tests.factories.vouching import VouchRequestFactory, ask


def finished_job(user: User, **changes: Any) -> GenerationJob:
    """A run that ended, so that asking for its events does not wait."""
    now = timezone.now()
    values: dict[str, Any] = {
        "user": user,
        "model": HostedModel.objects.get(deployment="smollm2-135m"),
        "deployment": "smollm2-135m",
        "origin": Origin.PLAYGROUND,
        "state": JobState.SUCCEEDED,
        "prompt": "Once",
        "params": {"v": 1, "max_tokens": 4},
        "text": " upon a time",
        "token_ids": [1, 2, 3],
        "finish_reason": "length",
        "prompt_tokens": 1,
        "completion_tokens": 3,
        "created_at": now - timedelta(seconds=5),
        "deadline_at": now + timedelta(minutes=5),
        "finished_at": now,
    }
    return GenerationJob.objects.create(**{**values, **changes})


def _notebook(researcher: User) -> dict[str, Any]:
    """A project, an imported document, a look at a distribution, and a run to prune."""
    import_documents(researcher, [b'{"text": "Once"}'])
    project = save_project(researcher, name="Walk", retention_days=None, pk=None)
    return {
        "node_id": list_imported(researcher).get().pk,
        "playground:delete-project.pk": project.pk,
        "look_id": finished_job(researcher, prompt_token_ids=[0, 1], positions=[2]).pk,
        "playground:prune.job_id": finished_job(researcher).pk,
    }


def _presets(researcher: User) -> dict[str, Any]:
    """One that stays, and one to delete."""
    kept, spare = (
        save_preset(researcher, name=name, sampling=SamplingParams(max_tokens=1))
        for name in ("Kept", "Spare")
    )
    return {
        "playground:share_preset.pk": kept.pk,
        "playground:withdraw_preset.pk": kept.pk,
        "playground:delete_preset.pk": spare.pk,
    }


def _renewals(researcher: User) -> dict[str, Any]:
    """A waiting renewal, and a grant that its holder can give back."""
    grant = Grant.objects.filter(user=researcher).latest("pk")
    renewal = make_renewal(grant, RenewalState.SUBMITTED)
    return {
        "renewals:renewal.pk": renewal.pk,
        "renewals:withdraw.pk": renewal.pk,
        "renewals:give-back.pk": grant.pk,
        "renewals:statement.pk": grant.pk,
        "console:renewal.pk": renewal.pk,
        "console:decide-renewal.pk": renewal.pk,
        "console:decide-renewal.command": "claim",
        "console:ask-statement.pk": grant.pk,
    }


def _links(researcher: User) -> dict[str, Any]:
    """Two links to a run: one is revoked on the walk."""
    run = finished_job(researcher)
    read, revoked = (
        create_link(run, by=researcher, audience=Audience.LICENCE_HOLDERS, life=Life.WEEK)
        for _ in range(2)
    )
    token = address_of(read).split("/")[-2]
    return {
        "sharing:read.token": token,
        "sharing:copy.token": token,
        "link_id": revoked.pk,
    }


def arguments(actors: Mapping[str, User | None]) -> dict[str, Any]:
    """A value for every URL argument; `route.argument` is looked up before `argument`."""
    researcher = actors["researcher"]
    assert researcher is not None
    licence = Licence.objects.order_by("pk").first()
    signature = Signature.objects.filter(user=researcher).get()
    mail = StoredMail.objects.create(to="a@example.org", subject="Hello", body="Text")
    reviewer = actors["reviewer"]
    with transaction.atomic():
        notice = post(researcher, kind="test", subject="Hello", body="Text")
    assert licence is not None
    assert reviewer is not None
    denial = deny(
        kind=DenialKind.DOMAIN,
        by=reviewer,
        value="denied.example.org",
        reason="For the walk.",
        ends_at=timezone.now() + timedelta(days=1),
    )
    vouch = VouchRequestFactory.create(
        application=Application.objects.get(applicant__email__startswith="queued@"),
        kind=VouchKind.OFFICIAL,
        email="official@walk.example.org",
    )
    link = ask(vouch)
    domain = AuthorisedDomain.objects.create(
        domain="walk.example.org", request=vouch, proposed_at=timezone.now()
    )
    member = Member.objects.get(user=actors["member"])
    key = issue_key(researcher, name="Walker", scopes=[KeyScope.READ, KeyScope.COMPLETIONS]).key
    batch = make_batch(key, write_request("one", model="smollm2-135m"))
    operator = actors["operator"]
    assert operator is not None
    now = timezone.now()
    endpoint = Endpoint.objects.create(
        name="University",
        url="https://hooks.example.org/",
        events=["grant.made"],
        secret_seed="0" * 32,
        next_sequence=2,
        created_by=operator,
        created_at=now,
    )
    event = Event.objects.create(type="ping", endpoint=endpoint, created_at=now, due_at=now)
    delivery = Delivery.objects.create(endpoint=endpoint, event=event, sequence=1, due_at=now)
    licensing = {
        f"licensing:{name}.slug": licence.slug for name in ("read", "version", "sign", "download")
    }
    hub = {
        f"hub:{name}.kind": "models"
        for name in (
            "repository", "revision", "tree", "folder", "paths", "refs", "commits", "check",
        )
    }  # fmt: skip
    return {
        **licensing,
        **hub,
        "catalog:model.slug": "smollm2-135m",
        "reference:group.slug": "completions",
        "catalog:model_card.slug": Release.objects.order_by("pk")[0].slug,
        "catalog:data_card.slug": Release.objects.order_by("pk")[0].slug,
        "run": "opt-175b-12",
        "logbook:entry.slug": "2022-01-06-done",
        "licensing:signature.pk": signature.pk,
        "licensing:signature_text.pk": signature.pk,
        "licensing:signature_pdf.pk": signature.pk,
        "verification:signature.code": signature.code,
        "keys:rotate.pk": key.pk,
        "keys:revoke.pk": key.pk,
        "file_id": write_id(FILE, batch.input_file_id),
        "batch_id": write_id(BATCH, batch.pk),
        "number": 1,
        "engine": "smollm2-135m",
        "model_id": "smollm2-135m",
        "mailbox:mail.pk": mail.pk,
        "notices:notice.pk": notice.pk,
        "ending": "csv",
        "table": "volumes",
        "case_number": Application.objects.get(applicant=researcher).case_number,
        "console:grant.pk": Grant.objects.filter(user=researcher).latest("pk").pk,
        "console:denial.pk": denial.pk,
        "console:domain.pk": domain.pk,
        "console:member.pk": member.pk,
        **{f"teams:{name}.pk": member.pk for name in ("leave", "resend", "join")},
        "vouching:answer.pk": vouch.pk,
        "token": link.split("/")[3],
        "kind": "referee",
        "console:merge.pk": researcher.pk,
        "command": "approve",
        "console:grant.command": "suspend",
        "console:webhook.pk": endpoint.pk,
        "console:webhook-command.pk": endpoint.pk,
        "console:webhook-command.command": "disable",
        "console:webhook-repeat.pk": delivery.pk,
        "console:grant-limits.pk": Grant.objects.filter(user=researcher).latest("pk").pk,
        **_renewals(researcher),
        **_links(researcher),
        **_notebook(researcher),
        "grant_id": Grant.objects.filter(user=researcher).latest("pk").pk,
        "job_id": finished_job(researcher).pk,
        "playground:delete.job_id": finished_job(researcher).pk,
        **_presets(researcher),
        "key": "no-such-key",
        "uidb36": "1",
        "provider_id": "institution",
        "app_label": "catalog",
        "url": "no-such-page",
        "content_type_id": 1,
        "object_id": 0,
        "pk": 0,
        "slug": "smollm2-135m",
        "repo": "smollm2/smollm2-135m",
        "release": "smollm2",
        "rev": "main",
        "revision": "main",
        "path": "no-such-file",
        "folder": "no-such-folder",
        "hub:links.name": "urls.txt",
        "weights:end-links.links": UUID(int=0),
        "console:holder.user": 0,
        "console:holder.revision": 0,
    }
