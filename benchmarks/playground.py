"""The playground in a browser while ten thousand tokens stream into it: one table.

    python -m benchmarks.playground [--tokens N] [--write]

Once with five log-probabilities per token and the heat map on, once without any. The engine is the
stand-in. A measurement is not a test: it prints what was reached and exits with status 0.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import BrowserContext, Page

from benchmarks.machine import describe_machine
from benchmarks.marked_section import write_section
from benchmarks.models_file import DEPLOYMENT
from benchmarks.stack import Shape, Stack, running_stack
from demo.place import ROOT
from demo.terminal import one_line_errors, say
from tests.e2e.browser import launched_browser

SECTION = "playground"
RATE = 200.0
TOKENS = 10_000
CONTEXT = 12_288
ALTERNATIVES = "5"
LONG_MS = 50
MOST_SHIFT = 0.02
WIDTH, HEIGHT = 1280, 800
WATCH = """
window.seen = { tasks: [], shift: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) seen.tasks.push(entry.duration);
}).observe({ type: "longtask", buffered: true });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) seen.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass(frozen=True)
class Seen:
    """One stream as a browser saw it."""

    first_paint_ms: float
    shift: float
    tasks_ms: Sequence[float]
    """Tasks of more than LONG_MS, during which the page does not respond."""
    heap_mb: float
    bytes_per_token: float


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.playground")
    parser.add_argument("--tokens", type=int, default=TOKENS, help="tokens of each stream")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args(words)
    with one_line_errors(), TemporaryDirectory() as folder:
        weights = write_long_model(Path(folder))
        shape = Shape(people=1, slots=4, rate=RATE, context=CONTEXT, weights=str(weights))
        with running_stack(shape) as stack:
            lift_context(stack)
            runs = {name: measure(stack, options.tokens, name) for name in (ALTERNATIVES, "")}
    report = f"{describe_machine()}. {options.tokens:,} tokens.\n\n{render(runs)}"
    say(f"\n{report}")
    if options.write:
        write_section(SECTION, report)


def write_long_model(folder: Path) -> Path:
    """The packaged model with a longer context, for an engine that does not read its weights."""
    packaged = ROOT / "var" / "weights" / DEPLOYMENT
    for file in packaged.iterdir():
        (folder / file.name).symlink_to(file)
    config = json.loads((packaged / "config.json").read_text())
    (folder / "config.json").unlink()
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": CONTEXT}))
    return folder


def lift_context(stack: Stack) -> None:
    """The demo releases the model with a shorter context."""
    stack.query("UPDATE catalog_hostedmodel SET context_length = %s RETURNING slug", CONTEXT)


def measure(stack: Stack, tokens: int, alternatives: str) -> Seen:
    with launched_browser() as browser, browser.new_context(
        base_url=stack.url, viewport={"width": WIDTH, "height": HEIGHT}
    ) as context:  # fmt: skip
        sign_in(context, stack)
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto("/playground/")
        page.wait_for_selector("[data-run-key]:not([hidden])", state="attached")
        size = stream(page, tokens, alternatives)
        seen = page.evaluate("seen")
        return Seen(
            first_paint_ms=page.evaluate(
                "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            ),
            shift=seen["shift"],
            tasks_ms=[task for task in seen["tasks"] if task > LONG_MS],
            heap_mb=find_heap(context, page) / 1e6,
            bytes_per_token=size / tokens,
        )


def sign_in(context: BrowserContext, stack: Stack) -> None:
    context.add_cookies([{"name": "sessionid", "value": stack.sessions[0], "url": stack.url}])


def stream(page: Page, tokens: int, alternatives: str) -> int:
    """Run to the end, and return the bytes of its events."""
    page.fill("textarea[name=prompt]", "Once upon a time")
    page.fill("input[name=max_tokens]", str(tokens))
    page.fill("input[name=logprobs]", alternatives)
    page.get_by_role("button", name="Surprisal").click()
    received: Counter[str] = Counter()
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.on(
        "Network.dataReceived",
        lambda event: received.update({event["requestId"]: event["dataLength"]}),
    )
    page.press("textarea[name=prompt]", "Control+Enter")
    page.wait_for_selector(".chip--succeeded", timeout=1000 * (60 + 2 * tokens / RATE))
    # The stream is by far the largest response.
    return max(received.values())


def find_heap(context: BrowserContext, page: Page) -> float:
    """Bytes that the page's scripts hold after a garbage collection."""
    devtools = context.new_cdp_session(page)
    devtools.send("HeapProfiler.collectGarbage")
    devtools.send("Performance.enable")
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "JSHeapUsedSize")


def render(runs: dict[str, Seen]) -> str:
    """The table, with the verdicts on the targets."""
    with_them, without = runs[ALTERNATIVES], runs[""]
    ratio = with_them.bytes_per_token / without.bytes_per_token
    head = f"{WIDTH} by {HEIGHT} px | {ALTERNATIVES} log-probabilities, heat map | without | target"
    return "\n".join(
        [
            f"| {head} |",
            "| --- | --- | --- | --- |",
            _row("first contentful paint, ms", with_them.first_paint_ms, without.first_paint_ms),
            _row("layout shift", with_them.shift, without.shift, most=MOST_SHIFT, digits=3),
            _row("longest task, ms", *(max(seen.tasks_ms, default=0) for seen in runs.values())),
            _row(
                f"tasks above {LONG_MS} ms", len(with_them.tasks_ms), len(without.tasks_ms), most=0
            ),
            _row("scripts' memory at the end, MB", with_them.heap_mb, without.heap_mb, digits=1),
            _row(
                f"bytes per token (ratio {ratio:.1f})",
                with_them.bytes_per_token,
                without.bytes_per_token,
            ),
        ]
    )


def _row(
    name: str, first: float, second: float, *, most: float | None = None, digits: int = 0
) -> str:
    target = ""
    if most is not None:
        target = f"≤ {most:g}: {'reached' if max(first, second) <= most else 'not reached'}"
    return f"| {name} | {first:.{digits}f} | {second:.{digits}f} | {target} |"


if __name__ == "__main__":
    main()
