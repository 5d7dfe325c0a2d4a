//! Holds `infra/template.yaml` to the code that it deploys: routes, configuration, binaries.
//!
//! Reads the template as text, by its indentation: CloudFormation's tags are no YAML that a parser
//! of ours would know, and `sam validate` has the last word on the form.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use http::Method;
use narvi_authorizer::Access;
use narvi_gateway::Config;

/// The line of the template below which live tails are.
const TAILS: &str = "# ---- live tail";

fn read(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The lines that are indented below the line `head`, their common indentation taken away.
#[track_caller]
fn below(text: &str, head: &str) -> String {
    let mut lines = text.lines().skip_while(|line| *line != head);
    assert!(lines.next().is_some(), "no line `{head}`");
    let depth = head.len() - head.trim_start().len();
    let is_inside =
        |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() > depth;
    let inside: Vec<&str> = lines.take_while(is_inside).collect();
    let own = inside
        .first()
        .map_or(0, |line| line.len() - line.trim_start().len());
    let cut = |line: &&str| line.get(own..).unwrap_or_default().to_owned() + "\n";
    inside.iter().map(cut).collect()
}

/// Every parameter with its default.
fn defaults(template: &str) -> BTreeMap<String, String> {
    let mut name = String::new();
    let mut found = BTreeMap::new();
    for line in below(template, "Parameters:").lines() {
        if let Some(value) = line.strip_prefix("  Default: ") {
            found.insert(name.clone(), value.trim_matches('"').to_owned());
        } else if !line.starts_with(' ') && line.ends_with(':') {
            name = line.trim_end_matches(':').to_owned();
        }
    }
    found
}

/// The values of every line `key: value`, whatever its place.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let start = format!("{key}: ");
    let value = |line: &'a str| line.trim_start().strip_prefix(&start);
    text.lines()
        .filter_map(value)
        .map(|value| value.trim_matches('"'))
        .collect()
}

/// The strings of a list in Rust, as in `const NAME: [&str; 2] = ["a", "b"];`.
#[track_caller]
fn strings<'a>(source: &'a str, name: &str) -> Vec<&'a str> {
    let after = source
        .split_once(&format!("const {name}:"))
        .expect("the list is there")
        .1;
    let list = after
        .split_once('=')
        .and_then(|(_, list)| list.split_once("];"));
    list.expect("a list in brackets")
        .0
        .split('"')
        .skip(1)
        .step_by(2)
        .collect()
}

#[test]
fn the_defaults_of_the_stack_are_those_of_an_empty_configuration() {
    let template = read("infra/template.yaml");
    let mut document = below(&template, "        NARVI_CONFIG: !Sub |");
    for (name, value) in defaults(&template) {
        document = document.replace(&format!("${{{name}}}"), &value);
    }
    assert!(document.contains("retention_period: 0s"), "{document}");
    let mut want = Config::default();
    want.compactor.retention_enabled = true;
    assert_eq!(Config::from_yaml(&document), Ok(want), "{document}");
}

#[test]
fn routes_are_those_of_local_mode() {
    let template = read("infra/template.yaml");
    let (template, tails) = template.split_once(TAILS).expect("tails come last");
    let route = read("infra/local/src/route.rs");
    let mut want = BTreeSet::from(["$default".to_owned()]);
    want.extend(
        strings(&route, "PUSHES")
            .iter()
            .map(|path| format!("POST {path}")),
    );
    for root in strings(&route, "RULES") {
        let paths = [root.to_owned(), format!("{root}/{{path+}}")];
        want.extend(paths.iter().map(|path| format!("ANY {path}")));
        if Access::of(&Method::POST, root) == Access::Write {
            want.extend(paths.iter().map(|path| format!("GET {path}")));
        }
    }
    for path in strings(&route, "DELETES") {
        want.insert(format!("ANY {path}"));
        assert_eq!(Access::of(&Method::GET, path), Access::Write, "one route");
    }
    let routes = values(template, "RouteKey");
    assert_eq!(
        routes
            .iter()
            .map(|key| (*key).to_owned())
            .collect::<BTreeSet<_>>(),
        want
    );
    let authorization = "!If [WithPassword, CUSTOM, !Ref Authorization]";
    assert_eq!(
        values(template, "AuthorizationType"),
        vec![authorization; routes.len()]
    );
    let routes = values(tails, "RouteKey");
    assert_eq!(routes, ["$connect", "$disconnect", "$default"]);
    assert_eq!(values(tails, "AuthorizationType"), [authorization]);
}

