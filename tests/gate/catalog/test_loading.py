from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from portal.gate.catalog.domain.loading import load_release
from portal.gate.catalog.enums import ModelStatus, Tier
from portal.gate.catalog.models import HostedModel, Release
from portal.gate.licensing.models import Licence, LicenceVersion
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from tests.gate.catalog.folders import LICENCE, MODEL, RELEASE, write_release

pytestmark = pytest.mark.django_db


def loads() -> int:
    return AuditEvent.objects.filter(tag=AuditTag.RELEASE_LOADED.value).count()


def test_rows_say_what_the_folder_says(tmp_path: Path) -> None:
    load_release(write_release(tmp_path))

    release = Release.objects.get()
    model = HostedModel.objects.get()
    version = LicenceVersion.objects.get()
    assert (release.slug, release.licence.slug, release.summary) == (
        "tiny",
        "kindness",
        "Some words.\n",
    )
    assert (model.slug, model.parameters, model.deployment) == ("tiny-1.5m", 1_500_000, "tiny")
    assert (model.tier, model.is_live) == (Tier.SIGNATURE, True)
    assert (version.number, version.text, version.is_material) == (1, LICENCE, True)
    assert loads() == 1


def test_loading_again_changes_nothing(tmp_path: Path) -> None:
    folder = write_release(tmp_path)
    load_release(folder)
    events = AuditEvent.objects.count()

    report = load_release(folder)

    assert report.is_empty
    assert (LicenceVersion.objects.count(), HostedModel.objects.count()) == (1, 1)
    assert AuditEvent.objects.count() == events


def test_a_changed_text_of_the_licence_is_a_new_version_with_its_terms(tmp_path: Path) -> None:
    folder = write_release(tmp_path)
    load_release(folder)
    toml = RELEASE.replace(
        "material = true", 'material = false\ngrace_days = 7\nchanges = "Kinder."'
    )
    write_release(folder, toml.replace("2026-01-01", "2026-03-01"))
    (folder / "licence.md").write_bytes((LICENCE + "And fair.\n").encode())

    report = load_release(folder)

    first, second = LicenceVersion.objects.order_by("number")
    assert report.published == [second]
    assert first.text == LICENCE
    assert (second.number, second.text) == (2, LICENCE + "And fair.\n")
    assert (second.is_material, second.grace_days, second.changes) == (False, 7, "Kinder.")
    assert second.effective_at.date().isoformat() == "2026-03-01"


def test_line_ends_are_bytes_too(tmp_path: Path) -> None:
    folder = write_release(tmp_path)
    load_release(folder)
    (folder / "licence.md").write_bytes(LICENCE.replace("\r\n", "\n").encode())

    load_release(folder)

    assert LicenceVersion.objects.count() == 2


def test_a_changed_date_alone_publishes_nothing(tmp_path: Path) -> None:
    folder = write_release(tmp_path)
    load_release(folder)
    write_release(folder, RELEASE.replace("2026-01-01", "2026-03-01"))

    assert load_release(folder).is_empty


def test_a_changed_fact_is_brought_in_line_and_recorded(tmp_path: Path) -> None:
    folder = write_release(tmp_path)
    load_release(folder)
    write_release(folder, RELEASE.replace("layers = 2", "layers = 3"))

    report = load_release(folder)

    assert (report.models, report.releases, report.published) == (["tiny-1.5m"], [], [])
    assert HostedModel.objects.get().layers == 3
    assert loads() == 2


def test_a_model_that_is_gone_from_the_folder_stays_and_is_no_longer_served(
    tmp_path: Path,
) -> None:
    other = MODEL.replace("tiny-1.5m", "small").replace('"tiny"', '"small"')
    folder = write_release(tmp_path, RELEASE + other)
    load_release(folder)
    write_release(folder, RELEASE)

    report = load_release(folder)

    gone = HostedModel.objects.get(slug="small")
    assert report.no_longer_served == ["small"]
    assert (gone.status, gone.deployment) == (ModelStatus.NOT_LOADED, "")
    assert load_release(folder).is_empty


def test_another_folder_leaves_the_first_alone(tmp_path: Path) -> None:
    for name in ("tiny", "other"):
        (tmp_path / name).mkdir()
        toml = RELEASE.replace("tiny", name)
        load_release(write_release(tmp_path / name, toml))

    assert list(HostedModel.objects.values_list("slug", "status").order_by("slug")) == [
        ("other-1.5m", "live"),
        ("tiny-1.5m", "live"),
    ]


def test_a_wrong_folder_changes_nothing(tmp_path: Path) -> None:
    write_release(tmp_path, RELEASE.replace("layers = 2", "layers = 0"))

    with pytest.raises(CommandError) as refusal:
        call_command("load_release", str(tmp_path))

    assert str(refusal.value).startswith(
        f"{tmp_path}/release.toml: release.tiny.model.tiny-1.5m.layers: "
    )
    assert Licence.objects.count() == 0


def test_live_models_can_be_chosen_at_the_command_line(tmp_path: Path) -> None:
    other = MODEL.replace("tiny-1.5m", "small").replace('status = "live"', 'status = "not_loaded"')
    other = other.replace('deployment = "tiny"\n', "")
    folder = write_release(tmp_path, RELEASE + other)

    call_command("load_release", str(folder), live=["small=small-tp2"], stdout=StringIO())

    rows = HostedModel.objects.order_by("slug").values_list("slug", "status", "deployment")
    assert list(rows) == [("small", "live", "small-tp2"), ("tiny-1.5m", "not_loaded", "")]


def test_an_unknown_live_model_is_named_with_those_that_are_known(tmp_path: Path) -> None:
    folder = write_release(tmp_path)

    with pytest.raises(CommandError) as refusal:
        call_command("load_release", str(folder), live=["huge"])

    assert str(refusal.value) == f"{folder}: there is no model 'huge'; the models are tiny-1.5m"


def test_command_loads_the_demo_release_by_default() -> None:
    out = StringIO()

    call_command("load_release", stdout=out)
    call_command("load_release", stdout=out)

    lines = out.getvalue().splitlines()
    assert lines[0] == "published Gatehouse Demo Research Licence, version 1"
    assert lines[-1] == "The catalog already matches the folder."
    assert HostedModel.objects.get(slug="opt-175b").tier == Tier.TWO_REVIEWERS
