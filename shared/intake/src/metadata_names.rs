//! Metadata as it is stored: names that labels may have ([`label_name`]), no empty values, and no
//! U+FFFD in values, which stands for what was not text (spec `limits.md` §4).

use narvi_model::{LabelNameError, Labels, Metadata, is_label_name, label_name};

/// Normalises the names and values of entries; neighbours that have the same are done once.
#[derive(Debug, Default)]
pub(crate) struct Normaliser {
    last: Option<(Metadata, Metadata)>,
}

impl Normaliser {
    /// What is stored of `metadata`; `None` where it may stay as it is. Of two names that become
    /// one the later wins.
    ///
    /// # Errors
    /// The first name that cannot be normalised.
    pub(crate) fn normalise(
        &mut self,
        metadata: &Metadata,
    ) -> Result<Option<Metadata>, LabelNameError> {
        let is_normal = |(name, value): (&str, &str)| {
            is_label_name(name) && !value.is_empty() && !value.contains('\u{fffd}')
        };
        if metadata.iter().all(is_normal) {
            return Ok(None);
        }
        if let Some((_, done)) = self.last.as_ref().filter(|(before, _)| before == metadata) {
            return Ok(Some(done.clone()));
        }
        let mut pairs = Vec::with_capacity(metadata.len());
        for (name, value) in metadata.iter() {
            pairs.push((label_name(name)?, value.replace('\u{fffd}', " ")));
        }
        let done = Labels::of_stream(pairs.iter().map(|(name, value)| (&**name, &**value)));
        self.last = Some((metadata.clone(), done.clone()));
        Ok(Some(done))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_neighbours() {
        let mut normaliser = Normaliser::default();
        let plain = Labels::from_pairs([("a", "1")]);
        assert_eq!(normaliser.normalise(&plain), Ok(None));
        let odd = Labels::from_pairs([("a.b", "x\u{fffd}y"), ("a_b", "z"), ("c", "w")]);
        let want = Labels::from_pairs([("a_b", "z"), ("c", "w")]);
        for _ in 0..2 {
            assert_eq!(normaliser.normalise(&odd), Ok(Some(want.clone())));
        }
        let odd = Labels::from_pairs([("c", "x\u{fffd}y"), ("d", "")]);
        let want = Labels::from_pairs([("c", "x y")]);
        assert_eq!(normaliser.normalise(&odd), Ok(Some(want)));
    }
}
