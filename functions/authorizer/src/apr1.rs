//! `apr1`: Apache's variant of the MD5 crypt, which `htpasswd -m` and `openssl passwd -apr1` write.
//!
//! A thousand rounds of MD5 were slow in 1994; it is here because files with it are everywhere.
//! The scheme was made by Poul-Henning Kamp, and Apache changed its magic word only.

use md5::{Digest as _, Md5};

/// What the hash begins with in a file.
pub(crate) const MAGIC: &str = "$apr1$";

/// Characters of a hash, in the order of their value.
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// How bytes of the digest are put together, three to four characters.
const GROUPS: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];

const ROUNDS: usize = 1_000;

/// Characters of a hash.
pub(crate) const LENGTH: usize = 22;

/// The hash of a password, without magic word and salt.
pub(crate) fn apr1(password: &[u8], salt: &[u8]) -> [u8; LENGTH] {
    let mut digest = first(password, salt);
    for round in 0..ROUNDS {
        let mut md5 = Md5::new();
        let is_odd = round % 2 == 1;
        md5.update(if is_odd { password } else { &digest[..] });
        if round % 3 != 0 {
            md5.update(salt);
        }
        if round % 7 != 0 {
            md5.update(password);
        }
        md5.update(if is_odd { &digest[..] } else { password });
        digest = md5.finalize().into();
    }
    text(&digest)
}

fn first(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let inner: [u8; 16] = Md5::new()
        .chain_update(password)
        .chain_update(salt)
        .chain_update(password)
        .finalize()
        .into();
    let mut md5 = Md5::new();
    md5.update(password);
    md5.update(MAGIC);
    md5.update(salt);
    for part in password.chunks(inner.len()) {
        md5.update(&inner[..part.len()]);
    }
    // The bits of the length: a zero byte where one is set, else the first byte of the password.
    let mut length = password.len();
    while length > 0 {
        md5.update(if length % 2 == 1 {
            b"\0"
        } else {
            &password[..1]
        });
        length /= 2;
    }
    md5.finalize().into()
}

fn text(digest: &[u8; 16]) -> [u8; LENGTH] {
    let mut out = [0; LENGTH];
    for (group, to) in GROUPS.iter().zip(out.chunks_mut(4)) {
        let [high, middle, low] = group.map(|at| u32::from(digest[at]));
        write(high << 16 | middle << 8 | low, to);
    }
    write(u32::from(digest[11]), &mut out[LENGTH - 2..]);
    out
}

/// Six bits a character, the lowest first.
fn write(mut bits: u32, to: &mut [u8]) {
    for c in to {
        *c = ALPHABET[(bits % 64) as usize];
        bits /= 64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hashes are those of `openssl passwd -apr1 -salt SALT PASSWORD`.
    #[track_caller]
    fn check(password: &str, salt: &str, want: &str) {
        let hash = apr1(password.as_bytes(), salt.as_bytes());
        assert_eq!(std::str::from_utf8(&hash), Ok(want));
    }

    #[test]
    fn hashes_of_openssl() {
        check("secret", "abcdefgh", "h9FWgUz3n9YxylKLlR5SQ/");
        let long = "a much longer password than sixteen bytes";
        check(long, "xx", "OLS6Cjsc4KODX24SYvXb50");
        check("", "r31zzzzz", "QdEuJ3iIXOCCo6RSD3.1Q/");
    }
}
