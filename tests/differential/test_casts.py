"""Casts of texts against Python's int, decimal, float, datetime, zoneinfo and uuid.

Texts are generated, valid ones and their neighbours: one character more, less or another. Python's
own readings are kinder than ours, so a grammar, written here once more, says what may be a value at
all; then Python says which value it is. The seed is fixed (CAUCE_TEST_SEED sets another one).
"""

import datetime
import decimal
import os
import random
import re
import subprocess
import unittest
import uuid
import zoneinfo

PROGRAM = os.path.join(os.environ.get("CAUCE_TEST_PROGRAMS", "build/tests/differential"), "casts")
COUNT = int(os.environ.get("CAUCE_TEST_COUNT", "10000"))
SEED = int(os.environ.get("CAUCE_TEST_SEED", "20260131"))
UTC = datetime.timezone.utc
BLANKS = " \r\f\v"

decimal.getcontext().prec = 2000


def ask(kind, texts, form="", zone="", point=".", thousands=""):
    """The value of each text, as a text; None where it is none."""
    head = "\t".join((kind, form, zone, point, thousands))
    lines = "".join(f"{head}\t{text}\n" for text in texts)
    done = subprocess.run([PROGRAM], input=lines.encode(), capture_output=True, check=True)
    answers = done.stdout.decode().split("\n")[:-1]
    assert len(answers) == len(texts), done.stderr
    return [answer[1:] if answer[0] == "=" else None for answer in answers]


class Texts:
    """A generator of texts and of their neighbours."""

    def __init__(self, name):
        self.random = random.Random(f"{SEED} {name}")

    def digits(self, least, most):
        return "".join(self.random.choices("0123456789", k=self.random.randint(least, most)))

    def neighbour(self, text, alphabet):
        """Most texts as they are; others with a change or two."""
        for _ in range(self.random.choice((0, 0, 0, 1, 1, 2))):
            at = self.random.randint(0, len(text))
            cut = self.random.choice((0, 1))
            more = self.random.choice(("", self.random.choice(alphabet)))
            text = text[:at] + more + text[at + cut:]
        return text

    def integer(self):
        r = self.random
        near = r.choice((2**31, 2**63, 10**9, 10**18)) + r.randint(-3, 3)
        number = r.choice((str(near), self.digits(1, 6), self.digits(1, 25), "0" * 30 + "7"))
        return r.choice(("", "", "-", "+")) + number + r.choice(("", "", "", ".", ".0", ".00"))

    def decimal(self):
        r = self.random
        number = self.digits(0, r.choice((4, 20, 40)))
        if r.random() < 0.8:
            number += "." + self.digits(0, r.choice((2, 10, 40))) + "0" * r.choice((0, 0, 3, 40))
        if r.random() < 0.2:
            number += r.choice("eE") + r.choice(("", "+", "-")) + self.digits(1, 2)
        return r.choice(("", "", "-", "+")) + number

    def double(self):
        r = self.random
        kind = r.randrange(5)
        if kind == 0:
            return repr(r.random() * 10 ** r.randint(-320, 308))
        if kind == 1:
            return f"{r.uniform(-1e6, 1e6):.{r.randint(0, 20)}f}"
        if kind == 2:  # half-way between two doubles, and its neighbours
            m, e = 2 * r.randrange(2**52, 2**53) + 1, r.randint(-1074, 900)
            half = decimal.Decimal(m) * (decimal.Decimal(2) ** (e - 1))
            return f"{half + r.choice((0, 0, 1, -1)) * half.scaleb(-900):e}"
        if kind == 3:
            return r.choice(("inf", "-inf", "nan", "NaN", "Infinity", "-0", "0e5", "1e400", "1e-400",
                             "2.2250738585072011e-308", "4.9e-324", "2e-324", "1.7976931348623159e308"))
        return self.decimal()

    def date(self):
        r = self.random
        year = r.choice((r.randint(1, 9999), r.randint(1990, 2030), 0, 24))
        sign = r.choice("--/")
        width = r.choice((2, 2, 2, 1))
        return (f"{year:0{r.choice((4, 4, 4, 1))}}{sign}{r.randint(1, 12):0{width}}{sign}"
                f"{r.randint(1, 31):0{width}}")

    def clock(self):
        r = self.random
        text = f"{r.randint(0, 24):0{r.choice((2, 2, 1))}}:{r.randint(0, 60):02}"
        if r.random() < 0.8:
            text += f":{r.randint(0, 60):02}"
            if r.random() < 0.5:
                text += "." + self.digits(1, 6) + r.choice(("", "", "000", "7"))
        return text

    def moment(self):
        r = self.random
        zone = r.choice(("", "", "Z", " UTC", " GMT", " CET", "+02:00", "-0330", "+05", " +01:00",
                         f"{r.choice('+-')}{r.randint(0, 16):02}:{r.randint(0, 60):02}"))
        return self.date() + r.choice("  T") + self.clock() + zone


