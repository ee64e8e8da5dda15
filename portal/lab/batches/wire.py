"""The request for a batch, as OpenAI's clients send it."""

from __future__ import annotations

from pydantic import Field

from portal.platform.core.wire import WireModel


class BatchRequest(WireModel):
    """The body of `POST /v1/batches`."""

    input_file_id: str = Field(description="A file that was uploaded with purpose `batch`.")
    endpoint: str = Field(description="The endpoint of every line of the file: `/v1/completions`.")
    completion_window: str = Field(description="`24h`.")
    metadata: dict[str, str] | None = Field(default=None, description="Notes of your own.")
