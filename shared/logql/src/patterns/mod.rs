//! Patterns: which forms the lines of a stream have, and how often.
//!
//! [`Patterns`] takes lines one by one, merges with others of its kind, and ends as a list of
//! patterns of LogQL. [`tokens`] cuts a line into words and what is between them; a word that is
//! different in every line becomes `<_>`, what is between words never does. That is why a line is
//! met by the pattern that it is counted for: between two captures there is always a text that
//! begins with a byte which no word holds, so the first place where that text is found is the
//! right one. Where lines come from is not known here.

mod tokens;

use std::collections::BTreeMap;

use foldhash::HashMap;

use crate::limits::{MAX_PATTERN_FORMS, MAX_PATTERN_GROUP, MAX_PATTERN_SHAPES};
use tokens::Tokens;

/// The part of the words that two lines must share to have one form, in percent.
const ALIKE_PERCENT: usize = 60;

/// Forms of lines.
#[derive(Debug, Default)]
pub struct Patterns {
    forms: Vec<Form>,
    /// Forms of one level with the same texts between their words.
    groups: HashMap<u64, Vec<usize>>,
    /// The form of lines whose words are all the same, but for those that hold digits.
    shapes: HashMap<u64, usize>,
    tokens: Tokens,
}

/// One form and its lines.
#[derive(Debug)]
struct Form {
    group: u64,
    level: Box<str>,
    /// The texts around words: one more than there are words.
    gaps: Box<[Box<str>]>,
    /// The words that all lines share; `None` where they differ.
    words: Box<[Option<Box<str>>]>,
    /// Lines by the time that they are counted for.
    counts: BTreeMap<i64, u64>,
    total: u64,
}

/// A form that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// It as a pattern of LogQL.
    pub pattern: String,
    /// The level of its lines.
    pub level: String,
    /// Lines by the time that they were counted for.
    pub counts: BTreeMap<i64, u64>,
}

impl Found {
    /// All lines.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }
}

impl Patterns {
    /// Counts a line for a time. Lines that are no text, have no words or kilobytes between two
    /// words count for nothing.
    pub fn add(&mut self, line: &[u8], level: &str, time: i64) {
        let Ok(line) = std::str::from_utf8(line) else {
            return;
        };
        let mut tokens = std::mem::take(&mut self.tokens);
        if tokens.split(line, level) {
            let form = match self.shapes.get(&tokens.shape) {
                Some(form) => *form,
                None => self.place(line, level, &tokens),
            };
            let form = &mut self.forms[form];
            *form.counts.entry(time).or_default() += 1;
            form.total += 1;
        }
        self.tokens = tokens;
    }

    /// The form of a line of a new shape.
    fn place(&mut self, line: &str, level: &str, tokens: &Tokens) -> usize {
        let words: Vec<Option<&str>> = tokens.words(line).collect();
        let place = match self.nearest(tokens.group, &words) {
            Some(place) => {
                self.forms[place].widen(&words);
                place
            }
            None => self.push(Form {
                group: tokens.group,
                level: level.into(),
                gaps: tokens.gaps(line).map(Into::into).collect(),
                words: words.iter().map(|word| word.map(Into::into)).collect(),
                counts: BTreeMap::new(),
                total: 0,
            }),
        };
        if self.shapes.len() >= MAX_PATTERN_SHAPES {
            self.shapes.clear();
        }
        self.shapes.insert(tokens.shape, place);
        place
    }

    /// The form of a group that is alike enough, or the nearest one where there are too many.
    fn nearest(&self, group: u64, words: &[Option<&str>]) -> Option<usize> {
        let group = self.groups.get(&group)?;
        let alike = |place: &usize| (self.forms[*place].alike(words), *place);
        // Of equals the first, so that the order of work changes little.
        let best = group
            .iter()
            .map(alike)
            .min_by_key(|(alike, place)| (usize::MAX - alike, *place));
        let (alike, place) = best?;
        let is_near = alike * 100 >= words.len() * ALIKE_PERCENT;
        (is_near || group.len() >= MAX_PATTERN_GROUP).then_some(place)
    }

