"""The reader of Parquet against pyarrow, which writes the files, over columns of its types.

Every column of a file is read into several of our types. What it must give is told by docs/types.md
(typed values), written here once more with Python's numbers and dates. Skipped without pyarrow.

CAUCE_TEST_FILES says how many files there are (CAUCE_TORTURE=full: 10000).
"""

import datetime
import decimal
import io
import os
import random
import sys
import unittest

from others import library

pyarrow = library("pyarrow")
if pyarrow is None or library("pyarrow.parquet") is None:
    print("skipped: there is no pyarrow")
    sys.exit(77)

from answers import ask
from definition import show_clock
from invented import SEED

FILES = int(os.environ.get("CAUCE_TEST_FILES") or
            (10000 if os.environ.get("CAUCE_TORTURE") == "full" else 150))
EPOCH = datetime.datetime(1970, 1, 1)
FIRST, LAST = -62135596800 * 10**9, 253402300800 * 10**9  # nanoseconds: the years 1 to 9999

TARGETS = ("text", "int", "bigint", "decimal(9,2)", "decimal(38,10)", "double", "boolean", "date", "time",
           "timestamp")


class Nanoseconds(int):
    """Since 1970."""


class Clock(int):
    """Nanoseconds of the day."""


class Float(float):
    """Of 32 bits."""


# ---- inventing --------------------------------------------------------------------------------

def whole(bits, signed=True):
    def invent(rnd):
        least, most = (-2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2 ** bits - 1)
        return rnd.choice((least, most, 0, 1, rnd.randint(least, most), min(rnd.randint(0, 1000), most)))
    return invent


def double(rnd):
    return rnd.choice((0.0, -0.0, 0.1, 1.5, 1e300, 2.0 ** 53, 2.0 ** 53 - 1, 5e-324, float("inf"), float("nan"),
                       float(rnd.randint(-10**6, 10**6)), rnd.uniform(-1e6, 1e6),
                       rnd.randint(-10**8, 10**8) / 100))


def digits(precision, scale):
    def invent(rnd):
        size = rnd.randint(1, precision)
        return decimal.Decimal(rnd.randint(-10 ** size + 1, 10 ** size - 1)).scaleb(-scale)
    return invent


def day(rnd):
    return rnd.choice((datetime.date(1, 1, 1), datetime.date(9999, 12, 31), datetime.date(1970, 1, 1),
                       datetime.date.fromordinal(rnd.randint(1, 3652059))))


