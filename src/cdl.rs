//! Names, texts and numbers as CDL writes them, the text form of netCDF.

/// The shortest decimal that reads back as the same number, with the point that CDL wants.
pub(crate) fn real(value: f64, single: bool) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() };
    }
    #[expect(clippy::cast_possible_truncation, reason = "the value was a float of 32 bits")]
    let text = if single { format!("{:?}", value as f32) } else { format!("{value:?}") };
    text.strip_suffix(".0").map_or(text.clone(), |whole| format!("{whole}."))
}

/// A text as a constant.
pub(crate) fn quoted(text: &str) -> String {
    let escape = |c: char| match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        '\r' => "\\r".to_owned(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

/// A name with CDL's special characters escaped.
pub(crate) fn escaped(name: &str) -> String {
    let escape = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else if " !\"#$%&'()*,:;<=>?[]\\^`{|}~".contains(c) {
            format!("\\{c}")
        } else {
            c.to_string()
        }
    };
    name.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_are_escaped() {
        assert_eq!(escaped("a b/c:é-1.x@y+z"), "a\\ b/c\\:é-1.x@y+z");
        assert_eq!(quoted("a \"b\"\n\t\\"), r#""a \"b\"\n\t\\""#);
    }

    #[test]
    fn floats_are_the_shortest_that_read_back_the_same() {
        assert_eq!(real(f64::from(0.1_f32), true), "0.1");
        assert_eq!([0.1, 20.0, 1e300].map(|value| real(value, false)), ["0.1", "20.", "1e300"]);
        let not_finite = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(|value| real(value, false));
        assert_eq!(not_finite, ["NaN", "Infinity", "-Infinity"]);
    }
}