# ---- What Python says ---------------------------------------------------------------------------

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


# ---- Tests --------------------------------------------------------------------------------------

class Casts(unittest.TestCase):
    def compare(self, texts, found, expected):
        good = 0
        for text, one, other in zip(texts, found, expected):
            self.assertEqual(one, other, repr(text))
            good += one is not None
        # A test in which nothing, or everything, is a value proves little.
        self.assertGreater(good, len(texts) // 40)
        self.assertLess(good, len(texts))

    def test_whole_numbers(self):
        for kind, bits in (("int", 32), ("bigint", 64)):
            make = Texts(kind)
            texts = [make.neighbour(make.integer(), "0123456789+-. e_,") for _ in range(COUNT)]
            self.compare(texts, ask(kind, texts), [integer_of(text, bits) for text in texts])

    def test_decimals(self):
        for precision, scale in ((6, 2), (18, 6), (38, 10), (38, 0), (19, 19)):
            kind = f"decimal({precision},{scale})"
            make = Texts(kind)
            texts = [make.neighbour(make.decimal(), "0123456789+-. e_,") for _ in range(COUNT // 2)]
            self.compare(texts, ask(kind, texts),
                         [decimal_of(text, precision, scale) for text in texts])

    def test_decimals_with_other_signs(self):
        make = Texts("signs")
        texts = []
        for _ in range(COUNT):
            number = make.random.randint(0, 10 ** make.random.randint(1, 12))
            text = f"{number:,}".replace(",", ".") + make.random.choice(("", ",5", ",25"))
            texts.append(make.neighbour(text, "0123456789.,-"))
        expected = []
        for text in texts:
            plain = re.fullmatch(r"-?([0-9]*|[1-9][0-9]{0,2}([.][0-9]{3})+)(,[0-9]*)?", text)
            expected.append(decimal_of(text.replace(".", "").replace(",", "."), 18, 2)
                            if plain else None)
        found = ask("decimal(18,2)", texts, point=",", thousands=".")
        self.compare(texts, found, expected)

    def test_doubles(self):
        make = Texts("double")
        texts = [make.neighbour(make.double(), "0123456789+-. eEinfa") for _ in range(2 * COUNT)]
        self.compare(texts, ask("double", texts), [double_of(text) for text in texts])

    def test_dates(self):
        make = Texts("date")
        texts = [make.neighbour(make.date(), "0123456789-/ ") for _ in range(COUNT)]
        expected = [date_of(strip(text)) for text in texts]
        self.compare(texts, ask("date", texts), [day and day.isoformat() for day in expected])

    def test_times(self):
        make = Texts("time")
        texts = [make.neighbour(make.clock(), "0123456789:. Z") for _ in range(COUNT)]
        expected = [clock_of(strip(text)) for text in texts]
        self.compare(texts, ask("time", texts),
                     [None if clock is None else show_clock(clock) for clock in expected])

    def test_timestamps(self):
        make = Texts("timestamp")
        texts = [make.neighbour(make.moment(), "0123456789-:.+ TZ") for _ in range(COUNT)]
        expected = [moment_of(text, UTC) for text in texts]
        self.compare(texts, ask("timestamp", texts),
                     [moment and show_moment(moment) for moment in expected])

    def test_time_zones(self):
        names = ["Europe/Madrid", "America/New_York", "America/Argentina/Buenos_Aires",
                 "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca",
                 "America/Sao_Paulo", "Asia/Tehran", "Europe/Dublin", "Europe/Moscow",
                 "America/St_Johns", "Antarctica/Troll", "Africa/Monrovia", "Asia/Gaza",
                 "Pacific/Kiritimati", "America/Nuuk", "Etc/GMT+5"]
        for name in names:
            zone = zoneinfo.ZoneInfo(name)
            make = Texts(name)
            texts = []
            for _ in range(COUNT // 10):
                begin = datetime.datetime(make.random.choice((1850, 1900, 1970, 2000, 2030, 2400)), 1, 1)
                local = begin + datetime.timedelta(seconds=make.random.randrange(70 * 365 * 86400))
                texts.append(local.isoformat(" "))
            texts += self.around_changes(zone, make)
            expected = [moment_of(text, zone) for text in texts]
            self.compare_zone(name, texts, expected)

    def around_changes(self, zone, make):
        """Times near the changes of the clock, which random ones seldom hit."""
        texts = []
        for year in (1916, 1945, 1975, 2011, 2024, 2060, 2333):
            moment = datetime.datetime(year, 1, 1, tzinfo=UTC)
            before = moment.astimezone(zone).utcoffset()
            for _ in range(366):
                moment += datetime.timedelta(days=1)
                after = moment.astimezone(zone).utcoffset()
                if after != before:
                    texts += [(moment.replace(tzinfo=None) + before - datetime.timedelta(
                        seconds=make.random.randrange(-7200, 97200))).isoformat(" ") for _ in range(20)]
                before = after
        return texts

    def compare_zone(self, name, texts, expected):
        found = ask("timestamp", texts, zone=name)
        for text, one, other in zip(texts, found, expected):
            self.assertEqual(one, other and show_moment(other), f"{text} {name}")

    def test_formats(self):
        forms = ["%d/%m/%Y", "%m/%d/%y", "%Y%m%d", "%d %b %Y", "%B %d, %Y", "%Y-%j",
                 "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%Y-%m-%dT%H:%M:%S.%f",
                 "%d/%b/%Y:%H:%M:%S %z", "%H:%M %d-%m-%y", "%y%m%d%H%M%S", "%G-W%V-%u"]
        for form in forms:
            make = Texts(form)
            texts = []
            for _ in range(COUNT // len(forms) + 1):
                moment = datetime.datetime(make.random.randint(1000, 9999), 1, 1, tzinfo=UTC)
                moment += datetime.timedelta(seconds=make.random.randrange(365 * 86400))
                texts.append(make.neighbour(moment.strftime(form), "0123456789/-: .aP"))
            for text, one in zip(texts, ask("timestamp", texts, form=form)):
                self.check_format(form, text, one)

    def check_format(self, form, text, found):
        text = strip(text)
        if "%f" in form:  # zeros behind the sixth digit of a fraction say nothing
            text = re.sub(r"([.][0-9]{6})0+$", r"\1", text)
        if "%z" in form:  # Python wants minutes
            text = re.sub(r"([-+][0-9]{2})$", r"\g<1>00", text)
        try:
            python = datetime.datetime.strptime(text, form)
            if "%G" in form:  # where it takes weeks that a year does not have
                datetime.date.fromisocalendar(*map(int, re.findall("[0-9]+", text)))
        except ValueError:
            self.assertIsNone(found, f"{text!r} by {form}")
            return
        if python.tzinfo is not None:
            python = python.astimezone(UTC).replace(tzinfo=None)
        if found is None:
            # Python takes what it can get where numbers touch each other, and any blanks.
            touching = re.search("%[a-zA-Z]%", form) or re.search(r"\s", text) or "%z" in form
            self.assertTrue(touching, f"{text!r} by {form}")
        else:
            self.assertEqual(found, show_moment(python), f"{text!r} by {form}")

    def test_uuids_and_bytes(self):
        make = Texts("uuid")
        texts = []
        for _ in range(COUNT):
            value = str(uuid.UUID(int=make.random.getrandbits(128)))
            value = make.random.choice((value, value.upper(), value.replace("-", ""), f"{{{value}}}"))
            texts.append(make.neighbour(value, "0123456789abcdefg-{}"))
        group = "[0-9a-fA-F]"
        form = f"{group}{{8}}(-{group}{{4}}){{3}}-{group}{{12}}|{group}{{32}}"
        form = f"{form}|{{({form})}}"
        expected = [str(uuid.UUID(text)) if re.fullmatch(form, text) else None for text in texts]
        self.compare(texts, ask("uuid", texts), expected)
        texts = [text.replace("-", "") for text in texts]
        pairs = [text.upper() if re.fullmatch(f"({group}{group})*", text) else None for text in texts]
        self.compare(texts, ask("binary", texts), pairs)


if __name__ == "__main__":
    unittest.main()
