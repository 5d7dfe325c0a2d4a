//! [`Partition`]: one tenant, one UTC day, one shard: the partition key of the catalog.
//!
//! Its text is `tenant/2026-01-31/0`. A tenant id holds no `/`, so two partitions never share a
//! text.

use std::fmt;
use std::str::FromStr;

use narvi_model::{Day, TenantId};

use crate::StorageError;

/// One tenant, one UTC day, one shard.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    /// Whose lines.
    pub tenant: TenantId,
    /// Of which day.
    pub day: Day,
    /// Which part of it; 0 where there is one.
    pub shard: u16,
}

impl Partition {
    /// The sort key of the partition's own row, which walks go through from a day on.
    pub(crate) fn by_day(&self) -> String {
        format!("{}/{}/{}", self.day, self.tenant, self.shard)
    }

    /// Reads what [`Partition::by_day`] wrote.
    pub(crate) fn from_by_day(text: &str) -> Result<Self, StorageError> {
        let mut parts = text.splitn(3, '/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(day), Some(tenant), Some(shard)) => format!("{tenant}/{day}/{shard}").parse(),
            _ => Err(unreadable(text)),
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.tenant, self.day, self.shard)
    }
}

impl FromStr for Partition {
    type Err = StorageError;

    fn from_str(text: &str) -> Result<Self, StorageError> {
        let mut parts = text.split('/');
        let read = (|| {
            let tenant = TenantId::parse(parts.next()?).ok()?;
            let day = Day::parse(parts.next()?)?;
            let shard = parts.next()?.parse().ok()?;
            Some(Self { tenant, day, shard })
        })();
        // Comparing with the text refuses `+1`, `01` and a tenant with a sub-tenant.
        read.filter(|read| read.to_string() == text)
            .ok_or_else(|| unreadable(text))
    }
}

fn unreadable(text: &str) -> StorageError {
    StorageError::corrupt(
        format!("partition key `{text}`"),
        "is not `tenant/day/shard`",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_and_back() {
        for text in [
            "a/2026-01-31/0",
            "a.b/1969-12-31/65535",
            "!-_.*'()/2026-02-28/7",
        ] {
            let partition: Partition = text.parse().unwrap();
            assert_eq!(partition.to_string(), text);
            assert_eq!(
                Partition::from_by_day(&partition.by_day()).unwrap(),
                partition
            );
        }
        for bad in [
            "",
            "a",
            "a/2026-01-31",
            "a/2026-01-31/",
            "a/2026-01-31/65536",
            "a/2026-01-31/+1",
            "a/2026-01-31/01",
            "a/2026-1-31/0",
            "a:b/2026-01-31/0",
            "/2026-01-31/0",
            "a/2026-01-31/0/0",
        ] {
            assert!(bad.parse::<Partition>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn keys_of_two_partitions_never_collide(
            a in "[a-c!_.*'()-]{1,4}", b in "[a-c!_.*'()-]{1,4}",
            days in (0..3, 0..3), shards in (0_u16..12, 0_u16..12),
        ) {
            let (Ok(a), Ok(b)) = (TenantId::parse(&a), TenantId::parse(&b)) else { return Ok(()) };
            let day = Day::from_number;
            let first = Partition { tenant: a, day: day(days.0), shard: shards.0 };
            let second = Partition { tenant: b, day: day(days.1), shard: shards.1 };
            prop_assert_eq!(first == second, first.to_string() == second.to_string());
            prop_assert_eq!(first == second, first.by_day() == second.by_day());
        }
    }
}
