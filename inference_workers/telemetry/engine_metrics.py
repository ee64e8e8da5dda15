"""Passes on vLLM's own metrics, because Prometheus cannot scrape a Unix socket."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

PASSED_ON: Final[Mapping[str, str]] = {
    "vllm:num_requests_running": "gauge",
    "vllm:num_requests_waiting": "gauge",
    "vllm:kv_cache_usage_perc": "gauge",
    "vllm:num_preemptions": "counter",
    "vllm:prefix_cache_queries": "counter",
    "vllm:prefix_cache_hits": "counter",
    "vllm:prompt_tokens": "counter",
    "vllm:generation_tokens": "counter",
    "vllm:request_success": "counter",
    "vllm:time_to_first_token_seconds": "histogram",
    "vllm:inter_token_latency_seconds": "histogram",
    "vllm:e2e_request_latency_seconds": "histogram",
    "vllm:request_queue_time_seconds": "histogram",
    "vllm:request_prefill_time_seconds": "histogram",
    "vllm:request_decode_time_seconds": "histogram",
}
"""Metric families with their types, a few of about fifty; counters without `_total`."""
_SUFFIX = r"(?:_total|_bucket|_sum|_count)?"
_NAMES = "|".join(map(re.escape, PASSED_ON))
_COMMENT = re.compile(rf"# (?:HELP|TYPE) (?:{_NAMES})(?:_total)? ")
_SAMPLE = re.compile(rf"((?:{_NAMES}){_SUFFIX})(?:\{{(.*)\}})? ([^ ]+)")


def select_metrics(text: str, *, deployment: str) -> str:
    """The lines of `text` that are passed on, each sample with a `deployment` label."""
    lines = []
    for line in text.splitlines():
        if not line.startswith(("vllm:", "# ")):
            continue
        if match := _SAMPLE.fullmatch(line):
            name, labels, value = match.groups()
            added = f'deployment="{deployment}"' + (f",{labels}" if labels else "")
            lines.append(f"{name}{{{added}}} {value}")
        elif _COMMENT.match(line):
            lines.append(line)
    return "".join(f"{line}\n" for line in lines)
