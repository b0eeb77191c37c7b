//! Secrets in something that answers as AWS Secrets Manager does, written by bare requests, and the
//! environment in which a program finds them.

use std::process::Command;

use serde_json::{Value, json};
use test_servers::{Server, unique};

use crate::http::Ask;

const REGION: &str = "eu-west-1";

/// A secret that goes when the test ends.
pub(crate) struct Secret {
    name: String,
}

impl Secret {
    pub(crate) fn create(stem: &str, content: &str) -> Self {
        let name = unique(stem);
        call("CreateSecret", &json!({ "Name": name, "SecretString": content }));
        Self { name }
    }

    /// As a flag names it.
    pub(crate) fn place(&self) -> String {
        format!("aws-sm:{}", self.name)
    }

    pub(crate) fn replace(&self, content: &str) {
        call("PutSecretValue", &json!({ "SecretId": self.name, "SecretString": content }));
    }

    /// Nobody can read it until it is restored.
    pub(crate) fn delete(&self) {
        call("DeleteSecret", &json!({ "SecretId": self.name, "RecoveryWindowInDays": 7 }));
    }

    pub(crate) fn restore(&self) {
        call("RestoreSecret", &json!({ "SecretId": self.name }));
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        let gone = json!({ "SecretId": self.name, "ForceDeleteWithoutRecovery": true });
        call("DeleteSecret", &gone);
    }
}

/// Shows a program the way there. `secret_key` signs its requests.
pub(crate) fn show(command: &mut Command, secret_key: &str) {
    command.env("AWS_ENDPOINT_URL", Server::Aws.address());
    command.env("AWS_REGION", REGION);
    command.env("AWS_ACCESS_KEY_ID", "test");
    command.env("AWS_SECRET_ACCESS_KEY", secret_key);
}

#[track_caller]
fn call(operation: &str, body: &Value) -> Value {
    let server = Server::Aws.address();
    let address = server.trim_start_matches("http://").parse().unwrap();
    // Nobody there checks signatures, but whose they are says which service is meant.
    let signed = format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/secretsmanager/aws4_request, \
         SignedHeaders=host, Signature=0"
    );
    let ask = Ask::new("POST /")
        .header("X-Amz-Target", &format!("secretsmanager.{operation}"))
        .header("Content-Type", "application/x-amz-json-1.1")
        .header("Authorization", &signed);
    ask.body(body.to_string()).send(address).json(200)
}