    fn push(&mut self, form: Form) -> usize {
        if self.forms.len() >= MAX_PATTERN_FORMS {
            self.forget_rare();
        }
        let place = self.forms.len();
        self.groups.entry(form.group).or_default().push(place);
        self.forms.push(form);
        place
    }

    /// Drops the rarer half of all forms.
    fn forget_rare(&mut self) {
        self.forms.sort_by_key(|form| std::cmp::Reverse(form.total));
        self.forms.truncate(MAX_PATTERN_FORMS / 2);
        self.shapes.clear();
        self.groups.clear();
        for (place, form) in self.forms.iter().enumerate() {
            self.groups.entry(form.group).or_default().push(place);
        }
    }

    /// Adds what was found elsewhere.
    pub fn merge(&mut self, other: Self) {
        for form in other.forms {
            let words: Vec<Option<&str>> = form.words.iter().map(Option::as_deref).collect();
            let Some(place) = self.nearest(form.group, &words) else {
                self.push(form);
                continue;
            };
            let own = &mut self.forms[place];
            own.widen(&words);
            own.total += form.total;
            for (time, count) in form.counts {
                *own.counts.entry(time).or_default() += count;
            }
        }
    }

    /// The patterns, those of most lines first. Those that share no word are left out: they would
    /// say nothing and match nearly everything.
    #[must_use]
    pub fn finish(self) -> Vec<Found> {
        let mut found: BTreeMap<(String, Box<str>), BTreeMap<i64, u64>> = BTreeMap::new();
        for form in self.forms {
            if form.words.iter().all(Option::is_none) {
                continue;
            }
            let counts = found.entry((form.pattern(), form.level)).or_default();
            for (time, count) in form.counts {
                *counts.entry(time).or_default() += count;
            }
        }
        let found = found.into_iter().map(|((pattern, level), counts)| Found {
            pattern,
            level: level.into(),
            counts,
        });
        let mut found: Vec<Found> = found.collect();
        found.sort_by_key(|found| std::cmp::Reverse(found.total()));
        found
    }
}

impl Form {
    /// Number of words that are the same, those that differ in both included; 0 where none of the
    /// words that lines share is the same.
    fn alike(&self, words: &[Option<&str>]) -> usize {
        let (mut shared, mut differing) = (0, 0);
        for (own, other) in self.words.iter().zip(words) {
            match (own.as_deref(), other) {
                (Some(own), Some(other)) if own == *other => shared += 1,
                (None, None) => differing += 1,
                _ => {}
            }
        }
        let has_words = self.words.iter().any(Option::is_some) || words.iter().any(Option::is_some);
        match shared == 0 && has_words {
            true => 0,
            false => shared + differing,
        }
    }

    /// Gives up the words that are not the same.
    fn widen(&mut self, words: &[Option<&str>]) {
        for (own, other) in self.words.iter_mut().zip(words) {
            if own.as_deref() != *other {
                *own = None;
            }
        }
    }

