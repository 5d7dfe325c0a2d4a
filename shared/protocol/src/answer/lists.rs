//! Answers that are lists: label names and values, series; and objects of a few texts: `buildinfo`,
//! `log_level`.

use narvi_model::Labels;

use super::json::{write_labels, write_list, write_string};

/// The version that `buildinfo` names. Grafana turns features on by it (structured metadata, the
/// Drilldown app, `|>` filters need 3.x), so it is the Loki whose API Narvi answers, with Narvi's
/// own name as build metadata, which comparisons of versions ignore.
pub const LOKI_VERSION: &str = "3.7.6+narvi";

/// Label names or values: `{"status":"success","data":["a"]}`. Without any there is no `data` key,
/// as in Loki (spec `http-api.md` §6).
#[must_use]
pub fn labels(all: &[String]) -> Vec<u8> {
    if all.is_empty() {
        return b"{\"status\":\"success\"}\n".to_vec();
    }
    success(|out| write_list(out, all, |out, text| write_string(out, text.as_bytes())))
}

/// The text of `format_query`: `{"status":"success","data":"…"}` (spec `http-api.md` §12).
#[must_use]
pub fn formatted(query: &str) -> Vec<u8> {
    success(|out| write_string(out, query.as_bytes()))
}

/// What `format_query` says of a query that it cannot read.
#[must_use]
pub fn invalid_query(reason: &str) -> Vec<u8> {
    let mut out = br#"{"status":"invalid-query","error":"#.to_vec();
    write_string(&mut out, reason.as_bytes());
    out.extend_from_slice(b"}\n");
    out
}

/// Series: `{"status":"success","data":[{"app":"x"}]}`, never without `data`.
#[must_use]
pub fn series(all: &[Labels]) -> Vec<u8> {
    success(|out| write_list(out, all, write_labels))
}

/// What `/loki/api/v1/status/buildinfo` answers: flat, without `status` (spec `http-api.md` §12).
/// `narvi` is the version of this program.
#[must_use]
pub fn buildinfo(narvi: &str) -> Vec<u8> {
    let keys = [
        ("version", LOKI_VERSION),
        ("revision", narvi),
        ("branch", "narvi"),
        ("buildUser", ""),
        ("buildDate", ""),
        ("goVersion", ""),
    ];
    let mut out = vec![b'{'];
    for (n, (key, value)) in keys.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        write_string(&mut out, key.as_bytes());
        out.push(b':');
        write_string(&mut out, value.as_bytes());
    }
    out.push(b'}');
    out
}

/// The values of a legacy endpoint: `{"values":["a"]}` (spec `http-api.md` §17).
#[must_use]
pub fn legacy_labels(all: &[String]) -> Vec<u8> {
    let mut out = br#"{"values":"#.to_vec();
    write_list(&mut out, all, |out, text| {
        write_string(out, text.as_bytes());
    });
    out.extend_from_slice(b"}\n");
    out
}

/// What `/log_level` answers; a level that is only told has no status (spec `http-api.md` §12).
#[must_use]
pub fn log_level(status: Option<&str>, message: &str) -> Vec<u8> {
    let mut out = vec![b'{'];
    if let Some(status) = status {
        out.extend_from_slice(br#""status":"#);
        write_string(&mut out, status.as_bytes());
        out.push(b',');
    }
    out.extend_from_slice(br#""message":"#);
    write_string(&mut out, message.as_bytes());
    out.push(b'}');
    out
}

fn success(data: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = br#"{"status":"success","data":"#.to_vec();
    data(&mut out);
    out.extend_from_slice(b"}\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(got: &[u8], want: &str) {
        assert_eq!(std::str::from_utf8(got).unwrap(), want);
    }

    #[test]
    fn lists() {
        check(&labels(&[]), "{\"status\":\"success\"}\n");
        check(
            &labels(&["app".into(), "a<b".into()]),
            "{\"status\":\"success\",\"data\":[\"app\",\"a\\u003cb\"]}\n",
        );
        check(
            &formatted("a\nb"),
            "{\"status\":\"success\",\"data\":\"a\\nb\"}\n",
        );
        check(
            &invalid_query("why"),
            "{\"status\":\"invalid-query\",\"error\":\"why\"}\n",
        );
        check(&legacy_labels(&[]), "{\"values\":[]}\n");
        check(
            &legacy_labels(&["a<b".into()]),
            "{\"values\":[\"a\\u003cb\"]}\n",
        );
        check(&log_level(None, "m"), r#"{"message":"m"}"#);
        check(
            &log_level(Some("failed"), "m"),
            r#"{"status":"failed","message":"m"}"#,
        );
        check(&series(&[]), "{\"status\":\"success\",\"data\":[]}\n");
        let one = Labels::from_pairs([("app", "api"), ("env", "prod")]);
        check(
            &series(&[one, Labels::empty()]),
            "{\"status\":\"success\",\"data\":[{\"app\":\"api\",\"env\":\"prod\"},{}]}\n",
        );
        check(
            &buildinfo("0.1.0"),
            concat!(
                r#"{"version":"3.7.6+narvi","revision":"0.1.0","branch":"narvi","buildUser":"","#,
                r#""buildDate":"","goVersion":""}"#
            ),
        );
    }
}
