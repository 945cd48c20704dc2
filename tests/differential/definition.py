"""What a text is as the value of a type, by docs/types.md, told by Python's own types.

Python's readings are kinder than ours, so a grammar, written here once more, says what may be a
value at all; then Python says which value it is. None: it is none.
"""

import datetime
import decimal
import re
import uuid

UTC = datetime.timezone.utc
BLANKS = " \r\n\t\f\v"

decimal.getcontext().prec = 2000


def strip(text):
    return text.strip(BLANKS)


def integer_of(text, bits):
    text = strip(text)
    if not re.fullmatch(r"[-+]?[0-9]+([.][0-9]*)?", text):
        return None
    value = decimal.Decimal(text)
    if value != int(value) or not -2 ** (bits - 1) <= value < 2 ** (bits - 1):
        return None
    return str(int(value))


NUMBER = r"[-+]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][-+]?[0-9]+)?"


def decimal_of(text, precision, scale):
    text = strip(text)
    if not re.fullmatch(NUMBER, text):
        return None
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("+-").partition(".")
    digits = (whole + fraction).lstrip("0")
    power = int(exponent or 0) - len(fraction) + scale + len(digits) - len(digits.rstrip("0"))
    digits = digits.rstrip("0")
    if digits and (power < 0 or len(digits) + power > precision):
        return None
    digits = (digits + "0" * power if digits else "").zfill(scale + 1)
    sign = "-" if text[0] == "-" and digits.strip("0") else ""
    return sign + (digits[:-scale] + "." + digits[-scale:] if scale else digits)


def double_of(text):
    text = strip(text)
    if re.fullmatch(r"[-+]?(nan|inf|infinity)", text, re.IGNORECASE):
        return "nan" if "nan" in text.lower() else repr(float(text))
    if not re.fullmatch(NUMBER, text):
        return None
    value = float(text)
    if abs(value) == float("inf") or (value == 0 and re.search("[1-9]", re.split("[eE]", text)[0])):
        return None
    return repr(value + 0.0)


def date_of(text):
    found = re.fullmatch(r"([0-9]{4})([-/])([0-9]{1,2})\2([0-9]{1,2})", text)
    if not found:
        return None
    try:
        return datetime.date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        return None


def clock_of(text):
    found = re.fullmatch(r"([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?", text)
    if not found or (found[4] or "")[6:].strip("0"):
        return None
    try:
        return datetime.time(int(found[1]), int(found[2]), int(found[3] or 0),
                             int((found[4] or "").ljust(6, "0")[:6]))
    except ValueError:
        return None


def offset_of(text):
    if text in ("Z", "z", "UTC", "GMT"):
        return datetime.timedelta()
    found = re.fullmatch(r"([-+])([0-9]{2})(?::?([0-9]{2}))?", text)
    if not found or int(found[2]) > 15 or int(found[3] or 0) > 59:
        return None
    offset = datetime.timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return -offset if found[1] == "-" else offset


def show_clock(value):
    return value.strftime("%H:%M:%S") + (f".{value.microsecond:06}".rstrip("0")
                                         if value.microsecond else "")


def show_moment(value):
    return f"{value.date().isoformat()} {show_clock(value)}+00"


def to_utc(local, zone):
    """The moments at which the clocks of the zone showed a time; None: not to be told."""
    moments = set()
    for fold in (0, 1):
        try:
            utc = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
            if utc.astimezone(zone).replace(tzinfo=None) == local:
                moments.add(utc.replace(tzinfo=None))
        except OverflowError:
            pass
    return moments.pop() if len(moments) == 1 else None


def moment_of(text, zone):
    found = re.fullmatch(r"([-/0-9]+)(?:(?:T *| +)([:.0-9]+)(?: *([-+zZUTCGM].*))?)?", strip(text))
    day = date_of(found[1]) if found else None
    clock = clock_of(found[2]) if found and found[2] else datetime.time()
    if day is None or clock is None:
        return None
    local = datetime.datetime.combine(day, clock)
    if not found[3]:
        return to_utc(local, zone)
    offset = offset_of(found[3])
    try:
        return local - offset if offset is not None else None
    except OverflowError:
        return None


HEX = "[0-9a-fA-F]"
UUID = f"{HEX}{{8}}(-{HEX}{{4}}){{3}}-{HEX}{{12}}|{HEX}{{32}}"


def uuid_of(text):
    return str(uuid.UUID(text)) if re.fullmatch(f"{UUID}|{{({UUID})}}", text) else None


def binary_of(text):
    return text.upper() if re.fullmatch(f"({HEX}{HEX})*", text) else None


def boolean_of(text):
    text = strip(text).lower()
    if text in ("true", "t", "yes", "y", "1"):
        return "true"
    return "false" if text in ("false", "f", "no", "n", "0") else None


def plain_number(text, point, thousands, percent):
    """A number as it is written in one of the ways that can be configured, in the plain way."""
    text = strip(text)
    tail = ""
    if percent and text.endswith("%"):
        text, tail = text[:-1].rstrip(" "), "%"
    if point != "." or thousands:
        form = r"[-+]?([0-9]*|[1-9][0-9]{0,2}(G[0-9]{3})+)(P[0-9]*)?([eE][-+]?[0-9]+)?"
        group = "[ \u00a0\u202f]" if thousands == " " else re.escape(thousands) if thousands else "(?!)"
        form = form.replace("G", group).replace("P", re.escape(point))
        if re.fullmatch(form, text):
            text = re.sub(group, "", text).replace(point, ".")
        elif not re.fullmatch("[-+a-zA-Z]*", text):  # inf and nan have no digits
            return None
    if not tail:
        return text
    mantissa, _, exponent = text.lower().partition("e")
    return f"{mantissa}e{int(exponent or 0) - 2}" if re.fullmatch(NUMBER, text) else None


def day_of(text):
    """A date, perhaps with its midnight, as programs print it that hold dates as moments."""
    found = re.fullmatch(r"([-/0-9]+)(?:(?:T *| +)([:.0-9]+)(?: *([-+zZUTCGM].*))?)?", strip(text))
    if not found or found[2] and clock_of(found[2]) != datetime.time():
        return None
    if found[3] and offset_of(found[3]) != datetime.timedelta():
        return None
    return date_of(found[1])
