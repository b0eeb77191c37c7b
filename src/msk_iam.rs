//! Tokens of Amazon MSK's IAM: signed in the background, well before the last one expires, and kept
//! where the threads of librdkafka read them without waiting. Must not know which clients ask.

use std::sync::Arc;
use std::time::Duration;

use event_log::kafka::{OauthToken, TokenSource};
use platform::clock::Clock;
use platform::jitter::{Backoff, SplitMix64};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{debug, warn};

/// A new token is signed when this much of the last one's life is over. A client asks again at 80 %
/// of what it was given: by then there has to be a newer one.
const RENEWED_AT_PERCENT: u32 = 60;
/// Shortest pause between two tokens, should they come with hardly any life in them.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// How long one signing may take: credentials may come from another machine.
const SIGNING_PATIENCE: Duration = Duration::from_secs(10);
/// Ceilings of the pause after a failed signing.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(15);

/// What is known of the token at present.
#[derive(Clone, Default)]
struct Present {
    token: Option<OauthToken>,
    /// Why the last signing failed, if it did.
    fault: Option<String>,
}

impl Present {
    fn token_at(&self, now_ms: i64) -> Result<OauthToken, String> {
        let state = match &self.token {
            Some(token) if token.expires_at_ms > now_ms => return Ok(token.clone()),
            Some(_) => "the last token has expired",
            None => "no token yet",
        };
        Err(self.fault.as_ref().map_or(state.to_owned(), |fault| format!("{state}: {fault}")))
    }
}

/// A token that is kept fresh for as long as this lives.
pub(crate) struct MskTokens {
    present: watch::Receiver<Present>,
    clock: Arc<dyn Clock>,
    refresher: JoinHandle<()>,
}

impl MskTokens {
    /// Starts signing. `sign` is asked for one token after another.
    pub(crate) fn start<Sign, Signing>(sign: Sign, clock: Arc<dyn Clock>, seed: u64) -> Self
    where
        Sign: Fn() -> Signing + Send + Sync + 'static,
        Signing: Future<Output = Result<OauthToken, String>> + Send + 'static,
    {
        let (publish, present) = watch::channel(Present::default());
        let backoff = Backoff::between(BACKOFF_FIRST, BACKOFF_MAX);
        let random = SplitMix64::new(seed);
        let refresher = Refresher { sign, clock: Arc::clone(&clock), publish, backoff, random };
        Self { present, clock, refresher: tokio::spawn(refresher.run()) }
    }

    /// Waits for the outcome of the first signing. A client that is set up before there is a token
    /// tries again only after ten seconds.
    ///
    /// # Errors
    /// Why the first signing failed.
    pub(crate) async fn first(&mut self) -> Result<(), String> {
        let is_known = |present: &Present| present.token.is_some() || present.fault.is_some();
        let present = self.present.wait_for(is_known).await;
        let present = present.map_err(|_| "nobody signs any more".to_owned())?.clone();
        present.token_at(self.clock.now_millis()).map(drop)
    }

    /// Reads the present token, without waiting.
    pub(crate) fn source(&self) -> TokenSource {
        let (present, clock) = (self.present.clone(), Arc::clone(&self.clock));
        Arc::new(move || present.borrow().token_at(clock.now_millis()))
    }
}

impl Drop for MskTokens {
    fn drop(&mut self) {
        self.refresher.abort();
    }
}

struct Refresher<Sign> {
    sign: Sign,
    clock: Arc<dyn Clock>,
    publish: watch::Sender<Present>,
    backoff: Backoff,
    random: SplitMix64,
}

