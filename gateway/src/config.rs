//! What can be set about a gateway, typed. Reading flags and variables is the composer's.

use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;
use std::time::Duration;

/// How many requests somebody may send: `per_second` on average, `burst` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateConfig {
    /// Requests per second that come back.
    pub per_second: NonZeroU32,
    /// Requests at once.
    pub burst: NonZeroU32,
}

impl RateConfig {
    /// 20 per second, 40 at once: what one customer may send.
    pub const CUSTOMER: Self = Self::of(20, 40);
    /// 100 per second, 200 at once: what one address may send, behind trusted proxies.
    pub const ADDRESS: Self = Self::of(100, 200);

    const fn of(per_second: u32, burst: u32) -> Self {
        let per_second = NonZeroU32::new(per_second).expect("the rates above are not 0");
        Self { per_second, burst: NonZeroU32::new(burst).expect("the bursts above are not 0") }
    }
}

/// A range of addresses in CIDR notation; a bare address is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    network: IpAddr,
    prefix_bits: u8,
}

impl AddressRange {
    /// Whether the address lies in the range. An IPv4 address mapped into IPv6 is that address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let differing_bits = match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                32 - differing.leading_zeros()
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                128 - differing.leading_zeros()
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        differing_bits <= u32::from(self.width() - self.prefix_bits)
    }

    fn width(&self) -> u8 {
        if self.network.is_ipv4() { 32 } else { 128 }
    }
}

impl FromStr for AddressRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let network: IpAddr =
            address.parse().map_err(|_| format!("{text} is no address and no range of them"))?;
        let whole = Self { network, prefix_bits: 0 }.width();
        let prefix_bits = match prefix {
            Some(prefix) => prefix.parse().ok().filter(|bits| *bits <= whole),
            None => Some(whole),
        };
        match prefix_bits {
            Some(prefix_bits) => Ok(Self { network, prefix_bits }),
            None => Err(format!("{text} has no prefix of 0 to {whole} bits")),
        }
    }
}

const PURCHASES_WAITING_MIN: NonZeroU64 = NonZeroU64::new(128).expect("128 is not 0");

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Name of this gateway, in the commands that it appends.
    pub name: Box<str>,
    /// Most connections at once; more wait in the system's queue.
    pub connections_max: usize,
    /// How long a purchase may wait for the log while more come than it takes; the rest is turned
    /// away. Has to be longer than the log takes by itself, or that alone keeps purchases out.
    pub purchase_wait: Duration,
    /// So many purchases may wait for the log at once, however few go through, unless the
    /// processors are short: enough for one group of a log that waits for its disk, and for what
    /// comes first when nothing came before.
    pub purchases_waiting_min: NonZeroU64,
    /// How long connections get to end once the gateway stops.
    pub drain: Duration,
    /// What one customer may send.
    pub customer_rate: RateConfig,
    /// What one address may send; only counted if there are trusted proxies.
    pub address_rate: RateConfig,
    /// Whose `X-Forwarded-For` is believed. Empty: nobody's, and addresses are not counted, since
    /// behind an unknown proxy all customers have one address.
    pub trusted_proxies: Vec<AddressRange>,
    /// Origins whose pages may call, such as `https://shop.example`.
    pub cors_origins: Vec<Box<str>>,
    /// How long a session's token lasts.
    pub session_ttl: Duration,
    /// Whether the page gets a demo customer and a demo payer.
    pub demo: bool,
}

impl GatewayConfig {
    /// What is right for one process on one machine.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            connections_max: 15_000,
            purchase_wait: Duration::from_millis(30),
            purchases_waiting_min: PURCHASES_WAITING_MIN,
            drain: Duration::from_secs(5),
            customer_rate: RateConfig::CUSTOMER,
            address_rate: RateConfig::ADDRESS,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            session_ttl: Duration::from_secs(12 * 60 * 60),
            demo: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AddressRange;

    #[track_caller]
    fn check(range: &str, address: &str, contained: bool) {
        let range: AddressRange = range.parse().unwrap();
        assert_eq!(range.contains(address.parse().unwrap()), contained, "{range:?} {address}");
    }

    #[test]
    fn a_range_contains_what_shares_its_prefix() {
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.0.0.7", "10.0.0.7", true);
        check("10.0.0.7", "10.0.0.6", false);
        check("0.0.0.0/0", "255.1.2.3", true);
        check("10.0.0.0/8", "::ffff:10.1.1.1", true);
        check("fd00::/8", "fd12::1", true);
        check("fd00::/8", "fe80::1", false);
        check("::/0", "10.0.0.1", false);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "10.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/x", "a/8"] {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
    }
}
