//! Which labels a template asks for.

use crate::template::{Fields, Template};

#[track_caller]
fn check(template: &str, want: Option<&[&str]>) {
    let template = Template::parse("label", template).map(|t| t.fields());
    let want = match want {
        Some(names) => Fields::Names(names.iter().map(|name| (*name).to_owned()).collect()),
        None => Fields::All,
    };
    assert_eq!(template, Ok(want));
}

#[test]
fn names() {
    check("text", Some(&[]));
    check("{{.b}} {{.a}} {{.b}}", Some(&["a", "b"]));
    check("{{$.a}} {{$.b.c}} {{(.d).e}}", Some(&["a", "b", "d"]));
    check(
        "{{if .a}}{{.b}}{{else if eq .c `x`}}{{upper .d}}{{end}}",
        Some(&["a", "b", "c", "d"]),
    );
    check(
        "{{with .a}}{{.}} {{.b}} {{$.c}}{{else}}{{.d}}{{end}}",
        Some(&["a", "c", "d"]),
    );
    check("{{range fromJson .a}}{{.b}}{{end}}", Some(&["a"]));
    check(
        "{{define `t`}}{{.a}}{{$.b}}{{end}}{{template `t` .}}",
        Some(&["a", "b"]),
    );
    check(
        "{{define `t`}}{{.a}}{{end}}{{template `t` .x}}",
        Some(&["x"]),
    );
    check("{{define `t`}}{{.a}}{{end}}", Some(&[]));
    check("{{block `t` $}}{{.a}}{{end}}", Some(&["a"]));
    check(
        "{{define `t`}}{{.a}}{{template `t` .}}{{end}}{{template `t` .}}",
        Some(&["a"]),
    );
    check(
        "{{$x := .a}}{{$x.b}} {{(fromJson .c).d}}",
        Some(&["a", "c"]),
    );
}

#[test]
fn all() {
    for template in [
        "{{.}}",
        "{{$}}",
        "{{range $k, $v := .}}{{$k}}{{end}}",
        "{{index . `a`}}",
        "{{$x := .}}{{$x.a}}",
        "{{with .}}{{.a}}{{end}}",
        "{{with .a}}{{$}}{{end}}",
        "{{define `t`}}{{.}}{{end}}{{template `t` .}}",
        "{{define `t`}}{{.}}{{end}}{{template `t` (print .)}}",
    ] {
        check(template, None);
    }
}

#[test]
fn line_and_time() {
    let reads = |text| Template::parse("line", text).map(|t| (t.reads_line(), t.reads_timestamp()));
    assert_eq!(reads("{{.a}}"), Ok((false, false)));
    assert_eq!(reads("{{upper __line__}}"), Ok((true, false)));
    assert_eq!(
        reads("{{with .a}}{{(__timestamp__).Unix}}{{end}}"),
        Ok((false, true))
    );
}
