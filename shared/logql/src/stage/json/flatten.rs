//! `| json` without arguments: every scalar of a line becomes a label.
//!
//! [`Flatten`] walks the line once. Objects are entered on sight, without looking for their end
//! first, and keep a frame on a stack of ours. Should the line turn out to be cut short within an
//! object, its labels are taken back: Loki looks for the end before it enters.
//!
//! Where brackets are out of balance within an array, or quotes stand in a number, the two ways of
//! looking for an end may differ; such lines can do without an error here that Loki reports.

use super::scan::{self, Fault, Token};
use super::text::{self, Strings};
use crate::limits::MAX_KEY_BYTES;
use crate::stage::row::{Extract, Mark, NameId};

/// Buffers that are used again for each line.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// The keys of the objects that the walk is in, joined.
    prefix: Vec<u8>,
    /// For each of these objects what the prefix was before.
    frames: Vec<u32>,
    key: Vec<u8>,
    texts: text::Buffers,
}

/// A walk over one line.
pub(super) struct Flatten<'a, 'm> {
    line: &'a [u8],
    out: &'a mut Extract<'m>,
    buffers: &'a mut Buffers,
    strings: Strings<'a>,
    /// The outermost object that the walk is in, and the labels before it.
    outermost: (usize, Mark),
}

/// Where the walk goes behind a key.
enum Step {
    /// On behind the value, which ends here.
    Behind(usize),
    /// Into an object, whose first key is here.
    Into(usize),
}

impl<'a, 'm> Flatten<'a, 'm> {
    pub(super) fn new(line: &'a [u8], out: &'a mut Extract<'m>, buffers: &'a mut Buffers) -> Self {
        buffers.prefix.clear();
        buffers.frames.clear();
        Self {
            line,
            strings: Strings::new(line),
            outermost: (0, out.mark()),
            out,
            buffers,
        }
    }

    /// Makes the labels; they stay where the line turns out to be broken.
    pub(super) fn run(mut self) -> Result<(), Fault> {
        let walked = self.walk();
        let (start, mark) = self.outermost;
        let is_inside = !self.buffers.frames.is_empty();
        if is_inside && Token::Object(start).end(self.line).is_err() {
            self.out.undo(mark);
            return Err(Fault::Object);
        }
        walked
    }

    fn walk(&mut self) -> Result<(), Fault> {
        let line = self.line;
        let mut at = scan::first_key(line)?;
        loop {
            let end = match line[at] {
                b'"' => match self.member(at)? {
                    Step::Behind(end) => end,
                    Step::Into(key) => {
                        at = key;
                        continue;
                    }
                },
                b'}' => match self.buffers.frames.pop() {
                    Some(prefix) => {
                        self.buffers.prefix.truncate(prefix as usize);
                        at + 1
                    }
                    None => return Ok(()),
                },
                _ => return Err(Fault::Object),
            };
            if self.out.is_complete() {
                return Ok(());
            }
            at = scan::behind(line, end)?;
        }
    }

    fn member(&mut self, quote: usize) -> Result<Step, Fault> {
        let line = self.line;
        let key = scan::key(line, quote)?;
        if !key.escaped {
            let from = scan::colon(line, &key)?;
            return self.value(&line[key.part], from);
        }
        let mut unescaped = std::mem::take(&mut self.buffers.key);
        let step = match self.strings.key(&key, &mut unescaped) {
            Some(text) => scan::colon(line, &key).and_then(|from| self.value(text, from)),
            None => Err(Fault::Escape),
        };
        self.buffers.key = unescaped;
        step
    }

    fn value(&mut self, key: &[u8], from: usize) -> Result<Step, Fault> {
        let token = scan::token(self.line, from)?;
        match &token {
            Token::Object(start) => return self.enter(key, *start),
            Token::Text(text) => {
                if let Some(name) = self.name(key) {
                    let texts = &mut self.buffers.texts;
                    self.strings.put(self.out, name, text, texts);
                }
            }
            Token::Plain(part) => {
                if let Some(name) = self.name(key) {
                    self.out.put_part(name, part.clone());
                }
            }
            Token::Null(_) | Token::Array(_) => {}
        }
        token.end(self.line).map(Step::Behind)
    }

    /// The label that a key within the objects entered makes.
    fn name(&mut self, key: &[u8]) -> Option<NameId> {
        let before = self.buffers.prefix.len();
        if before == 0 {
            return self.out.key(key);
        }
        self.push(key);
        let name = self.out.key(&self.buffers.prefix);
        self.buffers.prefix.truncate(before);
        name
    }

