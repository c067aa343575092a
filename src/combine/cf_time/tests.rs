//! CF times as cftime reads them, and what must hold of all.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::calendar::Date;
use super::*;

/// What cftime reads in units, calendars and numbers.
const CFTIME: &str = include_str!("../../../testdata/cf_time/cftime/expected.json");

const CALENDARS: [Calendar; 6] = [
    Calendar::Standard,
    Calendar::ProlepticGregorian,
    Calendar::Julian,
    Calendar::NoLeap,
    Calendar::AllLeap,
    Calendar::Day360,
];

/// A date of cftime, whose fraction of seconds has six digits or none.
fn shortened(date: &str) -> &str {
    if date.contains('.') { date.trim_end_matches('0') } else { date }
}

fn units(text: &str, calendar: Option<&str>) -> TimeUnits {
    TimeUnits::parse(text, calendar).unwrap().unwrap()
}

fn rows(table: &str) -> Vec<Json> {
    let tables: Json = serde_json::from_str(CFTIME).unwrap();
    tables[table].as_array().unwrap().clone()
}

#[test]
fn integers_are_the_dates_that_cftime_reads() {
    let mut read = 0;
    for row in rows("decoded") {
        let units = units(row[0].as_str().unwrap(), row[1].as_str());
        for pair in row[2].as_array().unwrap() {
            let (value, date) = (pair[0].as_i64().unwrap(), pair[1].as_str().unwrap());
            let instant = units.decode_integer(value.into()).unwrap();
            assert_eq!(units.calendar().show(instant), shortened(date), "{value} {row}");
            assert_eq!(units.encode_integer(instant), Some(value), "{row}");
            read += 1;
        }
    }
    assert_eq!(read, 502 * 8);
}

#[test]
fn floats_are_within_a_microsecond_of_the_dates_that_cftime_reads() {
    let mut read = 0;
    for row in rows("decoded") {
        let units = units(row[0].as_str().unwrap(), row[1].as_str());
        for pair in row[3].as_array().unwrap() {
            let (value, date) = (pair[0].as_f64().unwrap(), pair[1].as_str().unwrap());
            let expected = self::units(&format!("days since {date}"), row[1].as_str()).decode_integer(0).unwrap();
            let instant = units.decode_float(value).unwrap();
            assert!(instant.abs_diff(expected) <= 1000, "{value} is {} and not {date}", units.calendar().show(instant));
            read += 1;
        }
    }
    assert_eq!(read, 502 * 7);
}

#[test]
fn nanoseconds_are_the_dates_that_numpy_counts() {
    for row in rows("nanoseconds") {
        let units = units(row[0].as_str().unwrap(), None);
        let instant = units.decode_integer(row[1].as_i64().unwrap().into()).unwrap();
        assert_eq!(units.calendar().show(instant), shortened(row[2].as_str().unwrap()));
    }
}

#[test]
fn what_cftime_refuses_is_refused() {
    for row in rows("refused") {
        assert!(TimeUnits::parse(row[0].as_str().unwrap(), row[1].as_str()).is_err(), "{row}");
    }
}

#[test]
fn what_cftime_passes_over_is_refused() {
    for row in rows("passed_over") {
        assert!(TimeUnits::parse(row[0].as_str().unwrap(), row[1].as_str()).is_err(), "{row}");
    }
}

#[test]
fn problems_say_what_is_not_understood() {
    let problem = |units, calendar| TimeUnits::parse(units, calendar).unwrap_err().to_string();
    let table = [
        ("days since 1990-01-01", Some("None"), "calendar \"None\" is not known"),
        ("days since 1990-01-01", Some("TAI"), "calendar \"TAI\" counts leap seconds, for which no table is kept"),
        ("weeks since 1990-01-01", None, "unit of time \"weeks\" is not known"),
        ("Months since 1990-01-01", Some("365_day"), "\"Months\" have no fixed length in calendar noleap"),
        ("days since 1990", None, "reference date \"1990\" is not understood"),
        (
            "hours since 1990-01-01 00:00:00 -6:00",
            None,
            "reference date \"1990-01-01 00:00:00 -6:00\" has a time of day or an offset from UTC that cftime passes over",
        ),
        ("days since 0000-01-01", None, "reference date \"0000-01-01\" does not exist in calendar standard"),
        (
            "days since 6000000-01-01",
            Some("noleap"),
            "reference date \"6000000-01-01\" does not exist in calendar noleap",
        ),
    ];
    for (units, calendar, message) in table {
        assert_eq!(problem(units, calendar), message);
    }
}

