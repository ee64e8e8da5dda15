"""The Hub's addresses, below HF_ENDPOINT."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from portal.library.weights.enums import HubType
from portal.library.weights.views import hub, links, sign_in


class RepositoryConverter(StringConverter):
    """`<release>/<model>`, or `<release>/<slug>` of a dataset."""

    regex = "[^/]+/[^/]+"


class TypeConverter(StringConverter):
    """The list in which a client looks for a repository."""

    regex = "|".join(HubType)

    def to_python(self, value: str) -> HubType:
        return HubType(value)


register_converter(RepositoryConverter, "repo")
register_converter(TypeConverter, "hub")

app_name = "hub"
urlpatterns = [
    path("oauth/device", sign_in.begin_sign_in, name="begin_sign_in"),
    path("oauth/token", sign_in.give_key, name="give_key"),
    path("api/whoami-v2", hub.show_person, name="whoami"),
    path("api/agent-harnesses", hub.list_harnesses, name="harnesses"),
    path("api/telemetry/<path:path>", hub.ignore_telemetry, name="telemetry"),
    path("api/<hub:kind>/<repo:repo>", hub.show_repository, name="repository"),
    path("api/<hub:kind>/<repo:repo>/revision/<str:rev>", hub.show_repository, name="revision"),
    path("api/<hub:kind>/<repo:repo>/tree/<str:rev>", hub.list_tree, name="tree"),
    path("api/<hub:kind>/<repo:repo>/tree/<str:rev>/<path:folder>", hub.list_tree, name="folder"),
    path("api/<hub:kind>/<repo:repo>/paths-info/<str:rev>", hub.show_paths, name="paths"),
    path("api/<hub:kind>/<repo:repo>/refs", hub.list_refs, name="refs"),
    path("api/<hub:kind>/<repo:repo>/commits/<str:rev>", hub.list_commits, name="commits"),
    path("api/<hub:kind>/<repo:repo>/auth-check", hub.check_access, name="check"),
    path(
        "datasets/<repo:repo>/resolve/<str:rev>/<path:path>",
        hub.resolve,
        {"kind": HubType.DATASETS},
        name="resolve_dataset",
    ),
    path("links/<str:token>/files/<path:path>", links.fetch, name="linked"),
    path("links/<str:token>/<str:name>", links.write_list, name="links"),
    path("<repo:repo>/resolve/<str:rev>/<path:path>", hub.resolve, name="resolve"),
]
