//! Addresses that a discovery document from elsewhere may not lead to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is this machine's, its link's or the platform's own (the metadata service among them), also in the forms
/// in which IPv6 holds an IPv4 address.
pub(super) fn is_inward(address: IpAddr) -> bool {
    match address {
        // The whole of 0.0.0.0/8 is this host (RFC 6890 section 2.2.2).
        IpAddr::V4(v4) => v4.is_loopback() || v4.octets().first() == Some(&0) || v4.is_link_local(),
        IpAddr::V6(v6) => match v6.segments() {
            // AWS's own services, within a VPC.
            [0xfd00, 0x0ec2, ..] => true,
            // Translation for local use (RFC 8215) and Teredo (RFC 4380), of whose addresses nothing is known.
            [0x0064, 0xff9b, 0x0001, ..] | [0x2001, 0, ..] => true,
            _ => {
                let inside = embedded(v6).is_some_and(|v4| is_inward(v4.into()));
                v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local() || inside
            }
        },
    }
}

/// The IPv4 address within an IPv6 one: mapped or compatible (RFC 4291 section 2.5.5), translated (RFC 2765 section 2.1), of
/// NAT64 (RFC 6052 section 2.1), 6to4 (RFC 3056 section 2) or ISATAP (RFC 5214 section 6.1).
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    match v6.octets() {
        [0x20, 0x02, a, b, c, d, ..]
        | [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]
        | [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
        | [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, a, b, c, d]
        | [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]
        | [_, _, _, _, _, _, _, _, 0 | 2, 0, 0x5e, 0xfe, a, b, c, d] => Some(Ipv4Addr::new(a, b, c, d)),
        _ => None,
    }
}
