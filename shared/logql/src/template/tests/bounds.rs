//! What templates meet that want too much.

use proptest::prelude::*;

use super::{LABELS, check, render};
use crate::limits::{MAX_TEMPLATE_DEPTH, MAX_TEMPLATE_TEXT};
use crate::template::Template;

#[track_caller]
fn check_bound(template: &str, bound: &str) {
    let error = render(template, &LABELS).err().unwrap_or_default();
    let shown: String = template.chars().take(80).collect();
    assert!(error.contains(bound), "{shown}: {error}");
}

#[test]
fn output() {
    for template in [
        "{{ repeat 1000000000 `a` }}",
        "{{ repeat 9223372036854775807 `ab` }}",
        "{{ indent 1000000000 `a` }}",
        "{{ alignRight 1000000000 `a` }}",
        "{{ printf `%1000000d%1000000d` 1 2 }}",
        "{{ printf `%.1000000f%.1000000f` 1.5 2.5 }}",
        "{{ regexReplaceAll `.` (repeat 1000 `a`) (repeat 5000 `$0`) }}",
        "{{ replace `` (repeat 1000 `bcd`) (repeat 1000 `a`) }}",
        "{{ $x := repeat 10 `a` }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}",
    ] {
        check_bound(template, "bytes; make it shorter");
    }
}

#[test]
fn memory() {
    check_bound(
        "{{ $x := fromJson (print `[` (repeat 300000 `1,`) `1]`) }}{{ len $x }}",
        "bytes; make it simpler",
    );
}

#[test]
fn steps() {
    for template in [
        "{{ range 9223372036854775807 }}{{ end }}",
        "{{ range 10000 }}{{ range 10000 }}{{ end }}{{ end }}",
        "{{ $x := repeat 1000000 `a` }}{{ range 1000 }}{{ $y := contains `b` $x }}{{ end }}",
        "{{ range $i := 10000 }}{{ $y := count (printf `%d` $i) `aaa` }}{{ end }}",
    ] {
        check_bound(template, "steps; make it simpler");
    }
}

#[test]
fn depth() {
    let nested = |open: &str, inner: &str, close: &str, count: usize| {
        format!("{}{inner}{}", open.repeat(count), close.repeat(count))
    };
    let fits = MAX_TEMPLATE_DEPTH - 1;
    for (open, inner, close) in [
        ("{{if true}}", "x", "{{end}}"),
        ("{{range 1}}", "x", "{{end}}"),
    ] {
        check(&[(&nested(open, inner, close, fits), "x")]);
        check_bound(
            &nested(open, inner, close, 5_000),
            "max expression depth exceeded",
        );
    }
    let parens = |count| format!("{{{{{}}}}}", nested("(print ", "`x`", ")", count));
    check(&[(&parens(fits), "x")]);
    check_bound(&parens(5_000), "max expression depth exceeded");
    let chain = nested("{{if false}}{{else ", "", "", 1) + &"if false}}{{else ".repeat(5_000);
    check_bound(&chain, "max expression depth exceeded");
    check_bound(
        "{{define `r`}}{{template `r` .}}{{template `r` .}}{{end}}{{template `r` .}}",
        &format!("exceeded maximum template depth ({MAX_TEMPLATE_DEPTH})"),
    );
    check(&[("{{ fromJson (repeat 100000 `[`) }}", "<no value>")]);
}

#[test]
fn text() {
    check_bound(&"a".repeat(MAX_TEMPLATE_TEXT + 1), "make it shorter");
    check_bound(r"{{ count `\pL{1000}` `a` }}", "expression too large");
    let factors = "1.23456789e300 ".repeat(5_000);
    check_bound(&format!("{{{{ mulf {factors} }}}}"), "too many digits");
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "(\\PC|\n){0,60}") {
        let _ = Template::parse("line", &text);
    }

    #[test]
    fn nothing_made_of_pieces_panics(pieces in prop::collection::vec(
        prop::sample::select(vec![
            "{{", "}}", "{{- ", " -}}", ".app", "$", "$x", ":=", "=", "|", "(", ")", "if", "else",
            "end", "range", "with", "define `a`", "template `a`", "break", "`r`", "\"s\"", "1",
            "1.5e3", "'c'", "nil", " ", "\n", "len", "index", "print", "printf `%[2]*.3q|%x`",
            ".", ",", "/*", "*/", "{{end}}", "{{if .n}}", "{{range .}}", "fromJson .object",
            "substr", "trunc", "date `Jan _2 2006`", "toDate `15:04 MST`", "slice", "-3", "9e99",
        ]),
        0..14,
    )) {
        let _ = render(&pieces.join(" "), &LABELS);
        let _ = render(&pieces.concat(), &LABELS);
    }

    #[test]
    fn no_format_panics(
        format in "(%[-+# 0]{0,2}(\\*|[0-9]{0,3})(\\.[0-9*]{0,3})?(\\[[0-9]\\])?[a-zA-Z%é]?){1,3}",
        value in prop::sample::select(vec!["1", "-1.5", "`té`", "nil", ".", "(fromJson .array)"]),
    ) {
        let _ = render(&format!("{{{{ printf `{format}` {value} 2 }}}}"), &LABELS);
    }

    #[test]
    fn no_layout_panics(layout in "[-0-9A-Za-z:.,_ ]{0,20}", text in "[-0-9A-Za-z:.,_ +]{0,20}") {
        let template = format!("{{{{ toDate `{layout}` `{text}` | date `{layout}` }}}}");
        prop_assert!(render(&template, &LABELS).is_ok());
    }

    #[test]
    fn json_is_read_or_is_nothing(text in "[\\[\\]{}:,\"a1.e \\\\u-]{0,24}") {
        prop_assert!(render("{{ fromJson .j }}", &[("j", &text)]).is_ok());
    }
}
