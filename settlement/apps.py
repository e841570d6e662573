from django.apps import AppConfig


class SettlementConfig(AppConfig):
    name = "settlement"

    def ready(self) -> None:
        """Brings settlement's erasable tables to the one place that erases."""
        from roaming.models.erasing import erase_too
        from settlement.models.erasing import CSP_RECORDS

        erase_too(CSP_RECORDS)
