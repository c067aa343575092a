//! Which hosts lie inside: this machine, its network, and what a cloud keeps for its machines.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Whether a URL names a host that lies inside, by its address or as `localhost`.
pub(super) fn is_inside(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return true };
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    match host.parse::<IpAddr>() {
        Ok(address) => is_private(address),
        Err(_) => host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost"),
    }
}

/// Whether a URL names the place where clouds tell their machines of credentials.
pub(super) fn is_link_local(url: &Url) -> bool {
    url.host_str().and_then(|host| host.parse::<Ipv4Addr>().ok()).is_some_and(|address| address.is_link_local())
}

pub(super) fn is_same_host(one: &Url, other: &Url) -> bool {
    one.host_str() == other.host_str() && one.port_or_known_default() == other.port_or_known_default()
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_for_protocols = a == 192 && b == 0 && c == 0;
    let is_for_tests = a == 198 && (18..20).contains(&b);
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || a == 0
        || a >= 224
        || is_shared
        || is_for_protocols
        || is_for_tests
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // An IPv4 address inside an IPv6 one: mapped, or translated (64:ff9b::/96, 2002::/16).
    let inner = address.to_ipv4_mapped().or_else(|| {
        let [.., c, d] = address.segments();
        let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
        match (first, second) {
            (0x64, 0xff9b) => Some(v4(c, d)),
            (0x2002, high) => Some(v4(high, address.segments()[2])),
            _ => None,
        }
    });
    let is_unique_local = first & 0xfe00 == 0xfc00;
    let is_link_local = first & 0xffc0 == 0xfe80;
    let is_multicast = first & 0xff00 == 0xff00;
    let is_low = address.segments()[..6] == [0; 6];
    inner.map_or(is_low || is_unique_local || is_link_local || is_multicast, is_private_v4)
}

/// Names looked up for requests that were redirected: addresses inside are left out, so that what is connected to is what was checked.
#[derive(Debug)]
pub(super) struct OnlyOutside;

impl Resolve for OnlyOutside {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let outside: Vec<SocketAddr> = found.into_iter().filter(|found| !is_private(found.ip())).collect();
            if outside.is_empty() {
                return Err("the name is that of an address of this machine or its network".into());
            }
            Ok(Box::new(outside.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_outside_are_not_inside() {
        for url in ["http://8.8.8.8/", "https://example.org/", "http://[2606:4700::1]/", "http://localhost.org/"] {
            assert!(!is_inside(&Url::parse(url).unwrap()), "{url}");
        }
        for url in
            ["http://[64:ff9b::7f00:1]/", "http://[2002:a00:1::]/", "http://[::]/", "http://localhost./", "file:///x"]
        {
            assert!(is_inside(&Url::parse(url).unwrap()), "{url}");
        }
    }

    #[test]
    fn a_name_of_this_machine_has_no_address_outside() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(OnlyOutside.resolve("localhost".parse().unwrap())).err().unwrap();
        assert_eq!(error.to_string(), "the name is that of an address of this machine or its network");
    }
}