def moment(unit):
    """A number of units since 1970, mostly in this century."""
    def invent(rnd):
        scale = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
        far = 9 * 10**9 if unit == "ns" else 253402300799  # what 64 bits hold
        value = rnd.choice((0, -1, rnd.randint(0, 2 * 10**9), rnd.randint(-far, far))) * scale
        return value + rnd.choice((0, 0, rnd.randrange(scale), scale // 1000000 * rnd.randrange(10**6)))
    return invent


def clock(unit):
    def invent(rnd):
        scale = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
        return rnd.randrange(86400) * scale + rnd.choice((0, rnd.randrange(scale)))
    return invent


def text(rnd):
    return "".join(rnd.choices("ab1 .-é€日", k=rnd.randint(0, 4))) or rnd.choice(("", "7", "7.50", "2024-02-29", "true"))


def kinds():
    """Arrow's type, how values are invented, and what each one means."""
    a, scale = pyarrow, {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
    out = [(a.bool_(), lambda rnd: rnd.random() < 0.5, bool), (a.string(), text, str),
           (a.large_string(), text, str), (a.dictionary(a.int32(), a.string()), text, str),
           (a.float64(), double, float), (a.date32(), day, lambda v: v),
           (a.float32(), lambda rnd: rnd.choice((0.1, 1.5, 16777216.0, rnd.uniform(-1e3, 1e3))), None),
           (a.int8(), whole(8), int), (a.int16(), whole(16), int), (a.int32(), whole(32), int),
           (a.int64(), whole(64), int), (a.uint8(), whole(8, False), int), (a.uint16(), whole(16, False), int),
           (a.uint32(), whole(32, False), int), (a.uint64(), whole(64, False), int)]
    out += [(a.decimal128(p, s), digits(p, s), decimal.Decimal)
            for p, s in ((4, 2), (9, 0), (15, 3), (18, 18), (30, 5), (38, 10), (38, 38))]
    out += [(a.decimal256(p, s), digits(p, s), decimal.Decimal) for p, s in ((20, 2), (50, 10), (76, 0))]
    for unit in ("s", "ms", "us", "ns"):
        mean = lambda v, unit=unit: Nanoseconds(v * scale[unit])
        out += [(a.timestamp(unit), moment(unit), mean), (a.timestamp(unit, "UTC"), moment(unit), mean),
                (a.timestamp(unit, "Asia/Kathmandu"), moment(unit), mean)]
        kind = a.time32(unit) if unit in ("s", "ms") else a.time64(unit)
        out.append((kind, clock(unit), lambda v, unit=unit: Clock(v * scale[unit])))
    return out


# ---- what it must give ------------------------------------------------------------------------

def show_double(value):
    return "nan" if value != value else repr(value + 0.0)


def show_decimal(value, scale):
    """Exactly, with so many digits behind the point; None: there are more."""
    unscaled = value.scaleb(scale)
    if unscaled != unscaled.to_integral_value():
        return None
    number = f"{abs(int(unscaled)):0{scale + 1}}"
    shown = f"{number[:-scale]}.{number[-scale:]}" if scale else number
    return ("-" if value < 0 else "") + shown


def show_moment(nanos):
    at = EPOCH + datetime.timedelta(microseconds=nanos // 1000)
    return f"{at.date().isoformat()} {show_clock(at)}"


def decimal_as(value, target):
    """A number that is known exactly; False: it does not fit."""
    kind, _, size = target.partition("(")
    if kind in ("int", "bigint"):
        bits = 32 if kind == "int" else 64
        fits = value == value.to_integral_value() and -2 ** (bits - 1) <= value < 2 ** (bits - 1)
        return str(int(value)) if fits else False
    precision, scale = map(int, size[:-1].split(","))
    shown = show_decimal(value, scale)
    return shown if shown is not None and abs(value) < decimal.Decimal(10) ** (precision - scale) else False


def number_as(value, target):
    if abs(value.scaleb(-value.as_tuple().exponent)) >= 10**38:
        return False  # more digits than any number of ours has
    if target == "text":
        return show_decimal(value, max(0, -value.as_tuple().exponent))
    if target == "double":
        return show_double(float(value)) if decimal.Decimal(repr(float(value))) == value else False
    return False if target in ("date", "time", "timestamp", "boolean") else decimal_as(value, target)


def double_as(value, target):
    if target == "text":
        return "nan" if value != value else repr(float(shortest(value)))
    if target == "double":
        return show_double(float(value))
    if target in ("date", "time", "timestamp", "boolean") or not abs(value) < 2 ** 53:
        return False
    return decimal_as(decimal.Decimal(shortest(value)), target)


def shortest(value):
    if not isinstance(value, Float):
        return repr(float(value))
    for size in range(1, 10):
        digits = f"{float(value):.{size}g}"
        if pyarrow.scalar(float(digits), pyarrow.float32()).as_py() == float(value):
            return digits
    raise AssertionError(value)


def moment_as(nanos, target, adjusted):
    if nanos % 1000 or not FIRST <= nanos < LAST:
        return False
    if target == "timestamp":
        return show_moment(nanos) + "+00"
    if target == "text":
        return show_moment(nanos) + ("+00" if adjusted else "")
    return show_moment(nanos)[:10] if target == "date" and nanos % (86400 * 10**9) == 0 else False


def clock_as(nanos, target):
    if nanos % 1000 or target not in ("time", "text"):
        return False
    return show_clock((EPOCH + datetime.timedelta(microseconds=nanos // 1000)).time())


def value_as(value, target, adjusted):
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        shown = "true" if value else "false"
        return {"int": str(int(value)), "bigint": str(int(value)), "boolean": shown, "text": shown}.get(
            target, False)
    if isinstance(value, Nanoseconds):
        return moment_as(value, target, adjusted)
    if isinstance(value, Clock):
        return clock_as(value, target)
    if isinstance(value, float):
        return double_as(value, target)
    if isinstance(value, datetime.date):
        return value.isoformat() + (" 00:00:00+00" if target == "timestamp" else "") \
            if target in ("date", "timestamp", "text") else False
    if isinstance(value, int) and target == "boolean":
        return {0: "false", 1: "true"}.get(value, False)
    return number_as(decimal.Decimal(value), target)


# ---- Tests ------------------------------------------------------------------------------------

class Parquet(unittest.TestCase):
    def invent(self, rnd, kind, invent, mean):
        """A file of one column, and what its values mean."""
        values = [None if rnd.random() < 0.1 else invent(rnd) for _ in range(rnd.choice((1, 8, 40)))]
        column = pyarrow.array(values, kind)
        if mean is None:
            meant = [value and Float(value) for value in column.to_pylist()]
        else:
            meant = [None if value is None else mean(value) for value in values]
        out = io.BytesIO()
        int96 = pyarrow.types.is_timestamp(kind) and rnd.random() < 0.2
        version = "2.6" if str(kind).startswith("timestamp[ns") else rnd.choice(("1.0", "2.4", "2.6"))
        pyarrow.parquet.write_table(
            pyarrow.table({"v": column}), out, version=version,
            data_page_version=rnd.choice(("1.0", "2.0")), use_dictionary=rnd.random() < 0.5,
            compression=rnd.choice(("none", "snappy", "zstd", "gzip")),
            row_group_size=rnd.choice((3, 1000)), store_schema=rnd.random() < 0.5,
            use_deprecated_int96_timestamps=int96, store_decimal_as_integer=rnd.random() < 0.5)
        adjusted = pyarrow.types.is_timestamp(kind) and kind.tz is not None and not int96
        return out.getvalue(), meant, adjusted

    def compare(self, kind, target, meant, adjusted, answer):
        self.assertIsNone(answer.error, f"{kind} as {target}")
        for i, value in enumerate(meant):
            wanted = None if value is None else value_as(value, target, adjusted)
            fault = answer.faults.get(i + 1)
            where = f"{kind} {value!r} as {target}: {fault}"
            if wanted is False:
                self.assertIsNotNone(fault, f"{where} {answer.rows.get(i + 1)}")
            else:
                self.assertEqual(answer.rows.get(i + 1), [wanted], where)

    def test_values_are_taken_exactly_or_are_faults(self):
        rnd = random.Random(SEED)
        every = kinds()
        cases = []
        for i in range(FILES):
            kind, invent, mean = every[i % len(every)]
            content, meant, adjusted = self.invent(rnd, kind, invent, mean)
            target = "text" if mean is str else rnd.choice(TARGETS)
            cases.append((kind, target, meant, adjusted, content))
        answers = ask([({"format": "parquet", "columns": [{"name": "v", "type": target}]}, [content])
                       for _, target, _, _, content in cases])
        for (kind, target, meant, adjusted, _), (answer,) in zip(cases, answers):
            with self.subTest(kind=str(kind), target=target):
                self.compare(kind, target, meant, adjusted, answer)


if __name__ == "__main__":
    unittest.main()
