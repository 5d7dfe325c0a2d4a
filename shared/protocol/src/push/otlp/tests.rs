//! Both encodings of one export against the streams that Loki makes of it.

use narvi_model::OtlpConfig;
use proptest::prelude::*;

use super::*;

const JSON: &str = "application/json";
const NOW: Timestamp = Timestamp::from_seconds(1_000);

fn decoded(json: &str, config: &str) -> Result<PushRequest, PushError> {
    let config: OtlpConfig = serde_json::from_str(config).unwrap();
    let discover = ["app".to_owned(), "k8s_pod_name".to_owned()];
    let options = OtlpOptions {
        config: &config,
        discover_service_name: &discover,
        now: NOW,
    };
    let body = Bytes::copy_from_slice(json.as_bytes());
    decode(Some(JSON), None, body, &options, &DecodeLimits::default())
}

/// Entries printed as `labels nanos line metadata`, then what was refused.
fn print(push: &PushRequest) -> String {
    let mut out = Vec::new();
    for stream in &push.streams {
        for entry in &stream.entries {
            let line = std::str::from_utf8(entry.line.as_bytes()).unwrap();
            let nanos = entry.timestamp.nanos();
            out.push(format!(
                "{} {nanos} {line} {}",
                stream.labels, entry.metadata
            ));
        }
    }
    let refused = push.refused.iter();
    out.extend(refused.map(|refused| format!("{}x {}", refused.entries, refused.reason)));
    out.join("\n")
}

#[track_caller]
fn check_with(config: &str, json: &str, want: Result<&str, &str>) {
    let got = decoded(json, config)
        .map(|push| print(&push))
        .map_err(|e| e.to_string());
    assert_eq!(got.as_deref().map_err(String::as_str), want, "{json}");
}

#[track_caller]
fn check(json: &str, want: Result<&str, &str>) {
    check_with("{}", json, want);
}

/// An export of one resource, one scope and one record.
fn export(resource: &str, scope: &str, record: &str) -> String {
    format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{resource}]}},
            "scopeLogs":[{{"scope":{{{scope}}},"logRecords":[{{{record}}}]}}]}}]}}"#
    )
}

