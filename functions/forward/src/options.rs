//! [`Options`]: whose the lines are and which labels they get besides their own; checked when the
//! function starts, since a mistake would refuse every line later.

use narvi_model::{Labels, TenantError, TenantId};

use crate::limits::FIXED_LABELS;
use crate::streams::OWN_LABELS;

const TENANT: &str = "NARVI_FORWARD_TENANT";
const LABELS: &str = "NARVI_FORWARD_LABELS";

/// What all lines have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Whose they are.
    pub tenant: TenantId,
    /// Labels of every stream.
    pub labels: Labels,
}

/// Why the function does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// No tenant's name.
    #[error("{TENANT}: {0}")]
    Tenant(#[from] TenantError),
    /// Not `name=value,…`.
    #[error("{LABELS}: `{pair}`: {reason}; write name=value, several separated by commas")]
    Label {
        /// The pair as written.
        pair: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Too many.
    #[error("{LABELS}: {0} labels, at most {FIXED_LABELS} may be added")]
    TooMany(usize),
}

impl Default for Options {
    /// The tenant of a Narvi without tenants, and no further labels.
    fn default() -> Self {
        Self {
            tenant: TenantId::without_auth(),
            labels: Labels::empty(),
        }
    }
}

impl Options {
    /// Reads `NARVI_FORWARD_TENANT` (`fake` if unset) and `NARVI_FORWARD_LABELS` (none if unset).
    /// An empty variable is an unset one, as templates write it.
    ///
    /// # Errors
    /// See [`OptionsError`].
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, OptionsError> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let tenant = match set(TENANT) {
            Some(tenant) => TenantId::parse(&tenant)?,
            None => TenantId::without_auth(),
        };
        let labels = labels(&set(LABELS).unwrap_or_default())?;
        Ok(Self { tenant, labels })
    }
}

fn labels(text: &str) -> Result<Labels, OptionsError> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
        let wrong = |reason| OptionsError::Label {
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
        return Err(OptionsError::TooMany(pairs.len()));
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
            _ => Some(labels.to_owned()),
        });
        let got = options.map(|options| {
            let Options { tenant, labels } = options;
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
}
