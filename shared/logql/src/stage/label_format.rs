//! `| label_format a=b, c="{{.d}}"`: renames labels and makes new ones (spec `logql.md` §9).

use foldhash::HashSet;

use super::line_data;
use super::row::{RowError, Value};
use super::{NameId, Names, Reads, Row, Scratch};
use crate::syntax::ast::{self, LabelFormatValue};
use crate::template::Template;

/// Writes labels, from left to right.
#[derive(Debug)]
pub(super) struct LabelFormat {
    formats: Vec<Format>,
    /// The place of the first template.
    first_template: usize,
}

#[derive(Debug)]
enum Format {
    Rename {
        to: NameId,
        from: NameId,
    },
    Template {
        to: NameId,
        template: Box<Template>,
        reads: Reads,
    },
}

/// What a template made of a line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Made {
    /// The value of its label.
    Text(Value),
    /// What went wrong.
    Failure(Value),
}

impl LabelFormat {
    /// Compiles formats; in Loki's words what is wrong with one.
    pub(super) fn compile(formats: &[ast::LabelFormat], names: &mut Names) -> Result<Self, String> {
        check(formats)?;
        let formats = formats.iter().map(|format| Format::compile(format, names));
        let formats = formats.collect::<Result<Vec<_>, _>>()?;
        let is_template = |format: &Format| matches!(format, Format::Template { .. });
        let first_template = formats.iter().position(is_template);
        Ok(Self {
            first_template: first_template.unwrap_or(formats.len()),
            formats,
        })
    }

    /// The labels that it reads.
    pub(super) fn reads(&self) -> Reads {
        let mut names = Vec::new();
        for format in &self.formats {
            match format {
                Format::Rename { from, .. } => names.push(*from),
                Format::Template { reads, .. } => match reads {
                    Reads::All => return Reads::All,
                    Reads::Names(read) => names.extend(read),
                },
            }
        }
        Reads::Names(names)
    }

    /// Runs the formats. All templates see the labels as they are before the first of them, so
    /// they are rendered at once; what they make is written in its turn.
    pub(super) fn run(&self, row: &mut Row<'_>) {
        let (renames, rest) = self.formats.split_at(self.first_template);
        renames.iter().for_each(|format| format.write(row, None));
        if rest.is_empty() {
            return;
        }
        let mut scratch = row.take_scratch();
        scratch.made.clear();
        for format in rest {
            let made = format.render(row, &mut scratch);
            scratch.made.push(made);
        }
        for (format, made) in rest.iter().zip(&scratch.made) {
            format.write(row, *made);
        }
        row.give_back(scratch);
    }
}

impl Format {
    fn compile(format: &ast::LabelFormat, names: &mut Names) -> Result<Self, String> {
        let name = &format.name;
        let to = names.id(name);
        match &format.value {
            LabelFormatValue::Rename(from) => Ok(Self::Rename {
                to,
                from: names.id(from),
            }),
            LabelFormatValue::Template(text) => {
                let template = Template::parse("label", text)
                    .map_err(|cause| format!("invalid template for label '{name}': {cause}"))?;
                let reads = line_data::reads(&template, names)?;
                Ok(Self::Template {
                    to,
                    template: Box::new(template),
                    reads,
                })
            }
        }
    }

    fn render(&self, row: &mut Row<'_>, scratch: &mut Scratch) -> Option<Made> {
        let Self::Template { template, .. } = self else {
            return None;
        };
        scratch.text.clear();
        let (templates, text) = (&mut scratch.template, &mut scratch.text);
        Some(match line_data::render(template, row, templates, text) {
            Ok(()) => Made::Text(row.keep(text)),
            Err(failure) => Made::Failure(row.keep(failure.as_bytes())),
        })
    }

