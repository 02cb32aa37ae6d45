//! Where requests may go, whatever a secret says.

use rotation_core::BackendError;
use url::{Host, Url};

use crate::address::{is_loopback, is_never_allowed};
use crate::error::ProviderError;

/// The hosts that requests may be sent to.
///
/// The address of a provider may stand in a secret, and so may be changed by whoever can write the
/// secret. This list is what keeps the admin credential from going where such a change points. It
/// is checked on the final address of every request, before a connection is made and before the
/// admin secret is read. Requests go by https only.
///
/// Never allowed, listed or not, are link-local addresses and those of cloud metadata services:
/// 169.254.0.0/16, fe80::/10, fd00:ec2::/32 (AWS), fd20:ce::254 (Google), 168.63.129.16 (Azure),
/// 192.0.0.192 (Oracle), 100.100.100.200 (Alibaba), the same within an IPv6 address (mapped, compatible,
/// 6to4, NAT64), and the names of such services. A name that leads to one is refused when
/// [`ReqwestTransport`](crate::ReqwestTransport) resolves it; a proxy resolves names itself, and what it
/// finds is not seen. Where else a listed name leads is not looked at: list only names whose DNS records
/// are in good hands.
///
/// ```
/// use rotation_http::AllowedHosts;
///
/// let hosts = AllowedHosts::new(["api.vendor.com", "eu.vendor.com:8443"])?;
/// assert!(AllowedHosts::new(["https://api.vendor.com/v1"]).is_err());
/// # Ok::<(), rotation_http::ProviderError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AllowedHosts {
    entries: Vec<Entry>,
    plain_loopback: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Entry {
    host: Host,
    /// `None` for the scheme's own.
    port: Option<u16>,
}

