//! `ip("10.0.0.0/8")`: addresses anywhere in a line (spec `logql.md` §6).
//!
//! A candidate is the longest run of the characters of an address that starts like one; the whole
//! run must be an address, so `10.1.2.3.4` holds none.

use std::net::IpAddr;

/// An address, a network or a range, to be met by an address in a text.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::stage) struct IpSearch {
    first: IpAddr,
    last: IpAddr,
}

impl IpSearch {
    pub(in crate::stage) fn compile(pattern: &str) -> Result<Self, String> {
        let parsed = if let Some((first, last)) = pattern.split_once('-') {
            range(first.trim(), last.trim())
        } else if let Some((address, bits)) = pattern.split_once('/') {
            network(address, bits)
        } else {
            pattern.parse().ok().map(|address| Self {
                first: address,
                last: address,
            })
        };
        parsed.ok_or_else(|| format!("ip: invalid pattern: {pattern:?}"))
    }

    pub(in crate::stage) fn is_match(&self, line: &[u8]) -> bool {
        let mut at = 0;
        while at < line.len() {
            let run = candidate(&line[at..]);
            if run == 0 {
                at += 1;
                continue;
            }
            let text = std::str::from_utf8(&line[at..at + run]).unwrap_or_default();
            if text.parse().is_ok_and(|address| self.holds(address)) {
                return true;
            }
            at += run;
        }
        false
    }

    fn holds(&self, address: IpAddr) -> bool {
        // Addresses of different families are ordered by family, so neither holds the other.
        self.first.is_ipv4() == address.is_ipv4() && self.first <= address && address <= self.last
    }
}

fn range(first: &str, last: &str) -> Option<IpSearch> {
    let (first, last): (IpAddr, IpAddr) = (first.parse().ok()?, last.parse().ok()?);
    (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(IpSearch { first, last })
}

fn network(address: &str, bits: &str) -> Option<IpSearch> {
    let bits: u32 = bits.parse().ok()?;
    let (first, last) = match address.parse().ok()? {
        IpAddr::V4(address) => {
            let host = match bits {
                0..32 => u32::MAX >> bits,
                32 => 0,
                _ => return None,
            };
            let address = u32::from(address);
            (
                IpAddr::V4((address & !host).into()),
                IpAddr::V4((address | host).into()),
            )
        }
        IpAddr::V6(address) => {
            let host = match bits {
                0..128 => u128::MAX >> bits,
                128 => 0,
                _ => return None,
            };
            let address = u128::from(address);
            (
                IpAddr::V6((address & !host).into()),
                IpAddr::V6((address | host).into()),
            )
        }
    };
    Some(IpSearch { first, last })
}

/// Length of the run that starts like an address; 0 where none does.
fn candidate(rest: &[u8]) -> usize {
    let run = |allowed: fn(&u8) -> bool| rest.iter().take_while(|byte| allowed(byte)).count();
    if starts_v4(rest) {
        return run(|byte| byte.is_ascii_digit() || *byte == b'.');
    }
    if starts_v6(rest) {
        return run(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
    }
    0
}

/// A digit with a dot among the next three bytes, of at least four.
fn starts_v4(rest: &[u8]) -> bool {
    rest.len() >= 4 && rest[0].is_ascii_digit() && rest[1..4].contains(&b'.')
}

/// `::h`, or one to four hexadecimal digits and a colon, of at least five bytes.
fn starts_v6(rest: &[u8]) -> bool {
    if rest.len() < 5 {
        return false;
    }
    if rest.starts_with(b"::") {
        return rest[2].is_ascii_hexdigit();
    }
    let digits = rest
        .iter()
        .take(4)
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    digits > 0 && rest[digits] == b':'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_at_their_bounds() {
        for (pattern, yes, no) in [
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("10.0.0.1/32", "10.0.0.1", "10.0.0.2"),
            ("10.0.0.0/31", "10.0.0.1", "10.0.0.2"),
            ("::1/128", "::1", "::2"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
        ] {
            let search = IpSearch::compile(pattern).unwrap();
            assert!(search.holds(yes.parse().unwrap()), "{pattern}");
            assert!(!search.holds(no.parse().unwrap()), "{pattern}");
        }
        for bad in [
            "",
            "x",
            "10.0.0.1/33",
            "::/129",
            "10.0.0.2-10.0.0.1",
            "1.1.1.1-::1",
            "/8",
        ] {
            assert!(IpSearch::compile(bad).is_err(), "{bad}");
        }
    }
}
