from django.apps import AppConfig


class ClearinghouseConfig(AppConfig):
    name = "clearinghouse"
    verbose_name = "Administration"

    def ready(self) -> None:
        from clearinghouse import checks, edge_checks  # noqa: F401  registers the system checks