    fn pattern(&self) -> String {
        let mut pattern = String::new();
        let words = self
            .words
            .iter()
            .map(|word| word.as_deref().unwrap_or("<_>"));
        for (gap, word) in self.gaps.iter().zip(words.chain([""])) {
            pattern.push_str(gap);
            pattern.push_str(word);
        }
        pattern
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stage::tests::run;

    fn patterns(lines: &[&str]) -> Patterns {
        let mut patterns = Patterns::default();
        for (n, line) in lines.iter().enumerate() {
            patterns.add(line.as_bytes(), "info", n as i64 / 2);
        }
        patterns
    }

    /// `total pattern` of each.
    #[track_caller]
    fn check(lines: &[&str], want: &[&str]) {
        let found = patterns(lines).finish();
        let got: Vec<String> = found
            .iter()
            .map(|found| format!("{} {}", found.total(), found.pattern))
            .collect();
        assert_eq!(got, want, "{lines:?}");
    }

    #[test]
    fn words_that_differ_become_captures() {
        check(
            &["user alice logged in", "user bob logged in", "disk full"],
            &["2 user <_> logged in", "1 disk full"],
        );
        check(
            &["job id=1 took 5ms", "job id=22 took 7ms"],
            &["2 job id=<_> took <_>"],
        );
        check(
            &[r#"{"level":"info","n":1}"#, r#"{"level":"warn","n":25}"#],
            &[r#"2 {"level":"<_>","n":<_>}"#],
        );
        check(&["alpha", "beta"], &["1 alpha", "1 beta"]);
        check(&["10:20 1.2.3.4", "", " ", "<_>", "<a> <b>"], &[]);
        check(&["see <a href>", "see <b href>"], &["2 see <_> <_>"]);
    }

    #[test]
    fn levels_and_times_are_kept_apart() {
        let mut patterns = Patterns::default();
        for (level, time) in [("info", 10), ("error", 10), ("info", 20), ("info", 10)] {
            patterns.add(b"disk full", level, time);
        }
        let found = patterns.finish();
        let counts = |n: usize| {
            found[n]
                .counts
                .iter()
                .map(|(t, c)| (*t, *c))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (found[0].level.as_str(), counts(0)),
            ("info", vec![(10, 2), (20, 1)])
        );
        assert_eq!(
            (found[1].level.as_str(), counts(1)),
            ("error", vec![(10, 1)])
        );
    }

    #[test]
    fn rare_forms_are_forgotten_first() {
        let mut patterns = Patterns::default();
        for _ in 0..50 {
            patterns.add(b"often seen", "", 0);
        }
        for n in 0..3 * MAX_PATTERN_FORMS {
            // As many commas as no other line has, or nearly.
            let line = format!("{}x{}", ",".repeat(n % 3000), ";".repeat(n / 3000));
            patterns.add(line.as_bytes(), "", 0);
            assert!(patterns.forms.len() <= MAX_PATTERN_FORMS);
        }
        assert_eq!(patterns.finish()[0].pattern, "often seen");
    }

    #[test]
    fn a_group_has_a_bounded_number_of_forms() {
        let mut patterns = Patterns::default();
        let letters = |n: usize| -> String {
            let digit = |shift: u32| char::from(b'a' + (n >> shift & 15) as u8);
            [digit(8), digit(4), digit(0)].iter().collect()
        };
        for n in 0..1000 {
            let word = letters(n);
            patterns.add(format!("{word} {word}").as_bytes(), "", 0);
        }
        assert_eq!(patterns.forms.len(), MAX_PATTERN_GROUP);
    }

    fn matches(pattern: &str, line: &str) -> bool {
        let quoted = pattern
            .replace('\\', r"\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        run(&format!("|> \"{quoted}\""), &[], line).is_some()
    }

    /// Lines of few words and all separators, so that they collide.
    const LINE: &str = "([a-c]{1,2}|[0-9<>_:\\\\é]|[ =,\"\\[\n]){0,12}";

    proptest! {
        /// Every line is met by the pattern that it is counted for, whatever was merged with what.
        #[test]
        fn lines_are_met_by_their_pattern(
            lines in proptest::collection::vec(LINE, 1..30),
            cut in 0_usize..30,
        ) {
            let texts: Vec<&str> = lines.iter().map(String::as_str).collect();
            let (one, other) = texts.split_at(cut.min(texts.len()));
            let mut all = patterns(one);
            all.merge(patterns(other));
            // Where each line ends up: a line of known words is asked for again.
            let mut counted = 0;
            for line in &texts {
                let mut tokens = Tokens::default();
                if !tokens.split(line, "info") {
                    continue;
                }
                counted += 1;
                let words: Vec<Option<&str>> = tokens.words(line).collect();
                let fits = |form: &&Form| {
                    form.group == tokens.group
                        && form.words.iter().zip(&words).all(|(own, word)| {
                            own.is_none() || own.as_deref() == *word
                        })
                };
                let mut forms = all.forms.iter().filter(fits).peekable();
                prop_assert!(forms.peek().is_some(), "{line:?} has no form");
                for form in forms {
                    let pattern = form.pattern();
                    prop_assert!(matches(&pattern, line), "{pattern:?} {line:?}");
                }
            }
            let total: u64 = all.forms.iter().map(|form| form.total).sum();
            prop_assert_eq!(total, counted);
        }

        #[test]
        fn any_bytes_do(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut patterns = Patterns::default();
            patterns.add(&line, "", 0);
        }
    }
}
