//! Accounts and sessions: people by e-mail and password, beside the log, which knows pseudonyms
//! only. Hashing is slow on purpose, so it is done off the async threads, and only so much at once.

use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use platform::secrets::Secret;
use read_model::{UserError, UserRow};
use schemas::CustomerId;
use schemas::http::{Account, ProblemCode, Session, SessionRequest};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::auth::{Scope, Scopes, TokenRequest};
use crate::composition::Service;
use crate::problem::Refusal;
use crate::reading::Signup;

/// Most passwords that wait for their turn; each takes 20 ms or more of a core.
const WAITING_MAX: usize = 64;

/// A password in a request.
type Password = Secret<Box<str>>;

/// Hashes and verifies passwords, a bounded number at once.
pub(crate) struct Passwords {
    /// Whoever waits or works holds one.
    waiting: Arc<Semaphore>,
    /// Whoever works holds one.
    working: Arc<Semaphore>,
    /// What the password of an unknown address is compared with, to take the same time.
    decoy: OnceLock<Box<str>>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        // Half of the cores: a crowd that signs in must not keep the others from buying.
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            working: Arc::new(Semaphore::new(cores.div_ceil(2))),
            decoy: OnceLock::new(),
        }
    }

    /// The password's argon2id hash in PHC form.
    async fn hash(&self, password: Password) -> Result<Box<str>, Refusal> {
        self.run(move || hash(&password)).await
    }

    /// Whether the password is the one of `known`; without one the answer is no, after as long.
    async fn verify(&self, password: Password, known: Option<Box<str>>) -> Result<bool, Refusal> {
        let decoy = match self.decoy.get() {
            Some(decoy) => decoy.clone(),
            None => {
                let decoy = self.hash(Secret::new("nobody's password".into())).await?;
                self.decoy.get_or_init(|| decoy).clone()
            }
        };
        self.run(move || {
            let exists = known.is_some();
            let hash = known.unwrap_or(decoy);
            let hash = PasswordHash::new(&hash);
            let fits = hash.is_ok_and(|hash| {
                Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok()
            });
            fits && exists
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let Ok(waiting) = Arc::clone(&self.waiting).try_acquire_owned() else {
            let detail = "too many people sign in";
            return Err(Refusal::new(ProblemCode::Overloaded, detail));
        };
        let working = Arc::clone(&self.working).acquire_owned().await;
        let working = working.expect("the semaphore is never closed");
        // The permits go with the work: it goes on if the caller goes away.
        let held = Held { waiting, working };
        let task = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(held);
            done
        });
        Ok(task.await.expect("hashing does not panic"))
    }
}

/// What a piece of work holds while it runs.
#[expect(dead_code, reason = "held for what dropping them does")]
struct Held {
    waiting: OwnedSemaphorePermit,
    working: OwnedSemaphorePermit,
}

fn hash(password: &Password) -> Box<str> {
    let hash = Argon2::default().hash_password(password.expose().as_bytes());
    hash.expect("a password of at most 128 characters can be hashed").to_string().into()
}

/// Creates an account.
pub(crate) async fn sign_up(service: &Service, signup: Signup) -> Result<Account, Refusal> {
    let Signup { email, name, password } = signup;
    let password_hash = service.passwords.hash(password).await?;
    let customer = CustomerId(Uuid::new_v4());
    let created_at = service.now();
    let row = UserRow { customer, email, name, password_hash, created_at };
    match service.store.create_user(&row).await {
        Ok(()) => Ok(Account { customer_id: customer, email: row.email, name: row.name }),
        Err(UserError::EmailTaken) => {
            let detail = "the address has an account";
            Err(Refusal::field(ProblemCode::EmailTaken, "/email", detail))
        }
        Err(UserError::Store(fault)) => Err(unavailable(&fault)),
    }
}

/// Opens a session. An unknown address and a wrong password are told alike, after the same time.
pub(crate) async fn sign_in(
    service: &Service,
    request: SessionRequest,
) -> Result<Session, Refusal> {
    let email = request.email.to_lowercase();
    let user = service.store.user_by_email(&email).await.map_err(|fault| unavailable(&fault))?;
    let known = user.as_ref().map(|user| user.password_hash.clone());
    let fits = service.passwords.verify(Secret::new(request.password), known).await?;
    match user.filter(|_| fits) {
        Some(user) => Ok(open_session(service, user.customer)),
        None => {
            let detail = "there is no account with this address and password";
            Err(Refusal::new(ProblemCode::CredentialsInvalid, detail))
        }
    }
}

/// A session of a customer who is known to be who they are.
pub(crate) fn open_session(service: &Service, customer: CustomerId) -> Session {
    let ttl = service.config.session_ttl;
    let access_token = service.issuer.issue(&TokenRequest {
        subject: customer.0,
        scopes: Scopes::of(&[Scope::Shop]),
        now_seconds: service.now_seconds(),
        ttl,
    });
    Session { access_token, token_type: "Bearer".into(), expires_in: ttl.as_secs() }
}

fn unavailable(error: &read_model::StoreError) -> Refusal {
    tracing::warn!(%error, "accounts cannot be reached");
    Refusal::new(ProblemCode::HistoryUnavailable, "accounts cannot be reached now")
}
