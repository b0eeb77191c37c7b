//! Where a request ends and whom it is for, as far as hyper lets through what two readers could
//! read in two ways. A proxy in front of us that sees another end would take the rest of a body
//! for somebody's next request, so such a request is refused and its connection closed.
//!
//! hyper itself refuses lengths that are no number or that differ, chunked with HTTP/1.0, and
//! whatever does not end with `chunked`; it reads a length beside `chunked` as none, and closes.

use http::request::Parts;
use http::{HeaderMap, Version, header};

/// What is wrong with the framing of a request, if anything is.
pub(super) fn fault(head: &Parts) -> Option<&'static str> {
    if !is_plain(&head.headers) {
        return Some("Transfer-Encoding is not chunked and nothing else");
    }
    // RFC 9112, 3.2; older clients need not name a host.
    let hosts = head.headers.get_all(header::HOST).iter().take(2).count();
    if hosts > 1 || hosts == 0 && head.version == Version::HTTP_11 {
        return Some("there is not one Host");
    }
    None
}

/// Whether the body is framed by nothing, by a length, or by chunks alone.
fn is_plain(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else { return true };
    coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none()
}

#[cfg(test)]
mod tests {
    use http::{Request, Version};

    use super::fault;

    #[track_caller]
    fn check(version: Version, headers: &[(&str, &str)], fine: bool) {
        let mut request = Request::builder().version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(fault(&head).is_none(), fine, "{headers:?}");
    }

    #[test]
    fn a_request_names_one_host_and_one_framing() {
        let (new, old, host) = (Version::HTTP_11, Version::HTTP_10, ("host", "x"));
        check(new, &[host], true);
        check(new, &[("host", "")], true);
        check(new, &[], false);
        check(old, &[], true);
        check(old, &[host, host], false);
        check(new, &[host, ("transfer-encoding", "chunked")], true);
        check(new, &[host, ("transfer-encoding", "Chunked")], true);
        for coding in ["", "gzip, chunked", "chunked, chunked", "chunked;q=1", ",chunked"] {
            check(new, &[host, ("transfer-encoding", coding)], false);
        }
        let chunked = ("transfer-encoding", "chunked");
        check(new, &[host, chunked, chunked], false);
    }
}
