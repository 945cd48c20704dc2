#!/usr/bin/env python3
"""Sources whose values were once read wrongly, and others of their kinds: what is published, or the fault with its place."""

import gzip
import json
import unittest
import zipfile

from cauce_cli import Case

try:
    import pyarrow as arrow
    import pyarrow.parquet as parquet
except ImportError:
    arrow = None


class Reading(Case):
    def write(self, name, text, encoding="utf-8"):
        (self.folder / name).write_bytes(text.encode(encoding))

    def configure(self, source, columns=(), **rest):
        config = {"dataset": "d", "store": "./published", "source": source, "key": "k", **rest}
        if columns:
            config["columns"] = [dict(zip(("name", "type"), c.split(" ", 1))) if isinstance(c, str)
                                 else c for c in columns]
        (self.folder / "d.yml").write_text(json.dumps(config))

    def publish(self, source, columns=(), **rest):
        """Run a dataset over a source; its rows as `read` prints them."""
        self.configure(source, columns, **rest)
        self.warnings = self.cauce("run", "d.yml")[1]
        return self.answer("read", "d.yml").splitlines()[1:]

    def refuse(self, status, words, source, columns=(), **rest):
        self.configure(source, columns, **rest)
        err = self.cauce("run", "d.yml", status=status)[1]
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, err)

    def types(self):
        return {c["name"]: c["type"] for c in self.json("show", "d.yml")["columns"]}


class Values(Reading):
    def test_years_have_four_digits(self):
        self.write("a.csv", "k,v\na,05/01/2031\nb,06/01/31\n")
        self.refuse(4, 'a.csv:3:3: column "v": "06/01/31" is not a date',
                    {"url": "a.csv", "date_formats": "%d/%m/%Y"}, ["k text", "v date"])
        self.write("a.csv", "k,v\n1,0000-05-05\n2,10000-01-01\n3,31-01-05\n")
        self.refuse(4, ["3 rows", "a.csv:2:3", "a.csv:3:3", "a.csv:4:3"], "a.csv",
                    ["k int", "v date"])

    def test_two_digits_mean_the_hundred_years_that_are_set(self):
        self.write("a.csv", "k,v\n1,01.02.49\n2,01.02.50\n")
        rows = self.publish({"url": "a.csv", "date_formats": "%d.%m.%y", "pivot": 1950},
                            ["k int", "v date"])
        self.assertEqual(rows, ["1,2049-02-01", "2,1950-02-01"])

    def test_an_offset_belongs_to_its_value_alone(self):
        self.write("a.csv", "k,v\n1,2031-01-01 10:00 +0530\n2,2031-01-01 10:00\n")
        rows = self.publish({"url": "a.csv", "timestamp_formats": ["%Y-%m-%d %H:%M %z",
                                                                   "%Y-%m-%d %H:%M"]},
                            ["k int", "v timestamp"])
        self.assertEqual(rows, ["1,2031-01-01T04:30:00.000000Z", "2,2031-01-01T10:00:00.000000Z"])

    def test_a_time_zone_is_for_values_without_an_offset(self):
        self.write("a.csv", "k,v\n1,2031-01-01T10:00:00\n2,2031-07-01T10:00:00\n"
                            "3,2031-07-01T10:00:00Z\n")
        rows = self.publish("a.csv", ["k int", {"name": "v", "type": "timestamp",
                                                "time_zone": "Europe/Berlin"}])
        self.assertEqual([r[2:15] for r in rows],
                         ["2031-01-01T09", "2031-07-01T08", "2031-07-01T10"])

    def test_names_of_zones_and_offsets_of_times_are_faults(self):
        self.write("a.csv", "k,v\n1,2031-01-01 10:00:00 IST\n")
        self.refuse(4, 'a.csv:2:3: column "v"', "a.csv", ["k int", "v timestamp"])
        self.write("a.csv", "k,v\n1,10:00:00+05\n2,2031-01-01 10:00:00\n3,24:00:00\n")
        self.refuse(4, "3 rows", "a.csv", ["k int", "v time"])

    def test_a_time_has_formats(self):
        self.write("a.csv", "k,v\n1,9.05 h\n2,11:45 PM\n")
        rows = self.publish("a.csv", ["k int", {"name": "v", "type": "time",
                                                "formats": ["%H.%M h", "%I:%M %p"]}])
        self.assertEqual(rows, ["1,09:05:00", "2,23:45:00"])

    def test_a_thousands_sign_separates_three_digits(self):
        self.write("a.csv", "k;v\na;12.345,6\nb;2.5\n")
        source = {"url": "a.csv", "delimiter": ";", "decimal": ",", "thousands": "."}
        columns = ["k text", "v decimal(9,2)"]
        self.refuse(4, 'a.csv:3:3: column "v": "2.5"', source, columns)
        rows = self.publish(source, columns, bad_rows="reject")
        self.assertEqual(rows, ["a,12345.60"])

    def test_what_means_null_can_differ_by_column(self):
        self.write("a.csv", "k,v,w\n1,-,-\n2,7,x\n")
        rows = self.publish("a.csv", ["k int", {"name": "v", "type": "int", "nulls": ["", "-"]},
                                      "w text"])
        self.assertEqual(rows, ["1,,-", "2,7,x"])

    def test_a_column_without_percents_in_a_source_that_has_them(self):
        self.write("a.csv", "k,v\n1,5%\n")
        self.refuse(4, '"5%" is not a double', {"url": "a.csv", "percent": True},
                    ["k int", {"name": "v", "type": "double", "percent": False}])

    def test_percents_and_blanks_around_values(self):
        self.write("a.csv", "k,v,w\n1, 12.5 % , x \n")
        rows = self.publish("a.csv", ["k int",
                                      {"name": "v", "type": "decimal(9,4)", "percent": True,
                                       "trim": True}, {"name": "w", "type": "text", "trim": True}])
        self.assertEqual(rows, ["1,0.1250,x"])


    def test_a_column_that_keeps_its_blanks_in_a_source_that_is_trimmed(self):
        self.write("a.csv", "k,v,w\n1,  x , y \n2,\t\"z \"\t,\" u \"\n")
        rows = self.publish({"url": "a.csv", "trim": True},
                            ["k int", {"name": "v", "type": "text", "trim": False}, "w text"])
        self.assertEqual(rows, ["1,  x ,y", "2,z ,u"])


