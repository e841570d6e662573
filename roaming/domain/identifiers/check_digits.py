"""Check digits of contract ids: ISO 15118 / eMI3 (two matrices) and DIN SPEC 91286 (modulo 11)."""

from __future__ import annotations

from roaming.domain.identifiers.errors import IdentifierError

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_P1 = ((0, 1), (1, 1))
_P2 = ((0, 1), (1, 2))

Row = tuple[int, int]


def _times(row: Row, matrix: tuple[Row, Row], modulus: int) -> Row:
    """Row vector times matrix."""
    return (
        (row[0] * matrix[0][0] + row[1] * matrix[1][0]) % modulus,
        (row[0] * matrix[0][1] + row[1] * matrix[1][1]) % modulus,
    )


def _iso_tables() -> tuple[dict[str, int], ...]:
    """For each place 1..15: character -> q P1^k and r P2^k, the four numbers a byte each.

    A sum over 15 places stays below 31 in each byte, so the four sums never touch.
    """
    tables: list[dict[str, int]] = [{} for _ in range(15)]
    for index, character in enumerate(ALPHABET):
        b, m = divmod(index, 9)
        q, r = (b >> 1, b & 1), (m // 3, m % 3)
        for table in tables:
            q, r = _times(q, _P1, 2), _times(r, _P2, 3)
            table[character] = q[0] | q[1] << 8 | r[0] << 16 | r[1] << 24
    return tuple(tables)


_ISO = _iso_tables()


def _residue(total: int) -> int:
    return (
        (total & 255) % 2
        | (total >> 8 & 255) % 2 << 8
        | (total >> 16 & 255) % 3 << 16
        | (total >> 24) % 3 << 24
    )


def _iso_fits() -> dict[int, str]:
    """Residue of the first 14 places -> the one character that brings the sum to zero."""
    fits = {}
    for character, last in _ISO[14].items():
        q0, q1 = last & 255, last >> 8 & 255
        r0, r1 = last >> 16 & 255, last >> 24
        fits[-q0 % 2 | (-q1 % 2) << 8 | (-r0 % 3) << 16 | (-r1 % 3) << 24] = character
    return fits


_ISO_FITS = _iso_fits()

# DIN: character -> (sum of its weighted digits at weight 1, weights it uses)
_DIN = {
    character: (value, 1) if value < 10 else (value // 10 + value % 10 * 2, 2)
    for value, character in enumerate(ALPHABET)
}


def iso_check_digit(key: str) -> str:
    """Check character of an ISO 15118 / eMI3 contract id; `key` is its 14 characters.

    `key` has no separators; letters of either case count alike. Anything but 14 of 0-9 and A-Z is
    an IdentifierError (`syntax`). Rule: sum(q_k P1^k) = 0 mod 2 and sum(r_k P2^k) = 0 mod 3.

    >>> [iso_check_digit(key) for key in ("NN123ABCDEFGHI", "FRXYZ123456789", "ITA1B2C3E4F5G6")]
    ['T', '2', '4']
    >>> iso_check_digit("NLTSTC12345678")
    'S'
    """
    text = _upper(key, 14)
    total = 0
    for table, character in zip(_ISO, text, strict=False):
        total += table[character]
    return _ISO_FITS[_residue(total)]


def din_check_digit(key: str) -> str:
    """Check character of a DIN SPEC 91286 contract id; `key` is its 11 characters.

    A digit d adds d * 2^k; a letter of value v = 10..35 adds (v div 10) * 2^k and
    (v mod 10) * 2^(k+1), k counting the weights used so far; the sum modulo 11, 10 written X.
    Anything but 11 of 0-9 and A-Z is an IdentifierError (`syntax`).

    >>> [din_check_digit(key) for key in ("INTNM000071", "INTNM000110", "NLTNM122045")]
    ['9', 'X', '0']
    """
    total, exponent = 0, 0
    for character in _upper(key, 11):
        value, weights = _DIN[character]
        total += value << exponent
        exponent += weights
    return "0123456789X"[total % 11]


def _upper(key: str, length: int) -> str:
    if len(key) == length and key.isascii() and key.isalnum():
        return key.upper()
    raise IdentifierError(
        "syntax", f"check digit: expected {length} characters of A-Z and 0-9 without separators"
    )
