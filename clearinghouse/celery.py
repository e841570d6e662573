"""Celery: the clock that wakes workers. Work waits in rows, so a lost message loses nothing."""

import os
from pathlib import Path

from celery import Celery

from clearinghouse import file_broker  # noqa: F401  registers itself as the transport of files

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clearinghouse.settings")

app = Celery("clearinghouse")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_configure.connect
def make_broker_folders(sender: Celery, **kwargs: object) -> None:
    """The file broker does not make its own folders."""
    options = sender.conf.broker_transport_options or {}
    for name in ("data_folder_in", "data_folder_out", "control_folder"):
        if name in options:
            Path(options[name]).mkdir(parents=True, exist_ok=True)
