//! Rows of live tails.

use narvi_model::Timestamp;
use narvi_storage::{ErrorKind, TailRow};

use crate::support::{catalog, tenant};

fn row(connection: &str, expires: i64) -> TailRow {
    TailRow {
        connection: connection.to_owned(),
        query: format!("{{app=\"{connection}\"}}"),
        flags: String::new(),
        opened: Timestamp::from_seconds(expires - 7200),
        live: Timestamp::from_seconds(expires - 7200),
        is_legacy: false,
        expires: Timestamp::from_seconds(expires),
    }
}

#[tokio::test]
async fn tails_are_listed_until_they_end() {
    let (catalog, requests) = catalog(1).await;
    let (a, b) = (tenant("a"), tenant("b"));
    let before = requests.snapshot();
    let rows = [row("L0SM9cOFvHcCIhw=", 100), row("x", 200)];
    for row in &rows {
        catalog.put_tail(&a, row).await.unwrap();
    }
    catalog.put_tail(&b, &row("y", 300)).await.unwrap();
    let now = Timestamp::from_seconds;
    assert_eq!(catalog.tails(&a, now(99)).await.unwrap(), rows);
    assert_eq!(catalog.tails(&a, now(100)).await.unwrap(), rows[1..]);
    assert_eq!(catalog.tails(&tenant("c"), now(0)).await.unwrap(), []);

    assert_eq!(catalog.tenant_of_tail("x").await.unwrap(), Some(a.clone()));
    assert_eq!(catalog.tenant_of_tail("y").await.unwrap(), Some(b.clone()));
    assert_eq!(catalog.tenant_of_tail("z").await.unwrap(), None);

    catalog.delete_tail(&a, "x").await.unwrap();
    catalog.delete_tail(&a, "x").await.unwrap();
    assert_eq!(catalog.tails(&a, now(99)).await.unwrap(), rows[..1]);
    assert_eq!(catalog.tenant_of_tail("x").await.unwrap(), None);
    assert_eq!(catalog.tails(&b, now(99)).await.unwrap().len(), 1);

    let counts = ["BatchWriteItem", "Query", "GetItem"].map(|name| {
        let name = format!("dynamodb.{name}");
        requests.count_of(&name) - before.get(&name).copied().unwrap_or(0)
    });
    assert_eq!(counts, [5, 5, 4]);
}

#[tokio::test]
async fn what_fits_no_row_is_refused() {
    let (catalog, _) = catalog(1).await;
    let mut long = row("x", 1);
    long.query = "x".repeat(400 << 10);
    for (row, want) in [
        (row("", 1), ErrorKind::Invalid),
        (row(&"x".repeat(2000), 1), ErrorKind::TooMuch),
        (long, ErrorKind::TooMuch),
    ] {
        let error = catalog.put_tail(&tenant("a"), &row).await.unwrap_err();
        assert_eq!(error.kind(), want);
    }
}
