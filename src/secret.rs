//! Secrets that are texts: passwords and addresses with passwords in them, wherever they are.

use anyhow::Context;
use platform::secrets::{SecretReader, SecretSource};

/// The text at the place that this one names.
///
/// # Errors
/// If it names none, or there is no text; what was found is never shown.
pub(crate) async fn text_at(place: &str) -> anyhow::Result<String> {
    text(&place.parse()?).await
}

/// The text at a place. A line break at its end belongs to the file, not to the secret.
///
/// # Errors
/// If there is none; what was found is never shown.
pub(crate) async fn text(source: &SecretSource) -> anyhow::Result<String> {
    let bytes = source.read(&SecretReader::of_process()).await?;
    let text = std::str::from_utf8(bytes.expose()).ok();
    let text = text.with_context(|| format!("what is at {source} is no text"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
