//! [`path`]: where cargo has put the workspace's binaries.
//!
//! Tests of another package get no `CARGO_BIN_EXE_…`, so the folder is told from the test's own
//! place. Never calls cargo.

use std::path::PathBuf;

/// The binary of that name, next to the folder that the running test lies in.
///
/// # Panics
/// Where it is not built; the text says how to build it.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test knows where it is");
    let profile = test.ancestors().find(|folder| folder.ends_with("deps"));
    let folder = profile
        .and_then(|deps| deps.parent())
        .expect("cargo puts tests into target/<profile>/deps");
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = folder.join(file);
    assert!(
        path.exists(),
        "`{}` is not built; run `cargo test --workspace`, or first \
         `cargo build --workspace --bins`",
        path.display()
    );
    path
}