class Found(Reading):
    def test_whole_numbers_beyond_64_bits_keep_their_digits(self):
        self.write("a.csv", "k,v\n98765432109876543210981,1\n98765432109876543210982,2\n")
        self.assertEqual(self.publish("a.csv"), ["98765432109876543210981,1",
                                                 "98765432109876543210982,2"])

    def test_signs_of_numbers_are_doubtful_in_texts_alone(self):
        self.write("a.csv", "k,v\n1,1.234\n2,5.678\n")
        self.publish("a.csv")
        self.assertIn("a decimal sign or stand between thousands", self.warnings)
        self.write("a.json", '[{"k":1,"v":1.234},{"k":2,"v":5.678}]')
        self.publish("a.json", dataset="j")
        self.assertEqual(self.warnings, "")

    def test_a_point_makes_a_number_that_may_have_a_fraction(self):
        self.write("a.csv", "k,v\n1,3.0\n2,4.0\n")
        self.publish("a.csv")
        self.write("a.csv", "k,v\n1,3.0\n2,4.25\n")
        self.answer("run", "d.yml")
        self.assertEqual(self.answer("read", "d.yml").splitlines()[1:], ["1,3.0", "2,4.25"])

    def test_texts_that_may_be_dates_stay_texts(self):
        self.write("a.csv", "k,v,w,x\na,7-8-9,08/09/31,11/12/13\nb,4-5-6,27/11/30,09/10/11\n")
        self.publish("a.csv")
        self.assertEqual(set(self.types().values()), {"text"})

    def test_dates_that_are_found_are_written_as_the_source_says(self):
        self.write("a.csv", "k,d,y,iso,t,n\n1,01/02/2024,03/04/24,2024-01-05,05/01/2024 10:00,20240105\n")
        rows = self.publish({"url": "a.csv", "date_formats": ["%d/%m/%Y", "%d/%m/%y", "%Y%m%d"],
                             "timestamp_formats": "%d/%m/%Y %H:%M"})
        self.assertEqual(self.types(), {"k": "bigint", "d": "date", "y": "date", "iso": "date",
                                        "t": "timestamp", "n": "bigint"})
        self.assertEqual(rows, ["1,2024-02-01,2024-04-03,2024-01-05,2024-01-05T10:00:00.000000Z,20240105"])

    def test_hundreds_of_columns_take_no_time(self):
        names = ",".join(f"c{i}" for i in range(400))
        self.write("a.csv", f"k,{names}\n" + "".join(f"{r}," + ",".join(["7"] * 400) + "\n"
                                                     for r in range(5)))
        self.assertEqual(len(self.publish("a.csv", memory="256 MiB")), 5)

    def test_what_was_published_first_stays_and_a_plan_says_so(self):
        self.write("a.csv", "k,v\n1,x\n")
        self.publish("a.csv")
        self.write("a.csv", "k,v\n1,7\n2,8\n")
        err = self.cauce("plan", "d.yml")[1]
        self.assertIn('column "v" would be found as bigint today; it stays text', err)


