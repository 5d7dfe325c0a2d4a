//! `| decolorize`: takes the escape sequences of terminals out of a line (spec `logql.md` §10).

use regex::bytes::Regex;

use super::Row;
use crate::plan::PlanError;

/// Sequences that begin with ESC or CSI: colours, cursors, titles.
const SEQUENCES: &str = concat!(
    r"[\x1B\x{9B}][\[\]()#;?]*",
    r"(?:(?:(?:[a-zA-Z0-9]*(?:;[a-zA-Z0-9]*)*)?\x07)",
    r"|(?:(?:[0-9]{1,4}(?:;[0-9]{0,4})*)?[0-9A-PRZcf-ntqry=><~]))",
);

/// Takes escape sequences out.
#[derive(Debug)]
pub(super) struct Decolorize {
    sequences: Regex,
}

impl Decolorize {
    pub(super) fn new() -> Result<Self, PlanError> {
        let sequences = Regex::new(SEQUENCES)
            .map_err(|error| PlanError::stage(&"| decolorize", error.to_string()))?;
        Ok(Self { sequences })
    }

    pub(super) fn run(&self, row: &mut Row<'_>) {
        row.write_line(|row, out| {
            let line = row.line();
            let mut at = 0;
            for sequence in self.sequences.find_iter(line) {
                out.extend_from_slice(&line[at..sequence.start()]);
                at = sequence.end();
            }
            out.extend_from_slice(&line[at..]);
            at > 0
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::stage::tests::run;

    #[test]
    fn sequences_vanish() {
        for (line, want) in [
            ("\x1b[31mred\x1b[0m plain", "red plain"),
            ("no colour", "no colour"),
            ("\x1b]0;title\x07x", "x"),
            ("\u{9b}1mbold", "bold"),
            ("[31m stays", "[31m stays"),
        ] {
            let got = run("| decolorize", &[("app", "x")], line).unwrap();
            assert_eq!(got.0, want);
        }
    }
}
