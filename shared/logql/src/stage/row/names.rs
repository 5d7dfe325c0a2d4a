//! [`Names`]: label names as small numbers, and the names that keys of a line become.
//!
//! Log lines repeat their keys, so what a key becomes (spec `logql.md` §5, sanitising) is worked
//! out once and looked up from then on.

use foldhash::HashMap;

use crate::limits::{MAX_KEY_BYTES, MAX_NAME_BYTES, MAX_NAMES};
use crate::stage::same::same;

/// A label name, by its place among the [`Names`] of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NameId(u32);

impl NameId {
    /// The error that a line carries.
    pub(crate) const ERROR: Self = Self(0);
    /// What the error says.
    pub(crate) const DETAILS: Self = Self(1);

    pub(crate) const fn place(self) -> usize {
        self.0 as usize
    }
}

/// Keys of a line that are expected where the line before had them, and the length of the longest
/// such key. Others are rare, and only looked up a little slower.
const EXPECTED: usize = 64;

/// What a name or key takes beside its text.
const ENTRY_BYTES: usize = 64;

/// Label names, each once.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    ids: HashMap<Box<str>, NameId>,
    texts: Vec<Box<str>>,
    /// What raw keys become; `None` for a key of which nothing is left.
    keys: HashMap<Box<[u8]>, Option<NameId>>,
    /// The keys of the last lines by their place, with what they became: the next line mostly has
    /// the same in the same order, and a comparison costs less than a hash.
    expected: Vec<(Vec<u8>, Option<NameId>)>,
    /// How many keys of the current line there were.
    place: usize,
    /// For each name the one that it steps aside to, once that was asked for.
    extracted: Vec<Option<NameId>>,
    /// Bytes of all names and raw keys, roughly.
    bytes: usize,
    /// Bytes that the expressions of templates take.
    pub(crate) expression_bytes: usize,
    sanitised: String,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Self {
            ids: HashMap::default(),
            texts: Vec::new(),
            keys: HashMap::default(),
            expected: Vec::new(),
            place: 0,
            extracted: Vec::new(),
            bytes: 0,
            expression_bytes: 0,
            sanitised: String::new(),
        };
        names.id("__error__");
        names.id("__error_details__");
        names
    }
}

impl Names {
    /// The number of a name, which is new where the name is.
    pub(crate) fn id(&mut self, name: &str) -> NameId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = NameId(self.texts.len() as u32);
        self.bytes += name.len() + ENTRY_BYTES;
        self.ids.insert(name.into(), id);
        self.texts.push(name.into());
        self.extracted.push(None);
        id
    }

    /// The number of a name, if it has one.
    pub(crate) fn find(&self, name: &str) -> Option<NameId> {
        self.ids.get(name).copied()
    }

    /// The name of a number.
    pub(crate) fn text(&self, id: NameId) -> &str {
        &self.texts[id.place()]
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are so many that a machine should begin anew.
    pub(crate) fn is_full(&self) -> bool {
        self.texts.len() + self.keys.len() > MAX_NAMES || self.bytes > MAX_NAME_BYTES / 2
    }

    /// Begins a line.
    pub(crate) fn start_line(&mut self) {
        self.place = 0;
    }

    /// The label that a key of a log line becomes; `None` where nothing is left of it, or where it
    /// is beyond the limits.
    pub(crate) fn of_key(&mut self, key: &[u8]) -> Option<NameId> {
        let place = self.place;
        self.place += 1;
        match self.expected.get(place) {
            Some((expected, id)) if same(expected, key) => return *id,
            _ => {}
        }
        let id = self.look_up(key);
        if key.len() <= EXPECTED {
            match self.expected.get_mut(place) {
                Some((expected, other)) => {
                    expected.clear();
                    expected.extend_from_slice(key);
                    *other = id;
                }
                None if place < EXPECTED => self.expected.push((key.to_vec(), id)),
                None => {}
            }
        }
        id
    }

    fn look_up(&mut self, key: &[u8]) -> Option<NameId> {
        if let Some(id) = self.keys.get(key) {
            return *id;
        }
        if key.len() > MAX_KEY_BYTES || self.bytes > MAX_NAME_BYTES {
            return None;
        }
        let mut name = std::mem::take(&mut self.sanitised);
        name.clear();
        sanitise(key, &mut name);
        let id = (!name.is_empty()).then(|| self.id(&name));
        self.sanitised = name;
        self.bytes += key.len() + ENTRY_BYTES;
        self.keys.insert(key.into(), id);
        id
    }

    /// The name that an extracted value takes where `id` is taken by the stream or its metadata.
    pub(crate) fn extracted(&mut self, id: NameId) -> NameId {
        if let Some(other) = self.extracted[id.place()] {
            return other;
        }
        let other = self.id(&format!("{}_extracted", self.text(id)));
        self.extracted[id.place()] = Some(other);
        other
    }
}

/// Appends what is left of `key` as a label name: spaces trimmed, `_` before a leading digit and
/// for each rune outside `[a-zA-Z0-9_]`.
pub(crate) fn sanitise(key: &[u8], name: &mut String) {
    let text = String::from_utf8_lossy(key);
    let text = text.trim();
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        name.push('_');
    }
    let keep = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.extend(text.chars().map(|c| if keep(c) { c } else { '_' }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_names() {
        let mut names = Names::default();
        for (key, want) in [
            ("a", Some("a")),
            (" a.b ", Some("a_b")),
            ("0a", Some("_0a")),
            ("é-x", Some("__x")),
            ("  ", None),
            ("", None),
        ] {
            for _ in 0..2 {
                let id = names.of_key(key.as_bytes());
                assert_eq!(id.map(|id| names.text(id)), want, "{key:?}");
            }
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut names = Names::default();
        assert_eq!(names.of_key(&[b'x'; MAX_KEY_BYTES + 1]), None);
        let before = names.of_key(b"before");
        for place in 0..MAX_NAME_BYTES / MAX_KEY_BYTES {
            names.of_key(format!("{place:0>MAX_KEY_BYTES$}").as_bytes());
        }
        assert!(names.is_full() && names.bytes < MAX_NAME_BYTES + 4 * MAX_KEY_BYTES);
        assert_eq!(names.of_key(b"behind"), None);
        assert_eq!(names.of_key(b"before"), before);
    }

    #[test]
    fn names_step_aside_and_errors_have_their_places() {
        let mut names = Names::default();
        assert_eq!(names.id("__error__"), NameId::ERROR);
        assert_eq!(names.id("__error_details__"), NameId::DETAILS);
        let id = names.id("app");
        let other = names.extracted(id);
        assert_eq!(names.text(other), "app_extracted");
        assert_eq!(names.extracted(id), other);
    }
}
