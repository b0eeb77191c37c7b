//! Where a secret comes from, as one line of text says it. Owns the grammar; must not know how any
//! of the places is read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

const ENVIRONMENT: &str = "env:";
const FILE: &str = "file:";
const AWS_SECRETS_MANAGER: &str = "aws-sm:";

/// Longest text that is looked at: a path of Linux has at most as many bytes.
const TEXT_BYTES_MAX: usize = 4_096;

/// The place of a secret. It prints as its text, which is a name and no secret:
///
/// - `env:NAME`: a variable of the process;
/// - `file:PATH`, or a bare path that begins with `/`, `./` or `../`;
/// - `aws-sm:ID`: a secret of AWS Secrets Manager by name or ARN, `aws-sm:ID#FIELD`: the text of
///   one field of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The variable of this name.
    Environment(Box<str>),
    /// The file at this path.
    File(PathBuf),
    /// A secret of AWS Secrets Manager.
    AwsSecretsManager {
        /// Its name or ARN.
        id: Box<str>,
        /// The field of its JSON object; all of it if none is given.
        field: Option<Box<str>>,
    },
}

/// A text that names no source. Never shows the text: people paste the secret itself by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    /// It begins as no source does.
    #[error(
        "a secret is given by its source: env:NAME, file:PATH, aws-sm:ID, \
         or a path that begins with / or ./ (what was given is not shown)"
    )]
    Form,
    /// The name of a variable is empty or has odd characters.
    #[error("env: is to be followed by the name of a variable")]
    Variable,
    /// There is no path.
    #[error("file: is to be followed by a path")]
    Path,
    /// The name or ARN is empty or has characters that AWS does not allow.
    #[error("aws-sm: is to be followed by a secret's name or ARN, and #FIELD if need be")]
    AwsSecret,
}

impl SecretSource {
    /// The source that is a file.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self::File(path.as_ref().to_owned())
    }
}

impl FromStr for SecretSource {
    type Err = SourceFault;

    fn from_str(text: &str) -> Result<Self, SourceFault> {
        let one_line = !text.chars().any(char::is_control);
        if !one_line || text.len() > TEXT_BYTES_MAX {
            return Err(SourceFault::Form);
        }
        if let Some(name) = text.strip_prefix(ENVIRONMENT) {
            let fits = is_made_of(name, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
            return fits.then(|| Self::Environment(name.into())).ok_or(SourceFault::Variable);
        }
        if let Some(path) = text.strip_prefix(FILE) {
            let fits = !path.is_empty();
            return fits.then(|| Self::file(path)).ok_or(SourceFault::Path);
        }
        if let Some(secret) = text.strip_prefix(AWS_SECRETS_MANAGER) {
            return aws_secret(secret).ok_or(SourceFault::AwsSecret);
        }
        // A bare word could as well be the secret itself, and would be shown as a missing file.
        let is_path = ["/", "./", "../"].iter().any(|begin| text.starts_with(begin));
        if is_path { Ok(Self::file(text)) } else { Err(SourceFault::Form) }
    }
}

fn aws_secret(text: &str) -> Option<SecretSource> {
    let (id, field) = match text.split_once('#') {
        Some((id, field)) => (id, Some(field)),
        None => (text, None),
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-:".contains(&byte);
    let fits = is_made_of(id, allowed) && field.is_none_or(|field| !field.is_empty());
    fits.then(|| SecretSource::AwsSecretsManager { id: id.into(), field: field.map(Box::from) })
}

fn is_made_of(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(allowed)
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "{ENVIRONMENT}{name}"),
            Self::File(path) => write!(f, "{FILE}{}", path.display()),
            Self::AwsSecretsManager { id, field: None } => write!(f, "{AWS_SECRETS_MANAGER}{id}"),
            Self::AwsSecretsManager { id, field: Some(field) } => {
                write!(f, "{AWS_SECRETS_MANAGER}{id}#{field}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SecretSource, SourceFault};

    #[track_caller]
    fn check(text: &str, expect: SecretSource, shown: &str) {
        let source: SecretSource = text.parse().unwrap();
        assert_eq!(source, expect);
        assert_eq!(source.to_string(), shown);
        assert_eq!(shown.parse(), Ok(expect));
    }

    fn aws(id: &str, field: Option<&str>) -> SecretSource {
        SecretSource::AwsSecretsManager { id: id.into(), field: field.map(Box::from) }
    }

    #[test]
    fn every_form_is_read_and_printed() {
        check("env:DB_1", SecretSource::Environment("DB_1".into()), "env:DB_1");
        check("file:/a/b", SecretSource::file("/a/b"), "file:/a/b");
        check("file:key.json", SecretSource::file("key.json"), "file:key.json");
        check("/a/b", SecretSource::file("/a/b"), "file:/a/b");
        check("../b", SecretSource::file("../b"), "file:../b");
        check("aws-sm:shop/keys", aws("shop/keys", None), "aws-sm:shop/keys");
        let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/keys-AbCdEf";
        check(&format!("aws-sm:{arn}"), aws(arn, None), &format!("aws-sm:{arn}"));
        check("aws-sm:shop#pass word", aws("shop", Some("pass word")), "aws-sm:shop#pass word");
    }

    #[track_caller]
    fn check_fault(text: &str, expect: SourceFault) {
        let fault = text.parse::<SecretSource>().unwrap_err();
        assert_eq!(fault, expect, "{text}");
        assert!(!format!("{fault} {fault:?}").contains("hunter2"));
    }

    #[test]
    fn a_secret_in_place_of_a_source_is_refused_and_not_shown() {
        for text in
            ["", "hunter2", "hunter2/x", "{\"k\":\"hunter2\"}", "/a\nhunter2", "Env:hunter2"]
        {
            check_fault(text, SourceFault::Form);
        }
        check_fault(&format!("/{}", "hunter2".repeat(1_000)), SourceFault::Form);
        check_fault("env:", SourceFault::Variable);
        check_fault("env:hunter2!", SourceFault::Variable);
        check_fault("file:", SourceFault::Path);
        for text in ["aws-sm:", "aws-sm:#a", "aws-sm:a#", "aws-sm:hunter2 !"] {
            check_fault(text, SourceFault::AwsSecret);
        }
    }
}