#[test]
fn units_of_other_things_are_no_units_of_times() {
    for text in
        ["", " ", "days", "K", "m s-1", "days after 1990-01-01", "days since1990-01-01", "since 1990-01-01", "1"]
    {
        assert_eq!(TimeUnits::parse(text, Some("not looked at")), Ok(None), "{text}");
    }
}

#[test]
fn calendars_of_two_names_are_the_same() {
    let same =
        |a, b| units("days since 1990-01-01", Some(a)).is_same(&units("Day SINCE 1990-1-1T01:00+01:00", Some(b)));
    assert!(same("gregorian", "standard"));
    assert!(same("365_day", "NOLEAP"));
    assert!(same("366_day", "all_leap"));
    assert!(!same("standard", "proleptic_gregorian"));
    assert!(!units("days since 1990-01-01", None).is_same(&units("days since 1990-01-02", None)));
    assert!(!units("days since 1990-01-01", None).is_same(&units("hours since 1990-01-01", None)));
}

#[test]
fn the_mixed_calendar_has_no_days_between_its_halves() {
    let standard = units("days since 1582-10-04", None);
    assert_eq!(Calendar::Standard.show(standard.decode_integer(1).unwrap()), "1582-10-15T00:00:00");
    let gregorian = units("days since 1582-10-15", Some("proleptic_gregorian"));
    assert_eq!(standard.decode_integer(1), gregorian.decode_integer(0));
}

fn texts(re_encoded: &ReEncoded) -> (&str, &Values) {
    (re_encoded.units.text(), &re_encoded.values)
}

#[test]
fn the_first_units_are_kept_where_they_are_exact() {
    let first = units("Days since 1990-1-1", None);
    let second = units("hours since 1990-02-01 00:00", None);
    let instants = [first.decode_integer(30).unwrap(), second.decode_integer(24).unwrap()];
    let found = re_encode(&first, true, &instants).unwrap();
    assert_eq!(texts(&found), ("Days since 1990-1-1", &Values::Integers(vec![30, 32])));
    let found = re_encode(&first, false, &instants).unwrap();
    assert_eq!(texts(&found), ("Days since 1990-1-1", &Values::Floats(vec![30.0, 32.0])));
}

#[test]
fn a_finer_unit_keeps_the_reference_date() {
    let first = units("days since 1990-01-01T00:00:00Z", None);
    let second = units("hours since 1990-02-01", None);
    let instants = [first.decode_integer(30).unwrap(), second.decode_float(6.5).unwrap()];
    let found = re_encode(&first, true, &instants).unwrap();
    assert_eq!(texts(&found), ("minutes since 1990-01-01T00:00:00Z", &Values::Integers(vec![43_200, 45_030])));
}

#[test]
fn floats_that_the_first_units_cannot_say_become_integers() {
    let first = units("days since 1990-01-01", None);
    let day = first.decode_integer(10_000).unwrap();
    let found = re_encode(&first, false, &[day, day + 1]).unwrap();
    let expected = vec![864_000_000_000_000_000, 864_000_000_000_000_001];
    assert_eq!(texts(&found), ("nanoseconds since 1990-01-01", &Values::Integers(expected)));
}

#[test]
fn floats_that_mean_one_time_to_a_microsecond_are_one_time() {
    let first = units("days since 1990-01-01", None);
    let second = units("days since 2014-01-01", None);
    // 02:24, as near as a float comes to it: tens of nanoseconds off, in each its own way.
    let instants = [first.decode_float(10_000.1).unwrap(), second.decode_float(1234.1).unwrap()];
    assert_eq!(instants[0], instants[1]);
    let found = re_encode(&first, false, &instants).unwrap();
    assert_eq!(texts(&found), ("days since 1990-01-01", &Values::Floats(vec![10_000.1, 10_000.1])));
}