    /// Joins a key to the prefix; blank ones leave no trace. Beyond what can become a name the
    /// rest of a key does not matter, so that deep lines do not copy it over and over.
    fn push(&mut self, key: &[u8]) {
        let key = trim(key);
        let prefix = &mut self.buffers.prefix;
        if key.is_empty() {
            return;
        }
        if !prefix.is_empty() {
            prefix.push(b'_');
        }
        let room = (MAX_KEY_BYTES + 1).saturating_sub(prefix.len());
        prefix.extend_from_slice(&key[..key.len().min(room)]);
    }

    fn enter(&mut self, key: &[u8], start: usize) -> Result<Step, Fault> {
        let before = self.buffers.prefix.len();
        self.push(key);
        let is_too_long = self.buffers.prefix.len() > MAX_KEY_BYTES;
        if is_too_long || !self.out.wants_below(&self.buffers.prefix) {
            self.buffers.prefix.truncate(before);
            return Token::Object(start).end(self.line).map(Step::Behind);
        }
        if self.buffers.frames.is_empty() {
            self.outermost = (start, self.out.mark());
        }
        self.buffers.frames.push(before as u32);
        let key = scan::next(self.line, start + 1);
        key.map(Step::Into).ok_or(Fault::Malformed)
    }
}

/// A key without the spaces around it.
fn trim(key: &[u8]) -> &[u8] {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    if is_letter(key.first()) && is_letter(key.last()) {
        return key;
    }
    match std::str::from_utf8(key) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => key.trim_ascii(),
    }
}

#[cfg(test)]
mod tests {
    use crate::stage::Demand;
    use crate::stage::tests::{compile, run, run_in};

    #[track_caller]
    fn check(line: &str, want: &str) {
        let got = run("| json", &[("app", "x")], line).unwrap();
        assert_eq!(got, (line.to_owned(), want.to_owned()), "{line}");
    }

