"""What a file is, its content says; a name cannot lead anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.domain.evidence import EXTENSIONS, LONGEST_NAME, media_type_of, safe_name


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"%PDF-1.7\n...", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b'{"kwh": 20}', "application/json"),
        (b"[1, 2]", "application/json"),
        (b"{not json", "text/plain"),
        ("\ufeffTag;kWh\n5.10.;20\n".encode(), "text/csv"),
        (b"a,b\n1,2\n", "text/csv"),
        (b"one line, with a comma", "text/plain"),
        ("Zähler gestört".encode(), "text/plain"),
        (b"<?xml version='1.0'?><signedData><v>1</v></signedData>", "application/xml"),
        (b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>", None),
        (b"<html><script>alert(1)</script></html>", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", None),
        (b"<broken", None),
        (b"MZ\x90\x00\x03", None),
        (b"PK\x03\x04", None),
        (b"\x00\x01", None),
        (b"latin \xe4", None),
        (b"", None),
        (b"   \n", None),
    ],
)
def test_a_file_is_what_its_content_says(content, media_type):
    assert media_type_of(content) == media_type


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("report.pdf", "report.pdf"),
        ("REPORT.PDF", "REPORT.PDF"),
        ("report.exe", "report.exe.pdf"),
        ("..\\..\\boot.ini", "boot.ini.pdf"),
        ("a/b/\x00c\r\nX: y", "cX_ y.pdf"),
        ("", "evidence.pdf"),
        ("...", "evidence.pdf"),
    ],
)
def test_a_name_is_made_safe(name, shown):
    assert safe_name(name, "application/pdf") == shown


@given(st.text(max_size=300), st.sampled_from(sorted(EXTENSIONS)))
def test_no_name_has_a_path_a_control_character_or_another_ending(name, media_type):
    shown = safe_name(name, media_type)
    assert 0 < len(shown) <= LONGEST_NAME
    assert not set(shown) & set('/\\\r\n\0";%')
    assert shown.lower().endswith((EXTENSIONS[media_type], ".jpeg"))