/// Every authorizer but the one for Firehose is kept by `Authorization`; its route has no other.
#[test]
fn firehose_is_asked_for_its_key() {
    let template = read("infra/template.yaml");
    let of = |head: &str| below(&template, head);
    let key = of("  FirehoseAuthorizer:");
    let sources = "[$request.header.X-Amz-Firehose-Access-Key]";
    assert_eq!(values(&key, "IdentitySource"), [sources]);
    assert_eq!(values(&key, "AuthorizerResultTtlInSeconds"), ["0"]);
    assert_eq!(values(&key, "Condition"), ["WithPassword"]);
    let route = of("  FirehoseRoute:");
    assert_eq!(
        values(&route, "RouteKey"),
        ["POST /awsfirehose/api/v1/push"]
    );
    let mut asked = values(&template, "AuthorizerId");
    asked.retain(|authorizer| authorizer.contains("FirehoseAuthorizer"));
    assert_eq!(asked, values(&route, "AuthorizerId"));
    assert_eq!(asked.len(), 1);
    let permission = of("  FirehoseGatePermission:");
    assert!(permission.contains("/authorizers/${FirehoseAuthorizer}"));
}

#[test]
fn one_address_shows_what_local_mode_shows() {
    let template = read("infra/template.yaml");
    let route = read("infra/local/src/route.rs");
    assert_eq!(values(&template, "- PathPattern"), strings(&route, "TAILS"));
    assert!(template.contains(&format!("'{}'", narvi_gateway::SOCKET_PATH)));
    assert_eq!(values(&template, "StageName"), ["$default", "live"]);
    assert!(template.contains("request.uri = '/live';"));
}

#[test]
fn without_tails_nothing_of_them_is_there() {
    let template = read("infra/template.yaml");
    let (_, tails) = template.split_once(TAILS).expect("tails come last");
    let (tails, _) = tails.split_once("\nOutputs:").expect("then outputs");
    let resources = values(tails, "Type").into_iter();
    let resources = resources.filter(|kind| kind.starts_with("AWS::")).count();
    let conditions = values(tails, "Condition");
    assert_eq!(conditions.len(), resources, "{conditions:?}");
    let known = ["WithLiveTail", "WithTailPassword", "WithCloudFront"];
    let is_known = |condition: &&str| known.contains(condition);
    assert!(conditions.iter().all(is_known), "{conditions:?}");
    assert!(resources > 5);
    for narrow in &known[1..] {
        let defined = values(&template, narrow);
        assert_eq!(defined.len(), 1, "{narrow}");
        assert!(defined[0].contains("!Condition WithLiveTail"), "{narrow}");
    }
    for parameter in ["LiveTail", "CloudFront"] {
        let default = defaults(&template).remove(parameter);
        assert_eq!(default.as_deref(), Some("false"), "{parameter}");
    }
}

const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// API Gateway keeps a decision for a route, so no route may have requests that read and others
/// that write. What `$default` has beside the reads are paths that do not exist.
#[test]
fn each_route_reads_or_writes() {
    let template = read("infra/template.yaml");
    assert!(template.contains("$request.header.X-Scope-OrgID, $context.routeKey]"));
    let (template, _) = template.split_once(TAILS).expect("tails come last");
    let routes = values(template, "RouteKey");
    for route in routes.iter().filter(|route| **route != "$default") {
        let (method, path) = route.split_once(' ').expect("a method and a path");
        let methods: &[Method] = match method {
            "ANY" if routes.contains(&format!("GET {path}").as_str()) => &METHODS[1..],
            "ANY" => &METHODS,
            "GET" => &METHODS[..1],
            _ => &[Method::POST],
        };
        let path = path.replace("{path+}", "a/b");
        let kinds: Vec<_> = methods.iter().map(|m| Access::of(m, &path)).collect();
        assert!(
            kinds.iter().all(|kind| *kind == kinds[0]),
            "{route}: {kinds:?}"
        );
    }
}

#[test]
fn every_function_is_built_from_its_crate() {
    let template = read("infra/template.yaml");
    let folders = values(&template, "CodeUri");
    assert_eq!(folders.len(), 8);
    for folder in folders {
        let name = folder.trim_start_matches("../functions/");
        let binary = format!("narvi-{name}");
        assert!(
            template.contains(&format!("{{Binary: {binary}}}")),
            "{binary} is not built"
        );
        let manifest = read(&format!("functions/{name}/Cargo.toml"));
        assert!(
            manifest.contains(&format!("name = \"{binary}\"")),
            "{folder} has no {binary}"
        );
        read(&format!("functions/{name}/src/main.rs"));
    }
}

