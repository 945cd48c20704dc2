"""Invents texts of values of every type, and their neighbours: one character more, less or another.

The seed is fixed; CAUCE_TEST_SEED sets another one.
"""

import decimal
import os
import random

SEED = int(os.environ.get("CAUCE_TEST_SEED", "20260131"))

decimal.getcontext().prec = 2000


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
