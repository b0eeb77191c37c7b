//! Secrets of AWS Secrets Manager, against a server that answers as it does.

#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use platform::secrets::{
    KeyRing, SecretError, SecretOutcome, SecretReader, SecretSource, SecretWatch,
};
use test_servers::{Server, unique};

/// 32 bytes of one letter, as base64.
const A: &str = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=";
const B: &str = "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI=";

/// Everything is handed in: tests must not change the variables of their process.
fn client() -> Client {
    let credentials = Credentials::new("test", "test", None, None, "test");
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(credentials)
        .endpoint_url(Server::Aws.address())
        .build();
    Client::from_conf(config)
}

fn reader() -> SecretReader {
    SecretReader::new(|_| None).with_aws(client())
}

fn source(text: &str) -> SecretSource {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_secret_is_read_by_name_by_arn_and_by_field() {
    let (client, name) = (client(), unique("timedeal/database"));
    let content = r#"{"user":"shop","password":"hunter2"}"#;
    let made = client.create_secret().name(&name).secret_string(content).send().await.unwrap();
    let arn = made.arn.unwrap();
    let read = async |text: String| source(&text).read(&reader()).await;
    for id in [&name, &arn] {
        let secret = read(format!("aws-sm:{id}")).await.unwrap();
        assert_eq!(secret.expose(), content.as_bytes());
    }
    let secret = read(format!("aws-sm:{arn}#password")).await.unwrap();
    assert_eq!(secret.expose(), b"hunter2");
    let error = read(format!("aws-sm:{name}#pass")).await.unwrap_err();
    assert!(matches!(error, SecretError::Unusable { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let error = read(format!("aws-sm:{name}-absent")).await.unwrap_err();
    assert_eq!(error.to_string(), format!("there is no secret at aws-sm:{name}-absent"));
    client
        .delete_secret()
        .secret_id(&name)
        .force_delete_without_recovery(true)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_secret_of_bytes_is_read_as_they_are() {
    let (client, name) = (client(), unique("timedeal/bytes"));
    let blob = aws_sdk_secretsmanager::primitives::Blob::new(vec![0xfe; 32]);
    client.create_secret().name(&name).secret_binary(blob).send().await.unwrap();
    let secret = source(&format!("aws-sm:{name}")).read(&reader()).await.unwrap();
    assert_eq!(secret.expose(), &[0xfe; 32]);
    client
        .delete_secret()
        .secret_id(&name)
        .force_delete_without_recovery(true)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_rotation_is_followed_and_an_outage_leaves_the_keys_in_force() {
    let (client, name) = (client(), unique("timedeal/ticket"));
    let one = format!(r#"{{"number":1,"secret":"{A}"}}"#);
    let two = format!(r#"{{"number":2,"secret":"{B}"}}"#);
    let file = |keys: &[&str]| format!(r#"{{"version":1,"keys":[{}]}}"#, keys.join(","));
    client.create_secret().name(&name).secret_string(file(&[&one])).send().await.unwrap();
    let place = source(&format!("aws-sm:{name}"));
    let mut watch = SecretWatch::open("ticket", place, reader(), KeyRing::read).await.unwrap();
    let ring = watch.current();
    assert_eq!(watch.step().await, SecretOutcome::Unchanged);
    let put = async |content: String| {
        client.put_secret_value().secret_id(&name).secret_string(content).send().await.unwrap();
    };
    put(file(&[&one, &two])).await;
    assert_eq!(watch.step().await, SecretOutcome::Changed);
    assert_eq!(ring.load().issuing().0, 2);
    put(file(&[&two])).await;
    assert_eq!(watch.step().await, SecretOutcome::Refused);
    client
        .delete_secret()
        .secret_id(&name)
        .force_delete_without_recovery(true)
        .send()
        .await
        .unwrap();
    assert_eq!(watch.step().await, SecretOutcome::Unreadable);
    assert_eq!(ring.load().newest_first().count(), 2);
}

#[tokio::test]
async fn nobody_at_the_endpoint_is_a_fault_that_names_the_secret() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = client().config().to_builder().endpoint_url(format!("http://{nobody}"));
    let reader = SecretReader::new(|_| None).with_aws(Client::from_conf(config.build()));
    let error = source("aws-sm:shop").read(&reader).await.unwrap_err();
    assert!(error.to_string().starts_with("the secret at aws-sm:shop cannot be read: "), "{error}");
}
