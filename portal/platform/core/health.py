"""Liveness and readiness, for proxies and orchestrators."""

from __future__ import annotations

import redis
import structlog
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.platform.core.redis import sync_redis

log = structlog.get_logger(__name__)


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> JsonResponse:
    """200 while the process serves requests; does not check other parts."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 if the database and the broker respond, otherwise 503 naming which does not."""
    parts = {"database": _database_answers(), "broker": _broker_answers()}
    ready = all(parts.values())
    body = {
        "status": "ok" if ready else "unavailable",
        "parts": {name: "ok" if up else "down" for name, up in parts.items()},
    }
    return JsonResponse(body, status=200 if ready else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        log.warning("readiness_failed", part="database", exc_info=True)
        return False
    return True


def _broker_answers() -> bool:
    try:
        return bool(sync_redis().ping())
    except redis.RedisError:
        log.warning("readiness_failed", part="broker", exc_info=True)
        return False
