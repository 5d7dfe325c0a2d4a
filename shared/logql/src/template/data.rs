//! [`Data`]: what a template is rendered from, one line with its labels; [`Source`] lists the
//! labels once if somebody looks at all of them.

use std::cell::OnceCell;

use bumpalo::Bump;

use super::value::Value;

/// A line as templates see it.
pub trait Data {
    /// The value of a label; `None` if there is none.
    fn label(&self, name: &str) -> Option<&str>;
    /// Visits all labels, sorted by name.
    fn labels(&self, visit: &mut dyn FnMut(&str, &str));
    /// The line itself.
    fn line(&self) -> &[u8];
    /// When the line was written, in nanoseconds.
    fn timestamp(&self) -> i64;
    /// The current time, in nanoseconds.
    fn now(&self) -> i64;
    /// Whether nobody waits for what is rendered any more.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// The line that is rendered.
pub(super) struct Source<'a> {
    pub(super) data: &'a dyn Data,
    arena: &'a Bump,
    listed: OnceCell<&'a [(&'a [u8], Value<'a>)]>,
}

impl<'a> Source<'a> {
    pub(super) fn new(data: &'a dyn Data, arena: &'a Bump) -> Self {
        Self {
            data,
            arena,
            listed: OnceCell::new(),
        }
    }

    /// A label as a text; empty if there is none.
    pub(super) fn label(&self, name: &[u8]) -> &'a [u8] {
        let name = std::str::from_utf8(name).unwrap_or_default();
        self.data.label(name).unwrap_or_default().as_bytes()
    }

    /// All labels.
    pub(super) fn all(&self) -> &'a [(&'a [u8], Value<'a>)] {
        self.listed.get_or_init(|| {
            let mut all = bumpalo::collections::Vec::new_in(self.arena);
            self.data.labels(&mut |name, value| {
                let (name, value) = (self.arena.alloc_str(name), self.arena.alloc_str(value));
                all.push((name.as_bytes(), Value::Text(value.as_bytes())));
            });
            all.into_bump_slice()
        })
    }
}
