from __future__ import annotations

from django.urls import path

from portal.desk.console.views import (
    audit,
    bulk,
    capacity,
    closeouts,
    denials,
    desk,
    domains,
    grants,
    members,
    merging,
    metrics,
    operations,
    queue,
    reconsent,
    remarks,
    renewals,
    reviews,
    webhooks,
    weights,
)

app_name = "console"
urlpatterns = [
    # For auditors, and those that they share with reviewers.
    path("audit/", audit.show_log, name="audit"),
    path("audit/export/<slug:ending>/", audit.export_log, name="audit_export"),
    path("metrics/", metrics.show_metrics, name="metrics"),
    path("metrics/export/<slug:table>/", metrics.export_metrics, name="metrics_export"),
    # For all three.
    path("weights/", weights.show_holders, name="weights"),
    path("weights/<int:user>/<int:revision>/", weights.show_holder, name="holder"),
    # For operators.
    path("capacity/", capacity.capacity, name="capacity"),
    path("operations/", operations.operations, name="operations"),
    path("webhooks/", webhooks.list_webhooks, name="webhooks"),
    path("webhooks/<int:pk>/", webhooks.show_webhook, name="webhook"),
    path("webhooks/<int:pk>/<slug:command>/", webhooks.change_webhook, name="webhook-command"),
    path("webhooks/deliveries/<int:pk>/repeat/", webhooks.repeat_delivery, name="webhook-repeat"),
    # For reviewers.
    path("", queue.show_queue, name="queue"),
    path("bulk/", bulk.bulk, name="bulk"),
    path("absence/", desk.absence, name="absence"),
    path("denials/", denials.list_denials, name="denials"),
    path("denials/<int:pk>/", denials.lift, name="denial"),
    path("domains/", domains.list_domains, name="domains"),
    path("domains/<int:pk>/", domains.change_domain, name="domain"),
    path("reconsent/", reconsent.show_outdated, name="reconsent"),
    path("reconsent/remind/", reconsent.remind, name="reconsent_remind"),
    path("reconsent/not-signed-again.csv", reconsent.export, name="reconsent_export"),
    path("applications/<str:case_number>/", reviews.show_application, name="application"),
    path("members/<int:pk>/", members.expel, name="member"),
    path("applications/<str:case_number>/merge/<int:pk>/", merging.merge, name="merge"),
    path("applications/<str:case_number>/remarks/", remarks.remarks, name="remarks"),
    path("applications/<str:case_number>/<str:command>/", reviews.decide, name="decide"),
    path("grants/", grants.list_grants, name="grants"),
    path("renewals/", renewals.list_renewals, name="renewals"),
    path("renewals/<int:pk>/", renewals.show_renewal, name="renewal"),
    path("renewals/<int:pk>/<str:command>/", renewals.decide_renewal, name="decide-renewal"),
    path("closeouts/", closeouts.list_closeouts, name="closeouts"),
    path("closeouts/<int:pk>/ask/", closeouts.ask, name="ask-statement"),
    path("grants/<int:pk>/limits/", grants.limit_grant, name="grant-limits"),
    path("grants/<int:pk>/<str:command>/", grants.change_grant, name="grant"),
]