class Files(Reading):
    def test_every_file_has_its_own_names_and_their_order(self):
        self.write("a1.csv", "k,old\n1,10\n")
        self.write("a2.csv", "new,k\n20,2\n")
        self.write("a3.csv", "new,old,k\n30,99,3\n")
        rows = self.publish("a*.csv", ["k int", {"name": "v", "type": "int",
                                                 "from": ["new", "old"]}])
        self.assertEqual(rows, ["1,10", "2,20", "3,30"])

    def test_a_file_that_lacks_a_column_is_an_error_unless_it_may(self):
        self.write("a1.csv", "k,v\n1,10\n")
        self.write("a2.csv", "k,w\n2,20\n")
        self.refuse(4, 'column "v" is not in a2.csv', "a*.csv", ["k int", "v int"])
        self.refuse(4, ["a1.csv", "a2.csv", "optional"], "a*.csv")
        rows = self.publish("a*.csv", ["k int", {"name": "v", "type": "int", "optional": True}])
        self.assertEqual(rows, ["1,10", "2,"])

    def test_many_files_with_different_headers(self):
        for i in range(700):
            self.write(f"p{i:03}.csv", f"k,v\n{i},1\n" if i % 3 else f"v,k\n1,{i}\n")
        self.assertEqual(len(self.publish("p*.csv", ["k int", "v int"])), 700)

    def test_the_name_of_the_file_as_a_column(self):
        self.write("north.csv", "k\n1\n")
        self.write("south.csv", "k\n2\n")
        rows = self.publish({"url": "*th.csv", "file_column": "file"}, ["k int", "file text"])
        self.assertEqual(rows, ["1,north.csv", "2,south.csv"])

    def test_a_member_of_an_archive_has_its_own_name_wherever_it_lies(self):
        with zipfile.ZipFile(self.folder / "a.zip", "w") as archive:
            archive.writestr("1.csv", "k\n1\n")
            archive.writestr("x/2.csv", "k\n2\n")
        rows = self.publish({"url": "a.zip", "archive": "*.csv", "file_column": "file"},
                            ["k int", "file text"])
        self.assertEqual(rows, ["1,1.csv", "2,2.csv"])

    def test_the_name_of_the_file_takes_no_column_of_the_file_away(self):
        self.write("a.csv", "k,file\n1,x\n")
        self.write("a.json", '[{"k":1},{"k":2,"file":"x"}]')
        for name in "a.csv", "a.json":
            self.refuse(4, f'{name} has a column "file" of its own', {"url": name, "file_column": "file"},
                        ["k int", "file text"])

    def test_messages_name_the_file_as_the_user_knows_it(self):
        (self.folder / "a.csv.gz").write_bytes(gzip.compress(b"k,v\n1,x\n"))
        self.refuse(4, 'a.csv.gz:2:3: column "v"', "a.csv.gz", ["k int", "v int"])

    def test_members_of_an_archive_are_files(self):
        with zipfile.ZipFile(self.folder / "a.zip", "w") as archive:
            archive.writestr("x/1.csv", "k,v\n1,10\n")
            archive.writestr("x/2.csv", "k,v\n2,bad\n")
            archive.writestr("README", "nothing")
        source = {"url": "a.zip", "archive": "*.csv"}
        self.refuse(4, 'a.zip:x/2.csv:2:3: column "v"', source, ["k int", "v int"])
        rows = self.publish(source, ["k int", "v int"], bad_rows="reject")
        self.assertEqual(rows, ["1,10"])


