"""The parameters of a conversation's next message."""

from __future__ import annotations

from inference_workers.contract import SamplingParams
from portal.lab.playground.forms import ParametersForm, SharedFields


class ChatForm(ParametersForm):
    """All parameters but the beginning token, which the model's template writes itself."""

    add_special_tokens = None  # type: ignore[assignment]  # Django's way to drop an inherited field

    def to_sampling(self) -> SamplingParams:
        return super().to_sampling().model_copy(update={"add_special_tokens": False})


ChatForm.base_fields = SharedFields(ChatForm.base_fields)
