from __future__ import annotations

from django.urls import path

from portal.gate.vouching.views import answer, own

app_name = "vouching"
urlpatterns = [
    path("access/vouching/", own.show_own, name="own"),
    path("access/vouching/<str:kind>/name/", own.name, name="name"),
    path("access/vouching/<str:kind>/resend/", own.resend, name="resend"),
    path("vouch/<int:pk>/<str:token>/", answer.answer, name="answer"),
    path("vouch/<int:pk>/<str:token>/withdraw/", answer.withdraw, name="withdraw"),
    path("vouch/<int:pk>/<str:token>/erase/", answer.erase, name="erase"),
]