class Text(Reading):
    def test_a_comment_character_behind_a_value_is_part_of_it(self):
        self.write("a.csv", "# remark\nk,v\n1,F# and C#\n")
        rows = self.publish({"url": "a.csv", "comment": "#"}, ["k int", "v text"])
        self.assertEqual(rows, ["1,F# and C#"])

    def test_mixed_line_endings_are_read_with_a_warning(self):
        self.write("a.csv", "k,v\n1,a\r\n2,b\n")
        self.assertEqual(self.publish("a.csv", ["k int", "v text"]), ["1,a", "2,b"])
        self.assertIn("mixes line endings", self.warnings)

    def test_line_endings_inside_quotes_are_not_those_of_the_file(self):
        text = "".join(f'{i},"{"x,x" + chr(13) + chr(10) if i % 3 else "x"}{("," + chr(13) + chr(10)) * (i % 90)}"\n'
                       for i in range(8000))
        self.write("a.csv", "k,v\n" + text)
        self.publish("a.csv", ["k int", "v text"])
        self.assertNotIn("mixes", self.warnings)

    def test_title_header_of_two_lines_and_footer(self):
        self.write("a.csv", "Title\nk,price\n,EUR\n1,2.5\n2,3.5\nTotal,6\n")
        rows = self.publish({"url": "a.csv", "skip_lines": 1, "header": 2, "footer": "Total"},
                            ["k int", {"name": "v", "type": "double", "from": "price EUR"}])
        self.assertEqual(rows, ["1,2.5", "2,3.5"])

    def test_texts_of_many_lines(self):
        text = "\"a, \"\"b\"\"\nc\""
        self.write("a.csv", "k,v,w\n" + "".join(f"{i},{text},{i}\n" for i in range(60000)))
        self.publish("a.csv", ["k int", "v text", "w int"])
        self.assertEqual(self.json("status", "d.yml")["keys_total"], 60000)

    def test_a_column_for_every_year_becomes_rows(self):
        self.write("a.csv", "k,name,2030,2031\n1,x,5,\n2,y,6,7\n")
        source = {"url": "a.csv", "unpivot": {"keep": ["k", "name"], "name": "year",
                                              "value": "people"}}
        columns = ["k int", {"name": "year", "type": "date", "formats": "%Y"}, "people int"]
        rows = self.publish(source, columns, key=["k", "year"])
        self.assertEqual(rows, ["1,2030-01-01,5", "1,2031-01-01,", "2,2030-01-01,6",
                                "2,2031-01-01,7"])
        self.write("a.csv", "k,name,2030,Total\n1,x,5,6\n")
        self.refuse(4, '"Total", which is the name of a column of a.csv', source, columns,
                    key=["k", "year"])
        self.write("a.csv", "k,name,2030,2031\n1,x,5,bad\n")
        self.refuse(4, 'a.csv:2:7: column "people": "bad"', source, columns, key=["k", "year"])

    def test_fixed_width(self):
        self.write("a.txt", "  1 ab\n 20cde\n")
        rows = self.publish({"url": "a.txt", "format": "fixed", "widths": [3, 3],
                             "header": False},
                            [{"name": "k", "type": "int", "from": "column0"},
                             {"name": "v", "type": "text", "from": "column1"}])
        self.assertEqual(rows, ["1,ab", "20,cde"])