fn text(name: &str, value: &str) -> String {
    format!(r#"{{"key":"{name}","value":{{"stringValue":"{value}"}}}}"#)
}

#[test]
fn labels_and_services() {
    let labels = |resource: &str, want: &str| {
        check(
            &export(resource, "", ""),
            Ok(&format!("{want} 1000000000000  {{}}")),
        );
    };
    labels("", r#"{service_name="unknown_service"}"#);
    labels(
        &[text("service.name", "shop"), text("k8s.pod.name", "p")].join(","),
        r#"{k8s_pod_name="p", service_name="shop"}"#,
    );
    labels(
        &[text("service.name", ""), text("k8s.pod.name", "p")].join(","),
        r#"{k8s_pod_name="p", service_name="p"}"#,
    );
    // not a label, so it names no service
    check(
        &export(&text("app", "a"), "", ""),
        Ok(r#"{service_name="unknown_service"} 1000000000000  {app="a"}"#),
    );
    let both = export(
        &text("service.name", "a"),
        "",
        r#""body":{"stringValue":"x"}"#,
    );
    let twice = both.replace(
        "]}]}]}",
        "]}]},{\"resource\":{\"attributes\":[
        {\"key\":\"service.name\",\"value\":{\"stringValue\":\"a\"}}]},
        \"scopeLogs\":[{\"log_records\":[{}]}]}]}",
    );
    assert_eq!(decoded(&twice, "{}").unwrap().streams.len(), 1);
}

#[test]
fn a_whole_record() {
    let record = r#""timeUnixNano":"5","observedTimeUnixNano":6,
        "severityNumber":"SEVERITY_NUMBER_ERROR2","severityText":"ERR",
        "body":{"stringValue":"a \u00e9 line"},"traceId":"5B8EFFF798038103D269B633813FC60C",
        "spanId":"0000000000000000","flags":1,"droppedAttributesCount":2,"eventName":"e",
        "unknown":{"a":[1]},"attributes":[
          {"key":"http.status-code","value":{"intValue":"500"}},
          {"key":"n","value":{"intValue":7}},
          {"key":"d","value":{"doubleValue":0.5}},
          {"key":"b","value":{"boolValue":true}},
          {"key":"y","value":{"bytesValue":"Zm9v"}},
          {"key":"none","value":{}},
          {"key":"l","value":{"arrayValue":{"values":[{"stringValue":"a"},{"intValue":1}]}}},
          {"key":"m","value":{"kvlistValue":{"values":[
             {"key":"k.x","value":{"stringValue":"v"}},
             {"key":"o","value":{"kvlistValue":{"values":[
                {"key":"1","value":{"intValue":"2"}}]}}}]}}}]"#;
    let scope = r#""name":"lib","version":"1","droppedAttributesCount":3,
        "attributes":[{"key":"n","value":{"stringValue":"of the scope"}}]"#;
    check(
        &export(&text("host.name", "h"), scope, record),
        Ok(concat!(
            r#"{service_name="unknown_service"} 5 a é line {b="true", d="0.5", "#,
            r#"dropped_attributes_count="2", event_name="e", flags="1", host_name="h", "#,
            r#"http_status_code="500", l="[\"a\",1]", m_k_x="v", m_o_key_1="2", "#,
            r#"n="of the scope", observed_timestamp="6", scope_dropped_attributes_count="3", "#,
            r#"scope_name="lib", scope_version="1", severity_number="18", severity_text="ERR", "#,
            r#"trace_id="5b8efff798038103d269b633813fc60c", y="Zm9v"}"#,
        )),
    );
}

#[test]
fn bodies_and_times() {
    let record = |record: &str, want: &str| {
        let want = format!(r#"{{service_name="unknown_service"}} {want} {{}}"#);
        check(&export("", "", record), Ok(&want));
    };
    record(r#""observedTimeUnixNano":"7""#, "7 ");
    record(
        r#""timeUnixNano":18446744073709551615"#,
        "9223372036854775807 ",
    );
    record(r#""time_unix_nano":"7","body":{"int_value":"42"}"#, "7 42");
    record(r#""timeUnixNano":1e3,"body":null"#, "1000 ");
    record(
        r#""timeUnixNano":7,"body":{"kvlistValue":{"values":[
           {"key":"b","value":{"arrayValue":{}}},{"key":"a","value":{"boolValue":false}}]}}"#,
        r#"7 {"a":false,"b":[]}"#,
    );
}

#[test]
fn rules_of_the_tenant() {
    let config = r#"{"severity_text_as_label": true,
        "resource_attributes": {"attributes_config": [
            {"action": "index_label", "attributes": ["app"]}, {"action": "drop", "regex": "os.*"}]},
        "scope_attributes": [{"action": "drop", "attributes": ["s"]}],
        "log_attributes": [{"action": "index_label", "attributes": ["team"]},
                           {"action": "drop", "attributes": ["x"]}]}"#;
    let resource = [text("app", "a"), text("os.type", "linux"), text("r", "1")].join(",");
    let scope = format!(r#""attributes":[{},{}]"#, text("s", "1"), text("t", "2"));
    let attributes = [text("team", "red"), text("x", "1"), text("z", "3")].join(",");
    let record = format!(r#""timeUnixNano":1,"severityText":"W","attributes":[{attributes}]"#);
    check_with(
        config,
        &export(&resource, &scope, &record),
        Ok(concat!(
            r#"{app="a", service_name="a", severity_text="W", team="red"} 1  "#,
            r#"{r="1", t="2", z="3"}"#,
        )),
    );
}

#[test]
fn what_is_refused_leaves_the_rest() {
    let json = export(
        "",
        "",
        &format!(
            r#""timeUnixNano":1,"body":{{"stringValue":"bad"}},"attributes":[{}]}},
               {{"timeUnixNano":2,"body":{{"stringValue":"good"}}"#,
            text("", "x")
        ),
    );
    check(
        &json,
        Ok("{service_name=\"unknown_service\"} 2 good {}\n\
            1x attributes of a log record: empty label name; give it a name or leave the pair out"),
    );
    check(
        &export(&text("-", "x"), "", ""),
        Ok(concat!(
            r#"1x attributes of a resource: normalization for label name "-" "#,
            r#"resulted in invalid name "_""#,
        )),
    );
}

#[test]
fn what_is_no_export() {
    check("", Err("EOF"));
    check("{}", Ok(""));
    check("null", Ok(""));
    check(
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[]}]}]}"#,
        Ok(""),
    );
    check(
        r#"{"resourceLogs":{}}"#,
        Err("invalid JSON push: invalid type: map, expected a list at line 1 column 18"),
    );
    for (record, want) in [
        (r#""traceId":"xyz""#, "`traceId` is not hexadecimal text"),
        (
            r#""body":{"intValue":"x"}"#,
            "`intValue` is not a whole number",
        ),
        (r#""body":{"bytesValue":"?"}"#, "`bytesValue` is not base64"),
        (r#""flags":-1"#, "`flags` is out of range: -1"),
        (
            r#""severityNumber":"LOUD""#,
            "`severityNumber` is not a number or name of a severity",
        ),
        (r#""severityText":5"#, "`severityText` is not text"),
    ] {
        let error = decoded(&export("", "", record), "{}")
            .unwrap_err()
            .to_string();
        assert!(error.contains(want), "{record}: {error}");
    }
}

#[test]
fn headers() {
    let (config, limits) = (OtlpConfig::default(), DecodeLimits::default());
    let options = OtlpOptions {
        config: &config,
        discover_service_name: &[],
        now: NOW,
    };
    let refused = |kind, encoding| {
        let body = Bytes::from_static(b"{}");
        let error = decode(kind, encoding, body, &options, &limits).unwrap_err();
        (error.status(), error.to_string())
    };
    let json_with_charset = Some("application/json; charset=utf-8");
    for (kind, encoding, want) in [
        (None, None, "content type:  is not supported"),
        (
            json_with_charset,
            None,
            "content type: application/json; charset=utf-8 is not supported",
        ),
        (
            Some(JSON),
            Some("snappy"),
            "unsupported content encoding snappy: only gzip, lz4 and zstd are supported",
        ),
    ] {
        assert_eq!(refused(kind, encoding), (400, want.to_owned()));
    }
}

/// `n` lists inside each other.
fn nested(n: usize) -> String {
    let open = r#"{"arrayValue":{"values":["#.repeat(n);
    format!("{open}{}", "]}}".repeat(n))
}

#[test]
fn what_is_hostile_is_bounded() {
    let body = |value: &str| export("", "", &format!(r#""body":{value}"#));
    assert!(decoded(&body(&nested(24)), "{}").is_ok());
    let deep = decoded(&body(&nested(25)), "{}").unwrap_err();
    assert_eq!(deep, PushError::TooDeep);
    assert!(decoded(&body(&nested(100_000)), "{}").is_err());
    // one attribute of a resource that every record would have
    let large = text("x", &"y".repeat(1 << 20));
    let records = vec!["{}"; 2000].join(",");
    let json = export(&large, "", "").replace("[{}]", &format!("[{records}]"));
    let bound = decoded(&json, "{}").unwrap_err();
    assert_eq!(bound, PushError::TooManyParts { max: 2_000_000 });
}

proptest! {
    #[test]
    fn never_panics(mut json in Just(json::to_protobuf(export(
        &text("a", "b"), r#""name":"s""#,
        r#""timeUnixNano":5,"body":{"arrayValue":{"values":[{"doubleValue":1}]}}"#,
    ).as_bytes()).unwrap()), at: prop::sample::Index, byte: u8) {
        let at = at.index(json.len());
        json[at] = byte;
        let config = OtlpConfig::default();
        let options = OtlpOptions { config: &config, discover_service_name: &[], now: NOW };
        let kind = Some("application/x-protobuf");
        let _ = decode(kind, None, json.into(), &options, &DecodeLimits::default());
    }
}
