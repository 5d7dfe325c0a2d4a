//! Whose requests to delete are taken and heeded.

use std::sync::Arc;

use narvi_model::{DeletionMode, TenantId};

use super::Config;

impl Config {
    /// What becomes of a tenant's requests to delete: nothing while retention is off.
    #[must_use]
    pub fn deletion_mode(&self, tenant: &TenantId) -> DeletionMode {
        match self.compactor.retention_enabled {
            true => self.limits.of(tenant).deletion_mode,
            false => DeletionMode::Disabled,
        }
    }

    /// Whether a tenant's requests to delete hide lines, for whoever answers queries.
    #[must_use]
    pub fn heeds_deletes(self: &Arc<Self>) -> Arc<dyn Fn(&TenantId) -> bool + Send + Sync> {
        let config = Arc::clone(self);
        Arc::new(move |tenant| config.deletion_mode(tenant) != DeletionMode::Disabled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_keys_must_allow_it() {
        for (yaml, want) in [
            ("", DeletionMode::Disabled),
            (
                "compactor: {retention_enabled: true}",
                DeletionMode::FilterAndDelete,
            ),
            (
                "{compactor: {retention_enabled: true}, overrides: {a: {deletion_mode: disabled}}}",
                DeletionMode::Disabled,
            ),
            (
                "{compactor: {retention_enabled: true}, \
                  limits_config: {deletion_mode: filter-only}}",
                DeletionMode::FilterOnly,
            ),
            (
                "limits_config: {deletion_mode: filter-only}",
                DeletionMode::Disabled,
            ),
        ] {
            let config = Arc::new(Config::from_yaml(yaml).unwrap());
            let tenant = TenantId::parse("a").unwrap();
            assert_eq!(config.deletion_mode(&tenant), want, "{yaml}");
            let heeds = config.heeds_deletes();
            assert_eq!(heeds(&tenant), want != DeletionMode::Disabled, "{yaml}");
        }
        assert!(Config::from_yaml("limits_config: {deletion_mode: on}").is_err());
    }
}
