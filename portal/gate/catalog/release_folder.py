"""The format of a release folder: `release.toml` and the Markdown files that it names."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from portal.gate.catalog.enums import ModelStatus, Tier
from portal.gate.catalog.sample_run import SampleReceipt, parse_sample_receipt

FILE_NAME: Final = "release.toml"
RESERVED_LICENCE_SLUGS: Final = frozenset({"signatures"})
"""Words that the site's own URLs use in the place of a licence's slug."""
RESERVED_RELEASE_SLUGS: Final = frozenset({"files"})
"""The same for a release, below `/library/`."""


class ReleaseFolderError(Exception):
    """The folder cannot be loaded. `problems` has one line each: file, key, what is wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _read_named_file(value: object, info: ValidationInfo) -> str:
    """Replace a file's name with the file's text, byte for byte."""
    folder: Path = info.context["folder"]  # type: ignore[index]  # given by read_release_folder
    if not isinstance(value, str) or not value:
        raise ValueError("must be the name of a file in the release folder")
    path = (folder / value).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{value} is outside the release folder")
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ValueError(f"there is no file {value}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{value} is not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise ValueError(f"{value} cannot be read ({error.strerror})") from None
    if not text.strip() or "\x00" in text:
        raise ValueError(f"{value} is empty or contains a NUL byte")
    return text


def _read_sample_file(value: object, info: ValidationInfo) -> SampleReceipt:
    text = _read_named_file(value, info)
    try:
        return parse_sample_receipt(text)
    except ValueError as error:
        raise ValueError(f"{value}: {error}") from None


def _require_rows(value: object) -> object:
    if not isinstance(value, list) or not value:
        raise ValueError("there must be at least one")
    return value


Rows = BeforeValidator(_require_rows)
FileText = Annotated[str, BeforeValidator(_read_named_file)]
SampleFile = Annotated[SampleReceipt, BeforeValidator(_read_sample_file)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:[-_.]?[a-z0-9]+)*$", max_length=50)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
LongLine = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Count = Annotated[int, Field(ge=1, strict=True)]


class Entry(BaseModel):
    """Base of every table: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LicenceEntry(Entry):
    """`[[licence]]`: the text in force, and how it follows the one before."""

    slug: Slug
    name: Line
    licensor: Line
    text: FileText
    effective_at: AwareDatetime
    material: bool
    grace_days: int = Field(default=30, ge=0, le=3650)
    changes: str = ""

    @model_validator(mode="after")
    def keep_addresses_apart(self) -> Self:
        if self.slug in RESERVED_LICENCE_SLUGS:
            raise ValueError(f"slug: '{self.slug}' is part of the site's own URLs")
        return self


class ModelEntry(Entry):
    """`[[release.model]]`: one model, whether or not this installation serves it."""

    slug: Slug
    name: Line
    parameters: Count
    layers: Count
    heads: Count
    hidden_size: Count
    context_length: Annotated[int, Field(ge=2, strict=True)]
    requirements: LongLine
    weights_licence: Line
    source_url: Annotated[str, StringConstraints(pattern=r"^(https://\S+)?$")] = ""
    training_co2e_tonnes: Annotated[float, Field(ge=0.0)] | None = None
    summary: str = ""
    attribution: LongLine
    notice: LongLine
    status: ModelStatus
    deployment: Slug | None = None
    tier: Tier
    requires_referee: bool = False

    @model_validator(mode="after")
    def require_deployment_when_live(self) -> Self:
        if self.status == ModelStatus.LIVE and self.deployment is None:
            raise ValueError("deployment: a live model names its deployment in models.toml")
        if self.status == ModelStatus.NOT_LOADED and self.deployment is not None:
            raise ValueError("deployment: only a live model has one")
        return self


class RepositoryEntry(Entry):
    """`[[release.repository]]`: code, notes or data, which `publish_library` publishes.

    `licence` is the slug of a licence of this folder, or an SPDX licence expression.
    """

    slug: Slug
    kind: Literal["code", "notes", "data"]
    name: Line
    summary: LongLine
    authors: tuple[Line, ...] = ()
    licence: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    audience: Literal["public", "licence_holders"]
    folder: Line


class ReleaseEntry(Entry):
    """`[[release]]`: a family of models under one licence."""

    slug: Slug
    name: Line
    tagline: LongLine
    licensor: Line
    contact_email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
    licence: Slug
    review_days: int = Field(ge=1, le=365)
    summary: FileText
    why_gated: FileText
    process: FileText
    model_card: FileText
    data_card: FileText
    sample_run: SampleFile | None = None
    model: Annotated[tuple[ModelEntry, ...], Rows]
    repository: tuple[RepositoryEntry, ...] = ()

    @model_validator(mode="after")
    def keep_addresses_apart(self) -> Self:
        if self.slug in RESERVED_RELEASE_SLUGS:
            raise ValueError(f"slug: '{self.slug}' is part of the site's own URLs")
        slugs = [repository.slug for repository in self.repository]
        for slug in sorted({slug for slug in slugs if slugs.count(slug) > 1}):
            raise ValueError(f"repository: the slug '{slug}' appears twice")
        return self

    @model_validator(mode="after")
    def require_model_of_sample(self) -> Self:
        if self.sample_run and self.sample_run.model not in {model.slug for model in self.model}:
            raise ValueError(f"sample_run: model: there is no model '{self.sample_run.model}' here")
        return self


class ReleaseFolder(Entry):
    """The whole content of a release folder, with the texts of its files in place."""

    licence: Annotated[tuple[LicenceEntry, ...], Rows]
    release: Annotated[tuple[ReleaseEntry, ...], Rows]

    @model_validator(mode="after")
    def require_one_row_per_slug(self) -> Self:
        models = [model.slug for release in self.release for model in release.model]
        for kind, slugs in (
            ("licence", [licence.slug for licence in self.licence]),
            ("release", [release.slug for release in self.release]),
            ("release.model", models),
        ):
            for slug in sorted({slug for slug in slugs if slugs.count(slug) > 1}):
                raise ValueError(f"{kind}: the slug '{slug}' appears twice")
        known = {licence.slug for licence in self.licence}
        for release in self.release:
            if release.licence not in known:
                raise ValueError(
                    f"release.{release.slug}.licence: there is no licence '{release.licence}'"
                )
            for repository in release.repository:
                if repository.licence not in known and not _is_spdx(repository.licence):
                    raise ValueError(
                        f"release.{release.slug}.repository.{repository.slug}.licence: "
                        f"'{repository.licence}' is neither a licence of this folder nor an SPDX "
                        "expression such as CC-BY-4.0"
                    )
        return self


def _is_spdx(text: str) -> bool:
    try:
        return canonicalize_license_expression(text) == text
    except InvalidLicenseExpression:
        return False


def read_release_folder(folder: Path) -> ReleaseFolder:
    """Read and check a release folder.

    Raises `ReleaseFolderError`, which names every wrong file and key.
    """
    path = folder / FILE_NAME
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ReleaseFolderError([f"{path}: there is no such file"]) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ReleaseFolderError([f"{path}: {error}"]) from None
    try:
        return ReleaseFolder.model_validate(raw, context={"folder": folder})
    except ValidationError as error:
        raise ReleaseFolderError(
            [_describe_problem(path, raw, item["loc"], item["msg"]) for item in error.errors()]
        ) from None


def _describe_problem(
    path: Path, raw: dict[str, Any], location: tuple[int | str, ...], message: str
) -> str:
    key = _name_key(raw, location)
    message = message.removeprefix("Value error, ")
    return f"{path}: {key}: {message}" if key else f"{path}: {message}"


def _name_key(raw: Any, location: tuple[int | str, ...]) -> str:  # noqa: ANN401 -- parsed TOML
    """Name a key as a person would: `release.opt.model.opt-125m.layers`."""
    names: list[str] = []
    here = raw
    for step in location:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
        slug = here.get("slug") if isinstance(here, dict) else None
        names.append(slug if isinstance(step, int) and isinstance(slug, str) else str(step))
    return ".".join(names)
