"""The form of a platform: the digest of its client certificate is taken as tools print it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextInputWidget

from roaming.domain.certificates import NoDigestError, read_digest
from roaming.models import Platform

_DIGEST = Platform._meta.get_field("client_certificate_sha256")


class DigestField(forms.CharField):
    """A SHA-256 digest with colons, blanks, in capitals or behind a label; kept as bare hex."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        try:
            return read_digest(text) if text else ""
        except NoDigestError as error:
            raise ValidationError(str(error)) from error


class PlatformForm(forms.ModelForm):  # type: ignore[type-arg]
    """What staff say of a platform."""

    client_certificate_sha256 = DigestField(
        label="Client certificate",
        required=False,
        max_length=400,
        widget=UnfoldAdminTextInputWidget(),
        help_text=f"{_DIGEST.help_text} As openssl x509 -fingerprint -sha256 prints it will do.",
    )

    class Meta:
        model = Platform
        fields = "__all__"
