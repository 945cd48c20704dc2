"""Invented columns: a type, how its values are written, and what they are by the definition."""

import datetime
import re
import zoneinfo

import definition
from invented import Texts

TYPES = ("text", "text", "int", "bigint", "decimal(9,2)", "decimal(38,10)", "double", "boolean", "date",
         "time", "timestamp", "uuid", "binary")


class Column:
    """How values are written is what the settings of a dialect say: decimal, thousands, percent,
    date and moment (formats), pivot, time_zone, nulls, trim."""

    def __init__(self, name, kind, how, rnd):
        self.name, self.kind, self.how = name, kind, how
        self.texts = Texts(f"{name} {kind} {rnd.random()}")
        self.random = self.texts.random
        self.zone = zoneinfo.ZoneInfo(how.get("time_zone", "UTC"))

    def settings(self):
        out = {"name": self.name, "type": self.kind, "nulls": self.how.get("nulls", [""])}
        out.update((key, self.how[key]) for key in ("decimal", "thousands", "percent", "time_zone", "trim", "pivot")
                   if key in self.how)
        if self.form():
            out["formats"] = [self.form()]
        return out

    def form(self):
        return self.how.get({"date": "date", "timestamp": "moment"}.get(self.kind))

    # ---- texts ----

    def invent(self, alphabet):
        rnd = self.random
        if rnd.random() < 0.1:
            return rnd.choice(self.how.get("nulls", [""]) + ["", "NA"])
        if self.kind == "text":
            return "".join(rnd.choices(alphabet, k=rnd.choice((0, 1, 3, 8))))
        text = self.valid()
        return text if rnd.random() < 0.9 else self.texts.neighbour(text, "0123456789+-.: e,")

    def valid(self):
        rnd, kind = self.random, self.kind.partition("(")[0]
        if kind in ("int", "bigint", "decimal", "double"):
            return self.number(kind)
        if kind in ("date", "timestamp") and self.form():
            moment = datetime.datetime(rnd.randint(1000, 9999), 1, 1)
            return (moment + datetime.timedelta(seconds=rnd.randrange(365 * 86400))).strftime(self.form())
        if kind == "date":
            return self.texts.date() + rnd.choice(("", "", "", " 00:00:00", "T00:00:00.000Z"))
        if kind == "boolean":
            return rnd.choice(("true", "false", "t", "F", "Yes", "no", "1", "0", "TRUE", "yes", "n"))
        if kind == "uuid":
            return definition.uuid_of(f"{rnd.getrandbits(128):032x}")
        if kind == "binary":
            return f"{rnd.getrandbits(40):010x}"
        return {"time": self.texts.clock, "timestamp": self.texts.moment, "text": self.word}[kind]()

    def word(self):
        return "".join(self.random.choices("abcxyzABC 019.-", k=5))

    def number(self, kind):
        rnd, how = self.random, self.how
        text = {"double": self.texts.double, "decimal": self.fixed}.get(kind, self.texts.integer)()
        if how.get("thousands") and text.lstrip("-").isdigit() and not text.lstrip("-").startswith("0"):
            text = f"{int(text):,}".replace(",", how["thousands"])
        elif how.get("decimal") == ",":
            text = text.replace(".", ",")
        if how.get("percent") and kind in ("decimal", "double"):
            text += rnd.choice(("", "%", " %"))
        return text

    def fixed(self):
        return f"{self.random.uniform(-1e6, 1e6):.{self.random.randint(0, 3)}f}"

    # ---- what they are ----

    def value(self, text):
        """The value as a text; "" of NULL is None, and what is none is False."""
        how = self.how
        nulls = how.get("nulls", [""])
        keeps_blanks = self.kind in ("text", "binary") and not how.get("trim")
        stripped = text if keeps_blanks else definition.strip(text)
        if text in nulls or stripped in nulls:
            return None
        if self.kind == "text":
            return stripped
        found = self.typed(text)
        return found if found is not None else False

    def value_of_plain(self, text):
        """Of a number in a format that writes all numbers in one way."""
        other = Column.__new__(Column)
        other.__dict__ = {**self.__dict__, "how": {**self.how, "decimal": ".", "thousands": ""}}
        return other.value(text)

    def typed(self, text):
        kind, _, size = self.kind.partition("(")
        if kind in ("int", "bigint", "decimal", "double"):
            return self.value_of_number(kind, size, text)
        if kind in ("date", "timestamp") and self.form():
            return self.value_by_format(kind, text)
        if kind == "date":
            day = definition.day_of(text)
            return day and day.isoformat()
        if kind == "time":
            clock = definition.clock_of(definition.strip(text))
            return None if clock is None else definition.show_clock(clock)
        if kind == "timestamp":
            moment = definition.moment_of(text, self.zone)
            return moment and definition.show_moment(moment)
        if kind == "binary":
            return definition.binary_of(text if not self.how.get("trim") else definition.strip(text))
        return {"boolean": definition.boolean_of, "uuid": definition.uuid_of}[kind](
            definition.strip(text))

    def value_of_number(self, kind, size, text):
        how = self.how
        plain = definition.plain_number(text, how.get("decimal", "."), how.get("thousands", ""),
                                        how.get("percent"))
        if plain is None:
            return None
        if kind == "decimal":
            return definition.decimal_of(plain, *map(int, size[:-1].split(",")))
        if kind == "double":
            return definition.double_of(plain)
        return definition.integer_of(plain, 32 if kind == "int" else 64)

    def value_by_format(self, kind, text):
        text, form = definition.strip(text), self.form()
        size = len(datetime.datetime(2000, 1, 1).strftime(form))
        if "%m%d" in form and not (text.isdigit() and len(text) == size):
            return None  # numbers that touch each other have all their digits
        if re.search("[\r\n\v\f]", text):
            return None  # no blanks between other ones
        try:
            moment = datetime.datetime.strptime(text, form)
        except ValueError:
            return None
        if "%y" in form:
            pivot = self.how["pivot"]
            moment = moment.replace(year=pivot + (moment.year - pivot) % 100)
        if kind == "date":
            return moment.date().isoformat()
        moment = definition.to_utc(moment, self.zone)
        return moment and definition.show_moment(moment)