    #[test]
    fn scalars_become_labels() {
        for (line, want) in [
            (
                r#"{"n":1.50,"e":1e10,"neg":-0.0015,"t":true,"f":false}"#,
                r#"{app="x", e="1e10", f="false", n="1.50", neg="-0.0015", t="true"}"#,
            ),
            (
                r#"{"s":"","z":null,"a":[1,{}],"o":{}}"#,
                r#"{app="x", s=""}"#,
            ),
            (
                "  {\"lead\" :\t\"space\"\r\n, \"b\":2 } tail",
                r#"{app="x", b="2", lead="space"}"#,
            ),
            (
                r#"{"a":"1","a":"2","app":"shadow","nested":{"a":"3"},"nested_a":"4"}"#,
                r#"{a="1", app="x", app_extracted="shadow", nested_a="3"}"#,
            ),
            (
                r#"{"0digit":"x","with-dash":"y","":"empty","é":"z"}"#,
                r#"{_="z", _0digit="x", app="x", with_dash="y"}"#,
            ),
            (
                r#"{"a":{"b":{"c":1,"d e":2}," f ":3,"":{"g":4,"":5}}}"#,
                r#"{a="5", a_b_c="1", a_b_d_e="2", a_f="3", a_g="4", app="x"}"#,
            ),
            (
                r#"{"":{"h":6,"0":7},"0":{"1":8}}"#,
                r#"{_0="7", _0_1="8", app="x", h="6"}"#,
            ),
            (
                r#"{"esc":"l\nb \u00e9 \"q\" \/","u":"\ud83d\ude00"}"#,
                r#"{app="x", esc="l\nb é \"q\" /", u="😀"}"#,
            ),
            (
                r#"{"bad":"\ud83d","worse":"a\x","k\u0065y":"\ufffd"}"#,
                r#"{app="x", bad="", key=" ", worse=""}"#,
            ),
            ("{}", r#"{app="x"}"#),
            (r#"{"a":1,}"#, r#"{a="1", app="x"}"#),
            (r#"{"a":1x,"b":-}"#, r#"{a="1x", app="x", b="-"}"#),
        ] {
            check(line, want);
        }
        let (space, text) = (" ".repeat(99), "w".repeat(99));
        let long = format!(r#"{{"k":"v",{space}"l":"{text}"}}"#);
        check(&long, &format!(r#"{{app="x", k="v", l="{text}"}}"#));
    }

    #[test]
    fn what_is_no_text_becomes_spaces() {
        let got = run("| json", &[], b"{\"a\":\"b\xe6\x97c\",\"\xff\":1}");
        assert_eq!(got.unwrap().1, r#"{_="1", a="b  c"}"#);
    }

    #[test]
    fn broken_lines_keep_what_came_before() {
        let object = "Value looks like object, but can't find closing '}' symbol";
        let array = "Value is array, but can't find closing ']' symbol";
        let text = "Value is string, but can't find closing '\\\"' symbol";
        let malformed = "Malformed JSON error";
        let unknown = "Unknown value type";
        let (app, a) = (r#"app="x""#, r#"a="1", app="x""#);
        for (line, details, labels) in [
            ("", object, app),
            ("not json at all {", object, app),
            (r#"["an","array"]"#, object, app),
            ("\"text\"", object, app),
            ("{", malformed, app),
            (
                r#"{"broken": "json", "a": 1"#,
                array,
                r#"a="1", app="x", broken="json""#,
            ),
            (r#"{"a":1,"#, array, a),
            (r#"{"a":1 "b":2}"#, object, a),
            (r#"{"a":1;"#, array, r#"a="1;", app="x""#),
            (r#"{"a":1,2}"#, object, a),
            (r#"{"a":1,"b"}"#, malformed, a),
            (r#"{"a":1,"b"#, malformed, a),
            (r#"{"a":1,"b":"#, malformed, a),
            (r#"{"a":1,"b":}"#, unknown, a),
            (r#"{"a":1,"b":tru}"#, unknown, a),
            (r#"{"a":1,"b":"x"#, text, a),
            (r#"{"a":1,"b":["x"#, array, a),
            (
                r#"{"a":1,"\q":2}"#,
                "Encountered an invalid escape sequence in a string",
                a,
            ),
            (
                r#"{"a":1,"\q"2}"#,
                "Encountered an invalid escape sequence in a string",
                a,
            ),
            (
                r#"{"a":1,"o":{"b":2 3},"c":4}"#,
                object,
                r#"a="1", app="x", o_b="2""#,
            ),
            (
                r#"{"a":1,"o":{"b":2},"c":nope}"#,
                unknown,
                r#"a="1", app="x", o_b="2""#,
            ),
        ] {
            let want = format!(
                r#"{{__error__="JSONParserErr", __error_details__="{details}", {labels}}}"#
            );
            check(line, &want);
        }
    }

    #[test]
    fn objects_that_do_not_end_leave_nothing() {
        for line in [
            r#"{"a":1,"o":{"b":2"#,
            r#"{"a":1,"o":{"b":2,"p":{"c":3},"q":{"d":"x"#,
            r#"{"a":1,"o":{"b":2,"c":{"d":3}"#,
            r#"{"a":1,"o":{"#,
            r#"{"a":1,"o":{"app":2,"b":["#,
        ] {
            let got = run("| json", &[("app", "x")], line).unwrap().1;
            let want = "{__error__=\"JSONParserErr\", __error_details__=\"Value looks like object, \
                        but can't find closing '}' symbol\", a=\"1\", app=\"x\"}";
            assert_eq!(got, want, "{line}");
        }
    }

    #[test]
    fn only_what_is_wanted_is_made() {
        let line = br#"{"a":{"b":1,"c":{"d":2}},"ab":{"b":3},"d":4,"app":5,"bad":tru}"#;
        for (wanted, want) in [
            ("a_b", r#"{a_b="1", app="x"}"#),
            ("a_c_d", r#"{a_c_d="2", app="x"}"#),
            ("ab_b", r#"{ab_b="3", app="x"}"#),
            ("d", r#"{app="x", d="4"}"#),
        ] {
            let demand = [wanted.to_owned()];
            let pipeline = compile("| json", Demand::Only(&demand)).unwrap();
            let got = run_in(&pipeline, &[("app", "x")], line);
            assert_eq!(got.unwrap().1, want, "{wanted}");
        }
        let demand = ["app_extracted".to_owned()];
        let pipeline = compile("| json", Demand::Only(&demand)).unwrap();
        let got = run_in(&pipeline, &[("app", "x")], r#"{"a":1,"app":5}"#);
        assert_eq!(got.unwrap().1, r#"{app="x", app_extracted="5"}"#);
    }

    #[test]
    fn hostile_lines_are_bounded() {
        let depth = 100_000;
        let deep = r#"{"a":"#.repeat(depth) + "1" + &"}".repeat(depth);
        check(&deep, r#"{app="x"}"#);
        let blank = r#"{"":"#.repeat(depth) + r#"{"b":1}"# + &"}".repeat(depth);
        check(&blank, r#"{app="x", b="1"}"#);
        let open = r#"{"":"#.repeat(depth);
        assert!(
            run("| json", &[], &open)
                .unwrap()
                .1
                .contains("JSONParserErr")
        );
        let long = format!(r#"{{"{}":1,"a":{{"{0}":2,"b":3}}}}"#, "k".repeat(1 << 20));
        check(&long, r#"{a_b="3", app="x"}"#);
        let many: Vec<String> = (0..5_000).map(|key| format!(r#""k{key}":{key}"#)).collect();
        let got = run("| json", &[], format!("{{{}}}", many.join(","))).unwrap();
        assert_eq!(got.1.matches('=').count(), 5_000);
    }
}
