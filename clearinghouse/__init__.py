"""The project: settings, addresses, the Celery application and its one beat table."""

from clearinghouse.celery import app as celery_app

__all__ = ["celery_app"]
