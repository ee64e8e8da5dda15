"""How a conversation becomes a prompt."""

from __future__ import annotations

from inference_workers.contract.message import Message


class ChatTemplate(Message):
    """A model's own Jinja template, and the texts of the tokens that it may name."""

    template: str
    bos_token: str = ""
    eos_token: str = ""
