"""What the files beside the weights say of a model's tokens."""

from __future__ import annotations

from inference_workers.contract.message import Message
from inference_workers.contract.sampling import TokenId


class TokenizerConfig(Message):
    """Each is None where no file says it."""

    bos_token_id: TokenId | None = None
    """What begins a text."""
    eos_token_id: TokenId | None = None
    """What ends one."""
    vocabulary: int | None = None
    """Tokens that the model's weights have rows for; its tokenizer may know fewer."""