impl<Sign, Signing> Refresher<Sign>
where
    Sign: Fn() -> Signing,
    Signing: Future<Output = Result<OauthToken, String>>,
{
    async fn run(mut self) {
        loop {
            let pause = self.step().await;
            self.clock.sleep(pause).await;
        }
    }

    /// Signs once. How long until it is time again.
    async fn step(&mut self) -> Duration {
        let signed = tokio::select! {
            signed = (self.sign)() => signed,
            () = self.clock.sleep(SIGNING_PATIENCE) => Err("signing takes too long".to_owned()),
        };
        match signed {
            Ok(token) => {
                let life_ms = token.expires_at_ms.saturating_sub(self.clock.now_millis());
                let life = Duration::from_millis(u64::try_from(life_ms).unwrap_or(0));
                debug!(life_ms, "signed a token for the brokers");
                self.backoff.reset();
                self.publish.send_replace(Present { token: Some(token), fault: None });
                (life / 100 * RENEWED_AT_PERCENT).max(PAUSE_MIN)
            }
            Err(fault) => {
                warn!(fault, "no new token for the brokers");
                self.publish.send_modify(|present| present.fault = Some(fault));
                self.backoff.next_delay(&mut || self.random.draw()).max(PAUSE_MIN)
            }
        }
    }
}

/// Signs with the credentials that this machine has: of its role, its environment or its files.
/// They are fetched once and kept by the AWS library until they expire, which the signer's own
/// default does not do.
///
/// # Errors
/// If this machine has no source of credentials.
#[cfg(feature = "cloud")]
pub(crate) async fn aws_signer(region: &str) -> Result<impl Fn() -> AwsSigning + use<>, String> {
    let region = aws_config::Region::new(region.to_owned());
    let defaults = aws_config::defaults(aws_config::BehaviorVersion::latest());
    aws_signer_with(defaults.region(region).load().await)
}

#[cfg(feature = "cloud")]
type AwsSigning = futures_util::future::BoxFuture<'static, Result<OauthToken, String>>;

