"""Facts about a model's tokens, from the files beside the weights."""

from __future__ import annotations

from inference_workers.contract.message import Message
from inference_workers.contract.sampling import TokenId


class TokenizerConfig(Message):
    """Each field is None if no file gives it."""

    bos_token_id: TokenId | None = None
    """The token that begins a text."""
    eos_token_id: TokenId | None = None
    """The token that ends a text."""
    vocabulary: int | None = None
    """Number of tokens with a row in the model's weights; the tokenizer may have fewer."""
