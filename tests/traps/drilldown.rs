//! Traps of Logs Drilldown.

use serde_json::json;

use super::*;

/// RFC 3339 with milliseconds.
fn rfc(nanos: i64) -> String {
    let text = Timestamp::from_nanos(nanos).rfc3339_seconds();
    text.replace('Z', ".000Z")
}

#[test]
fn drilldown_looks_around() {
    let shop = shop();
    let (start, end) = (rfc(shop.first), rfc(shop.first + 10 * SECOND));
    let times = [("start", &*start), ("end", &*end)];
    let services = get("/loki/api/v1/label/service_name/values", &times);
    let labels = get("/loki/api/v1/labels", &times);
    let limits = get("/loki/api/v1/drilldown-limits", &[]);
    let tenant = &[("X-Scope-OrgID", "any")];
    let (names, values) = (
        json!(["app", "service_name", "set"]),
        json!(["shop", "x", "y", "z"]),
    );
    let series = At("/limits/max_query_series", json!(2));
    for row in [
        trap("times in RFC 3339", labels, &[], At("/data", names)),
        trap(
            "every stream has a service",
            services,
            &[],
            At("/data", values),
        ),
        trap("limits", limits.clone(), tenant, series),
        refused(
            "limits name a tenant",
            limits.clone(),
            401,
            Is("no org id\n"),
        ),
    ] {
        spring(shop.narvi.client(), &row);
    }
}

#[test]
fn drilldown_asks_at_length() {
    let shop = shop();
    let (start, end) = (rfc(shop.first), rfc(shop.first + 10 * SECOND));
    let with = |query| {
        let times = [("start", &*start), ("end", &*end)];
        [("query", query), times[0], times[1], ("step", "1s")]
    };
    let many = with(r#"count by (app) (count_over_time({set="many"}[1m]))"#);
    let own = with(r#"{__aggregated_metric__="shop"}"#);
    let long =
        with(r#"{app="shop"} | json n="n"| json | logfmt | drop __error__, __error_details__"#);
    let pattern = with(r#"{app="shop"} |> "<_>info<_>" or "nothing" |~ "(?i)LEVEL""#);
    let average = with(
        r#"avg_over_time({app="shop"} | json | unwrap duration(d) | __error__="" [1m]) by ()"#,
    );
    let error = "maximum number of series (2) reached for a single query; consider";
    let warning = "\"warnings\":[\"maximum number of series (2) reached for a single query; ";
    let (none, parsed) = (json!([]), "/data/result/0/values/0/2/parsed/n");
    for row in [
        refused(
            "the text that it looks for",
            get(RANGE, &many),
            400,
            Has(error),
        ),
        trap(
            "it gets what there is",
            get(RANGE, &many),
            &[DRILLDOWN],
            Has(warning),
        ),
        trap(
            "streams of its own",
            get(RANGE, &own),
            &[DRILLDOWN],
            At("/data/result", none),
        ),
        trap(
            "long pipelines",
            get(RANGE, &long),
            &[CATEGORIZE],
            At(parsed, json!("3")),
        ),
        trap("patterns", get(RANGE, &pattern), &[DRILLDOWN], Has("1.5s")),
        trap(
            "averages",
            get(RANGE, &average),
            &[],
            At("/data/result/0/metric", json!({})),
        ),
    ] {
        spring(shop.narvi.client(), &row);
    }
}

#[test]
fn drilldown_asks_what_the_data_is_like() {
    let shop = shop();
    let (start, end) = (rfc(shop.first), rfc(shop.first + 10 * SECOND));
    let with = |query, more| [("query", query), ("start", &*start), ("end", &*end), more];
    let shops = r#"{app="shop"}"#;
    let parsed = r#"{app="shop"} | json | logfmt | drop __error__, __error_details__"#;
    let services = r#"{service_name=~".+"}"#;
    let empty = with("", ("limit", "100"));
    let fields = with(parsed, ("limit", "500"));
    let values = with(shops, ("limit", "10"));
    let patterns = with(shops, ("step", "30s"));
    let volume = [
        &with(services, ("limit", "5000"))[..],
        &[("targetLabels", "service_name")],
    ]
    .concat();
    let path = |rest| format!("/loki/api/v1/{rest}");
    let (labels, field) = (
        path("detected_labels"),
        path("detected_field/trace_id/values"),
    );
    let (all, index, forms) = (
        path("detected_fields"),
        path("index/volume"),
        path("patterns"),
    );
    for row in [
        trap(
            "labels of everything: the query is empty",
            get(&labels, &empty),
            &[],
            Has(r#"{"label":"app","cardinality":4}"#),
        ),
        trap(
            "fields of a whole pipeline",
            get(&all, &fields),
            &[],
            Has(r#""label":"level","type":"string","cardinality":1,"parsers":["json"]"#),
        ),
        trap(
            "metadata has no parser",
            get(&all, &fields),
            &[],
            Has(r#""label":"trace_id","type":"string","cardinality":1,"parsers":null"#),
        ),
        trap(
            "values of a field",
            get(&field, &values),
            &[],
            At("/values", json!(["t1"])),
        ),
        trap(
            "volumes have the label that is asked for",
            get(&index, &volume),
            &[],
            At("/data/result/0/metric", json!({"service_name": "shop"})),
        ),
        trap(
            "forms of lines: a list, also of none",
            get(&forms, &patterns),
            &[],
            At("/data", json!([])),
        ),
    ] {
        spring(shop.narvi.client(), &row);
    }
}

#[test]
fn drilldown_reads_limits() {
    let shop = shop();
    let ask = || get("/loki/api/v1/drilldown-limits", &[]);
    for (place, want) in [
        ("/limits/retention_period", json!("0s")),
        ("/limits/max_entries_limit_per_query", json!(5000)),
        ("/limits/volume_enabled", json!(true)),
        ("/limits/discover_service_name/0", json!("service")),
        ("/limits/log_level_fields/0", json!("level")),
        ("/limits/max_query_series", json!(2)),
        ("/version", json!("3.7.6")),
    ] {
        let headers = &[("X-Scope-OrgID", "any")];
        spring(
            shop.narvi.client(),
            &trap(place, ask(), headers, At(place, want)),
        );
    }
}

#[test]
fn every_line_has_a_level() {
    let shop = shop();
    let (start, end) = (rfc(shop.first), rfc(shop.first + 10 * SECOND));
    let params = [
        ("query", r#"{app="shop"}"#),
        ("start", &*start),
        ("end", &*end),
    ];
    let metadata = "/data/result/0/values/0/2/structuredMetadata/detected_level";
    let want = At(metadata, json!("info"));
    let row = trap("levels", get(RANGE, &params), &[CATEGORIZE], want);
    spring(shop.narvi.client(), &row);
}
