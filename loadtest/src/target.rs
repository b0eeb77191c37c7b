//! Which service is meant: `http://HOST:PORT`. A load tool must not be pointed at strangers by
//! accident, so anything but this machine has to be allowed in so many words.

use std::net::SocketAddr;
use std::str::FromStr;

use http::uri::{Authority, Uri};

/// The address of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    authority: Authority,
}

/// Why a service cannot be meant.
#[derive(Debug, thiserror::Error)]
pub enum TargetFault {
    /// Not an address of the form that is understood.
    #[error("`{0}` is not an address such as http://127.0.0.1:8080 (http, no path)")]
    Form(String),
    /// The name has no address.
    #[error("cannot find the address of `{authority}`")]
    Unresolved {
        /// Host and port.
        authority: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// One gateway under two names.
    #[error("`{authority}` is where another gateway is: {address}")]
    Twice {
        /// Host and port.
        authority: String,
        /// Where both lead to.
        address: SocketAddr,
    },
    /// Another machine, and that was not allowed.
    #[error("`{authority}` is not this machine; a crowd is sent elsewhere only on --allow-remote")]
    Remote {
        /// Host and port.
        authority: String,
    },
}

impl Target {
    /// Host and port, as the `Host` header has them.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// Where to connect to.
    ///
    /// # Errors
    /// If the host has no address, or any of its addresses is not of this machine and
    /// `allow_remote` is not set.
    pub async fn resolve(&self, allow_remote: bool) -> Result<SocketAddr, TargetFault> {
        let authority = || self.authority.to_string();
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        let port = self.authority.port_u16().unwrap_or(80);
        let unresolved = |source| TargetFault::Unresolved { authority: authority(), source };
        let found: Vec<SocketAddr> =
            tokio::net::lookup_host((host, port)).await.map_err(unresolved)?.collect();
        if !allow_remote && found.iter().any(|address| !address.ip().is_loopback()) {
            return Err(TargetFault::Remote { authority: authority() });
        }
        // Services listen on IPv4 by default, and `localhost` often names IPv6 first.
        let chosen = found.iter().find(|address| address.is_ipv4()).or(found.first()).copied();
        chosen.ok_or_else(|| unresolved(std::io::ErrorKind::NotFound.into()))
    }
}

/// Where all gateways of a service are.
///
/// # Errors
/// As of each, and if two are the same.
pub(crate) async fn resolve_all(
    targets: Vec<Target>,
    allow_remote: bool,
) -> Result<Vec<(Target, SocketAddr)>, TargetFault> {
    let mut found: Vec<(Target, SocketAddr)> = Vec::with_capacity(targets.len());
    for target in targets {
        let address = target.resolve(allow_remote).await?;
        if found.iter().any(|(_, known)| *known == address) {
            return Err(TargetFault::Twice { authority: target.authority.to_string(), address });
        }
        found.push((target, address));
    }
    Ok(found)
}

impl FromStr for Target {
    type Err = TargetFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = || TargetFault::Form(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| fault())?;
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        match (uri.scheme_str(), uri.authority()) {
            (Some("http"), Some(authority))
                if is_bare
                    && !authority.as_str().contains('@')
                    && authority.host().len() + 1 != authority.as_str().len() =>
            {
                Ok(Self { authority: authority.clone() })
            }
            _ => Err(fault()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, TargetFault, resolve_all};

    #[test]
    fn an_address_is_http_with_a_host_and_no_path() {
        for text in ["http://127.0.0.1:8080", "http://localhost/", "http://[::1]:80"] {
            text.parse::<Target>().unwrap();
        }
        for text in [
            "",
            "127.0.0.1:8080",
            "https://127.0.0.1",
            "http://",
            "http://a/b",
            "http://a/?q",
            "http://me@a/",
            "http://a:/",
            "ftp://a",
        ] {
            assert!(matches!(text.parse::<Target>(), Err(TargetFault::Form(_))), "{text:?}");
        }
    }

    #[tokio::test]
    async fn another_machine_has_to_be_allowed() {
        let local: Target = "http://127.0.0.1:81".parse().unwrap();
        assert_eq!(local.resolve(false).await.unwrap(), "127.0.0.1:81".parse().unwrap());
        let v6: Target = "http://[::1]".parse().unwrap();
        assert_eq!(v6.resolve(false).await.unwrap(), "[::1]:80".parse().unwrap());
        // 192.0.2.0/24 is kept for documents; an address needs no name service.
        let remote: Target = "http://192.0.2.1:81".parse().unwrap();
        let refused = remote.resolve(false).await.unwrap_err();
        assert!(matches!(refused, TargetFault::Remote { .. }), "{refused}");
        assert_eq!(remote.resolve(true).await.unwrap(), "192.0.2.1:81".parse().unwrap());
    }

    #[tokio::test]
    async fn two_gateways_are_two_addresses() {
        let all = |texts: [&str; 2]| {
            let targets = texts.map(|text| text.parse().unwrap()).into();
            resolve_all(targets, false)
        };
        let found = all(["http://127.0.0.1:81", "http://127.0.0.1:82"]).await.unwrap();
        assert_eq!(found[1].1, "127.0.0.1:82".parse().unwrap());
        let same = all(["http://127.0.0.1", "http://127.0.0.1:80"]).await.unwrap_err();
        assert!(matches!(same, TargetFault::Twice { .. }), "{same}");
        let remote = all(["http://127.0.0.1", "http://192.0.2.1"]).await.unwrap_err();
        assert!(matches!(remote, TargetFault::Remote { .. }), "{remote}");
    }
}
