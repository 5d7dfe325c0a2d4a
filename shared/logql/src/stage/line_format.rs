//! `| line_format "{{.a}}"`: writes the line anew (spec `logql.md` §9).

use super::line_data;
use super::row::RowError;
use super::{Names, Reads, Row};
use crate::template::Template;

/// Writes lines from a template.
#[derive(Debug)]
pub(super) struct LineFormat {
    template: Template,
    reads: Reads,
}

impl LineFormat {
    /// Compiles a template; in the words of Go what is wrong with it.
    pub(super) fn compile(text: &str, names: &mut Names) -> Result<Self, String> {
        let template = Template::parse("line", text)
            .map_err(|cause| format!("invalid line template: {cause}"))?;
        let reads = line_data::reads(&template, names)?;
        Ok(Self { template, reads })
    }

    /// The labels that it reads.
    pub(super) fn reads(&self) -> Reads {
        self.reads.clone()
    }

    /// A line that cannot be written stays as it is, with an error.
    pub(super) fn run(&self, row: &mut Row<'_>) {
        let mut scratch = row.take_scratch();
        let mut failure = None;
        row.write_line(|row, out| {
            let rendered = line_data::render(&self.template, row, &mut scratch.template, out);
            failure = rendered.err();
            failure.is_none()
        });
        row.give_back(scratch);
        if let Some(failure) = failure {
            row.fail(RowError::Template, &failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::Plan;
    use crate::stage::tests::run;
    use crate::syntax;

    #[track_caller]
    fn check(pipeline: &str, line: &str, labels: &str) {
        let stream = [("app", "x"), ("a", "one")];
        let got = run(pipeline, &stream, "a line").unwrap();
        let want = (line.to_owned(), labels.to_owned());
        assert_eq!(got, want, "{pipeline}");
    }

    const SAME: &str = r#"{a="one", app="x"}"#;

    #[test]
    fn lines() {
        check(r#"| line_format "static""#, "static", SAME);
        check(r#"| line_format """#, "", SAME);
        check("| line_format `{{.app}}/{{.nope}}/{{.a}}`", "x//one", SAME);
        check("| line_format `<{{__line__}}>`", "<a line>", SAME);
        check(
            "| line_format `1` | line_format `{{__line__}}2`",
            "12",
            SAME,
        );
        check("| line_format `{{.a}}` |= `one`", "one", SAME);
        check(
            "| line_format `{{range $k, $v := .}}{{$k}}={{$v}};{{end}}`",
            "a=one;app=x;",
            SAME,
        );
        check(
            "| line_format `{{__timestamp__ | unixEpochNanos}}`",
            "1",
            SAME,
        );
    }

    #[test]
    fn errors() {
        let text = "template: line:1:2: executing \\\"line\\\" at <div 7 0>: \
                    error calling div: runtime error: integer divide by zero";
        let labels = format!(
            r#"{{__error__="TemplateFormatErr", __error_details__="{text}", a="one", app="x"}}"#
        );
        check("| line_format `{{div 7 0}}`", "a line", &labels);
        check(
            "| a > 5 | line_format `{{.__error__}}: {{.__error_details__}}` | drop __error__",
            r#"LabelFilterErr: strconv.ParseFloat: parsing "one": invalid syntax"#,
            SAME,
        );
    }

    #[test]
    fn mistakes_name_the_stage() {
        let query = syntax::parse(r#"{app="x"} | line_format "{{.foo""#).unwrap();
        let error = Plan::new(&query).unwrap_err().to_string();
        let want = "stage '| line_format \"{{.foo\"' : \
                    invalid line template: template: line:1: unclosed action";
        assert_eq!(error, format!("parse error : {want}"));
    }
}
