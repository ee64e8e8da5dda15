"""The template that turns a conversation into a prompt, if a model has one."""

from __future__ import annotations

from pathlib import Path

from inference_workers.contract import ChatTemplate
from inference_workers.tokenizer.config import read_json, read_token

DEFAULT_NAME = "default"


def load_chat_template(folder: Path) -> ChatTemplate | None:
    """The template in the weights' folder, in either of the usual files; None for base models."""
    config = read_json(folder / "tokenizer_config.json")
    file = folder / "chat_template.jinja"
    template = (
        file.read_text(encoding="utf-8") if file.is_file() else _choose(config.get("chat_template"))
    )
    if not template:
        return None
    return ChatTemplate(
        template=template,
        bos_token=read_token(config.get("bos_token")),
        eos_token=read_token(config.get("eos_token")),
    )


def _choose(value: object) -> str:
    """The only template, or the default one of several with names."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        named = {each.get("name"): each.get("template") for each in value}
        return str(named.get(DEFAULT_NAME) or "")
    return ""
