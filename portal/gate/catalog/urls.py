from __future__ import annotations

from django.urls import path

from portal.gate.catalog import views

app_name = "catalog"
urlpatterns = [
    path("", views.home, name="home"),
    path("models/", views.models, name="models"),
    path("models/<str:slug>/", views.model, name="model"),
    path("releases/<slug:slug>/model-card/", views.model_card, name="model_card"),
    path("releases/<slug:slug>/data-card/", views.data_card, name="data_card"),
    path("how-access-works/", views.process, name="process"),
]
