"""What one of the clients that need chats and structure gets from the API, printed as JSON.

    python structure_clients.py URL KEY MODEL CLIENT

HOME and LLM_USER_PATH name a folder where it may leave files.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Literal

# Otherwise it first downloads prices from the network.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import dspy
import guidance
import inspect_ai
import instructor
import llm
import openai
import outlines
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalSample
from inspect_ai.scorer import choice, includes
from inspect_ai.solver import generate, multiple_choice
from pydantic import BaseModel, ConfigDict, Field

BASE, KEY, MODEL, CLIENT = sys.argv[1:]
HOME = Path(os.environ["HOME"])
QUESTION = "What is the capital of France?"
GREEDY: dict[str, Any] = {"temperature": 0, "max_tokens": 24}


class City(BaseModel):
    """The contents of a structured answer."""

    country: Literal["France", "Norway"]
    inhabitants: int = Field(ge=0, le=99_999_999)


class Place(BaseModel):
    country: Literal["France", "Norway"]


class Anything(BaseModel):
    model_config = ConfigDict(extra="allow")


def main() -> None:
    clients = {
        "outlines": by_outlines,
        "instructor": by_instructor,
        "guidance": by_guidance,
        "dspy": by_dspy,
        "llm": by_llm,
        "inspect_ai": by_inspect,
    }
    json.dump(clients[CLIENT](), sys.stdout)


def connect() -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{BASE}/v1", api_key=KEY, max_retries=0)


def by_outlines() -> dict[str, Any]:
    found = {}
    for name, connected in (("vllm", outlines.from_vllm), ("openai", outlines.from_openai)):
        model = connected(connect(), MODEL)
        city = City.model_validate_json(model(QUESTION, City, temperature=0, max_tokens=64))
        found[name] = city.model_dump()
    model = outlines.from_vllm(connect(), MODEL)
    found["regex"] = model(QUESTION, outlines.regex(r"[A-Z]{3}-[0-9]{2}"), **GREEDY)
    found["choice"] = model(QUESTION, Literal["Paris", "Oslo"], **GREEDY)
    found["text"] = model(QUESTION, **GREEDY)
    return found


def by_instructor() -> dict[str, Any]:
    # In its JSON mode only the prompt describes the schema to the model.
    asked: dict[instructor.Mode, type[BaseModel]] = {
        instructor.Mode.JSON: Anything,
        instructor.Mode.JSON_SCHEMA: City,
    }
    return {
        mode.name: instructor.from_openai(connect(), mode=mode)
        .chat.completions.create(
            model=MODEL,
            response_model=kind,
            messages=[{"role": "user", "content": QUESTION}],
            temperature=0,
            max_tokens=200,
            max_retries=0,
        )
        .model_dump()
        for mode, kind in asked.items()
    }


def by_guidance() -> dict[str, Any]:
    """Guidance sends no temperature to a chat, so only the answer's shape is known."""
    model = guidance.models.OpenAI(MODEL, echo=False, api_key=KEY, base_url=f"{BASE}/v1")
    with guidance.user():
        model += QUESTION
    with guidance.assistant():
        model += guidance.gen("answer", max_tokens=24)
    with guidance.user():
        model += "And its country?"
    with guidance.assistant():
        model += guidance.json("place", schema=Place, max_tokens=200)
    return {
        "has_answer": bool(model["answer"]),
        "place": list(Place.model_validate_json(model["place"]).model_dump()),
    }


def by_dspy() -> dict[str, Any]:
    common = {"api_base": f"{BASE}/v1", "api_key": KEY, "cache": False, "num_retries": 0, **GREEDY}
    model = dspy.LM(f"openai/{MODEL}", **common)
    text = dspy.LM(f"text-completion-openai/{MODEL}", model_type="text", **common)
    return {"chat": model(QUESTION), "text": text("The capital of France is")}


def by_llm() -> dict[str, Any]:
    (HOME / "extra-openai-models.yaml").write_text(
        "".join(
            f"- {{model_id: {name}, model_name: {MODEL}, api_base: {BASE}/v1, {kind}: true,"
            " api_key_name: gatehouse}\n"
            for name, kind in (("chat", "supports_schema"), ("text", "completion"))
        )
    )
    chat, text = llm.get_model("chat"), llm.get_model("text")
    asked = {**GREEDY, "key": KEY}
    return {
        "chat": chat.prompt(QUESTION, **asked).text(),
        "whole": chat.prompt(QUESTION, stream=False, **asked).text(),
        "text": text.prompt("The capital of France is", **asked).text(),
        "schema": json.loads(
            chat.prompt(QUESTION, schema=City, **{**asked, "max_tokens": 64}).text()
        ),
    }


def by_inspect() -> dict[str, Any]:
    tasks = [
        inspect_ai.Task(
            name="said",
            dataset=[Sample(input=QUESTION, target="Paris")],
            solver=generate(),
            scorer=includes(),
        ),
        inspect_ai.Task(
            name="chosen",
            dataset=[Sample(input=QUESTION, choices=["Oslo", "Paris"], target="B")],
            solver=multiple_choice(),
            scorer=choice(),
        ),
    ]
    logs = inspect_ai.eval(
        tasks, model=f"openai-api/gatehouse/{MODEL}", display="none", log_dir=os.fspath(HOME),
        model_base_url=f"{BASE}/v1", model_args={"api_key": KEY}, seed=7, logprobs=True,
        top_logprobs=3, **GREEDY,
    )  # fmt: skip
    return {log.eval.task: [log.status, *map(describe, log.samples or [])] for log in logs}


def describe(sample: EvalSample) -> list[Any]:
    """Tokens of the answer, whether there are log-probabilities, and the answer."""
    output = sample.output
    tokens = output.usage.output_tokens if output.usage else None
    return [tokens, bool(output.choices[0].logprobs), output.completion]


main()
