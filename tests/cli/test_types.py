"""What becomes of the texts of a source, end to end: exact values, or faults with their place."""

import unittest

from cauce_cli import Case

HEAD = "dataset: d\nstore: ./published\nkey: k\n"


class Types(Case):
    def configure(self, *columns, source="s.csv", **settings):
        lines = [f"  {name}: {value}" for name, value in settings.items()]
        text = HEAD + "source:\n" + "\n".join([f"  url: {source}", *lines]) + "\n"
        if columns:
            text += "columns:\n  - {name: k, type: int}\n"
            text += "".join(f"  - {{name: {name}, type: \"{kind}\"{more}}}\n"
                            for name, kind, more in columns)
        (self.folder / "d.yml").write_text(text)

    def source(self, *values, name="s.csv", delimiter=","):
        """One column `v` beside a key that counts from 1."""
        rows = [f"{i}{delimiter}{value}" for i, value in enumerate(values, 1)]
        (self.folder / name).write_text("\n".join([f"k{delimiter}v", *rows]) + "\n")

    def values(self):
        lines = self.answer("read", "d.yml").splitlines()[1:]
        return [line.split(",", 1)[1] for line in lines]

    def accept(self, kind, texts, expected, more="", **settings):
        self.configure(("v", kind, more), **settings)
        delimiter = settings.get("delimiter", '","')[1]
        self.source(*texts, delimiter=delimiter)
        self.cauce("run", "d.yml")
        self.assertEqual(self.values(), expected)

    def refuse(self, kind, texts, why, more="", **settings):
        """Each text is a bad row, of which the message names line, column and text."""
        self.configure(("v", kind, more), **settings)
        delimiter = settings.get("delimiter", '","')[1]
        self.source(*texts, delimiter=delimiter)
        _, err = self.cauce("run", "d.yml", status=4)
        for line, text in enumerate(texts, 2):
            self.assertIn(f's.csv:{line}:3: column "v": "{text}" is not a', err)
        self.assertIn(why, err)
        self.assertNotIn("published/d/events", " ".join(map(str, self.folder.rglob("*"))))

    def infer(self, texts, **settings):
        """The type that a first run finds, and its warnings."""
        self.configure(**settings)
        self.source(*texts)
        _, err = self.cauce("run", "d.yml")
        columns = {c["name"]: c["type"] for c in self.json("show", "d.yml")["columns"]}
        return columns["v"], err

    def test_a_year_has_four_digits(self):
        self.refuse("date", ["05/01/24", "5/1/4"], "(%Y is four digits)",
                    more=", formats: ['%d/%m/%Y', '%d.%m.%Y']")

    def test_a_year_of_two_digits_is_of_the_hundred_from_1969(self):
        self.accept("date", ["05/01/24", "05/01/69", "05/01/68"],
                    ["2024-01-05", "1969-01-05", "2068-01-05"], more=", formats: '%d/%m/%y'")

    def test_a_year_of_two_digits_is_what_the_pivot_says(self):
        self.accept("date", ["05/01/24", "05/01/30"], ["2024-01-05", "1930-01-05"],
                    more=", formats: '%d/%m/%y'", pivot=1930)

    def test_dates_are_days_of_the_years_1_to_9999(self):
        self.refuse("date", ["0000-01-01", "2024-01-01 (BC)", "99999-01-01", "2023-02-29", "24-01-05",
                             "1-2-3", "10/11/12", "infinity"], "(not in the years 1 to 9999)")

    def test_the_first_and_the_last_day_can_be_read_back(self):
        self.accept("date", ["0001-01-01", "9999-12-31"], ["0001-01-01", "9999-12-31"])

    def test_a_time_is_nothing_but_a_time_of_day(self):
        self.refuse("time", ["2024-01-01 10:20:30", "10:20:30+02", "24:00:00", "23:59:60",
                             "10:20:30.1234567"], "(a day ends before 24:00)")

    def test_formats_of_a_time_count(self):
        self.accept("time", ["10.30", "01:05 PM", "12:05 am"], ["10:30:00", "13:05:00", "00:05:00"],
                    more=", formats: ['%H.%M', '%I:%M %p']")

    def test_abbreviations_of_zones_are_refused(self):
        self.refuse("timestamp", [f"2024-07-01 10:00:00 {zone}" for zone in
                                  ("BST", "ART", "AST", "CET", "EST", "Europe/Madrid")], "write an offset")

    def test_an_offset_is_that_of_its_own_value(self):
        self.accept("timestamp",
                    ["2024-01-01 10:00:00 +0200", "2024-07-01 10:00:00", "2024-07-01 11:00:00"],
                    ["2024-01-01T08:00:00.000000Z", "2024-07-01T10:00:00.000000Z",
                     "2024-07-01T11:00:00.000000Z"],
                    timestamp_formats="['%Y-%m-%d %H:%M:%S %z', '%Y-%m-%d %H:%M:%S']")

    def test_a_time_zone_is_for_values_without_an_offset(self):
        self.accept("timestamp", ["2024-07-01 10:00:00", "2024-01-01 10:00:00", "2024-07-01 10:00:00Z"],
                    ["2024-07-01T08:00:00.000000Z", "2024-01-01T09:00:00.000000Z",
                     "2024-07-01T10:00:00.000000Z"], time_zone="Europe/Madrid")

    def test_an_hour_that_a_clock_left_out_or_showed_twice_is_refused(self):
        self.refuse("timestamp", ["2024-03-31 02:30:00", "2024-10-27 02:30:00"], "skipped it when they were put forward",
                    time_zone="Europe/Madrid")

    def test_a_thousands_sign_stands_before_three_digits(self):
        self.refuse("decimal(9,2)", ["1.5", "1234.567", "0.123"], "groups of three digits",
                    delimiter='";"', decimal='","', thousands="'.'")

    def test_numbers_with_other_signs_are_exact(self):
        self.accept("decimal(9,2)", ["1.234,5", "12.345", "-1.234.567,89"],
                    ["1234.50", "12345.00", "-1234567.89"],
                    delimiter='";"', decimal='","', thousands="'.'")

    def test_digits_are_never_lost(self):
        self.refuse("bigint", ["1.5", "9223372036854775808", "1e3"], "too great")

    def test_versions_stay_texts(self):
        self.assertEqual(self.infer(["1-2-3", "4-5-6"])[0], "text")

    def test_dates_with_years_of_two_digits_stay_texts(self):
        kind, err = self.infer(["05/01/24", "25/12/23"])
        self.assertEqual(kind, "text")
        self.assertIn('column "v": Texts such as "05/01/24" may be dates', err)

    def test_whole_numbers_beyond_64_bits_stay_different(self):
        numbers = [f"285059094009041813520{i}" for i in range(3)]
        self.assertEqual(self.infer(numbers)[0], "decimal(38,0)")
        self.assertEqual(self.values(), numbers)

    def test_a_point_makes_a_double_that_the_next_edition_can_use(self):
        self.assertEqual(self.infer(["1.0", "2.0"])[0], "double")
        self.source("1.0", "2.5")
        self.assertEqual(self.json("run", "d.yml")["outcome"], "published")
        self.assertEqual(self.values(), ["1.0", "2.5"])

    def test_words_for_missing_values_are_named(self):
        kind, err = self.infer(["1", "-", "n/a"])
        self.assertEqual(kind, "text")
        self.assertIn('may mean NULL: "-", "n/a".', err)


if __name__ == "__main__":
    unittest.main()
