"""Django's PostgreSQL backend on the embedded server, which the first connection starts.

The settings EMBEDDED_POSTGRES_DATA_DIR and EMBEDDED_POSTGRES_DURABLE (default: yes) say which
server; OPTIONS of a database may carry `data_dir` and `durable` instead. HOST and PORT are found
out. A command that opens no connection starts nothing. Django prescribes this module's name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base as postgresql
from django.db.utils import OperationalError

from clearinghouse.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from clearinghouse.embedded_postgres.backend.client import DatabaseClient


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """A connection that finds its server, or starts it."""

    client_class = DatabaseClient

    def embedded_server(self) -> EmbeddedPostgres:
        """The server that this connection's settings describe, running or not."""
        options = self.settings_dict["OPTIONS"]
        data_dir = options.get("data_dir") or settings.EMBEDDED_POSTGRES_DATA_DIR
        durable = options.get("durable", getattr(settings, "EMBEDDED_POSTGRES_DURABLE", True))
        return EmbeddedPostgres(Path(data_dir), durable=durable)

    def get_connection_params(self) -> dict[str, Any]:
        """The parameters of a connection; asking for them makes sure that the server runs.

        Django asks right before each new connection and before it makes a pool, nowhere else.
        """
        parameters = super().get_connection_params()
        parameters.pop("data_dir", None)
        parameters.pop("durable", None)
        server = self.embedded_server()
        try:
            server.start()
            return {**parameters, "host": str(server.socket_dir), "port": server.port}
        except EmbeddedPostgresError as error:
            raise OperationalError(str(error)) from error
