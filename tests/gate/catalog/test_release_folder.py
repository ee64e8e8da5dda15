from __future__ import annotations

from pathlib import Path

import pytest

from portal.gate.catalog.enums import ModelStatus
from portal.gate.catalog.release_folder import ReleaseFolderError, read_release_folder
from tests.gate.catalog.folders import LICENCE, MODEL, RELEASE, write_release

DEMO = Path(__file__).resolve().parents[3] / "releases" / "demo"


def problems(folder: Path) -> list[str]:
    with pytest.raises(ReleaseFolderError) as refusal:
        read_release_folder(folder)
    prefix = f"{folder / 'release.toml'}: "
    assert all(problem.startswith(prefix) for problem in refusal.value.problems)
    return [problem.removeprefix(prefix) for problem in refusal.value.problems]


def test_texts_stand_in_the_place_of_their_files_byte_for_byte(tmp_path: Path) -> None:
    folder = read_release_folder(write_release(tmp_path))

    assert folder.licence[0].text == LICENCE
    assert folder.licence[0].grace_days == 30
    assert folder.release[0].model_card == "Some words.\n"
    assert folder.release[0].model[0].slug == "tiny-1.5m"


def test_demo_release_describes_ten_models_of_which_one_is_live() -> None:
    folder = read_release_folder(DEMO)

    models = [model for release in folder.release for model in release.model]
    assert [model.slug for model in models if model.status == ModelStatus.LIVE] == ["smollm2-135m"]
    assert len(models) == 10
    assert all(model.hidden_size % model.heads == 0 for model in models)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (MODEL, "", "release.tiny.model: Field required"),
        (MODEL, "model = []", "release.tiny.model: there must be at least one"),
        ("layers = 2", "layers = 0", "release.tiny.model.tiny-1.5m.layers: "),
        ("layers = 2", 'layers = "2"', "release.tiny.model.tiny-1.5m.layers: "),
        ("layers = 2\n", "", "release.tiny.model.tiny-1.5m.layers: Field required"),
        ("layers = 2", "layers = 2\nlayer = 3", "release.tiny.model.tiny-1.5m.layer: "),
        ('tier = "signature"', 'tier = "none"', "release.tiny.model.tiny-1.5m.tier: "),
        (
            'deployment = "tiny"\n',
            "",
            "release.tiny.model.tiny-1.5m: deployment: a live model names its deployment",
        ),
        (
            'status = "live"',
            'status = "not_loaded"',
            "release.tiny.model.tiny-1.5m: deployment: only a live model has one",
        ),
        (
            'licence = "kindness"',
            'licence = "unkind"',
            "release.tiny.licence: there is no licence 'unkind'",
        ),
        (
            'slug = "kindness"',
            'slug = "signatures"',
            "licence.signatures: slug: 'signatures' is part of the site's own URLs",
        ),
        (
            'slug = "tiny"',
            'slug = "files"',
            "release.files: slug: 'files' is part of the site's own URLs",
        ),
        ("T00:00:00Z", "T00:00:00", "licence.kindness.effective_at: "),
        ('"nobody@example.org"', '"nobody"', "release.tiny.contact_email: "),
        (
            'data_card = "text.md"',
            'data_card = "data.md"',
            "release.tiny.data_card: there is no file data.md",
        ),
        (
            'data_card = "text.md"',
            'data_card = "../text.md"',
            "release.tiny.data_card: ../text.md is outside the release folder",
        ),
        (
            'data_card = "text.md"',
            'data_card = "latin.md"',
            "release.tiny.data_card: latin.md is not UTF-8 (byte 3)",
        ),
        (
            'data_card = "text.md"',
            'data_card = "empty.md"',
            "release.tiny.data_card: empty.md is empty or contains a NUL byte",
        ),
        (
            'data_card = "text.md"',
            "data_card = 3",
            "release.tiny.data_card: must be the name of a file in the release folder",
        ),
    ],
)
def test_a_problem_names_file_key_and_what_is_wrong(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    folder = write_release(tmp_path, RELEASE.replace(old, new))
    (folder / "latin.md").write_bytes(b"abc\xe9")
    (folder / "empty.md").write_text(" \n")

    found = problems(folder)

    assert len(found) == 1
    assert found[0].startswith(expected)


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    toml = RELEASE.replace("heads = 2", "heads = -1").replace('name = "Tiny"', 'name = ""')

    assert [problem.split(": ")[0] for problem in problems(write_release(tmp_path, toml))] == [
        "release.tiny.name",
        "release.tiny.model.tiny-1.5m.heads",
    ]


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    assert problems(write_release(tmp_path, RELEASE + MODEL)) == [
        "release.model: the slug 'tiny-1.5m' appears twice"
    ]


def test_a_folder_without_its_file_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path) == ["there is no such file"]


def test_broken_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "release.toml").write_text("[[licence]\n")

    assert problems(tmp_path)[0].count("line 1") == 1