#[test]
fn times_that_no_unit_expresses_have_none() {
    let first = units("days since 0001-01-01", None);
    let instants = [first.decode_integer(0).unwrap(), units("ns since 2000-01-01", None).decode_integer(1).unwrap()];
    let problem = Problem::NoUnit("0001-01-01".to_owned());
    assert_eq!(problem.to_string(), "no unit expresses all times exactly in 64 bits since \"0001-01-01\"");
    assert_eq!(re_encode(&first, true, &instants), Err(problem.clone()));
    assert_eq!(re_encode(&first, false, &instants), Err(problem));
    // cftime, which alone reads such times, has no nanoseconds.
    let first = units("days since 2000-01-01", Some("noleap"));
    let nanosecond = [first.decode_integer(0).unwrap() + 1];
    assert_eq!(re_encode(&first, true, &nanosecond), Err(Problem::NoUnit("2000-01-01".to_owned())));
}

#[test]
fn what_overflows_has_no_instant() {
    let days = units("days since 1990-01-01", None);
    assert_eq!(days.decode_integer(i128::MAX), None);
    assert_eq!(days.decode_integer(i128::MIN), None);
    assert!(days.decode_integer(u64::MAX.into()).is_some());
    assert_eq!(days.decode_float(f64::NAN), None);
    assert_eq!(days.encode_integer(i128::MIN), None);
    assert_eq!(days.encode_float(i128::MIN), None);
    let nanoseconds = units("nanoseconds since 1970-01-01", None);
    assert_eq!(nanoseconds.encode_integer(i128::from(i64::MIN)), Some(i64::MIN));
    assert_eq!(nanoseconds.encode_integer(i128::from(i64::MIN) - 1), None);
}

fn calendars() -> impl Strategy<Value = Calendar> {
    proptest::sample::select(CALENDARS.to_vec())
}

fn any_units() -> impl Strategy<Value = TimeUnits> {
    let unit = ["days", "hours", "minutes", "s", "ms", "microseconds", "ns"];
    let date = (1_i32..=9999, 1..=12, 1..=28, 0..24, 0..60);
    (proptest::sample::select(unit.to_vec()), date, calendars())
        .prop_filter("days that the mixed calendar has not", |(_, (year, ..), _)| *year != 1582)
        .prop_map(|(unit, (year, month, day, hour, minute), calendar)| {
            let text = format!("{unit} since {year}-{month}-{day} {hour}:{minute}");
            units(&text, Some(calendar.name()))
        })
}

/// Instants that are whole in one of several units, as those of files are.
fn instants() -> impl Strategy<Value = Vec<i128>> {
    let unit = proptest::sample::select(vec![86_400_000_000_000_i128, 3_600_000_000_000, 60_000_000_000, 1_000_000, 1]);
    let instant = (unit, -20_000_i128..20_000).prop_map(|(unit, n)| unit * n);
    prop_oneof![
        proptest::collection::vec(instant, 0..6),
        proptest::collection::vec(any::<i64>().prop_map(i128::from), 0..6)
    ]
}

