//! [`Options`]: whose the lines are and which labels they get besides their own; checked when the
//! function starts, since a mistake would refuse every line later.

use narvi_aws_logs::OWN_LABELS;
use narvi_model::{Labels, TenantError, TenantId};

use crate::limits::{FIXED_LABELS, S3_RULES};

const TENANT: &str = "NARVI_FORWARD_TENANT";
const LABELS: &str = "NARVI_FORWARD_LABELS";
const S3: &str = "NARVI_FORWARD_S3";

/// What all lines have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Whose they are.
    pub tenant: TenantId,
    /// Labels of every stream.
    pub labels: Labels,
    /// Labels of the lines of objects.
    pub s3: Vec<S3Rule>,
}

/// Labels of what lies in a bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct S3Rule {
    bucket: String,
    /// What keys begin with.
    prefix: String,
    /// Labels of their lines.
    pub(crate) labels: Labels,
}

/// Why the function does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// No tenant's name.
    #[error("{TENANT}: {0}")]
    Tenant(#[from] TenantError),
    /// Not `name=value,…`.
    #[error("{variable}: `{pair}`: {reason}; write name=value, several separated by commas")]
    Label {
        /// Where it is written.
        variable: &'static str,
        /// The pair as written.
        pair: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Too many.
    #[error("{0}: {1} labels, at most {FIXED_LABELS} may be added")]
    TooMany(&'static str, usize),
    /// No rule for objects.
    #[error(
        "{S3}: `{0}`: write BUCKET/PREFIX name=value,name=value; several separated by \
         semicolons, at most {S3_RULES}"
    )]
    Rule(String),
}

impl Default for Options {
    /// The tenant of a Narvi without tenants, and no further labels.
    fn default() -> Self {
        Self {
            tenant: TenantId::without_auth(),
            labels: Labels::empty(),
            s3: Vec::new(),
        }
    }
}

impl Options {
    /// Reads `NARVI_FORWARD_TENANT` (`fake` if unset), `NARVI_FORWARD_LABELS` and
    /// `NARVI_FORWARD_S3` (none if unset). An empty variable is an unset one, as templates write
    /// it.
    ///
    /// # Errors
    /// See [`OptionsError`].
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, OptionsError> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let tenant = match set(TENANT) {
            Some(tenant) => TenantId::parse(&tenant)?,
            None => TenantId::without_auth(),
        };
        let labels = labels(LABELS, &set(LABELS).unwrap_or_default())?;
        let s3 = S3Rule::parse(&set(S3).unwrap_or_default())?;
        Ok(Self { tenant, labels, s3 })
    }
}

impl S3Rule {
    /// Reads `BUCKET/PREFIX name=value,…; …`.
    pub(crate) fn parse(text: &str) -> Result<Vec<Self>, OptionsError> {
        let written = text
            .split(';')
            .map(str::trim)
            .filter(|rule| !rule.is_empty());
        let mut rules = Vec::new();
        for rule in written {
            let wrong = || OptionsError::Rule(rule.to_owned());
            if rules.len() == S3_RULES {
                return Err(wrong());
            }
            let (place, pairs) = rule.split_once(' ').ok_or_else(wrong)?;
            let (bucket, prefix) = place.split_once('/').ok_or_else(wrong)?;
            if bucket.is_empty() {
                return Err(wrong());
            }
            rules.push(Self {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
                labels: labels(S3, pairs)?,
            });
        }
        Ok(rules)
    }

    /// The rule with the longest prefix that fits.
    pub(crate) fn of<'r>(rules: &'r [Self], bucket: &str, key: &str) -> Option<&'r Self> {
        let fits = |rule: &&Self| rule.bucket == bucket && key.starts_with(&rule.prefix);
        rules
            .iter()
            .filter(fits)
            .max_by_key(|rule| rule.prefix.len())
    }
}