#[test]
fn what_forwards_may_do_what_takes_pushes_may() {
    let template = read("infra/template.yaml");
    let rights = |function: &str| {
        let policy = below(&below(&template, &format!("  {function}:")), "  Policies:");
        let statements = policy.split("- !If").next().unwrap_or_default();
        statements.trim_end().to_owned()
    };
    assert!(rights("Ingest").contains("Action: s3:PutObject"));
    assert_eq!(rights("Forward"), rights("Ingest"));
    let options = read("functions/forward/src/options.rs");
    for variable in ["NARVI_FORWARD_TENANT", "NARVI_FORWARD_LABELS"] {
        assert!(options.contains(&format!("\"{variable}\"")), "{variable}");
        assert_eq!(values(&template, variable).len(), 1, "{variable}");
    }
}

#[test]
fn environments_set_parameters_that_exist() {
    let known = defaults(&read("infra/template.yaml"));
    let config = read("samconfig.toml");
    let set: Vec<&str> = config
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.split_once('='))
        .map(|(name, _)| name)
        .collect();
    assert!(set.len() > 5, "{set:?}");
    for name in set {
        assert!(
            known.contains_key(name),
            "samconfig.toml sets {name}, which is no parameter"
        );
    }
}

/// The names in an alarm's own lines after a key.
fn alarms(template: &str) -> Vec<String> {
    let heads = template.lines().filter(|line| {
        let name = line.trim_end_matches(':');
        name.len() + 1 == line.len() && line.starts_with("  ") && name.ends_with("Alarm")
    });
    heads.map(|head| below(template, head)).collect()
}

#[test]
fn every_function_has_an_alarm() {
    let template = read("infra/template.yaml");
    let alarms = alarms(&template);
    let mut functions = Vec::new();
    let mut last = "";
    for line in template.lines() {
        if line == "    Type: AWS::Serverless::Function" {
            functions.push(last.trim().trim_end_matches(':'));
        }
        last = line;
    }
    assert_eq!(functions.len(), values(&template, "CodeUri").len());
    for function in functions {
        let watched = format!("{{Name: FunctionName, Value: !Ref {function}}}");
        let watches = |alarm: &&String| alarm.contains(&watched);
        assert_eq!(alarms.iter().filter(watches).count(), 1, "{function}");
    }
    let kinds = values(&template, "Type").into_iter();
    let count = kinds
        .filter(|kind| *kind == "AWS::CloudWatch::Alarm")
        .count();
    assert_eq!(alarms.len(), count);
    let guide = read("docs/operations.md");
    for line in template.lines().filter(|line| line.ends_with("Alarm:")) {
        let name = line.trim().trim_end_matches(':');
        let is_told = name.starts_with("With") || guide.contains(&format!("`{name}`"));
        assert!(is_told, "docs/operations.md does not tell of {name}");
    }
}

/// The names of metrics in the sources of a function.
fn metrics_of(function: &str) -> BTreeSet<String> {
    let folder = format!("functions/{function}/src");
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(root.join(&folder)).expect("the sources are there") {
        let name = entry.expect("a name").file_name();
        let name = name.to_str().expect("UTF-8").to_owned();
        if !name.ends_with(".rs") {
            continue;
        }
        let source = read(&format!("{folder}/{name}"));
        for kind in ["count", "bytes", "millis"] {
            let start = format!("Metric::{kind}(\"");
            let pieces = source.split(&start).skip(1);
            found.extend(pieces.filter_map(|rest| Some(rest.split('"').next()?.to_owned())));
        }
    }
    found
}

#[test]
fn alarms_and_the_guide_name_metrics_that_there_are() {
    let template = read("infra/template.yaml");
    let mut checked = 0;
    for alarm in alarms(&template) {
        if !alarm.contains("Namespace: Narvi") {
            continue;
        }
        let function = alarm.split("{Name: Function, Value: ").nth(1);
        let function = function.and_then(|rest| rest.split('}').next());
        let metrics = metrics_of(function.expect("an alarm names its function"));
        for metric in values(&alarm, "MetricName") {
            assert!(metrics.contains(metric), "{function:?} has no {metric}");
            checked += 1;
        }
    }
    assert!(checked > 5, "{checked}");
    let guide = read("docs/operations.md");
    let (_, table) = guide
        .split_once("| metric of compact |")
        .expect("the table");
    let (table, _) = table.split_once("\n\n").expect("its end");
    let metrics = metrics_of("compact");
    for name in table.split('`').skip(1).step_by(2) {
        assert!(metrics.contains(name), "compact has no {name}");
    }
}
