"""What each capability means: the one table that forms, `decide`, teams and close-outs read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from portal.gate.access.enums import Capability, KeyScope


@dataclass(frozen=True)
class CapabilityTerms:
    """How a capability is requested, opened and ended."""

    words: str
    """Its label on the application form."""
    is_opened_by_signature: bool = False
    """On models of the signature tier; the others always need a grant."""
    is_for_classes: bool = False
    """Members of a class get it through their lead."""
    key_scopes: tuple[KeyScope, ...] = ()
    """What an API key can do for its holder; `decisions` is for reviewers' keys only."""
    owes_statement: bool = False
    """Its holder states at the end that every copy is destroyed."""
    needs_engine: bool = True
    """Only models that are live are open in this way."""


CAPABILITIES: Final[Mapping[Capability, CapabilityTerms]] = {
    Capability.PLAYGROUND: CapabilityTerms(
        "Playground: prompts in the browser", is_opened_by_signature=True, is_for_classes=True
    ),
    Capability.API: CapabilityTerms(
        "API: prompts from your own programs",
        is_opened_by_signature=True,
        key_scopes=(KeyScope.COMPLETIONS, KeyScope.LOGPROBS, KeyScope.BATCHES, KeyScope.READ),
    ),
    Capability.WEIGHTS: CapabilityTerms(
        "Weights: a copy of the parameters on your own machines",
        key_scopes=(KeyScope.WEIGHTS,),
        owes_statement=True,
        needs_engine=False,
    ),
}
RESEARCH_SCOPES: Final = tuple(
    scope for terms in CAPABILITIES.values() for scope in terms.key_scopes
)
OWING_STATEMENT: Final = tuple(
    capability for capability, terms in CAPABILITIES.items() if terms.owes_statement
)


def owes_statement(capabilities: list[str]) -> bool:
    """Whether a holder of these owes a statement when the grant ends."""
    return any(capability in capabilities for capability in OWING_STATEMENT)
