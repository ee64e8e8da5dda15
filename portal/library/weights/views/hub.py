"""The protocol of the Hugging Face Hub, as far as clients need it to fetch models and datasets."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, Final, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from portal.library.weights.domain.lookup import find_file, find_revision, list_revisions
from portal.library.weights.domain.permission import (
    require_caller,
    require_file,
    require_listing,
    require_weights,
)
from portal.library.weights.enums import HubType
from portal.library.weights.hub import describe
from portal.library.weights.hub.answer import answer_file
from portal.library.weights.hub.refusals import answer_refusal
from portal.library.weights.models import Revision
from portal.library.weights.rules import MAIN
from portal.platform.core.database import in_database
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
MOST_PATHS: Final = 1000
"""Of one request; clients ask for less."""


def hub_view(
    *methods: str,
) -> Callable[[View[P]], Callable[..., Coroutine[Any, Any, HttpResponseBase]]]:
    """An asynchronous view for the methods: the function works in the database's threads."""

    def decorate(view: View[P]) -> Callable[..., Coroutine[Any, Any, HttpResponseBase]]:
        @csrf_exempt
        @require_http_methods([*methods])
        @wraps(view)
        async def call(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            try:
                return await in_database(lambda: view(request, *args, **kwargs))
            except DomainError as error:
                return answer_refusal(error)

        return call

    return decorate


@hub_view("GET", "HEAD")
def show_repository(
    request: HttpRequest, repo: str, rev: str = MAIN, kind: HubType = HubType.MODELS
) -> HttpResponse:
    """The repository at a revision: what every client asks for first."""
    revision = _open(request, kind, repo, rev)
    with_blobs = _is_true(request.GET.get("blobs", ""))
    return _answer(
        revision,
        describe.describe_repository(revision, list(revision.files.all()), with_blobs=with_blobs),
    )


@hub_view("GET", "HEAD")
def list_tree(
    request: HttpRequest, repo: str, rev: str, folder: str = "", kind: HubType = HubType.MODELS
) -> HttpResponse:
    """The files of a folder."""
    revision = _open(request, kind, repo, rev)
    try:
        entries = describe.list_tree(
            revision,
            revision.files.all(),
            folder=folder.strip("/"),
            is_recursive=_is_true(request.GET.get("recursive", "")),
            expand=_is_true(request.GET.get("expand", "")),
        )
    except DomainError as error:
        return answer_refusal(error, commit=revision.commit)
    return _answer(revision, entries)


@hub_view("POST")
def show_paths(
    request: HttpRequest, repo: str, rev: str, kind: HubType = HubType.MODELS
) -> HttpResponse:
    """The files among the paths of the form."""
    revision = _open(request, kind, repo, rev)
    paths = request.POST.getlist("paths")[:MOST_PATHS]
    expand = _is_true(request.POST.get("expand", ""))
    files = revision.files.filter(path__in=[path for path in paths if "\0" not in path])
    return _answer(
        revision, [describe.describe_file(revision, file, expand=expand) for file in files]
    )


@hub_view("GET", "HEAD")
def list_refs(request: HttpRequest, repo: str, kind: HubType = HubType.MODELS) -> HttpResponse:
    """The revisions as a branch and tags."""
    revision = _open(request, kind, repo, MAIN)
    return _answer(revision, describe.describe_refs(list_revisions(revision.repository)))


@hub_view("GET", "HEAD")
def list_commits(
    request: HttpRequest, repo: str, rev: str, kind: HubType = HubType.MODELS
) -> HttpResponse:
    """A revision and those before it."""
    revision = _open(request, kind, repo, rev)
    revisions = list_revisions(revision.repository)
    own = [each for each in revisions if each.number <= revision.number]
    response = _answer(revision, describe.describe_commits(own))
    response["X-Total-Count"] = str(len(own))
    return response


@hub_view("GET", "HEAD")
def check_access(request: HttpRequest, repo: str, kind: HubType = HubType.MODELS) -> HttpResponse:
    """Whether the caller may fetch all files, those that need a grant included."""
    now, revision = timezone.now(), find_revision(repo, MAIN, of=kind)
    if kind == HubType.MODELS:
        require_weights(revision, require_caller(_key_text(request), at=now), at=now)
    else:
        require_listing(revision, _key_text(request), at=now)
    return HttpResponse("OK", content_type="text/plain")


@hub_view("GET", "HEAD")
def show_person(request: HttpRequest) -> HttpResponse:
    """The owner of the key."""
    key = require_caller(_key_text(request), at=timezone.now())
    return JsonResponse(describe.describe_person(key))


@hub_view("GET", "HEAD")
def resolve(
    request: HttpRequest, repo: str, rev: str, path: str, kind: HubType = HubType.MODELS
) -> HttpResponseBase:
    """A file, or with HEAD what clients must know before they fetch it."""
    now, key_text = timezone.now(), _key_text(request)
    revision = find_revision(repo, rev, of=kind)
    try:
        file = find_file(revision, path)
    except DomainError as error:
        require_listing(revision, key_text, at=now)
        return answer_refusal(error, commit=revision.commit)
    key = require_file(file, revision, key_text, at=now)
    return answer_file(request, revision, file, bearer=key, at=now)


@hub_view("GET")
def list_harnesses(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 -- a view's signature
    """Nothing: newer clients ask once a day which agents to look for."""
    return JsonResponse({"standardEnvVars": [], "harnesses": {}})


@hub_view("HEAD", "GET", "POST")
def ignore_telemetry(request: HttpRequest, path: str) -> HttpResponse:  # noqa: ARG001 -- a view's signature
    """Libraries report their use; nothing is kept."""
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _open(request: HttpRequest, kind: HubType, repo: str, rev: str) -> Revision:
    """The revision, if the caller may see its files."""
    revision = find_revision(repo, rev, of=kind)
    require_listing(revision, _key_text(request), at=timezone.now())
    return revision


def _key_text(request: HttpRequest) -> str:
    """The key in `Authorization: Bearer`; empty if there is no such header."""
    header = request.headers.get("Authorization", "")
    scheme, _, text = header.partition(" ")
    if header and scheme.lower() != "bearer":
        raise DomainError(
            RefusalCode.INVALID_API_KEY,
            "Send your key in the header: Authorization: Bearer <key>.",
        )
    return text.strip()


def _answer(revision: Revision, content: object) -> HttpResponse:
    return JsonResponse(content, safe=False, headers={"X-Repo-Commit": revision.commit})


def _is_true(text: str) -> bool:
    return text.lower() in {"true", "1"}