#[cfg(feature = "cloud")]
fn aws_signer_with(config: aws_config::SdkConfig) -> Result<impl Fn() -> AwsSigning, String> {
    use aws_msk_iam_sasl_signer::generate_auth_token_from_credentials_provider as generate;

    let region = config.region().cloned().ok_or("no region")?;
    let credentials = config.credentials_provider().ok_or("no source of AWS credentials")?;
    Ok(move || -> AwsSigning {
        let signing = generate(region.clone(), credentials.clone());
        Box::pin(async {
            let (token, expires_at_ms) = signing.await.map_err(|error| error.to_string())?;
            // The broker reads who we are from the signature, and nothing from this name.
            Ok(OauthToken { token, principal: "timedeal".to_owned(), expires_at_ms })
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::ready;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use event_log::kafka::OauthToken;
    use platform::clock::{Clock, ManualClock};

    use super::{MskTokens, PAUSE_MIN, SIGNING_PATIENCE};

    const START_MS: i64 = 1_000_000;
    const LIFE: Duration = Duration::from_secs(900);

    /// Tokens named in order, each living for 900 s, with failures where `script` says so. After
    /// the script it fails for ever.
    fn start(clock: &ManualClock, script: &[bool]) -> MskTokens {
        let script = Mutex::new(script.iter().copied().enumerate().collect::<VecDeque<_>>());
        let signing_clock = clock.clone();
        let sign = move || {
            let next = script.lock().unwrap().pop_front();
            let number = next.and_then(|(number, works)| works.then_some(number));
            let life_ms = i64::try_from(LIFE.as_millis()).unwrap();
            let expires_at_ms = signing_clock.now_millis() + life_ms;
            let token = number.map(|number| OauthToken {
                token: format!("token {number}"),
                principal: "test".to_owned(),
                expires_at_ms,
            });
            ready(token.ok_or_else(|| "no credentials".to_owned()))
        };
        MskTokens::start(sign, Arc::new(clock.clone()), 1)
    }

    fn read(tokens: &MskTokens) -> Result<String, String> {
        tokens.source()().map(|token| token.token)
    }

    /// Until the refresher sleeps: nothing else runs on this thread.
    async fn settle(clock: &ManualClock) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(clock.until_next().is_some(), "the refresher neither signs nor waits");
    }

    async fn advance(clock: &ManualClock, step: Duration) {
        clock.advance(step);
        settle(clock).await;
    }

    #[tokio::test]
    async fn before_the_first_token_there_is_none() {
        let clock = ManualClock::new(START_MS);
        let mut tokens = start(&clock, &[true]);
        assert_eq!(read(&tokens), Err("no token yet".to_owned()));
        tokens.first().await.unwrap();
        assert_eq!(read(&tokens), Ok("token 0".to_owned()));
    }

    #[tokio::test]
    async fn a_new_token_comes_well_before_the_old_one_expires() {
        let clock = ManualClock::new(START_MS);
        let tokens = start(&clock, &[true, true, true]);
        settle(&clock).await;
        advance(&clock, LIFE * 59 / 100).await;
        assert_eq!(read(&tokens), Ok("token 0".to_owned()));
        advance(&clock, LIFE / 100).await;
        assert_eq!(read(&tokens), Ok("token 1".to_owned()));
        advance(&clock, LIFE * 60 / 100).await;
        assert_eq!(read(&tokens), Ok("token 2".to_owned()));
    }

    #[tokio::test]
    async fn a_failure_keeps_the_last_token_until_it_expires() {
        let clock = ManualClock::new(START_MS);
        let tokens = start(&clock, &[true]);
        settle(&clock).await;
        while clock.now_millis() < START_MS + 899_000 {
            assert_eq!(read(&tokens), Ok("token 0".to_owned()));
            advance(&clock, Duration::from_millis(500)).await;
        }
        advance(&clock, Duration::from_secs(1)).await;
        assert_eq!(read(&tokens), Err("the last token has expired: no credentials".to_owned()));
    }

    #[tokio::test]
    async fn a_failed_signing_is_tried_again_soon() {
        let clock = ManualClock::new(START_MS);
        let mut tokens = start(&clock, &[false, false, true]);
        assert_eq!(tokens.first().await, Err("no token yet: no credentials".to_owned()));
        settle(&clock).await;
        let mut waited = Duration::ZERO;
        while read(&tokens).is_err() {
            let pause = clock.until_next().unwrap();
            assert!(pause >= PAUSE_MIN, "{pause:?}");
            waited += pause;
            advance(&clock, pause).await;
        }
        assert_eq!(read(&tokens), Ok("token 2".to_owned()));
        assert!(waited < Duration::from_secs(2), "{waited:?}");
    }

    #[tokio::test]
    async fn a_signing_that_hangs_counts_as_failed() {
        let clock = ManualClock::new(START_MS);
        let mut tokens = MskTokens::start(std::future::pending, Arc::new(clock.clone()), 1);
        settle(&clock).await;
        clock.advance(SIGNING_PATIENCE);
        let first = tokens.first().await;
        assert_eq!(first, Err("no token yet: signing takes too long".to_owned()));
    }

    #[cfg(feature = "cloud")]
    #[expect(deprecated, reason = "the new names stand in a crate that nothing else here needs")]
    #[tokio::test]
    async fn the_signature_is_for_the_region_and_good_for_a_quarter_of_an_hour() {
        use aws_config::profile::ProfileFileCredentialsProvider;
        use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};
        use platform::clock::SystemClock;

        let keys = "[default]\naws_access_key_id = test\naws_secret_access_key = test\n";
        let files =
            ProfileFiles::builder().with_contents(ProfileFileKind::Credentials, keys).build();
        let credentials = ProfileFileCredentialsProvider::builder().profile_files(files).build();
        let region = aws_config::Region::new("eu-central-1");
        let defaults = aws_config::defaults(aws_config::BehaviorVersion::latest());
        let config = defaults.region(region).credentials_provider(credentials).load().await;
        let signed = super::aws_signer_with(config).unwrap()().await.unwrap();
        // https://kafka.eu-central-1.
        assert!(signed.token.starts_with("aHR0cHM6Ly9rYWZrYS5ldS1jZW50cmFsLTEu"));
        let life_ms = signed.expires_at_ms - SystemClock::new().now_millis();
        assert!((800_000..=900_000).contains(&life_ms), "{life_ms}");
    }
}
