//! [`Template`]: labels and annotations with values in them.
//!
//! Of Go's text/template only `{{ $value }}`, `{{ .Value }}`, `{{ $labels.name }}` and
//! `{{ .Labels.name }}` are known; any other action makes the whole text an error text, as a
//! template that fails does in Loki.

use narvi_model::Labels;

/// A text in parts.
#[derive(Debug)]
pub(crate) struct Template<'t> {
    parts: Vec<Part<'t>>,
}

#[derive(Debug)]
enum Part<'t> {
    Text(&'t str),
    Value,
    Label(&'t str),
    /// What stands between the braces.
    Other(&'t str),
}

/// Why a text is no template; the messages are Go's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateError {
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is wrong.
    pub(crate) message: String,
}

/// The variables that Loki defines.
const VARIABLES: [&str; 4] = ["$labels", "$value", "$externalLabels", "$externalURL"];

impl<'t> Template<'t> {
    /// Cuts a text into its parts.
    ///
    /// # Errors
    /// An action without end, or a variable that does not exist.
    pub(crate) fn parse(text: &'t str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let line = || 1 + text[..text.len() - after.len()].matches('\n').count();
            let Some((inner, tail)) = after.split_once("}}") else {
                return Err(TemplateError {
                    line: line(),
                    message: "unclosed action".to_owned(),
                });
            };
            parts.push(Part::Text(before));
            let part = action(inner.trim());
            if let (Part::Other(inner), false) = (&part, text.contains(":=")) {
                known_variable(inner).map_err(|message| TemplateError {
                    line: line(),
                    message,
                })?;
            }
            parts.push(part);
            rest = tail;
        }
        parts.push(Part::Text(rest));
        Ok(Self { parts })
    }

    /// The text for one sample; a label that it does not have is empty.
    pub(crate) fn expand(&self, labels: &Labels, value: f64) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value => out.push_str(&go_float(value)),
                Part::Label(name) => out.push_str(labels.get(name).unwrap_or_default()),
                Part::Other(action) => {
                    return error_text(&format!(
                        "action {{{{ {action} }}}} is not supported by this version of narvi"
                    ));
                }
            }
        }
        out
    }
}

/// The text for one sample, and an error text for what is no template.
pub(crate) fn expand(text: &str, labels: &Labels, value: f64) -> String {
    match Template::parse(text) {
        Ok(template) => template.expand(labels, value),
        Err(error) => error_text(&error.message),
    }
}

fn error_text(reason: &str) -> String {
    format!("<error expanding template: {reason}>")
}

fn action(inner: &str) -> Part<'_> {
    if matches!(inner, "$value" | ".Value") {
        return Part::Value;
    }
    let name = inner
        .strip_prefix("$labels.")
        .or_else(|| inner.strip_prefix(".Labels."));
    match name {
        Some(name) if is_field(name) => Part::Label(name),
        _ => Part::Other(inner),
    }
}

/// Refuses an action that is nothing but a variable that does not exist.
fn known_variable(inner: &str) -> Result<(), String> {
    let variable = inner.split('.').next().unwrap_or_default();
    let is_variable = variable.strip_prefix('$').is_some_and(is_field);
    if is_variable && !VARIABLES.contains(&variable) {
        return Err(format!("undefined variable {variable:?}"));
    }
    Ok(())
}

fn is_field(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Go's `%v` of a float: shortest digits, an exponent below 1e-4 and from 1e6.
fn go_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(-4..GO_EXPONENT) => value.to_string(),
        Ok(exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        Err(_) => scientific,
    }
}

/// From this power of ten on Go writes an exponent where the digits are the shortest
/// (`strconv.FormatFloat` with `'g'` and -1).
const GO_EXPONENT: i32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        let labels = Labels::from_pairs([("app", "x"), ("ünique", "u")]);
        assert_eq!(expand(text, &labels, 12.5), want);
    }

    #[test]
    fn expands() {
        check("", "");
        check("plain } { text", "plain } { text");
        check("{{ $value }}|{{.Value}}|{{$value}}", "12.5|12.5|12.5");
        check("{{ $labels.app }} at {{  .Labels.app  }}!", "x at x!");
        check("[{{ $labels.none }}{{ $labels.ünique }}]", "[u]");
    }

    #[test]
    fn what_is_not_known_is_an_error_text() {
        for action in [
            "humanize $value",
            "$value | humanize",
            "- $value -",
            "$labels.a.b",
            "$labels",
            "range $x := .Labels",
            "end",
            "",
        ] {
            check(
                &format!("a {{{{ {action} }}}} {{{{ $value }}}}"),
                &format!(
                    "<error expanding template: action {{{{ {action} }}}} is not supported by \
                     this version of narvi>"
                ),
            );
        }
        check(
            "{{ $x }}",
            "<error expanding template: undefined variable \"$x\">",
        );
        check("{{ $value", "<error expanding template: unclosed action>");
    }

    #[test]
    fn floats_look_as_in_go() {
        for (value, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (12.0, "12"),
            (0.1, "0.1"),
            (123_456.789, "123456.789"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (1e21, "1e+21"),
            (1.25e100, "1.25e+100"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(go_float(value), want);
        }
    }
}