    /// Writes the label. What is written is the line's own, whatever it was before.
    fn write(&self, row: &mut Row<'_>, made: Option<Made>) {
        match (self, made) {
            (Self::Rename { to, from }, _) => {
                if let Some((_, value)) = row.find(*from) {
                    row.set_value(*to, value);
                    row.remove(*from);
                }
            }
            (Self::Template { to, .. }, Some(Made::Text(value))) => row.set_value(*to, value),
            (Self::Template { .. }, Some(Made::Failure(details))) => {
                row.fail_value(RowError::Template, details);
            }
            (Self::Template { .. }, None) => {}
        }
    }
}

/// A stage may write a label once, and no error.
fn check(formats: &[ast::LabelFormat]) -> Result<(), String> {
    let mut written = HashSet::default();
    for format in formats {
        let name = &format.name;
        if name == "__error__" {
            return Err(format!("{name} cannot be formatted"));
        }
        if !written.insert(name) {
            return Err(format!(
                "multiple label name '{name}' not allowed in a single format operation"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::plan::Plan;
    use crate::stage::tests::run;
    use crate::syntax;

    #[test]
    fn renames() {
        for (formats, want) in [
            ("c=a", r#"{app="x", b="2", c="one"}"#),
            ("c=nope", r#"{a="one", app="x", b="2"}"#),
            ("b=a", r#"{app="x", b="one"}"#),
            ("c=a, d=c", r#"{app="x", b="2", d="one"}"#),
            ("c=a, a=b", r#"{a="2", app="x", c="one"}"#),
            ("a=a", r#"{app="x", b="2"}"#),
            (
                "c=`{{.a}}/{{.nope}}`",
                r#"{a="one", app="x", b="2", c="one/"}"#,
            ),
            ("app=`{{.app}}!`", r#"{a="one", app="x!", b="2"}"#),
            ("a=``", r#"{a="", app="x", b="2"}"#),
            ("a=`1`, c=`{{.a}}`", r#"{a="1", app="x", b="2", c="one"}"#),
            ("a=`1`, c=a", r#"{app="x", b="2", c="1"}"#),
            (
                "c=a, d=`{{.a}}{{.c}}`",
                r#"{app="x", b="2", c="one", d="one"}"#,
            ),
            ("c=`{{__line__}}`", r#"{a="one", app="x", b="2", c="line"}"#),
            ("c=__error__", r#"{a="one", app="x", b="2"}"#),
        ] {
            let labels = [("app", "x"), ("a", "one"), ("b", "2")];
            let (_, got) = run(&format!("| label_format {formats}"), &labels, "line").unwrap();
            assert_eq!(got, want, "{formats}");
        }
    }

    #[test]
    fn errors() {
        let formats = "| label_format c=`1`, a=`{{div 1 0}}`, d=`{{.__error__}}`, b=c";
        let (_, got) = run(formats, &[("a", "one"), ("b", "2")], "line").unwrap();
        let details = "template: label:1:2: executing \\\"label\\\" at <div 1 0>: \
                       error calling div: runtime error: integer divide by zero";
        let want = format!(
            "{{__error__=\"TemplateFormatErr\", __error_details__=\"{details}\", \
             a=\"one\", b=\"1\", d=\"\"}}"
        );
        assert_eq!(got, want);
    }

    #[test]
    fn mistakes_name_the_stage() {
        for (formats, want) in [
            (
                "a=b, a=c",
                "'| label_format a=b,a=c' : multiple label name 'a' not allowed in a single \
                 format operation",
            ),
            (
                "__error__=b",
                "'| label_format __error__=b' : __error__ cannot be formatted",
            ),
            (
                "a=`{{nope}}`",
                "'| label_format a=\"{{nope}}\"' : invalid template for label 'a': \
                 template: label:1: function \"nope\" not defined",
            ),
        ] {
            let query = format!(r#"{{app="x"}} | label_format {formats}"#);
            let error = Plan::new(&syntax::parse(&query).unwrap()).unwrap_err();
            assert_eq!(error.to_string(), format!("parse error : stage {want}"));
        }
    }
}
