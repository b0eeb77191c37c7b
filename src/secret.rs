//! Secrets that are texts: passwords and addresses with passwords in them, wherever they are.

use platform::secrets::{Secret, SecretReader, SecretSource};

/// The text at the place that this one names.
///
/// # Errors
/// If it names none, or there is no text; what was found is never shown.
pub(crate) async fn text_at(place: &str) -> anyhow::Result<Secret<String>> {
    text(&place.parse()?).await
}

/// The text at a place. A line break at its end belongs to the file, not to the secret.
///
/// # Errors
/// If there is none; what was found is never shown.
pub(crate) async fn text(source: &SecretSource) -> anyhow::Result<Secret<String>> {
    let bytes = source.read(&SecretReader::of_process()).await?;
    bytes.to_text().map_err(|fault| anyhow::anyhow!("{source}: {fault}"))
}
