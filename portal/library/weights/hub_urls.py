"""The Hub's addresses, below HF_ENDPOINT."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from portal.library.weights.views import hub, sign_in


class RepositoryConverter(StringConverter):
    """`<release>/<model>`."""

    regex = "[^/]+/[^/]+"


register_converter(RepositoryConverter, "repo")

app_name = "hub"
urlpatterns = [
    path("oauth/device", sign_in.begin_sign_in, name="begin_sign_in"),
    path("oauth/token", sign_in.give_key, name="give_key"),
    path("api/whoami-v2", hub.show_person, name="whoami"),
    path("api/agent-harnesses", hub.list_harnesses, name="harnesses"),
    path("api/telemetry/<path:path>", hub.ignore_telemetry, name="telemetry"),
    path("api/models/<repo:repo>", hub.show_repository, name="repository"),
    path("api/models/<repo:repo>/revision/<str:rev>", hub.show_repository, name="revision"),
    path("api/models/<repo:repo>/tree/<str:rev>", hub.list_tree, name="tree"),
    path("api/models/<repo:repo>/tree/<str:rev>/<path:folder>", hub.list_tree, name="folder"),
    path("api/models/<repo:repo>/paths-info/<str:rev>", hub.show_paths, name="paths"),
    path("api/models/<repo:repo>/refs", hub.list_refs, name="refs"),
    path("api/models/<repo:repo>/commits/<str:rev>", hub.list_commits, name="commits"),
    path("api/models/<repo:repo>/auth-check", hub.check_access, name="check"),
    path("<repo:repo>/resolve/<str:rev>/<path:path>", hub.resolve, name="resolve"),
]