class Json(Reading):
    def test_numbers_keep_their_digits(self):
        self.write("a.json", '[{"k": 1, "v": 98765432109876543.25}, {"k": 2, "v": 1e2}]')
        rows = self.publish("a.json", ["k int", "v decimal(38,10)"])
        self.assertEqual(rows, ["1,98765432109876543.2500000000", "2,100.0000000000"])

    def test_backslash_n_and_the_empty_text_are_texts_unless_configured(self):
        self.write("a.json", '[{"k": 1, "v": "\\\\N"}, {"k": 2, "v": ""}]')
        rows = self.publish("a.json", ["k int", "v text"])
        self.assertEqual(rows, ["1,\\N", '2,""'])
        self.write("b.json", '[{"k": 1, "v": ""}, {"k": 2, "v": "NA"}, {"k": 3, "v": 2.5}]')
        rows = self.publish({"url": "b.json", "nulls": ["", "NA"]}, ["k int", "v double"],
                            dataset="e")
        self.assertEqual(rows, ["1,", "2,", "3,2.5"])

    def test_an_array_that_is_cut_off_is_an_error(self):
        self.write("a.json", '[{"k": 1},\n{"k": 2},\n')
        self.refuse(3, "a.json:3:1", "a.json", ["k int"])
        (self.folder / "b.json.gz").write_bytes(gzip.compress(b'[{"k": 1},'))
        self.refuse(3, "b.json.gz", "b.json.gz", ["k int"])

    def test_an_empty_array_has_no_rows(self):
        self.write("a.json", "[]")
        self.configure("a.json", ["k int"])
        self.assertEqual(self.json("run", "d.yml")["rows_read"], 0)

    def test_records_and_values_below_a_path(self):
        self.write("a.json", '{"n": 2, "data": {"items": [{"k": 1, "p": {"x": 5}}, {"k": 2}]}}')
        rows = self.publish({"url": "a.json", "records": "data.items"},
                            ["k int", {"name": "x", "type": "int", "from": "$.p.x"}])
        self.assertEqual(rows, ["1,5", "2,"])

    def test_hundreds_of_names(self):
        line = {f"c{i}": i for i in range(500)}
        self.write("a.ndjson", json.dumps({"k": 1, **line}) + "\n" + json.dumps({"k": 2}) + "\n")
        rows = self.publish("a.ndjson", ["k int", "c499 int"])
        self.assertEqual(rows, ["1,499", "2,"])

    def test_a_line_that_is_not_json_may_be_rejected(self):
        self.write("a.ndjson", '{"k": 1}\n{"k": \n{"k": 3}\n')
        self.refuse(4, "a.ndjson:2:", "a.ndjson", ["k int"])
        self.assertEqual(self.publish("a.ndjson", ["k int"], bad_rows="reject"), ["1", "3"])


@unittest.skipIf(arrow is None, "pyarrow is not installed")
class Parquet(Reading):
    def table(self, name, **columns):
        parquet.write_table(arrow.table(columns), self.folder / name)

    def test_long_decimals_are_exact_or_refused(self):
        from decimal import Decimal
        numbers = arrow.array([Decimal("1.25"), Decimal("-2.50")], arrow.decimal256(50, 2))
        self.table("a.parquet", k=[1, 2], v=numbers)
        rows = self.publish("a.parquet", ["k int", "v decimal(9,2)"])
        self.assertEqual(rows, ["1,1.25", "2,-2.50"])

    def test_nanoseconds_are_exact_or_refused(self):
        for dtype in (arrow.timestamp("ns", "UTC"), arrow.timestamp("ns")):
            self.table("a.parquet", k=[1, 2], v=arrow.array([1000, 1500], dtype))
            self.refuse(4, "1 row", "a.parquet", ["k int", "v timestamp"])
        self.table("a.parquet", k=[1], v=arrow.array([2000], arrow.time64("ns")))
        self.assertEqual(self.publish("a.parquet", ["k int", "v time"]), ["1,00:00:00.000002"])

    def test_whole_numbers_that_are_doubles_in_one_file(self):
        self.table("a1.parquet", k=arrow.array([9007199254740993], arrow.int64()), v=[1])
        self.table("a2.parquet", k=arrow.array([5.0], arrow.float64()), v=[2])
        rows = self.publish("a*.parquet", ["k bigint", "v int"])
        self.assertEqual(rows, ["5,2", "9007199254740993,1"])

    def test_declared_types_are_kept(self):
        self.table("a.parquet", k=["1", "2"], v=["2031-01-01", "2031-01-02"])
        self.publish("a.parquet")
        self.assertEqual(self.types(), {"k": "text", "v": "text"})

    def test_the_name_of_the_file_is_a_column_where_none_are_listed(self):
        self.table("a.parquet", k=[1])
        self.assertEqual(self.publish({"url": "a.parquet", "file_column": "file"}), ["1,a.parquet"])

    def test_texts_that_mean_null(self):
        self.table("a.parquet", k=[1, 2], v=["NA", ""])
        rows = self.publish({"url": "a.parquet", "nulls": ["NA"]}, ["k int", "v text"])
        self.assertEqual(rows, ["1,", '2,""'])