fn labels(variable: &'static str, text: &str) -> Result<Labels, OptionsError> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
        let wrong = |reason| OptionsError::Label {
            variable,
            pair: pair.to_owned(),
            reason,
        };
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| wrong("there is no `=`"))?;
        let (name, value) = (name.trim(), value.trim());
        if !is_name(name) {
            return Err(wrong(
                "a name has letters, digits and `_`, and no digit first",
            ));
        }
        if value.is_empty() {
            return Err(wrong("there is no value"));
        }
        if OWN_LABELS.contains(&name) {
            return Err(wrong("this label says where a line comes from"));
        }
        if pairs.iter().any(|(other, _)| *other == name) {
            return Err(wrong("this name occurs twice"));
        }
        pairs.push((name, value));
    }
    if pairs.len() > FIXED_LABELS {
        return Err(OptionsError::TooMany(variable, pairs.len()));
    }
    Ok(Labels::of_stream(pairs))
}

fn is_name(name: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    !name.is_empty() && name.bytes().all(plain) && !name.as_bytes()[0].is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tenant: &str, labels: &str, want: Result<(&str, &str), &str>) {
        let options = Options::from_variables(|name| match name {
            TENANT => Some(tenant.to_owned()),
            LABELS => Some(labels.to_owned()),
            _ => None,
        });
        let got = options.map(|options| {
            let Options { tenant, labels, .. } = options;
            (tenant.as_str().to_owned(), labels.to_string())
        });
        let got = got.map_err(|error| error.to_string());
        let got = got.as_ref().map(|(tenant, labels)| (&**tenant, &**labels));
        assert_eq!(got.map_err(String::as_str), want);
    }

    #[test]
    fn tenants_and_labels() {
        assert_eq!(Options::from_variables(|_| None), Ok(Options::default()));
        check("", "", Ok(("fake", "{}")));
        check("team-a", " , ", Ok(("team-a", "{}")));
        check(
            "t",
            "env=prod, region = eu,url=a=b",
            Ok(("t", r#"{env="prod", region="eu", url="a=b"}"#)),
        );
    }

    #[test]
    fn mistakes_are_named() {
        let bad = "NARVI_FORWARD_TENANT: tenant ID 'a/b' contains unsupported character '/'";
        check("a/b", "", Err(bad));
        let hint = "; write name=value, several separated by commas";
        for (pair, reason) in [
            ("env", "there is no `=`"),
            ("env=", "there is no value"),
            (
                "a.b=c",
                "a name has letters, digits and `_`, and no digit first",
            ),
            (
                "1a=c",
                "a name has letters, digits and `_`, and no digit first",
            ),
            (
                "__aws_log_type=x",
                "this label says where a line comes from",
            ),
        ] {
            let want = format!("NARVI_FORWARD_LABELS: `{pair}`: {reason}{hint}");
            check("", &format!("ok=1,{pair}"), Err(&want));
        }
        let twice = format!("NARVI_FORWARD_LABELS: `a=2`: this name occurs twice{hint}");
        check("", "a=1,a=2", Err(&twice));
        let many: Vec<_> = (0..13).map(|n| format!("l{n}=v")).collect();
        let want = "NARVI_FORWARD_LABELS: 13 labels, at most 12 may be added";
        check("", &many.join(","), Err(want));
    }

    #[test]
    fn rules_for_objects() {
        let rules = S3Rule::parse("logs/alb/ app=shop ; trail/ app=trail,env=prod;").unwrap();
        let of = |bucket, key| S3Rule::of(&rules, bucket, key).map(|rule| rule.labels.to_string());
        assert_eq!(of("logs", "alb/x").as_deref(), Some(r#"{app="shop"}"#));
        assert_eq!(
            of("trail", "x").as_deref(),
            Some(r#"{app="trail", env="prod"}"#)
        );
        assert_eq!((of("logs", "x"), of("alb", "alb/x")), (None, None));
        for wrong in ["logs/alb/", "logs app=x", "/x app=x"] {
            let error = S3Rule::parse(wrong).unwrap_err().to_string();
            let want = format!("NARVI_FORWARD_S3: `{wrong}`: write BUCKET/PREFIX name=value");
            assert!(error.starts_with(&want), "{error}");
        }
        let error = S3Rule::parse("logs/ app").unwrap_err().to_string();
        assert!(
            error.starts_with("NARVI_FORWARD_S3: `app`: there is no `=`"),
            "{error}"
        );
    }
}
