//! Where names lead: never to addresses that no request may go to.

use std::io;
use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::is_forbidden;

/// The operating system's resolver, without what it must not answer.
#[derive(Debug)]
pub(super) struct CheckedResolver;

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed = allowed(name.as_str(), found.collect())?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The name of a host leads to an address that no request may go to.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "the name {name} leads to {address}, a link-local or metadata address, which no request is sent to; correct its DNS record or the address"
)]
pub(super) struct Forbidden {
    name: String,
    address: IpAddr,
}

/// The addresses, unless one of them is forbidden: a record that has such a one is in bad hands.
fn allowed(
    name: &str,
    found: Vec<SocketAddr>,
) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
    if let Some(forbidden) = found.iter().find(|address| is_forbidden(address.ip())) {
        return Err(Box::new(Forbidden {
            name: name.to_owned(),
            address: forbidden.ip(),
        }));
    }
    if name.eq_ignore_ascii_case("localhost") && !found.iter().all(|address| address.ip().is_loopback()) {
        return Err(io::Error::other("localhost leads to another machine; correct the hosts file").into());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, addresses: &[&str]) -> Result<usize, String> {
        let found = addresses
            .iter()
            .map(|text| SocketAddr::new(text.parse().unwrap(), 0));
        allowed(name, found.collect())
            .map(|addresses| addresses.len())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn names_lead_to_no_forbidden_address() {
        assert_eq!(check("api.vendor.com", &["192.0.2.7", "2001:db8::7"]), Ok(2));
        assert_eq!(check("api.internal", &["10.0.0.7"]), Ok(1));
        assert_eq!(check("localhost", &["127.0.0.1", "::1"]), Ok(2));
        for hostile in [
            &["169.254.169.254"][..],
            &["192.0.2.7", "169.254.170.2"],
            &["fd00:ec2::254"],
            &["fe80::1"],
            &["::ffff:169.254.169.254"],
            &["0.0.0.0"],
            &["100.100.100.200"],
            &["168.63.129.16"],
            &["fd20:ce::254"],
            &["2002:a9fe:a9fe::"],
            &["64:ff9b:1::a9fe:a9fe"],
        ] {
            let error = check("api.vendor.com", hostile).unwrap_err();
            assert!(
                error.contains("api.vendor.com leads to") && error.contains(';'),
                "{error}"
            );
        }
        assert!(check("localhost", &["192.0.2.7"]).is_err());
    }
}
