from django.apps import AppConfig


class RoamingConfig(AppConfig):
    name = "roaming"

    def ready(self) -> None:
        """Wires the dialects' clients into the hub, and the API's schema extensions."""
        from roaming import ports
        from roaming.api import authentication, schema  # noqa: F401
        from roaming.api.platform_client import NativeClient

        ports.register_client("native-1", NativeClient())
