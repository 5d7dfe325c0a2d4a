//! [`Reach`]: whose streams a selector reads, where a request is for several tenants (spec
//! `limits.md` §1).
//!
//! What is read then tells its tenant in the label [`TENANT_LABEL`]; a label of that name of a
//! stream's own is shown under another. Matchers on it choose tenants. One tenant alone is read as
//! ever, and nothing is added.

use narvi_logql::syntax::ast::{Selector, Span};
use narvi_logql::syntax::require_matcher;
use narvi_model::{Labels, Matcher, TenantId};

use crate::error::EngineError;

/// The label that tells the tenant.
pub const TENANT_LABEL: &str = "__tenant_id__";

/// Where a label of that name is shown that a stream has itself.
pub const OWN_TENANT_LABEL: &str = "original___tenant_id__";

/// The tenants that a selector chooses, and what is left of it.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Whose streams are read; none where the matchers choose nobody.
    pub tenants: Vec<TenantId>,
    /// What streams must meet.
    pub matchers: Vec<Matcher>,
    /// Whether what is read tells its tenant.
    tells: bool,
}

impl Reach {
    /// Takes the matchers on the tenant out of `matchers`, where there are several tenants.
    ///
    /// # Errors
    /// An expression that cannot be compiled again, which does not happen.
    pub fn new(tenants: &[TenantId], matchers: &[Matcher]) -> Result<Self, EngineError> {
        if tenants.len() == 1 {
            return Ok(Self {
                tenants: tenants.to_vec(),
                matchers: matchers.to_vec(),
                tells: false,
            });
        }
        let (choosing, rest): (Vec<&Matcher>, Vec<&Matcher>) =
            matchers.iter().partition(|m| m.name() == TENANT_LABEL);
        let is_chosen = |id: &&TenantId| choosing.iter().all(|m| m.is_match(id.as_str()));
        let renamed = rest.into_iter().map(|matcher| match matcher.name() {
            OWN_TENANT_LABEL => Matcher::new(TENANT_LABEL, matcher.op(), matcher.value())
                .map_err(|error| EngineError::Refused(error.to_string())),
            _ => Ok(matcher.clone()),
        });
        Ok(Self {
            tenants: tenants.iter().filter(is_chosen).cloned().collect(),
            matchers: renamed.collect::<Result<_, _>>()?,
            tells: true,
        })
    }

    /// As [`Reach::new`], for a selector that must go on to name streams.
    ///
    /// # Errors
    /// Where the tenant was all that the selector named; the text is Loki's.
    pub fn of_query(tenants: &[TenantId], matchers: &[Matcher]) -> Result<Self, EngineError> {
        let reach = Self::new(tenants, matchers)?;
        if reach.tells {
            let span = Span { start: 0, end: 0 };
            let matchers = reach.matchers.clone();
            require_matcher(&Selector { matchers, span }).map_err(|error| {
                let text = format!("log selector is invalid after matcher update: {error}");
                EngineError::Refused(text)
            })?;
        }
        Ok(reach)
    }

    /// The labels of a stream of `tenant` as an answer has them.
    #[must_use]
    pub fn shown(&self, labels: &Labels, tenant: &TenantId) -> Labels {
        if !self.tells {
            return labels.clone();
        }
        let name = |name| match name {
            TENANT_LABEL => OWN_TENANT_LABEL,
            other => other,
        };
        let own = labels.iter().map(|(own, value)| (name(own), value));
        Labels::from_pairs(own.chain([(TENANT_LABEL, tenant.as_str())]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenants(ids: &str) -> Vec<TenantId> {
        TenantId::all_from_header(ids).unwrap()
    }

    /// Chosen tenants and what is left of the selector.
    #[track_caller]
    fn check(ids: &str, selector: &str, want: Result<(&str, &str), &str>) {
        let matchers = narvi_logql::syntax::parse_selector(selector)
            .unwrap()
            .matchers;
        let got = Reach::of_query(&tenants(ids), &matchers).map_err(|error| error.to_string());
        let got = got.map(|reach| {
            let ids: Vec<_> = reach.tenants.iter().map(TenantId::as_str).collect();
            let left: Vec<_> = reach.matchers.iter().map(Matcher::to_string).collect();
            (ids.join("|"), left.join(","))
        });
        match (got, want) {
            (Ok((ids, left)), Ok(want)) => assert_eq!((&*ids, &*left), want, "{selector}"),
            (Err(error), Err(want)) => assert!(error.starts_with(want), "{error}"),
            (got, want) => panic!("{selector}: {got:?}, want {want:?}"),
        }
    }

    #[test]
    fn matchers_choose_tenants() {
        let app = r#"app="x""#;
        check("a|b", r#"{app="x"}"#, Ok(("a|b", app)));
        check("a|b", r#"{app="x", __tenant_id__="b"}"#, Ok(("b", app)));
        check(
            "a|b|c",
            r#"{__tenant_id__=~"a|c", app="x"}"#,
            Ok(("a|c", app)),
        );
        check("a|b", r#"{app="x", __tenant_id__="z"}"#, Ok(("", app)));
        check(
            "a|b",
            r#"{original___tenant_id__="o"}"#,
            Ok(("a|b", r#"__tenant_id__="o""#)),
        );
        check(
            "a|b",
            r#"{__tenant_id__="a"}"#,
            Err("log selector is invalid after matcher update: parse error : queries require at"),
        );
        // With one tenant the label is like any other.
        check(
            "a",
            r#"{__tenant_id__="z"}"#,
            Ok(("a", r#"__tenant_id__="z""#)),
        );
    }

    #[test]
    fn labels_tell_their_tenant() {
        let labels = Labels::from_pairs([("app", "x"), (TENANT_LABEL, "own")]);
        let of = |ids| Reach::new(&tenants(ids), &[]).unwrap();
        let shown = of("a|b").shown(&labels, &tenants("b")[0]);
        assert_eq!(
            shown.to_string(),
            r#"{__tenant_id__="b", app="x", original___tenant_id__="own"}"#
        );
        assert_eq!(of("a").shown(&labels, &tenants("a")[0]), labels);
    }
}
