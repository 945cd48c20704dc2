"""Casts of texts against Python's int, decimal, float, datetime, zoneinfo and uuid."""

import datetime
import os
import re
import subprocess
import unittest
import uuid
import zoneinfo

from definition import (UTC, binary_of, boolean_of, clock_of, day_of, decimal_of, double_of, integer_of,
                        moment_of, show_clock, show_moment, strip, uuid_of)
from invented import Texts

PROGRAM = os.path.join(os.environ.get("CAUCE_TEST_PROGRAMS", "build/tests/differential"), "casts")
COUNT = int(os.environ.get("CAUCE_TEST_COUNT", "10000"))


def ask(kind, texts, form="", zone="", point=".", thousands=""):
    """The value of each text, as a text; None where it is none."""
    head = "\t".join((kind, form, zone, point, thousands))
    lines = "".join(f"{head}\t{text}\n" for text in texts)
    done = subprocess.run([PROGRAM], input=lines.encode(), capture_output=True, check=True)
    answers = done.stdout.decode().split("\n")[:-1]
    assert len(answers) == len(texts), done.stderr
    return [answer[1:] if answer[0] == "=" else None for answer in answers]


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

    def test_truth_values(self):
        make = Texts("boolean")
        words = ("true", "t", "yes", "y", "1", "false", "f", "no", "n", "0")
        texts = [make.random.choice(words) for _ in range(COUNT)]
        texts = [make.random.choice((text, text.upper(), text.title())) for text in texts]
        texts = [make.neighbour(text, "tTrueyYs01nofalN .") for text in texts]
        self.compare(texts, ask("boolean", texts), [boolean_of(text) for text in texts])

    def test_dates(self):
        make = Texts("date")
        tails = ("", "", "", " 00:00", "T00:00:00", " 00:00:00.000", " 00:00:00Z", " 00:00:00 UTC", " 10:00")
        texts = [make.neighbour(make.date() + make.random.choice(tails), "0123456789-/: TZ.")
                 for _ in range(COUNT)]
        expected = [day_of(text) for text in texts]
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
        self.compare(texts, ask("uuid", texts), [uuid_of(text) for text in texts])
        texts = [text.replace("-", "") for text in texts]
        self.compare(texts, ask("binary", texts), [binary_of(text) for text in texts])


if __name__ == "__main__":
    unittest.main()
