//! Regular expressions: catastrophic ones, large ones, and many of them.

use crate::{many, over_few};

#[test]
fn expressions() {
    for nested in [
        "(x+x+)+y",
        "(x*)*y",
        "(x|xx)*y",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "(.*)*.*=.*",
    ] {
        over_few(&format!("{{a=`b`}} |~ `{nested}`"), "lines");
        over_few(&format!("{{a=`b`}} | regexp `(?P<l>{nested})`"), "4 lines");
    }
    over_few(
        "{a=`b`} |~ `(((x{100}){100}){100})`",
        "invalid repeat count",
    );
    over_few(r"{a=`b`} |~ `\pL{900}`", "expression too large");
    over_few(&format!("{{a=`b`}} |~ `{}`", "(".repeat(60_000)), "regexp");
    over_few(
        &format!("{{a=`b`}} |~ `{}y`", "[^y]{0,200}x".repeat(3)),
        "lines",
    );
    over_few(
        &format!("{{a=`b`}} |~ `{}y`", "(.{0,200}x)+".repeat(3)),
        "lines",
    );
    let groups = |count| {
        format!(
            "{{a=`b`}} | regexp `{}[xy]z?`",
            many(count, |n| format!("(?P<g{n}>x+?)"), "")
        )
    };
    over_few(&groups(500), "4 lines");
    over_few(&groups(5_000), "expression too large");
}

#[test]
fn many_expressions() {
    let (count, size) = (
        "more than 100 regular expressions",
        "too large all together",
    );
    over_few(&format!("{{a=`b`}} {}", "|~ `x` ".repeat(10_000)), count);
    over_few(
        &format!("{{a=`b`}} |~ `x` {}", "or `x` ".repeat(10_000)),
        count,
    );
    over_few(
        &format!(r"{{a=`b`}} {}", r"|~ `\pL{40}` ".repeat(100)),
        size,
    );
    over_few(
        &format!(r"{{a=`b`}} {}", r"| regexp `(?P<l>\pL{40})` ".repeat(100)),
        size,
    );
    let conditions = |count, join| many(count, |n| format!(r"a{n}=~`\pL{{40}}`"), join);
    over_few(&format!("{{a=`b`}} | {}", conditions(100, " or ")), size);
    over_few(
        &format!("{{a=`b`}} | json | drop {}", conditions(100, ",")),
        size,
    );
    over_few(&format!("{{a=`b`,{}}}", conditions(100, ",")), size);
    let inner = "count_over_time({a=`b`}[1h])";
    let replaced = format!(r"label_replace({inner}, `a`, `b`, `c`, `\pL{{40}}`)");
    over_few(&many(100, |_| replaced.clone(), " or "), size);
    let calls = |count| r"{{count `\\pL{20}` .a}}".repeat(count);
    over_few(
        &format!("{{a=`b`}} | line_format \"{}\"", calls(5_000)),
        size,
    );
    let stages = format!("| label_format a=\"{}\" ", calls(1)).repeat(2_000);
    over_few(&format!("{{a=`b`}} {stages}"), size);
    over_few(
        &format!("{{a=`b`}} | line_format \"{}\"", calls(5)),
        "4 lines",
    );
}
