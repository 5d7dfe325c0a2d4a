//! [`LineData`]: a line on its way through the stages as templates see it.

use super::{Names, Reads, Row};
use crate::limits::{MAX_LINE_MEMORY, MAX_TEMPLATE_EXPRESSIONS};
use crate::template::{Data, EXPRESSIONS_TOO_LARGE, Fields, Scratch, Template};

/// What a template is rendered from.
struct LineData<'r, 'a>(&'r Row<'a>);

impl Data for LineData<'_, '_> {
    fn label(&self, name: &str) -> Option<&str> {
        let value = self.0.get(self.0.name(name)?)?;
        Some(readable(value))
    }

    fn labels(&self, visit: &mut dyn FnMut(&str, &str)) {
        let labels = self.0.labels();
        labels.iter().for_each(|(name, value)| visit(name, value));
    }

    fn line(&self) -> &[u8] {
        self.0.line()
    }

    fn timestamp(&self) -> i64 {
        self.0.timestamp()
    }

    fn now(&self) -> i64 {
        self.0.now()
    }

    fn is_stopped(&self) -> bool {
        self.0.running().is_stopped()
    }
}

/// A value up to where a template cut through a character, if one did.
fn readable(value: &[u8]) -> &str {
    match std::str::from_utf8(value) {
        Ok(text) => text,
        Err(error) => {
            let whole = value.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(whole).unwrap_or_default()
        }
    }
}

/// The labels that a template reads.
///
/// # Errors
/// Where the expressions of it and the templates before take too much.
pub(super) fn reads(template: &Template, names: &mut Names) -> Result<Reads, String> {
    names.expression_bytes += template.expression_bytes();
    if names.expression_bytes > MAX_TEMPLATE_EXPRESSIONS {
        return Err(EXPRESSIONS_TOO_LARGE.to_owned());
    }
    Ok(match template.fields() {
        Fields::All => Reads::All,
        Fields::Names(fields) => Reads::Names(fields.iter().map(|name| names.id(name)).collect()),
    })
}

/// Renders a template for a line; answers what went wrong, in Go's words.
pub(super) fn render(
    template: &Template,
    row: &Row<'_>,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    if !row.has_room() {
        return Err(format!(
            "templates make more than {MAX_LINE_MEMORY} bytes of one line; use fewer of them"
        ));
    }
    let rendered = template.render(&LineData(row), scratch, out);
    rendered.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use crate::stage::tests::run;

    #[test]
    fn many_long_lines_are_too_many() {
        let stage = "| line_format `{{repeat 1000000 __line__}}` | line_format `x`";
        let error = |stages: usize| {
            let (line, labels) = run(&stage.repeat(stages), &[("app", "x")], "x").unwrap();
            (
                line.len(),
                labels.contains("templates make more than 33554432 bytes"),
            )
        };
        assert_eq!(error(33), (1, false));
        assert_eq!(error(35), (1_000_000, true));
    }
}
