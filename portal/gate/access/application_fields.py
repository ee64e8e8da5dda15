"""The fields of an application in the order of its form: the one table of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class FieldTerms:
    """The label that reviewers see, and the error while the field is empty."""

    label: str
    missing: str = ""
    """Empty for a field that may be left out."""
    is_many: bool = False


@dataclass(frozen=True)
class Section:
    """Fields under one heading of the form."""

    title: str
    fields: Mapping[str, FieldTerms]
    intro: str = ""


SECTIONS: Final = (
    Section(
        "Who you are",
        {
            "affiliation": FieldTerms("Institution", "Name your institution, or write “none”."),
            "position": FieldTerms("Role", "Say what you do there."),
            "sector": FieldTerms("Kind of institution"),
            "country": FieldTerms("Country", "Choose the country where you will use the models."),
            "orcid": FieldTerms("ORCID iD"),
            "homepage": FieldTerms(
                "Homepage or publications",
                "Name something that shows your work, or say why there is nothing yet.",
            ),
        },
    ),
    Section(
        "What you want to do",
        {
            "intended_use": FieldTerms("Intended use", "Say what you will use the models for."),
            "models_wanted": FieldTerms("Models", "Choose at least one model.", is_many=True),
            "capabilities": FieldTerms(
                "Ways of use", "Choose at least one way of use.", is_many=True
            ),
        },
    ),
    Section(
        "How you will handle data and access",
        {
            "data_handling": FieldTerms(
                "Data handling", "Say how you will handle outputs and data."
            ),
            "others_with_access": FieldTerms(
                "Others with access", "Name who else will have access, or write “nobody”."
            ),
        },
        intro="The licence requires care with both. Say what you will do.",
    ),
)
APPLICATION_FIELDS: Final[Mapping[str, FieldTerms]] = {
    name: terms for section in SECTIONS for name, terms in section.fields.items()
}
