"""The operators' pages of the console."""

from __future__ import annotations

from django.urls import URLPattern, path

from portal.desk.console.views import capacity, operations, webhooks

patterns: list[URLPattern] = [
    path("capacity/", capacity.capacity, name="capacity"),
    path("operations/", operations.operations, name="operations"),
    path("webhooks/", webhooks.list_webhooks, name="webhooks"),
    path("webhooks/<int:pk>/", webhooks.show_webhook, name="webhook"),
    path("webhooks/<int:pk>/<slug:command>/", webhooks.change_webhook, name="webhook-command"),
    path("webhooks/deliveries/<int:pk>/repeat/", webhooks.repeat_delivery, name="webhook-repeat"),
]
