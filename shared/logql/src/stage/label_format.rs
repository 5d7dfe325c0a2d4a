//! `| label_format a=b, c="{{.d}}"`: renames labels and makes new ones (spec `logql.md` §9).

use foldhash::HashSet;

use super::{NameId, Names, Row};
use crate::plan::PlanError;
use crate::syntax::ast::{self, LabelFormatValue};

/// Writes labels, from left to right.
#[derive(Debug)]
pub(super) struct LabelFormat {
    formats: Vec<Format>,
}

#[derive(Debug)]
enum Format {
    Rename { to: NameId, from: NameId },
}

impl LabelFormat {
    /// Compiles the formats of `stage`.
    pub(super) fn compile(
        formats: &[ast::LabelFormat],
        stage: &ast::Stage,
        names: &mut Names,
    ) -> Result<Self, PlanError> {
        check(formats).map_err(|cause| PlanError::stage(stage, cause))?;
        let mut format = |format: &ast::LabelFormat| match &format.value {
            LabelFormatValue::Rename(from) => Ok(Format::Rename {
                to: names.id(&format.name),
                from: names.id(from),
            }),
            LabelFormatValue::Template(_) => Err(PlanError::unsupported("a template", stage.span)),
        };
        let formats = formats.iter().map(&mut format);
        Ok(Self {
            formats: formats.collect::<Result<_, _>>()?,
        })
    }

    /// The labels that it reads.
    pub(super) fn reads(&self, names: &mut Vec<NameId>) {
        for format in &self.formats {
            match format {
                Format::Rename { from, .. } => names.push(*from),
            }
        }
    }

    pub(super) fn run(&self, row: &mut Row<'_>) {
        for format in &self.formats {
            match format {
                Format::Rename { to, from } => rename(row, *to, *from),
            }
        }
    }
}

/// What is written is a label of the line's own, whatever it was before.
fn rename(row: &mut Row<'_>, to: NameId, from: NameId) {
    if let Some((_, value)) = row.find(from) {
        row.set_value(to, value);
        row.remove(from);
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
            ("c=__error__", r#"{a="one", app="x", b="2"}"#),
        ] {
            let labels = [("app", "x"), ("a", "one"), ("b", "2")];
            let (_, got) = run(&format!("| label_format {formats}"), &labels, "line").unwrap();
            assert_eq!(got, want, "{formats}");
        }
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
        ] {
            let query = format!(r#"{{app="x"}} | label_format {formats}"#);
            let error = Plan::new(&syntax::parse(&query).unwrap()).unwrap_err();
            assert_eq!(error.to_string(), format!("parse error : stage {want}"));
        }
    }
}
