"""The usage and the remaining quota of the key's owner."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from ninja import Router

from portal.gate.access.enums import KeyScope
from portal.lab.api.auth import KeyAuth, Right, require
from portal.lab.api.schemas import REFUSALS, UsageReportObject, answers
from portal.lab.jobs.domain.usage_export import stream_usage
from portal.lab.jobs.domain.usage_report import report_usage
from portal.platform.core.database import in_database

router = Router(tags=["Usage"], auth=KeyAuth(Right.NONE))


@router.get(
    "/usage",
    response=answers(UsageReportObject),
    summary="Get the quota of the last 24 hours, and the runs under way",
)
async def get_usage(request: HttpRequest) -> dict[str, Any]:
    key = require(request, KeyScope.READ)
    report = await in_database(lambda: report_usage(key.user, at=timezone.now()))
    return {"object": "usage", **asdict(report)}


@router.get(
    "/usage.csv", response=REFUSALS, summary="Download all your runs as CSV, without prompts"
)
async def export_usage(request: HttpRequest) -> HttpResponseBase:
    key = require(request, KeyScope.READ)
    response = StreamingHttpResponse(stream_usage(key.user), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="usage.csv"'
    return response
