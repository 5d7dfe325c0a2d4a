//! Series, groupings and times that are too many, too long or at the ends of what there is.

use narvi_logql::metric::Grid;
use narvi_model::Timestamp;

use crate::run::{Data, lines, with_metadata};
use crate::{check, few, instant, many, over_few, steps};

#[test]
fn groupings() {
    let batch = |n: usize| {
        let batch = lines(n as i64, (0..100).map(|_| "l0=1 l5=x".to_owned()));
        with_metadata(batch, "id", |row| format!("{n}-{row}"))
    };
    let data = Data {
        grid: instant(),
        batches: 20,
        batch: &batch,
    };
    let count = "count_over_time({a=`b`}[20000d])";
    let parsed = "count_over_time({a=`b`} | logfmt [20000d])";
    for (names, counts) in [(10_000, false), (250, true)] {
        let names = many(names, |n| format!("l{n}"), ",");
        let want = |series| match counts {
            true => series,
            false => "lists more than 256 labels in one place",
        };
        for (inner, groups) in [(count, "1 series"), (parsed, "1 series")] {
            check(&format!("sum by ({names}) ({inner})"), &data, want(groups));
            check(
                &format!("sum without ({names}) ({inner})"),
                &data,
                want("2000 series"),
            );
            check(&format!("max by ({names}) ({inner})"), &data, want(groups));
            check(
                &format!("topk by ({names}) (9, {inner})"),
                &data,
                want("9 series"),
            );
        }
        check(
            &format!("{count} / on ({names}, id) {count}"),
            &data,
            want("2000 series"),
        );
        check(
            &format!("{count} / ignoring ({names}) {count}"),
            &data,
            want("2000 series"),
        );
        let copied = format!("{count} / on (id) group_left ({names}) {count}");
        check(&copied, &data, want("2000 series"));
    }
}

#[test]
fn series() {
    let batch = |n: usize| {
        let batch = lines(0, (0..10_000).map(|row| format!("v={n}{row}")));
        with_metadata(batch, "id", |row| format!("{n}-{row}"))
    };
    let ranged = Data {
        grid: steps(),
        batches: 1_000,
        batch: &batch,
    };
    let instant = Data {
        grid: instant(),
        batches: 1_000,
        batch: &batch,
    };
    for data in [&ranged, &instant] {
        for query in [
            "count_over_time({a=`b`}[20000d])",
            "sum_over_time({a=`b`} | logfmt | unwrap v [20000d])",
            "quantile_over_time(0.5, {a=`b`} | logfmt | unwrap v [20000d])",
        ] {
            check(query, data, "narrow the stream selector");
        }
    }
    let few = Data {
        batches: 1,
        ..ranged
    };
    let nothing = Data {
        batches: 0,
        ..ranged
    };
    let sum = many(
        500,
        |n| format!("count_over_time({{a=`b{n}`}}[1h] offset {n}s)"),
        " or ",
    );
    let topk = "topk(9, count_over_time({a=`b`}[1h]))";
    check(&sum, &nothing, "0 series");
    let batch = |_: usize| {
        with_metadata(lines(0, (0..100).map(|_| String::new())), "id", |row| {
            row.to_string()
        })
    };
    let few = Data {
        batch: &batch,
        ..few
    };
    check(topk, &few, "9 series");
    check(&sum, &few, "narrow the stream selector");
    let long = "count_over_time({a=`b`} | label_format x=\"{{repeat 100000 .id}}\" [20000d])";
    check(long, &instant, "narrow the stream selector");
}

#[test]
fn times() {
    for (query, want) in [
        (
            "count_over_time({a=`b`}[9223372036854775807ns])",
            "unknown unit",
        ),
        ("count_over_time({a=`b`}[106752d])", "duration out of range"),
        (
            "count_over_time({a=`b`}[99999999999999999999y])",
            "duration out of range",
        ),
        (
            "count_over_time({a=`b`}[106751d] offset 106751d)",
            "0 series",
        ),
        (
            "count_over_time({a=`b`}[106751d] offset -106751d)",
            "0 series",
        ),
        (
            "count_over_time({a=`b`}[1m] offset 2562047h47m16.854775807s)",
            "0 series",
        ),
        (
            "count_over_time({a=`b`}[1m] offset -2562047h47m16.854775807s)",
            "0 series",
        ),
    ] {
        over_few(query, want);
    }
    let grid = |start, end, step| {
        Grid::range(
            Timestamp::from_nanos(start),
            Timestamp::from_nanos(end),
            step,
        )
    };
    assert_eq!(grid(0, 3_600_000_000_000, 1), None, "a step of 1 ns");
    for (start, end, step, seen) in [
        (i64::MIN, i64::MAX, 1 << 50, "0 series"),
        (i64::MAX - 9, i64::MAX, 1, "1 series, 10 samples"),
        (i64::MIN, i64::MIN + 9, 1, "0 series"),
    ] {
        let data = Data {
            grid: grid(start, end, step).unwrap(),
            batches: 1,
            batch: &few,
        };
        check(
            "count_over_time({a=`b`}[106751d] offset 106751d)",
            &data,
            seen,
        );
        check(
            "max_over_time({a=`b`} | unwrap a [106751d] offset -106751d)",
            &data,
            "0 series",
        );
        check("vector(1)", &data, "1 series");
    }
}
