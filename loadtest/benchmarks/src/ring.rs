//! Where contests take place: programs, servers, cores, keys, tokens, and how long each lasts.
//! Must not know the contests.

use std::cell::{Cell, OnceCell};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::generator::Pace;
use crate::process::{Cores, pin};

/// Tokens of as many customers, each of whom a gateway remembers once it has seen them.
pub(crate) const TOKENS: usize = 60_000;
/// Longer than any run.
const TOKENS_LAST: &str = "48h";
/// A closed loop is not counted for this share of its time.
const WARM_SHARE: f64 = 0.2;

fn closed_for(counted: Duration) -> Pace {
    Pace::Closed { warm: counted.mul_f64(WARM_SHARE), counted }
}

/// A server that was started for us.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// As its clients write it.
    pub(crate) address: String,
    /// To be put on cores.
    pub(crate) pid: u32,
}

/// `ADDRESS#PID`
impl std::str::FromStr for Server {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (address, pid) = text.rsplit_once('#').context("not ADDRESS#PID")?;
        Ok(Self { address: address.to_owned(), pid: pid.parse().context("not ADDRESS#PID")? })
    }
}

/// Servers of a run; what is not needed need not be there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Servers {
    pub(crate) kafka: Option<Server>,
    pub(crate) mariadb: Option<Server>,
    pub(crate) redis: Option<Server>,
}

/// The place of all contests of a run.
pub(crate) struct Ring {
    /// Where the finished programs are.
    pub(crate) programs: PathBuf,
    /// For outputs, keys and data.
    pub(crate) folder: PathBuf,
    pub(crate) servers: Servers,
    pub(crate) cores: Cores,
    /// What a load is counted for.
    pub(crate) counted: Duration,
    names: Cell<u32>,
    tokens: OnceCell<Vec<String>>,
}

impl Ring {
    pub(crate) fn new(
        programs: PathBuf,
        folder: PathBuf,
        servers: Servers,
        counted: Duration,
    ) -> Result<Self> {
        let cores = Cores::of(std::thread::available_parallelism()?.get());
        let (names, tokens) = (Cell::new(0), OnceCell::new());
        let ring = Self { programs, folder, servers, cores, counted, names, tokens };
        ring.timedeal(&["keys", "create", "--data-dir", &ring.folder.display().to_string()])?;
        Ok(ring)
    }

    /// A name that nobody has on these servers, whatever ran on them before.
    pub(crate) fn fresh_name(&self, stem: &str) -> String {
        let number = self.names.get() + 1;
        self.names.set(number);
        format!("{stem}_{}_{number}", std::process::id())
    }

    pub(crate) fn kafka(&self) -> Result<&Server> {
        self.servers.kafka.as_ref().context("this contest needs Kafka, and none was given")
    }

    pub(crate) fn mariadb(&self) -> Result<&Server> {
        self.servers.mariadb.as_ref().context("this contest needs MariaDB, and none was given")
    }

    pub(crate) fn redis(&self) -> Result<&Server> {
        self.servers.redis.as_ref().context("this contest needs Redis, and none was given")
    }

    /// Puts the broker and the database on these cores.
    pub(crate) fn pin_stores(&self, cores: &str) -> Result<()> {
        pin(self.kafka()?.pid, cores)?;
        pin(self.mariadb()?.pid, cores)
    }

    /// As fast as answers come.
    pub(crate) fn closed(&self) -> Pace {
        closed_for(self.counted)
    }

    /// The same for a quarter of the time.
    pub(crate) fn briefly(&self) -> Pace {
        closed_for(self.counted / 4)
    }

    /// Records that take a fast consumer about as long as a load is counted for.
    pub(crate) fn records(&self) -> u64 {
        self.counted.as_secs().max(1) * 100_000
    }

    /// A program with nothing of our own environment that would configure it.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TIMEDEAL_") {
                command.env_remove(name);
            }
        }
        command.current_dir(&self.folder).env("TIMEDEAL_LOG_LEVEL", "warn");
        for (variable, file) in [
            ("TIMEDEAL_SIGNING_KEYS", "signing.json"),
            ("TIMEDEAL_TICKET_KEYS", "ticket.json"),
            ("TIMEDEAL_WEBHOOK_KEYS", "webhook.json"),
        ] {
            let path = self.folder.join("keys").join(file);
            command.env(variable, format!("file:{}", path.display()));
        }
        command
    }

    /// Runs a command of `timedeal` to its end; its output if that was good.
    pub(crate) fn timedeal(&self, arguments: &[&str]) -> Result<String> {
        self.output_of(self.command("timedeal").args(arguments))
    }

    /// Runs one of the measurements that stand beside the crates, to its end.
    pub(crate) fn example(&self, name: &str, arguments: &[&str]) -> Result<String> {
        self.output_of(self.command(&format!("examples/{name}")).args(arguments))
    }

    fn output_of(&self, command: &mut Command) -> Result<String> {
        let output = command.output().with_context(|| format!("starting {command:?}"))?;
        let (out, said) = (String::from_utf8_lossy(&output.stdout), &output.stderr);
        let said = String::from_utf8_lossy(said);
        ensure!(output.status.success(), "{command:?}: {}\n{out}{said}", output.status);
        Ok(out.into_owned())
    }

    /// Tokens of [`TOKENS`] customers, the same for the whole run.
    pub(crate) fn tokens(&self) -> Result<&[String]> {
        if let Some(tokens) = self.tokens.get() {
            return Ok(tokens);
        }
        let (folder, count) = (self.folder.display().to_string(), TOKENS.to_string());
        let arguments = ["token", "--data-dir", &folder, "--count", &count, "--ttl", TOKENS_LAST];
        let tokens: Vec<String> = self.timedeal(&arguments)?.lines().map(str::to_owned).collect();
        ensure!(tokens.len() == TOKENS, "{} tokens instead of {TOKENS}", tokens.len());
        Ok(self.tokens.get_or_init(|| tokens))
    }

    /// A token that may announce deals.
    pub(crate) fn admin_token(&self) -> Result<String> {
        let folder = self.folder.display().to_string();
        let arguments = ["token", "--data-dir", &folder, "--scope", "admin", "--ttl", TOKENS_LAST];
        Ok(self.timedeal(&arguments)?.trim().to_owned())
    }

    /// A folder of its own.
    pub(crate) fn fresh_folder(&self, stem: &str) -> Result<PathBuf> {
        let folder = self.folder.join(self.fresh_name(stem));
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}
