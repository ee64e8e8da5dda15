"""Making the rows of the catalog match a release folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from django.db import transaction
from django.db.models import Manager

from portal.gate.catalog.enums import ModelStatus
from portal.gate.catalog.models import HostedModel, Release, SampleRun
from portal.gate.catalog.release_folder import (
    LicenceEntry,
    ModelEntry,
    ReleaseEntry,
    ReleaseFolder,
    ReleaseFolderError,
    read_release_folder,
)
from portal.gate.catalog.sample_run import SampleReceipt
from portal.gate.licensing.domain.versions import publish_version, text_sha256
from portal.gate.licensing.models import Licence, LicenceVersion
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag

Row = TypeVar("Row", Release, HostedModel)


@dataclass
class LoadReport:
    """What a load changed; all lists are empty when it changed nothing."""

    published: list[LicenceVersion] = field(default_factory=list)
    releases: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    no_longer_served: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.published or self.releases or self.models or self.no_longer_served)


def load_release(path: Path, *, live: Mapping[str, str] | None = None) -> LoadReport:
    """Make the database match the folder; loading it again changes nothing.

    A licence version is published only when the bytes of the licence's file differ from
    those of the newest version. `live` (model slug to deployment) overrides the folder's
    choice of models to serve. A model of these releases that the folder no longer names is
    kept for its history, and marked as not loaded.
    Raises `ReleaseFolderError` before anything is changed.
    """
    folder = _choose_live_models(read_release_folder(path), live, path)
    report = LoadReport()
    with transaction.atomic():
        licences = {entry.slug: _load_licence(entry, report) for entry in folder.licence}
        for position, entry in enumerate(folder.release):
            _load_family(entry, licences[entry.licence], position, report)
        if not report.is_empty:
            record(
                AuditTag.RELEASE_LOADED,
                actor=None,
                subject=f"release-folder:{path.name}",
                data={
                    "published": [version.sha256 for version in report.published],
                    "releases": report.releases,
                    "models": report.models,
                    "no_longer_served": report.no_longer_served,
                    "file_sha256": hashlib.sha256((path / "release.toml").read_bytes()).hexdigest(),
                },
            )
    return report


def _choose_live_models(
    folder: ReleaseFolder, live: Mapping[str, str] | None, path: Path
) -> ReleaseFolder:
    if live is None:
        return folder
    known = [model.slug for release in folder.release for model in release.model]
    if unknown := sorted(set(live) - set(known)):
        raise ReleaseFolderError(
            [
                f"{path}: there is no model '{slug}'; the models are {', '.join(known)}"
                for slug in unknown
            ]
        )
    releases = [
        release.model_copy(
            update={"model": tuple(_set_live(model, live) for model in release.model)}
        )
        for release in folder.release
    ]
    return folder.model_copy(update={"release": tuple(releases)})


def _set_live(model: ModelEntry, live: Mapping[str, str]) -> ModelEntry:
    status = ModelStatus.LIVE if model.slug in live else ModelStatus.NOT_LOADED
    return model.model_copy(update={"status": status, "deployment": live.get(model.slug)})


def _load_licence(entry: LicenceEntry, report: LoadReport) -> Licence:
    licence, _ = Licence.objects.update_or_create(
        slug=entry.slug, defaults={"name": entry.name, "licensor": entry.licensor}
    )
    newest = licence.versions.order_by("-number").first()
    if newest is None or newest.sha256 != text_sha256(entry.text):
        version = publish_version(
            licence,
            text=entry.text,
            effective_at=entry.effective_at,
            is_material=entry.material,
            grace_days=entry.grace_days,
            changes=entry.changes,
        )
        report.published.append(version)
    return licence


def _load_family(entry: ReleaseEntry, licence: Licence, position: int, report: LoadReport) -> None:
    values = entry.model_dump(exclude={"slug", "licence", "sample_run", "model", "repository"})
    release, changed = _upsert(
        Release.objects, entry.slug, values | {"licence": licence, "position": position}
    )
    if _load_sample(release, entry.sample_run) or changed:
        report.releases.append(release.slug)
    for place, model in enumerate(entry.model):
        row = model.model_dump(exclude={"slug", "deployment"})
        row |= {"release": release, "deployment": model.deployment or "", "position": place}
        if _upsert(HostedModel.objects, model.slug, row)[1]:
            report.models.append(model.slug)
    dropped = release.models.filter(status=ModelStatus.LIVE).exclude(
        slug__in=[model.slug for model in entry.model]
    )
    report.no_longer_served += list(dropped.values_list("slug", flat=True))
    dropped.update(status=ModelStatus.NOT_LOADED, deployment="")


def _load_sample(release: Release, run: SampleReceipt | None) -> bool:
    """Return whether it was added, changed or removed."""
    rows = SampleRun.objects.filter(release=release)
    if run is None:
        return rows.delete()[0] > 0
    content = run.model_dump(mode="json")
    if rows.filter(content=content).exists():
        return False
    SampleRun.objects.update_or_create(release=release, defaults={"content": content})
    return True


def _upsert(rows: Manager[Row], slug: str, values: Mapping[str, object]) -> tuple[Row, bool]:
    """Return the row, and whether it was created or changed."""
    row = rows.filter(slug=slug).first()
    if row is None:
        return rows.create(slug=slug, **values), True
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    if changed:
        row.save(update_fields=changed)
    return row, bool(changed)
