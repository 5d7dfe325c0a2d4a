//! [`same`]: whether two short texts are equal, without a call.
//!
//! Names and values of labels are a few bytes long, and a query compares some for each line. The
//! platform's comparison costs more than that takes, and very much more for an empty text that
//! points nowhere: a masked load from an address that does not exist is undone by microcode.

/// Whether the bytes are the same.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match (a.first_chunk::<8>(), a.last_chunk::<8>()) {
        (Some(first), Some(last)) if a.len() <= 16 => {
            b.first_chunk::<8>() == Some(first) && b.last_chunk::<8>() == Some(last)
        }
        (Some(_), _) => a == b,
        _ => a.iter().zip(b).all(|(a, b)| a == b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_every_difference() {
        for len in 0..40 {
            let text: Vec<u8> = (0..len).collect();
            assert!(same(&text, &text.clone()));
            assert!(!same(&text, &[&text[..], b"x"].concat()));
            for at in 0..text.len() {
                let mut other = text.clone();
                other[at] ^= 0x80;
                assert!(!same(&text, &other), "{len} {at}");
            }
        }
    }
}