proptest! {
    #[test]
    fn a_day_has_one_date_and_the_next_a_later_one(calendar in calendars(), day in -1_800_000_000_i128..1_800_000_000) {
        let date = calendar.date_of(day);
        prop_assert_eq!(calendar.day_of(date), Some(day));
        prop_assert!(calendar.date_of(day + 1) > date);
    }

    #[test]
    fn a_date_that_exists_is_that_of_its_day(calendar in calendars(), year in -9999_i128..9999, month in 0_u8..14, day in 0_u8..33) {
        let date = Date { year, month, day };
        if let Some(found) = calendar.day_of(date) {
            prop_assert_eq!(calendar.date_of(found), date);
        }
    }

    #[test]
    fn the_days_around_the_reform_have_dates(day in -150_000_i128..-140_000) {
        prop_assert_eq!(Calendar::Standard.day_of(Calendar::Standard.date_of(day)), Some(day));
    }

    #[test]
    fn the_text_of_an_instant_is_read_as_it(calendar in calendars(), instant in -10_i128.pow(22)..10_i128.pow(22)) {
        let units = units(&format!("days since {}", calendar.show(instant)), Some(calendar.name()));
        prop_assert_eq!(units.decode_integer(0), Some(instant));
    }

    #[test]
    fn every_instant_has_a_text(calendar in calendars(), instant in any::<i128>()) {
        prop_assert!(calendar.show(instant).contains('T'));
    }

    #[test]
    fn integers_are_decoded_and_encoded(units in any_units(), value in any::<i64>()) {
        let instant = units.decode_integer(value.into()).unwrap();
        prop_assert_eq!(units.encode_integer(instant), Some(value));
        prop_assert!(units.decode_integer(i128::from(value) + 1).unwrap() > instant);
    }

    #[test]
    fn floats_are_encoded_as_what_they_decode_to(units in any_units(), bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        if let Some(instant) = units.decode_float(value) {
            let encoded = units.encode_float(instant);
            prop_assert_eq!(encoded.and_then(|encoded| units.decode_float(encoded)), Some(instant));
        }
    }

    #[test]
    fn floats_coarser_than_nanoseconds_are_decoded_and_encoded(
        calendar in calendars(), whole in 3_000_000_i32..50_000_000, part in 0_u32..1_000_000,
    ) {
        let units = units("days since 0001-01-01", Some(calendar.name()));
        for value in [f64::from(whole) + f64::from(part) / 1e6, -f64::from(whole) - f64::from(part) / 3e6] {
            prop_assert_eq!(units.encode_float(units.decode_float(value).unwrap()), Some(value));
        }
    }

    #[test]
    fn later_floats_are_no_earlier_instants(units in any_units(), a in -1e9..1e9, b in -1e9..1e9) {
        let (a, b): (f64, f64) = if a <= b { (a, b) } else { (b, a) };
        prop_assert!(units.decode_float(a).unwrap() <= units.decode_float(b).unwrap());
    }

    #[test]
    fn re_encoded_values_decode_to_their_instants(first in any_units(), integers in any::<bool>(), instants in instants()) {
        if let Ok(ReEncoded { units, values }) = re_encode(&first, integers, &instants) {
            let decoded: Option<Vec<i128>> = match values {
                Values::Integers(values) => values.into_iter().map(|value| units.decode_integer(value.into())).collect(),
                Values::Floats(values) => {
                    prop_assert!(!integers);
                    values.into_iter().map(|value| units.decode_float(value)).collect()
                }
            };
            prop_assert_eq!(decoded, Some(instants));
            let read = TimeUnits::parse(units.text(), Some(units.calendar().name()));
            prop_assert_eq!(read, Ok(Some(units)));
        }
    }

    #[test]
    fn re_encoding_some_before_changes_nothing(
        first in any_units(), integers in any::<bool>(), instants in instants(), split in any::<proptest::sample::Index>(),
    ) {
        let all = re_encode(&first, integers, &instants);
        let mut reversed = instants.clone();
        reversed.reverse();
        let units_of = |found: &Result<ReEncoded, Problem>| found.clone().map(|found| (found.units, matches!(found.values, Values::Integers(_))));
        prop_assert_eq!(units_of(&re_encode(&first, integers, &reversed)), units_of(&all));
        let some = instants.get(..split.index(instants.len() + 1)).unwrap();
        match re_encode(&first, integers, some) {
            Ok(some) => {
                let integers = matches!(some.values, Values::Integers(_));
                prop_assert_eq!(re_encode(&some.units, integers, &instants), all);
            }
            Err(_) => prop_assert!(all.is_err()),
        }
    }

    #[test]
    fn any_text_is_read_or_refused(unit in "\\PC{0,8}", date in "\\PC{0,30}", calendar in proptest::option::of("\\PC{0,8}")) {
        let _ = TimeUnits::parse(&unit, calendar.as_deref());
        let _ = TimeUnits::parse(&format!("{unit} since {date}"), calendar.as_deref());
        let _ = TimeUnits::parse(&format!("days since {date}"), None);
    }

    #[test]
    fn any_date_like_text_is_read_or_refused(date in "[-+]?[0-9]{1,45}-[0-9]{1,3}-[0-9]{1,3}[T ]{0,2}[-+0-9:.Z]{0,24}", calendar in calendars()) {
        if let Ok(Some(units)) = TimeUnits::parse(&format!("days since {date}"), Some(calendar.name())) {
            prop_assert_eq!(units.encode_integer(units.decode_integer(-7).unwrap()), Some(-7));
        }
    }
}