impl AllowedHosts {
    /// Each entry is `host` or `host:port`; without a port, the scheme's own is meant (443 for
    /// https). A name stands for itself and not for the names below it.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] when the list is empty, when an entry is anything else (a URL, a
    /// wildcard), or is an address that is never allowed.
    pub fn new<E: AsRef<str>>(entries: impl IntoIterator<Item = E>) -> Result<Self, ProviderError> {
        let entries = entries
            .into_iter()
            .map(|entry| Entry::parse(entry.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        if entries.is_empty() {
            return Err(ProviderError::new(
                PART,
                "the list is empty; add the provider's host",
            ));
        }
        Ok(Self {
            entries,
            plain_loopback: false,
        })
    }

    /// Also allows plain http, to hosts on the list that are `localhost` or a loopback address: a
    /// provider that runs beside the function, or in a test.
    #[must_use]
    pub fn allow_plain_http_on_loopback(mut self) -> Self {
        self.plain_loopback = true;
        self
    }

    /// Whether a request may go to this address.
    pub(crate) fn check(&self, url: &Url) -> Result<(), BackendError> {
        let refuse = |what: String| Err(BackendError::misconfigured(what));
        let Some(host) = url.host() else {
            return refuse("the provider's address has no host; write it as https://HOST".to_owned());
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse(format!(
                "the provider's address holds a user name or password before the host {host}; take it out"
            ));
        }
        if is_never_allowed(&host) {
            return refuse(format!(
                "the host {host} is a link-local or metadata address, which no request is sent to; correct the address"
            ));
        }
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            scheme => {
                return refuse(format!(
                    "the scheme {scheme} of the provider's address is not https; correct it"
                ));
            }
        };
        if plain && !(self.plain_loopback && is_loopback(&host)) {
            return refuse(format!(
                "the address of the host {host} is plain http; use https (plain http is possible on loopback only, where it is allowed)"
            ));
        }
        let (own, default) = (url.port_or_known_default(), if plain { 80 } else { 443 });
        let listed =
            |entry: &Entry| same_host(&entry.host, &host) && own == Some(entry.port.unwrap_or(default));
        if !self.entries.iter().any(listed) {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            return refuse(format!(
                "the host {host}{port} is not on the list of allowed hosts; correct the address in the secret or the provider's description, or add the host to the list"
            ));
        }
        Ok(())
    }
}

const PART: &str = "allowed hosts";

impl Entry {
    fn parse(entry: &str) -> Result<Self, ProviderError> {
        if entry.contains('@') {
            // Not quoted: a password may stand before it.
            return Err(ProviderError::new(
                PART,
                "an entry holds @ and is not a host; write HOST or HOST:PORT, without a user name",
            ));
        }
        let wrong = |why: &str| ProviderError::new(PART, format!("{entry:?} {why}"));
        if entry.contains(['/', '\\', '?', '#', '*']) || entry.contains(char::is_whitespace) {
            return Err(wrong(
                "is not a host; write HOST or HOST:PORT, each host by its whole name",
            ));
        }
        // The scheme's own port is dropped by the parser, so two schemes are asked.
        let parse = |scheme| Url::parse(&format!("{scheme}://{entry}")).ok();
        let (Some(https), Some(http)) = (parse("https"), parse("http")) else {
            return Err(wrong("is not a host; write HOST or HOST:PORT"));
        };
        let host = https
            .host()
            .map(|host| host.to_owned())
            .ok_or_else(|| wrong("has no host"))?;
        if is_never_allowed(&https.host().unwrap_or(Host::Domain(""))) {
            return Err(wrong("is a link-local or metadata address; take it out"));
        }
        Ok(Self {
            host,
            port: https.port().or(http.port()),
        })
    }
}

fn same_host(entry: &Host, host: &Host<&str>) -> bool {
    match (entry, host) {
        (Host::Domain(entry), Host::Domain(host)) => entry == host,
        (Host::Ipv4(entry), Host::Ipv4(host)) => entry == host,
        (Host::Ipv6(entry), Host::Ipv6(host)) => entry == host,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entries: &[&str], url: &str) -> Result<(), String> {
        let hosts = AllowedHosts::new(entries).unwrap();
        hosts
            .check(&Url::parse(url).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn listed_hosts_pass() {
        for (entry, url) in [
            ("api.vendor.com", "https://api.vendor.com/keys"),
            ("api.vendor.com", "https://API.Vendor.com:443/keys"),
            ("API.vendor.com:443", "https://api.vendor.com/"),
            ("api.vendor.com:8443", "https://api.vendor.com:8443/"),
            ("[2001:db8::1]:8443", "https://[2001:db8:0::1]:8443/"),
            ("10.0.0.7", "https://10.0.0.7/"),
            ("bücher.example", "https://xn--bcher-kva.example/"),
            ("[2002:c000:207::1]", "https://[2002:c000:207::1]/"),
            ("[64:ff9b:1::192.0.2.7]", "https://[64:ff9b:1::192.0.2.7]/"),
            ("[64:ff9b:1:c000:2:700::]", "https://[64:ff9b:1:c000:2:700::]/"),
            // 10.1.2.230 in a prefix of 64 bits: its end looks like 230.0.0.0.
            (
                "[64:ff9b:1:0:a:102:e600:0]",
                "https://[64:ff9b:1:0:a:102:e600:0]/",
            ),
            ("metadata.vendor.com", "https://metadata.vendor.com/"),
        ] {
            assert_eq!(check(&[entry], url), Ok(()), "{entry} {url}");
        }
    }

    #[test]
    fn all_else_is_refused_and_the_host_is_named() {
        for (entry, url, named) in [
            ("api.vendor.com", "https://evil.example/", "evil.example"),
            (
                "api.vendor.com",
                "https://api.vendor.com.evil.example/",
                "api.vendor.com.evil.example",
            ),
            (
                "api.vendor.com",
                "https://sub.api.vendor.com/",
                "sub.api.vendor.com",
            ),
            ("api.vendor.com", "https://api.vendor.com./", "api.vendor.com."),
            (
                "api.vendor.com",
                "https://api.vendor.com:8443/",
                "api.vendor.com:8443",
            ),
            ("api.vendor.com:8443", "https://api.vendor.com/", "api.vendor.com"),
            (
                "api.vendor.com",
                "https://api.vendor.com@evil.example/",
                "user name",
            ),
            (
                "api.vendor.com",
                "https://user:SENTINEL@api.vendor.com/",
                "user name",
            ),
            ("api.vendor.com", "http://api.vendor.com/", "plain http"),
            ("api.vendor.com", "ftp://api.vendor.com/", "ftp"),
            ("api.vendor.com", "data:text/plain,x", "no host"),
            ("localhost", "http://localhost/", "plain http"),
            ("api.vendor.com", "https://169.254.169.254/latest/", "metadata"),
            ("api.vendor.com", "https://[fd00:ec2::254]/", "metadata"),
            (
                "api.vendor.com",
                "https://METADATA.goog./",
                "link-local or metadata",
            ),
        ] {
            let error = check(&[entry], url).unwrap_err();
            assert!(
                error.contains(named) && !error.contains("SENTINEL"),
                "{url}: {error}"
            );
            assert!(error.contains(';'), "no remedy: {error}");
        }
    }

    #[test]
    fn plain_http_needs_the_list_the_switch_and_loopback() {
        let hosts = AllowedHosts::new(["localhost:80", "127.0.0.1:8080", "[::1]", "10.0.0.7"]).unwrap();
        let hosts = hosts.allow_plain_http_on_loopback();
        for (url, passes) in [
            ("http://localhost/", true),
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]/", true),
            ("http://127.0.0.1:8081/", false),
            ("http://127.0.0.2:8080/", false),
            ("http://10.0.0.7/", false),
            ("https://10.0.0.7/", true),
        ] {
            assert_eq!(hosts.check(&Url::parse(url).unwrap()).is_ok(), passes, "{url}");
        }
    }

    #[test]
    fn metadata_and_link_local_addresses_cannot_be_listed_in_any_spelling() {
        for entry in [
            "169.254.169.254",
            "169.254.1.1:443",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[::a9fe:a9fe]",
            "[64:ff9b::a9fe:a9fe]",
            "[fe80::1]",
            "[febf::1]",
            "[fd00:ec2::254]",
            "[fd00:ec2::23]:443",
            "0.0.0.0",
            "[::]",
            "100.100.100.200",
            "168.63.129.16:80",
            "192.0.0.192",
            "[fd20:ce::254]",
            "[::ffff:100.100.100.200]",
            "[::168.63.129.16]",
            "[::ffff:0:192.0.0.192]",
            "[64:ff9b::100.100.100.200]",
            "[2002:a9fe:a9fe::1]",
            "[2002:c000:c0::]",
            "[64:ff9b:1::169.254.169.254]",
            "[64:ff9b:1:a9fe:a9:fe00::]",
            "[64:ff9b:1:7a9:fe:a9fe::]",
            "[64:ff9b:1:7:a9:fea9:fe00:0]",
            "metadata.google.internal",
            "Metadata.Google.Internal.",
            "metadata.goog:80",
            "metadata.goog.",
            "instance-data",
            "instance-data.",
            "instance-data.ec2.internal",
        ] {
            let error = AllowedHosts::new([entry]).unwrap_err();
            assert!(error.to_string().contains("link-local"), "{entry}: {error}");
        }
    }

    #[test]
    fn entries_that_are_no_hosts_are_refused() {
        for entry in [
            "",
            " ",
            "https://api.vendor.com",
            "api.vendor.com/v1",
            "user@api.vendor.com",
            "*.vendor.com",
            "host:99999",
            "a b",
            ":443",
        ] {
            assert!(AllowedHosts::new([entry]).is_err(), "{entry:?}");
        }
        assert!(AllowedHosts::new(Vec::<&str>::new()).is_err());
        for entry in [
            "user:SENTINEL@api.vendor.com",
            "https://u:SENTINEL@api.vendor.com/",
        ] {
            let error = AllowedHosts::new([entry]).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("SENTINEL"), "{error}");
        }
    }
}
