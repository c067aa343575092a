"""Tables of CF times, and what cftime reads in them; generate.py writes them."""
import json
import os
import warnings

import cftime
import numpy as np

CALENDARS = ["standard", "proleptic_gregorian", "julian", "noleap", "all_leap", "360_day"]

# Reference dates for every calendar; those that one has not are among the refused.
DATES = [
    "1970-01-01", "1990-1-1", "1900-01-01 00:00:00", "2000-02-28T12:30:15.5", "1999-12-30 23:59:59.999999", "1582-10-04", "1582-10-15 06:00",
    "1582-10-16", "1600-02-28", "1700-02-28", "0001-01-01", "1-1-1 00:00:0.0", "-0001-12-30", "-0004-02-28 18:00", "-4712-01-01 12:00:00",
    "0000-01-01", "0000-02-28", "12000-06-30", "2000-01-01 00:00:00Z", "2000-01-01 00:00:00 Z", "2000-01-01T00:00:00 UTC",
    "2000-01-01 00:00:00 +0000", "2000-01-01T00:00:00-0300", "2000-01-01 00:00 +05:30", "2000-01-01 +01", "1583-01-01 00:00:00 -12:00",
]
# Integers, and floats with a fraction of each kind: of two, of ten, of three, below a microsecond.
INTEGERS = [0, 1, -1, 59, 365, 366, 100_000, -100_000]
FLOATS = [0.5, -0.25, 31.1, 1 / 3, 1234.56789, -1000.0001, 1e-7]
UNITS = ["days", "hours", "minutes", "seconds", "milliseconds", "microseconds"]
SPELLINGS = [
    "microsecond", "microsec", "microsecs", "millisecond", "millisec", "millisecs", "msec", "msecs", "ms", "second", "sec", "secs", "s", "minute",
    "min", "mins", "hour", "hr", "hrs", "h", "day", "d", "Days", "HOURS", "D",
]
ODD = [
    ("days SINCE 1990-01-01", "standard"), ("  days   since\t1990-01-01  ", "standard"), ("days since +1990-01-01", "standard"),
    ("days since 1990-01-01 00:00:00 GMT", "standard"), ("days since 1990-01-01 0:0:0", "standard"), ("days since 1990-01-01  00:00:00", "standard"),
    ("days since 1990-01-01 00", "standard"), ("days since 1990-01-01 00:00:00 -0:00", "standard"),
    ("days since 001990-01-01", "standard"), ("days since 1990-01-01 00:00:00.000000000000", "standard"), ("days since 1990-01-01Z", "standard"),
    ("days since 1990-01-01", "Gregorian"), ("days since 1990-01-01", "365_DAY"), ("days since 1990-01-01", "366_day"), ("days since 1990-01-01", None),
    ("months since 1990-01-01", "360_day"), ("month since 1990-01-30", "360_day"), ("common_years since 1990-03-01", "noleap"),
    ("common_year since 1990-03-01", "365_day"), ("hours since 1990-02-30", "360_day"), ("hours since 1990-02-29", "all_leap"),
]
REFUSED = [
    ("weeks since 1990-01-01", "standard"), ("fortnights since 1990-01-01", "standard"), ("years since 1990-01-01", "standard"),
    ("years since 1990-01-01", "noleap"), ("months since 1990-01-01", "standard"), ("months since 1990-01-01", "noleap"),
    ("common_years since 1990-01-01", "standard"), ("common_years since 1990-01-01", "360_day"), ("m since 1990-01-01", "standard"),
    ("lightyears since 1990-01-01", "standard"), ("days since", "standard"), ("days since ", "standard"), ("days since yesterday", "standard"),
    ("days since 1990", "standard"), ("days since 1990-01", "standard"), ("days since 19900101", "standard"), ("days since 1990/01/01", "standard"),
    ("days since 1990-13-01", "standard"), ("days since 1990-00-01", "standard"), ("days since 1990-01-00", "standard"),
    ("days since 1990-01-32", "standard"), ("days since 1990-02-29", "standard"), ("days since 1900-02-29", "standard"),
    ("days since 1900-02-29", "proleptic_gregorian"), ("days since 1990-02-29", "noleap"), ("days since 1990-01-31", "360_day"),
    ("days since 1582-10-05", "standard"), ("days since 1582-10-14 23:59:59", "standard"), ("days since 0000-01-01", "standard"),
    ("days since 0000-01-01", "gregorian"), ("days since 0000-01-01", "julian"), ("days since -0002-02-29", "standard"),
    ("days since -0004-02-29", "julian"), ("days since -0001-02-29", "proleptic_gregorian"), ("days since 1990-01-01 24:00:00", "standard"),
    ("days since 1990-01-01 00:60:00", "standard"), ("days since 1990-01-01 23:59:60", "standard"), ("days since 1990-001-01", "standard"),
    ("days since 99999999999-01-01", "standard"), ("days since 1990-01-01", "none"), ("days since 1990-01-01", ""), ("days since 1990-01-01", "lunar"),
    ("days since 1990-01-01", "utc"), ("days since 1990-01-01", " standard"),
]
# What cftime does not match at the end of a date, or at all, it passes over: udunits and pandas do not.
PASSED_OVER = [
    ("seconds since 1992-10-8 15:15:42.5 -6:00", "standard"), ("hours since 1990-01-01 00:00:00 +1:00", "noleap"),
    ("hours since 1990-01-01 6", "standard"), ("hours since 1990-01-01  06:00:00", "standard"), ("hours since 1990-01-01 00:00:00  -0300", "standard"),
    ("hours since 1990-01-01 00:00:00 -3", "standard"), ("hours since 1990-01-01 00:00:00 -330", "standard"), ("hours since 1990-01-01+03:00", "standard"),
    ("hours since 1990-01-01-03:00", "standard"), ("hours since 1990-01-01 00:00:00 EST", "standard"), ("hours since 1990-01-01 12:00:00 PM", "standard"),
    ("hours since 1990-01-01x06:00", "standard"), ("hours since 1990-01-011", "standard"), ("hours since 1990-01-01 00:00:00 +99:99", "standard"),
    ("hours since 1990-01-01 00:00:00 +01:0", "standard"), ("hours since 1990-01-01 00:00:00.0000000001", "standard"), ("Ms since 1990-01-01", "standard"),
    ("hours since 1990-01-01 06:00.5", "standard"),
]
NANOSECONDS = [
    ("nanoseconds since 1990-01-01", "1990-01-01", 1), ("ns since 1990-01-01T06:00", "1990-01-01T06:00", -1),
    ("Nanoseconds since 1970-01-01 00:00:00.123456789", "1970-01-01T00:00:00.123456789", 1_000_000_001),
]


