"""Settings, URLs and entry points: the top of the portal, which nothing below imports."""

from portal.config.celery import app as celery_app

__all__ = ["celery_app"]
