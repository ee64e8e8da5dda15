from __future__ import annotations

from django.urls import path

from portal.gate.licensing import views

app_name = "licensing"
urlpatterns = [
    path("signatures/", views.signatures, name="signatures"),
    path("signatures/<int:pk>/", views.signature, name="signature"),
    path("signatures/<int:pk>/text/", views.signature_text, name="signature_text"),
    path("signatures/<int:pk>/pdf/", views.signature_pdf, name="signature_pdf"),
    path("<slug:slug>/", views.read, name="read"),
    path("<slug:slug>/sign/", views.sign, name="sign"),
    path("<slug:slug>/<int:number>/", views.read, name="version"),
    path("<slug:slug>/<int:number>/text/", views.download, name="download"),
]
