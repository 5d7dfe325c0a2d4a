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
