"""Codes for the end of a job, shared by both sides."""

from __future__ import annotations

from enum import StrEnum


class CancelReason(StrEnum):
    """Why a job was stopped before its end."""

    USER = "user"
    ACCESS_ENDED = "access_ended"
    DELETED = "deleted"


class FailureCode(StrEnum):
    """Why a job failed. The portal has the sentences."""

    CONTEXT_LENGTH_EXCEEDED = "context_length_exceeded"
    INVALID_REQUEST = "invalid_request"
    ENGINE_ERROR = "engine_error"
    WORKER_LOST = "worker_lost"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    EXPIRED_IN_QUEUE = "expired_in_queue"


class FinishReason(StrEnum):
    """Why the model stopped by itself."""

    STOP = "stop"
    LENGTH = "length"
