//! Addresses: one text for each, so that equal addresses are equal text, and the network around it.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hashbrown::HashMap;

/// So many spellings are remembered, and none that is longer: a zone or blanks around it can make one as long as a record.
const REMEMBERED: usize = 8192;
const REMEMBERED_BYTES: usize = 64;

/// Addresses that have been read before: most sign-ins come from few, and to read one of IPv6 and to write it and its network
/// takes as long as a fifth of the record.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    /// The canonical text and the network of a spelling.
    known: HashMap<Box<str>, (Box<str>, Box<str>)>,
}

impl Addresses {
    /// The canonical text of an address and its network (/24 or /64), or `None` if it is not one.
    ///
    /// Logs write addresses with a port (`192.0.2.1:443`, `[2001:db8::1]:443`), with a zone
    /// (`fe80::1%eth0`) and as IPv4 inside IPv6 (`::ffff:192.0.2.1`); all of that is taken off.
    pub(crate) fn canonical<'t>(&mut self, text: Cow<'t, str>) -> Option<(Cow<'t, str>, String)> {
        // An IPv4 address has one spelling only, so what reads as one is canonical.
        if text.parse::<Ipv4Addr>().is_ok() {
            let network = network_of_v4(&text);
            return Some((text, network));
        }
        if let Some((address, network)) = self.known.get(&*text) {
            let network = network.to_string();
            return Some(match **address == *text {
                true => (text, network),
                false => (Cow::Owned(address.to_string()), network),
            });
        }
        let (address, network) = canonical(&text)?;
        if text.len() <= REMEMBERED_BYTES {
            if self.known.len() >= REMEMBERED {
                self.known.clear();
            }
            let known = (address.as_str().into(), network.as_str().into());
            self.known.insert(text.as_ref().into(), known);
        }
        Some((Cow::Owned(address), network))
    }
}

fn canonical(text: &str) -> Option<(String, String)> {
    let address = parse(text.trim())?.to_canonical();
    let canonical = address.to_string();
    let network = match address {
        IpAddr::V4(_) => network_of_v4(&canonical),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    };
    Some((canonical, network))
}

/// The /24 around an address in canonical text.
fn network_of_v4(address: &str) -> String {
    let (network, _) = address.rsplit_once('.').unwrap_or_default();
    [network, ".0/24"].concat()
}

fn parse(text: &str) -> Option<IpAddr> {
    if let Ok(v4) = text.parse::<Ipv4Addr>() {
        return Some(IpAddr::V4(v4));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (inside, port) = rest.split_once(']')?;
        return if port.is_empty() || is_port(port.strip_prefix(':')?) {
            v6(inside)
        } else {
            None
        };
    }
    match text.split_once(':') {
        Some((v4, port)) if is_port(port) => v4.parse().ok().map(IpAddr::V4).or_else(|| v6(text)),
        _ => v6(text),
    }
}

fn v6(text: &str) -> Option<IpAddr> {
    let without_zone = text.split_once('%').map_or(text, |(address, _)| address);
    without_zone.parse().ok().map(IpAddr::V6)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, &str)>) {
        let mut addresses = Addresses::default();
        let found = addresses.canonical(Cow::Borrowed(text));
        assert_eq!(found, addresses.canonical(Cow::Borrowed(text)), "{text}");
        let found = found
            .as_ref()
            .map(|(address, network)| (&**address, &**network));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn ports_zones_and_mapped_addresses_are_taken_off() {
        let v4 = Some(("203.0.113.9", "203.0.113.0/24"));
        check("203.0.113.9", v4);
        check(" 203.0.113.9 ", v4);
        check("203.0.113.9:16902", v4);
        check("::ffff:203.0.113.9", v4);
        check("[::ffff:203.0.113.9]:443", v4);
        let v6 = Some(("2001:db8::5", "2001:db8::/64"));
        check("2001:db8::5", v6);
        check("2001:0DB8:0:0:0:0:0:5", v6);
        check("[2001:db8::5]:54088", v6);
        check("[2001:db8::5]", v6);
        check("2001:db8::5%eth0", v6);
        check("::1", Some(("::1", "::/64")));
        check(
            "2001:db8:1:2:3:4:5:6",
            Some(("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")),
        );
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            " ",
            "hidden",
            "256.1.1.1",
            "1.2.3",
            "192.0.2.01",
            "192.0.2.1:99999",
            "[::1",
            "[::1]x",
            "{PII Removed}",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut addresses = Addresses::default();
        for at in 0..3 * REMEMBERED {
            let address = format!("2001:db8::{:x}:{:x}", at / 0xffff + 1, at % 0xffff + 1);
            let found = addresses.canonical(Cow::Borrowed(&address)).unwrap();
            assert_eq!(*found.0, *address);
        }
        assert!(addresses.known.len() <= REMEMBERED);
        addresses.known.clear();
        let zone = format!("fe80::1%{}", "e".repeat(1000));
        for text in [zone, format!("{}::1", " ".repeat(1000))] {
            assert!(addresses.canonical(Cow::Borrowed(&text)).is_some());
            assert!(addresses.known.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_plain_address_is_not_copied() {
        let mut addresses = Addresses::default();
        let mut canonical = |text| addresses.canonical(Cow::Borrowed(text));
        let (address, _) = canonical("192.0.2.1").unwrap();
        assert!(matches!(address, Cow::Borrowed(_)));
        let (once, network) = canonical("2001:db8::1").unwrap();
        let again = canonical("2001:db8::1").unwrap();
        assert_eq!((once, network), again);
        assert!(matches!(again.0, Cow::Borrowed(_)));
    }
}
