//! Accounts and sessions over HTTP.

use std::sync::Arc;

use http::StatusCode;
use schemas::http::{AccountRequest, SessionRequest};

use super::Answer;
use super::reply::{NO_STORE, json};
use crate::accounts;
use crate::call::Call;
use crate::composition::Service;
use crate::reading::{Query, check_account, check_credentials, read_json};

/// `POST /v1/accounts`
pub(super) async fn sign_up(service: &Service, call: Arc<Call>) -> Answer {
    Query::read(&call.uri, &[])?;
    let signup = check_account(read_json::<AccountRequest>(&call).await?)?;
    let account = accounts::sign_up(service, signup).await?;
    Ok(json(StatusCode::CREATED, &account, NO_STORE))
}

/// `POST /v1/sessions`
pub(super) async fn sign_in(service: &Service, call: Arc<Call>) -> Answer {
    Query::read(&call.uri, &[])?;
    let request: SessionRequest = read_json(&call).await?;
    check_credentials(&request)?;
    let session = accounts::sign_in(service, request).await?;
    Ok(json(StatusCode::OK, &session, NO_STORE))
}
