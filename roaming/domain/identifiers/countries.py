"""Countries in identifiers: ISO 3166-1 letters, and the E.164 prefixes of the DIN forms."""

from __future__ import annotations

from collections.abc import Mapping

from roaming.domain.identifiers.errors import IdentifierError

# ISO 3166-1 alpha-2: the 249 officially assigned codes. XK is of the standard's user-assigned
# range; the European Union and CLDR use it for Kosovo, and so do its charging operators.
_ISO_3166 = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ
BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM
DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS
GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN
KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ
MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV
SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI
VN VU WF WS YE YT ZA ZM ZW XK
"""
COUNTRIES = frozenset(_ISO_3166.split())

# List of Recommendation ITU-T E.164 assigned country codes: the geographic codes that the list
# gives to one country. A territory without a code of its own in that list is part of the country.
_E164 = """
20 EG   27 ZA   30 GR   31 NL   32 BE   33 FR   34 ES   36 HU   39 IT   40 RO   41 CH   43 AT
45 DK   46 SE   47 NO   48 PL   49 DE   51 PE   52 MX   53 CU   54 AR   55 BR   56 CL   57 CO
58 VE   60 MY   61 AU   62 ID   63 PH   64 NZ   65 SG   66 TH   81 JP   82 KR   84 VN   86 CN
90 TR   91 IN   92 PK   93 AF   94 LK   95 MM   98 IR
211 SS  212 MA  213 DZ  216 TN  218 LY  220 GM  221 SN  222 MR  223 ML  224 GN  225 CI  226 BF
227 NE  228 TG  229 BJ  230 MU  231 LR  232 SL  233 GH  234 NG  235 TD  236 CF  237 CM  238 CV
239 ST  240 GQ  241 GA  242 CG  243 CD  244 AO  245 GW  246 IO  247 SH  248 SC  249 SD  250 RW
251 ET  252 SO  253 DJ  254 KE  255 TZ  256 UG  257 BI  258 MZ  260 ZM  261 MG  263 ZW  264 NA
265 MW  266 LS  267 BW  268 SZ  269 KM  290 SH  291 ER  297 AW  298 FO  299 GL
350 GI  351 PT  352 LU  353 IE  354 IS  355 AL  356 MT  357 CY  358 FI  359 BG  370 LT  371 LV
372 EE  373 MD  374 AM  375 BY  376 AD  377 MC  378 SM  379 VA  380 UA  381 RS  382 ME  383 XK
385 HR  386 SI  387 BA  389 MK
420 CZ  421 SK  423 LI
500 FK  501 BZ  502 GT  503 SV  504 HN  505 NI  506 CR  507 PA  508 PM  509 HT  591 BO  592 GY
593 EC  594 GF  595 PY  596 MQ  597 SR  598 UY
670 TL  673 BN  674 NR  675 PG  676 TO  677 SB  678 VU  679 FJ  680 PW  681 WF  682 CK  683 NU
685 WS  686 KI  687 NC  688 TV  689 PF  690 TK  691 FM  692 MH
850 KP  852 HK  853 MO  855 KH  856 LA  880 BD  886 TW
960 MV  961 LB  962 JO  963 SY  964 IQ  965 KW  966 SA  967 YE  968 OM  970 PS  971 AE  972 IL
973 BH  974 QA  975 BT  976 MN  977 NP  992 TJ  993 TM  994 AZ  995 GE  996 KG  998 UZ
"""
_WORDS = _E164.split()
E164_COUNTRIES: dict[str, str] = dict(zip(_WORDS[::2], _WORDS[1::2], strict=True))

# Numbering plans of several countries: NANP; Russia and Kazakhstan; the United Kingdom with
# Guernsey, Jersey and Man; and the codes that the list itself gives to several territories.
SHARED_PREFIXES = frozenset(("1", "7", "44", "262", "590", "599", "672"))


def country(code: str, what: str) -> str:
    """`code` in upper case if ISO 3166-1 knows it; IdentifierError `country_unknown` otherwise.

    >>> country("de", "operator id")
    'DE'
    """
    upper = code.upper()
    if upper in COUNTRIES:
        return upper
    raise IdentifierError("country_unknown", f"{what}: {upper} is not an ISO 3166-1 country")


def country_of_prefix(prefix: str, what: str, shared: Mapping[str, str] | None = None) -> str:
    """ISO 3166-1 country of an E.164 country code, digits without the plus.

    `shared` names the country of prefixes that stand for several, `{"44": "GB"}`; without it such
    a prefix is an IdentifierError `country_ambiguous`, one nobody has is `country_unknown`.

    >>> country_of_prefix("49", "operator id")
    'DE'
    >>> country_of_prefix("44", "operator id", {"44": "GB"})
    'GB'
    """
    found = E164_COUNTRIES.get(prefix)
    if found is not None:
        return found
    if shared is not None and prefix in shared:
        return country(shared[prefix], f"{what}: mapping of +{prefix}")
    if prefix in SHARED_PREFIXES:
        raise IdentifierError(
            "country_ambiguous", f"{what}: several countries share +{prefix}, a mapping is needed"
        )
    raise IdentifierError("country_unknown", f"{what}: +{prefix} is no country's calling code")