def read(units, calendar, values):
    return [date.isoformat() for date in cftime.num2date(np.array(values), units, calendar or "standard")]


def decoded():
    rows = [(f"{unit} since {date}", calendar) for date in DATES for calendar in CALENDARS for unit in UNITS[len(date) % 2 :: 2]]
    rows += [(f"{unit} since 1990-01-01 06:00:00", "standard") for unit in SPELLINGS] + ODD
    table, lacking = [], []
    for units, calendar in rows:
        try:
            integers, floats = read(units, calendar, INTEGERS), read(units, calendar, FLOATS)
        except ValueError as problem:
            lacking.append((units, calendar, str(problem)))
            continue
        table.append([units, calendar, list(zip(INTEGERS, integers)), list(zip(FLOATS, floats))])
    return table, lacking


def refused():
    rows = []
    for units, calendar in REFUSED:
        try:
            date = read(units, calendar if calendar is not None else "standard", [0]) if calendar != "" else cftime.num2date(0, units, "")
        except (ValueError, TypeError, KeyError, OverflowError):
            rows.append([units, calendar])
        else:
            raise AssertionError((units, calendar, date))
    return rows


def write_all(out, only):
    if only and not any(o in ("cf_time", "cf_time/cftime") for o in only):
        return
    warnings.simplefilter("ignore")
    table, lacking = decoded()
    tables = {
        "decoded": table,
        "refused": refused() + [[units, calendar] for units, calendar, _ in lacking],
        "passed_over": [[units, calendar, read(units, calendar, [0])[0]] for units, calendar in PASSED_OVER],
        "nanoseconds": [[units, value, str(np.datetime64(date, "ns") + np.timedelta64(value, "ns"))] for units, date, value in NANOSECONDS],
    }
    folder = os.path.join(out, "cf_time", "cftime")
    os.makedirs(folder, exist_ok=True)
    parts = [f' "cftime": "{cftime.__version__}"']
    for name, rows in tables.items():
        parts.append(f' "{name}": [\n' + ",\n".join("  " + json.dumps(row) for row in rows) + "\n ]")
    with open(os.path.join(folder, "expected.json"), "w", encoding="utf-8") as f:
        f.write("{\n" + ",\n".join(parts) + "\n}\n")
    print(" ".join(f"{len(rows)} {name}" for name, rows in tables.items()), "cf_time/cftime")
