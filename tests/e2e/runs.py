"""Submitting runs as the page does, and reading from the database how they ended."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import BrowserContext

from tests.e2e.stack import DemoStack

FINAL = {"succeeded", "cancelled", "failed"}


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and how often the record says so."""

    state: str
    text: str
    times_recorded: int


class Runs:
    """The runs of one signed-in person."""

    def __init__(self, stack: DemoStack, context: BrowserContext) -> None:
        self._stack = stack
        self._context = context

    def submit(self, prompt: str, *, max_tokens: int) -> str:
        """Submit a greedy run and return its id; the portal must accept it."""
        token = next(c["value"] for c in self._context.cookies() if c["name"] == "csrftoken")
        response = self._context.request.post(
            "/playground/runs/",
            form={
                "model": "smollm2-135m",
                "prompt": prompt,
                "max_tokens": str(max_tokens),
                "temperature": "0",
                "top_p": "1",
                "top_k": "0",
                "presence_penalty": "0",
                "frequency_penalty": "0",
            },
            headers={"Accept": "application/json", "X-CSRFToken": token},
        )
        assert response.status == 201, response.text()
        return str(response.json()["id"])

    def wait_until_it_streams(self, run: str) -> None:
        """Wait until the run's stream has at least a few of its tokens."""
        self._stack.wait_until(
            lambda: self._stack.streamed_tokens(run) >= 3, seconds=60, what="the first tokens"
        )

    def wait_for_outcomes(self, runs: list[str], *, seconds: float) -> list[Outcome]:
        """Wait until the database has an outcome for every run."""
        self._stack.wait_until(
            lambda: all(self.outcome(run).state in FINAL for run in runs),
            seconds=seconds,
            what="an outcome of every run",
        )
        return [self.outcome(run) for run in runs]

    def outcome(self, run: str) -> Outcome:
        ((state, text),) = self._stack.query(
            "SELECT state, text FROM jobs_generationjob WHERE id = %s", run
        )
        ((times,),) = self._stack.query(
            "SELECT count(*) FROM audit_auditevent WHERE tag = 'jobs.job.finished'"
            " AND subject = %s",
            f"job:{run}",
        )
        return Outcome(str(state), str(text), int(str(times)))
