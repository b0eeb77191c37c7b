//! Whether an answer is complete, and as much of it as contests look at. Pure. Must not know what
//! is asked.

use anyhow::{Context, Result, bail};

/// What answers look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// HTTP/1.1 with a `content-length`.
    Http,
    /// So many replies of Redis to one request, each a line.
    Redis { replies: u64 },
}

impl Wire {
    pub(super) fn answers_per_request(self) -> u64 {
        match self {
            Self::Http => 1,
            Self::Redis { replies } => replies,
        }
    }
}

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    /// Of HTTP; else 0.
    pub(crate) status: u16,
    /// Of HTTP, else empty: the lines before the body.
    pub(crate) head: &'a [u8],
    /// Or the whole reply.
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// Whether a text stands in the body.
    pub(crate) fn says(&self, text: &str) -> bool {
        position(self.body, text.as_bytes()).is_some()
    }

    /// The body as text, for messages and for JSON.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }
}

/// The answers in `bytes`; none if something is missing still.
pub(crate) fn complete(wire: Wire, bytes: &[u8]) -> Result<Option<Answers<'_>>> {
    match wire {
        Wire::Http => Ok(http(bytes)?.map(|answer| Answers { first: Some(answer), lines: &[] })),
        Wire::Redis { replies } => {
            let ends = bytes.iter().filter(|&&byte| byte == b'\n').count();
            let is_whole = u64::try_from(ends)? >= replies && bytes.ends_with(b"\r\n");
            Ok(is_whole.then_some(Answers { first: None, lines: bytes }))
        }
    }
}

/// One after the other.
pub(crate) struct Answers<'a> {
    first: Option<Answer<'a>>,
    lines: &'a [u8],
}

impl<'a> Iterator for Answers<'a> {
    type Item = Answer<'a>;

    fn next(&mut self) -> Option<Answer<'a>> {
        if let Some(answer) = self.first.take() {
            return Some(answer);
        }
        let end = position(self.lines, b"\r\n")?;
        let (body, rest) = self.lines.split_at(end);
        self.lines = &rest[2..];
        Some(Answer { status: 0, head: &[], body })
    }
}

fn http(bytes: &[u8]) -> Result<Option<Answer<'_>>> {
    let Some(end) = position(bytes, b"\r\n\r\n") else { return Ok(None) };
    let (head, body) = (&bytes[..end], &bytes[end + 4..]);
    let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    let status: u16 = status.context("no status line")?.parse().context("status")?;
    let wanted = content_length(head).with_context(|| {
        format!("an answer without content-length: {}", String::from_utf8_lossy(head))
    })?;
    if body.len() < wanted {
        return Ok(None);
    }
    if body.len() > wanted {
        bail!("more than one answer to one request");
    }
    Ok(Some(Answer { status, head, body }))
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"\r\ncontent-length: ";
    let digits = &head[position(head, NAME)? + NAME.len()..];
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let (first, rest) = wanted.split_first()?;
    let mut from = 0;
    loop {
        let at = from + bytes[from..].iter().position(|byte| byte == first)?;
        if bytes[at + 1..].starts_with(rest) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "HTTP/1.1 202 Accepted\r\nx: y\r\ncontent-length: 5";

    #[test]
    fn an_answer_is_complete_with_the_last_byte_of_its_body() {
        let whole = format!("{HEAD}\r\n\r\nhello");
        for end in 0..whole.len() {
            assert!(complete(Wire::Http, &whole.as_bytes()[..end]).unwrap().is_none(), "{end}");
        }
        let answers: Vec<_> = complete(Wire::Http, whole.as_bytes()).unwrap().unwrap().collect();
        assert_eq!(answers.len(), 1);
        assert_eq!((answers[0].status, answers[0].body), (202, &b"hello"[..]));
        assert_eq!(answers[0].head, HEAD.as_bytes());
        assert!(answers[0].says("llo") && !answers[0].says("no"));
    }

    #[test]
    fn an_answer_of_unknown_length_and_one_too_many_are_faults() {
        assert!(complete(Wire::Http, b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n").is_err());
        assert!(complete(Wire::Http, format!("{HEAD}\r\n\r\nhello!").as_bytes()).is_err());
    }

    #[test]
    fn replies_of_redis_are_lines() {
        let wire = Wire::Redis { replies: 3 };
        for part in ["", ":1\r\n:0\r\n", ":1\r\n:0\r\n-ERR"] {
            assert!(complete(wire, part.as_bytes()).unwrap().is_none(), "{part:?}");
        }
        let whole = complete(wire, b":1\r\n:0\r\n-ERR\r\n").unwrap().unwrap();
        let bodies: Vec<_> = whole.map(|answer| answer.text()).collect();
        assert_eq!(bodies, [":1", ":0", "-ERR"]);
    }
}
