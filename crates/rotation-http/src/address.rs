//! Addresses that no request may go to, and those of this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

/// Whether no request may go to this host, listed or not.
pub(crate) fn is_never_allowed(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => METADATA_NAMES.contains(&name.trim_end_matches('.')),
        Host::Ipv4(_) | Host::Ipv6(_) => address(host).is_some_and(is_forbidden),
    }
}

/// The names of metadata services, as the parser of URLs writes them: in lower case.
const METADATA_NAMES: [&str; 4] = [
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
];

/// Those of Alibaba, Azure and Oracle; others are link-local.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// Google's.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254);

/// Whether no request may go to this address, whoever names it.
pub(crate) fn is_forbidden(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_forbidden_v4(v4),
        IpAddr::V6(v6) => is_forbidden_v6(v6),
    }
}

fn is_forbidden_v4(v4: Ipv4Addr) -> bool {
    is_service_v4(v4) || v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast()
}

fn is_service_v4(v4: Ipv4Addr) -> bool {
    v4.is_link_local() || METADATA_V4.contains(&v4)
}

fn is_forbidden_v6(v6: Ipv6Addr) -> bool {
    let [first, second, ..] = v6.segments();
    let metadata = (first, second) == (0xfd00, 0x0ec2) || v6 == METADATA_V6;
    metadata || leads_to_v4(v6) || v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast()
}

/// Whether a forbidden IPv4 address is within.
fn leads_to_v4(v6: Ipv6Addr) -> bool {
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match v6.segments() {
        // Compatible, translated by SIIT, and by the well-known prefix of NAT64.
        [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_forbidden_v4(v4(high, low)),
        // 6to4.
        [0x2002, high, low, ..] => is_forbidden_v4(v4(high, low)),
        // NAT64 with a prefix of the network's own: how long it is cannot be told (RFC 6052, section 2.2).
        // Only services are looked for, since a part of another address may look like a multicast one.
        [0x64, 0xff9b, 1, _, _, _, high, low] => {
            let [_, _, _, _, _, _, a, b, _, c, d, e, f, ..] = v6.octets();
            let within = [[a, b, c, d], [b, c, d, e], [c, d, e, f]].map(Ipv4Addr::from);
            within.into_iter().chain([v4(high, low)]).any(is_service_v4)
        }
        _ => false,
    }
}

/// Whether it is this machine.
pub(crate) fn is_loopback(host: &Host<&str>) -> bool {
    matches!(host, Host::Domain("localhost")) || address(host).is_some_and(|address| address.is_loopback())
}

/// The host as an address, an IPv4 address within an IPv6 one as itself.
fn address(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(v4) => Some(IpAddr::V4(*v4)),
        Host::Ipv6(v6) => Some(IpAddr::V6(*v6).to_canonical()),
    }
}
