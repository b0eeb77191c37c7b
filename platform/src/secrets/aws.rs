//! Secrets out of AWS Secrets Manager. Must not know what they are for.

use super::{Secret, SecretBytes, SecretError, SecretSource};
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use std::time::Duration;

/// How long one secret may take, retries included: the one before stays in force meanwhile.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);

/// The way to Secrets Manager.
#[derive(Debug)]
pub(super) struct AwsSecrets {
    client: Client,
}

impl AwsSecrets {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// As the environment of the process, its profile or its instance says.
    pub(super) async fn of_process() -> Self {
        let timeouts = TimeoutConfig::builder().operation_timeout(OPERATION_TIMEOUT).build();
        let loader: ConfigLoader = aws_config::defaults(BehaviorVersion::latest());
        let config = Box::pin(loader.timeout_config(timeouts).load()).await;
        Self::new(Client::new(&config))
    }

    /// The current version of the secret `id`.
    pub(super) async fn read(
        &self,
        place: &SecretSource,
        id: &str,
    ) -> Result<SecretBytes, SecretError> {
        let answer = Box::pin(self.client.get_secret_value().secret_id(id).send()).await;
        let answer = answer.map_err(|error| fault(place, &error))?;
        let text = answer.secret_string.map(String::into_bytes);
        let bytes = text.or_else(|| answer.secret_binary.map(|blob| blob.into_inner()));
        bytes.map(Secret::new).ok_or_else(|| SecretError::Missing(place.clone()))
    }
}

/// Says what went wrong by kind and by the service's own code and words. The error itself is not
/// printed: it may hold the whole answer, and with it the secret.
fn fault<R>(place: &SecretSource, error: &SdkError<GetSecretValueError, R>) -> SecretError {
    if let Some(service) = error.as_service_error() {
        if service.is_resource_not_found_exception() {
            return SecretError::Missing(place.clone());
        }
        let code = service.code().unwrap_or("without a code");
        let message = service.message().unwrap_or("without words");
        let reason = format!("AWS refused: {code}: {message}");
        return SecretError::Unreadable { place: place.clone(), reason };
    }
    let reason = match error {
        SdkError::ConstructionFailure(_) => "the request could not be made (region, endpoint?)",
        SdkError::TimeoutError(_) => "AWS did not answer in time",
        SdkError::DispatchFailure(failure) if failure.is_user() => {
            "the request could not be signed or sent (credentials, endpoint?)"
        }
        SdkError::DispatchFailure(_) => "AWS could not be reached, or there are no credentials",
        SdkError::ResponseError(_) | SdkError::ServiceError(_) => "AWS gave no whole answer",
        _ => "AWS could not be asked",
    };
    SecretError::Unreadable { place: place.clone(), reason: reason.to_owned() }
}
