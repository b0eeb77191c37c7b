//! Asking an issuer for its document and its keys, over HTTP with limits. Must not know what the
//! keys are good for, nor when to ask.

use std::error::Error;
use std::time::Duration;

use http::StatusCode;
use http::header::ACCEPT;
use reqwest::{Client, Url, redirect};
use serde::Deserialize;

use super::options::OidcOptions;
use super::published::PublishedKeys;

/// How long one request may take as a whole.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest document or set of keys that is read.
const BODY_BYTES_MAX: usize = 262_144;

/// Why the keys of an issuer cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OidcFault {
    /// A URL cannot be used. It is not shown: there may be a password in it.
    #[error("the URL cannot be used: {0}")]
    Url(&'static str),
    /// There is no client for HTTPS.
    #[error("there is no client for HTTPS: {0}")]
    Client(String),
    /// A request got no answer.
    #[error("{url} gave no answer: {reason}")]
    Request {
        /// What was asked.
        url: Url,
        /// What happened.
        reason: String,
    },
    /// The answer is not what was asked for.
    #[error("{url} gave an answer that cannot be used: {reason}")]
    Answer {
        /// What was asked.
        url: Url,
        /// What is wrong with the answer.
        reason: String,
    },
}

/// Speaks to one issuer.
#[derive(Debug)]
pub(super) struct IssuerClient {
    http: Client,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: Box<str>,
    jwks_uri: Box<str>,
}

impl IssuerClient {
    pub(super) fn new(options: &OidcOptions) -> Result<Self, OidcFault> {
        // Redirects would lead wherever the answer says, also to http.
        let builder = Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirect::Policy::none());
        // A proxy of the environment is for the world outside.
        let builder = if options.is_loopback() { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(|fault| OidcFault::Client(told(fault)))?;
        Ok(Self { http })
    }

    /// The keys as they are published now.
    pub(super) async fn keys(&self, options: &OidcOptions) -> Result<PublishedKeys, OidcFault> {
        let url = match options.jwks() {
            Some(url) => url.clone(),
            None => self.discover(options).await?,
        };
        let body = self.get(&url).await?;
        let keys = PublishedKeys::read(&body, options);
        keys.map_err(|reason| OidcFault::Answer { url, reason: reason.to_owned() })
    }

    /// Where the issuer's own document says that its keys are. A document that names another
    /// issuer may be anybody's (OpenID Connect Discovery, 4.3).
    async fn discover(&self, options: &OidcOptions) -> Result<Url, OidcFault> {
        let url = options.discovery();
        let fault = |reason: &str| OidcFault::Answer { url: url.clone(), reason: reason.into() };
        let body = self.get(url).await?;
        let found: Discovery = serde_json::from_slice(&body)
            .map_err(|_| fault("it is no document with issuer and jwks_uri"))?;
        if *found.issuer != *options.issuer() {
            return Err(fault("it is the document of another issuer"));
        }
        options.key_url(&found.jwks_uri).map_err(|reason| fault(&reason.to_string()))
    }

    async fn get(&self, url: &Url) -> Result<Vec<u8>, OidcFault> {
        let failed = |fault| OidcFault::Request { url: url.clone(), reason: told(fault) };
        let asked = self.http.get(url.clone()).header(ACCEPT, "application/json").send();
        let mut response = Box::pin(asked).await.map_err(failed)?;
        let fault = |reason: String| OidcFault::Answer { url: url.clone(), reason };
        if response.status() != StatusCode::OK {
            return Err(fault(format!("status {}", response.status().as_u16())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(fault(format!("it has over {BODY_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// All that the fault says, down to its cause.
fn told(fault: reqwest::Error) -> String {
    let fault = fault.without_url();
    let (mut text, mut source) = (fault.to_string(), fault.source());
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