class Transform(Reading):
    def test_it_sees_values_of_the_types_that_are_listed(self):
        self.write("a.csv", "k,v,q\na,9,ok\na,10,ok\na,99,bad\n")
        rows = self.publish("a.csv", ["k text", "v int"],
                            transform="SELECT k, max(v) AS v FROM source WHERE q = 'ok' GROUP BY k")
        self.assertEqual(rows, ["a,10"])

    def test_a_column_that_no_file_has_is_null_where_it_may_be_missing(self):
        self.write("a.csv", "k\n1\n")
        rows = self.publish("a.csv", ["k int", {"name": "v", "type": "text", "optional": True}],
                            transform="SELECT k, coalesce(v, 'none') AS v FROM source")
        self.assertEqual(rows, ["1,none"])

    def test_it_sees_values_below_paths(self):
        self.write("a.json", '[{"k":1,"a":{"b":5}}]')
        rows = self.publish("a.json", ["k int", {"name": "v", "type": "int", "from": "$.a.b"}],
                            transform="SELECT k, v + 1 AS v FROM source")
        self.assertEqual(rows, ["1,6"])

    def test_it_sees_the_types_that_are_found(self):
        self.write("a.csv", "k,v\na,9\na,10\n")
        rows = self.publish("a.csv", transform="SELECT k, max(v) AS v FROM source GROUP BY k")
        self.assertEqual(rows, ["a,10"])

    def test_it_sees_later_snapshots_with_the_types_that_were_found_first(self):
        sql = "SELECT k, max(v) AS v, max(n) AS n FROM source GROUP BY k"
        self.write("a.csv", "k,v,n\na,x9,9\na,x10,10\n")
        self.assertEqual(self.publish("a.csv", transform=sql), ["a,x9,10"])
        self.write("a.csv", "k,v,n\nb,9,1\nb,10,2\n")  # v would be found as a number now
        plan = self.cauce("plan", "d.yml")[1]
        self.assertIn('column "v" of the source would be found as bigint today; the transform '
                      'sees it as text', plan)
        self.assertEqual(self.publish("a.csv", transform=sql), ["a,x9,10", "b,9,2"])
        self.write("a.csv", "k,v,n\nc,1,2.5\nc,1,10\n")
        self.refuse(4, 'a.csv:2:5: column "n": "2.5" is not a bigint', "a.csv", transform=sql)

    def test_a_column_that_comes_later_is_frozen_when_it_comes(self):
        sql = "SELECT * FROM source"
        self.write("a.csv", "k\n1\n")
        self.publish("a.csv", transform=sql)
        self.write("a.csv", "k,w\n2,7\n")
        self.publish("a.csv", transform=sql)
        self.write("a.csv", "k,w\n3,x\n")
        self.refuse(4, 'column "w": "x" is not a bigint', "a.csv", transform=sql)

    def test_names_and_nulls_are_those_of_the_dataset_and_raw_has_the_texts(self):
        self.write("a.csv", "Key,v\n1,-\n2,5\n")
        columns = [{"name": "k", "type": "int", "from": "Key"},
                   {"name": "v", "type": "int", "nulls": ["-"]}, "t text"]
        rows = self.publish("a.csv", columns,
                            transform="SELECT s.k, s.v, r.v AS t FROM source s "
                                      "JOIN raw r ON CAST(r.\"Key\" AS INTEGER) = s.k")
        self.assertEqual(rows, ["1,,-", "2,5,5"])

    def test_a_value_that_does_not_fit_is_a_bad_row_of_its_file(self):
        self.write("a.csv", "k,v\n1,x\n")
        self.refuse(4, 'a.csv:2:3: column "v": "x"', "a.csv", ["k int", "v int"],
                    transform="SELECT * FROM source")

    def test_names_that_differ_in_case_alone_are_told(self):
        self.write("a.csv", "k,v,V\n1,2,3\n")
        for relation in ("source", "raw"):
            self.publish("a.csv", dataset=relation, transform=f"SELECT k, v FROM {relation}")
            self.assertIn(f'relation `{relation}` has the column "v", but not "V"', self.warnings)
        rows = self.publish("a.csv", ["k int", "v int", {"name": "w", "type": "int", "from": "V"}],
                            transform="SELECT * FROM source")
        self.assertEqual((rows, self.warnings), (["1,2,3"], ""))

    def test_its_order_does_not_matter(self):
        self.write("a.csv", "k,v\n1,5\n1,9\n1,7\n")
        for order in ("v", "v DESC"):
            rows = self.publish("a.csv", ["k int", "v int"], dataset="o" + order[-1].lower(),
                                transform=f"SELECT * FROM source ORDER BY {order}")
            self.assertEqual(rows, ["1,9"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
