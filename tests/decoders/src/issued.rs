//! What proves that this service, or the payment provider, has issued it. Nothing is taken that was
//! not: the key makes the same thing again.

use std::sync::LazyLock;
use std::time::Duration;

use gateway::auth::{
    LocalVerifier, Scopes, TokenIssuer, TokenKeys, TokenRequest, Verified, VerifyToken,
};
use gateway::ticket::Tickets;
use gateway::{probe, signature};
use platform::secrets::{KeyRing, Rotating, SecretBytes, SigningKeyMaterial, SigningKeys};
use schemas::{CustomerId, Position};
use uuid::Uuid;

const HOLDER: Uuid = Uuid::from_u128(0xa11ce);
const NOW_SECONDS: i64 = 1_700_000_000;
const SECRET: &[u8] = b"a secret that only the provider knows";
/// Bits of an order id that name its holder, and that whoever sees everybody's need not know.
const HOLDER_BITS: u128 = (1 << 28) - 1;

static TICKETS: LazyLock<Tickets> = LazyLock::new(|| {
    let key = |number: u16, byte: u8| (number, SecretBytes::new(vec![byte; 32]));
    Tickets::new(KeyRing::new([key(1, 1), key(2, 2)]).unwrap())
});

static KEYS: LazyLock<Rotating<TokenKeys>> = LazyLock::new(|| {
    let material = SigningKeyMaterial::Hs256(SecretBytes::new(vec![7; 32]));
    Rotating::new(TokenKeys::new(&SigningKeys::single(material)).unwrap())
});

static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let issuer = TokenIssuer::new(KEYS.clone());
    let token = |number: u128, scopes: &str| {
        issuer.issue(&TokenRequest {
            subject: Uuid::from_u128(number),
            scopes: Scopes::parse(scopes),
            now_seconds: NOW_SECONDS,
            ttl: Duration::from_secs(600),
        })
    };
    vec![token(1, "shop"), token(2, "admin support"), token(3, "")]
});

fn positions() -> Vec<Position> {
    let places = [(0, 0), (0, 1), (5, 812), (16_383, (1 << 44) - 1)];
    places.map(|(partition, offset)| Position { partition, offset }).into()
}

fn id(bytes: &[u8]) -> Option<Uuid> {
    Uuid::from_slice(bytes).ok().or_else(|| Uuid::try_parse_ascii(bytes).ok())
}

fn as_seeds(ids: Vec<Uuid>) -> Vec<Vec<u8>> {
    ids.into_iter().flat_map(|id| [id.as_bytes().to_vec(), id.to_string().into_bytes()]).collect()
}

pub(crate) fn order_seeds() -> Vec<Vec<u8>> {
    let id = |position| TICKETS.order_id(3, position, 2, CustomerId(HOLDER));
    as_seeds(positions().into_iter().map(id).collect())
}

pub(crate) fn order_id(bytes: &[u8]) -> bool {
    let Some(id) = id(bytes) else { return false };
    let holder = CustomerId(HOLDER);
    let made = |ticket: gateway::ticket::Ticket| {
        TICKETS.order_id(ticket.log_id, ticket.position, ticket.key, holder)
    };
    let anybodys = TICKETS.read_order(id, None);
    if let Some(ticket) = anybodys {
        assert_eq!(made(ticket).as_u128() & !HOLDER_BITS, id.as_u128() & !HOLDER_BITS);
    }
    let own = TICKETS.read_order(id, Some(holder));
    if let Some(ticket) = own {
        assert_eq!(made(ticket), id, "it was not issued");
        assert_eq!(anybodys, Some(ticket));
        assert_eq!(TICKETS.read_command(id, Some(HOLDER)), None);
    }
    own.is_some()
}

pub(crate) fn command_seeds() -> Vec<Vec<u8>> {
    let id = |position| TICKETS.command_id(3, position, 1, HOLDER);
    as_seeds(positions().into_iter().map(id).collect())
}

pub(crate) fn command_id(bytes: &[u8]) -> bool {
    let Some(id) = id(bytes) else { return false };
    let Some(ticket) = TICKETS.read_command(id, Some(HOLDER)) else { return false };
    let made = TICKETS.command_id(ticket.log_id, ticket.position, ticket.key, HOLDER);
    assert_eq!(made, id, "it was not issued");
    assert_eq!(TICKETS.read_order(id, None), None);
    true
}

pub(crate) fn token_seeds() -> Vec<Vec<u8>> {
    let foreign = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ0aW1lZGVhbCJ9.";
    TOKENS.iter().map(String::as_str).chain([foreign]).map(|it| it.as_bytes().to_vec()).collect()
}

pub(crate) fn token(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let verified: Result<Verified, _> = LocalVerifier::new(KEYS.clone()).verify(text, NOW_SECONDS);
    assert!(verified.is_err() || TOKENS.iter().any(|token| token == text), "it was not issued");
    verified.is_ok()
}

/// A set of keys, a line feed, and a token that one of them has signed.
const ISSUED: [&str; 3] = [
    include_str!("../corpus/issuer_keys/ed25519"),
    include_str!("../corpus/issuer_keys/p256"),
    include_str!("../corpus/issuer_keys/rsa"),
];

pub(crate) fn issuer_keys(bytes: &[u8]) -> bool {
    let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else { return false };
    let Ok(token) = std::str::from_utf8(&bytes[end + 1..]) else { return false };
    let judged = probe::issuer_keys(&bytes[..end], token, NOW_SECONDS);
    let issued = ISSUED.iter().any(|issued| issued.ends_with(&format!("\n{token}")));
    assert!(judged != Some(true) || issued, "it was not issued");
    judged == Some(true)
}

const NOTICE: &[u8] = br#"{"payment_id":"p1","amount":1990,"currency":"EUR"}"#;

/// A header, a line feed, and the body that it signs.
pub(crate) fn signature_seeds() -> Vec<Vec<u8>> {
    let times = [NOW_SECONDS, NOW_SECONDS - 300, NOW_SECONDS + 301, 0];
    let mut seeds = Vec::new();
    for at in times {
        let header = signature::sign(SECRET, at, NOTICE);
        let several = format!("{header},v1={},v2=x", "ab".repeat(32));
        for header in [header, several] {
            seeds.push([header.as_bytes(), b"\n", NOTICE].concat());
        }
    }
    seeds
}

pub(crate) fn signature(bytes: &[u8]) -> bool {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return false };
    let (header, body) = (&bytes[..end], &bytes[end + 1..]);
    let Ok(header) = std::str::from_utf8(header) else { return false };
    let verified = signature::verify(&[SECRET], header, body, NOW_SECONDS);
    if verified.is_ok() {
        assert_eq!(body, NOTICE, "it was not signed");
        let times = [NOW_SECONDS, NOW_SECONDS - 300].map(|at| format!("t={at}"));
        assert!(times.iter().any(|time| header.contains(time)), "another time was signed");
    }
    verified.is_ok()
}
