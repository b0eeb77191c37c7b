//! The system as it runs in production, small: two gateways, some workers and a projector, each a
//! process of its own, on a broker and a database.
//!
//! Knows the programs by their command lines, their HTTP interface and their exit codes only.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::background::{Background, clean_command};
use crate::http;
use crate::programs::{last_lines, wait_for};
use crate::servers::OwnServers;
use crate::tree::Tree;

/// Reading up after a crash, waiting for a group's session to end, on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// What the programs promise for SIGTERM.
const STOP_ENDS_WITHIN: Duration = Duration::from_secs(15);
/// Series that are 0 once nothing waits for a decision or a row.
const LAGS: [&str; 3] =
    ["timedeal_worker_lag_records", "timedeal_projector_lag_records", "timedeal_gateway_backlog"];
/// How long everything may take to drain once it is healed.
const DRAINED_WITHIN: Duration = Duration::from_secs(90);

/// Runs a task with finished programs on a broker and a database of its own. What the programs said
/// is kept if it failed.
pub(crate) fn on_own_servers(
    tree: &Tree,
    task: &str,
    run: impl FnOnce(Ground, &OwnServers) -> Result<()>,
) -> Result<()> {
    let servers = OwnServers::start(tree, task)?;
    let folder = tempfile::Builder::new().prefix(&format!("timedeal-{task}-")).tempdir()?;
    let ground = Ground {
        programs: tree.target.join("release"),
        folder: folder.path().to_owned(),
        log_url: format!("kafka://{}/{task}", servers.kafka()?),
        database_url: servers.database(task)?,
    };
    let result = run(ground, &servers);
    if result.is_err() {
        print_last_lines(folder.path())?;
        println!("outputs are kept in {}", folder.keep().display());
    }
    result
}

/// Where everything is: programs, servers, and a folder for keys, snapshots and outputs.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) programs: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) log_url: String,
    pub(crate) database_url: String,
}

impl Ground {
    /// One of the programs, told where log and database are.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = clean_command(&self.programs.join(program), &self.folder);
        command.env("TIMEDEAL_LOG_URL", &self.log_url);
        command.env("TIMEDEAL_DATABASE_URL", &self.database_url);
        command
    }

    fn keys(&self, name: &str) -> String {
        format!("file:{}", self.folder.join("keys").join(name).display())
    }

    /// Where the workers' snapshots go.
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.folder.join("snapshots")
    }

    pub(crate) fn output(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.out"))
    }

    /// A token of a customer who has bought nothing yet.
    pub(crate) fn token(&self) -> Result<String> {
        let folder = self.folder.display().to_string();
        Ok(self.timedeal(&["token", "--data-dir", &folder])?.trim().to_owned())
    }

    /// Runs a command of `timedeal` to its end; its output if that was good.
    pub(crate) fn timedeal(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command("timedeal").args(arguments).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "timedeal {arguments:?}: {}\n{out}{said}", output.status);
        Ok(out)
    }
}

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Gateway,
    OrderWorker,
    Projector,
}

impl Role {
    fn program(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::OrderWorker => "order-worker",
            Self::Projector => "projector",
        }
    }
}

/// One process and its place, which stays the same over restarts.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) role: Role,
    pub(crate) name: String,
    pub(crate) public: SocketAddr,
    ops: SocketAddr,
    starts: u32,
    process: Option<Background>,
}

impl Member {
    fn new(role: Role, number: usize) -> Result<Self> {
        let free = || -> Result<SocketAddr> { Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?) };
        let name = format!("{}-{number}", role.program());
        let (public, ops) = (free()?, free()?);
        Ok(Self { role, name, public, ops, starts: 0, process: None })
    }

    /// Starts it, if it does not run; with a point at which it is to kill itself.
    pub(crate) fn start(&mut self, ground: &Ground, fail_point: Option<&str>) -> Result<()> {
        if self.is_running()? {
            return Ok(());
        }
        let mut command = ground.command(self.role.program());
        command.env("TIMEDEAL_OPS_LISTEN", self.ops.to_string());
        match self.role {
            Role::Gateway => {
                command.env("TIMEDEAL_LISTEN", self.public.to_string());
                command.env("TIMEDEAL_SIGNING_KEYS", ground.keys("signing.json"));
                command.env("TIMEDEAL_TICKET_KEYS", ground.keys("ticket.json"));
                command.env("TIMEDEAL_WEBHOOK_KEYS", ground.keys("webhook.json"));
            }
            Role::OrderWorker => {
                let snapshots = ground.snapshots();
                std::fs::create_dir_all(&snapshots)?;
                command.env("TIMEDEAL_SNAPSHOTS_URL", format!("file://{}", snapshots.display()));
                command.env("TIMEDEAL_WORKER_NAME", &self.name);
            }
            Role::Projector => {}
        }
        if let Some(point) = fail_point {
            command.env("TIMEDEAL_FAIL_POINT", point);
        }
        self.starts += 1;
        let output = ground.output(&format!("{}.{}", self.name, self.starts));
        self.process = Some(Background::start(command, &output)?);
        Ok(())
    }

    pub(crate) fn is_running(&mut self) -> Result<bool> {
        match &mut self.process {
            Some(process) => Ok(process.exit_code()?.is_none()),
            None => Ok(false),
        }
    }

    /// Waits until it says so.
    pub(crate) fn wait_until_ready(&self) -> Result<()> {
        let waited = wait_for(READY_WITHIN, || Ok(self.is_ready()));
        waited.with_context(|| format!("waiting for {}", self.name))
    }

    fn is_ready(&self) -> bool {
        http::get(self.ops, "/readyz").is_ok_and(|answer| answer.status == 200)
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let process = self.process.take().with_context(|| format!("{} does not run", self.name))?;
        process.kill().with_context(|| format!("killing {}", self.name))
    }

    /// SIGTERM; it has to exit with 0 in time.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        process.signal("TERM")?;
        let code =
            process.wait(STOP_ENDS_WITHIN).with_context(|| format!("stopping {}", self.name))?;
        ensure!(code == Some(0), "{} ended with {code:?} on SIGTERM", self.name);
        Ok(())
    }

    /// Any other signal.
    pub(crate) fn signal(&self, signal: &str) -> Result<()> {
        let process = self.process.as_ref();
        process.with_context(|| format!("{} does not run", self.name))?.signal(signal)
    }

    /// A series of its metrics, summed up; none if it does not answer.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        let answer = http::get(self.ops, "/metrics").ok().filter(|answer| answer.status == 200)?;
        Some(http::value_of(&answer.body, series))
    }
}

/// All processes.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) ground: Ground,
    pub(crate) members: Vec<Member>,
    partitions: u16,
}

impl Cluster {
    /// Makes topics, tables and keys, then starts two gateways, so many workers and a projector.
    pub(crate) fn start(ground: Ground, workers: usize, partitions: u16) -> Result<Self> {
        // Tables first: a new log takes an id that they do not know.
        ground.timedeal(&["migrate"])?;
        let count = partitions.to_string();
        ground.timedeal(&["topics", "create", "--dev", "--topic-partitions", &count])?;
        let folder = ground.folder.display().to_string();
        ground.timedeal(&["keys", "create", "--data-dir", &folder])?;
        let mut roles = vec![Role::Gateway, Role::Gateway];
        roles.extend(std::iter::repeat_n(Role::OrderWorker, workers));
        roles.push(Role::Projector);
        let members = (1..).zip(roles).map(|(number, role)| Member::new(role, number));
        let members = members.collect::<Result<_>>()?;
        let mut cluster = Self { ground, members, partitions };
        cluster.heal()?;
        Ok(cluster)
    }

    /// Starts what does not run, and waits until everything is ready.
    pub(crate) fn heal(&mut self) -> Result<()> {
        for member in &mut self.members {
            member.start(&self.ground, None)?;
        }
        for member in &mut self.members {
            wait_for(READY_WITHIN, || {
                ensure!(member.is_running()?, "{} ended by itself", member.name);
                Ok(member.is_ready())
            })
            .with_context(|| format!("waiting for {}", member.name))?;
        }
        Ok(())
    }

    pub(crate) fn of(&mut self, role: Role) -> Vec<&mut Member> {
        self.members.iter_mut().filter(|member| member.role == role).collect()
    }

    /// Addresses of all gateways, as the crowd takes them.
    pub(crate) fn urls(&self) -> String {
        let gateways = self.members.iter().filter(|member| member.role == Role::Gateway);
        gateways.map(|member| format!("http://{}", member.public)).collect::<Vec<_>>().join(",")
    }

    /// Lets a crowd loose on both gateways; `arguments` say which.
    pub(crate) fn start_crowd(&self, arguments: &[&str]) -> Result<Background> {
        let mut command = self.ground.command("timedeal");
        command.args(["rush", "--url", &self.urls()]);
        command.arg("--data-dir").arg(&self.ground.folder).args(arguments);
        Background::start(command, &self.ground.output("crowd"))
    }

    /// Every one of the nine promises holds, in the log and in the tables.
    pub(crate) fn audit(&self) -> Result<()> {
        let audit = self.ground.timedeal(&["audit"])?;
        let holds = audit.lines().filter(|line| line.split_whitespace().nth(1) == Some("holds"));
        let holds = holds.count();
        ensure!(holds == 9, "only {holds} of 9 invariants hold:\n{audit}");
        Ok(())
    }

    /// The sum of a series over all members that answer.
    pub(crate) fn sum(&self, series: &str) -> f64 {
        self.members.iter().filter_map(|member| member.metric(series)).sum()
    }

    /// Waits until everybody answers, every partition has its worker, and no command waits for its
    /// decision and no decision for its rows; says how long that took.
    pub(crate) fn drain(&self) -> Result<Duration> {
        let start = Instant::now();
        let is_drained = || {
            let answer = self.members.iter().all(|member| member.metric(LAGS[0]).is_some());
            let assigned = self.sum("timedeal_worker_assigned");
            let is_owned = (assigned - f64::from(self.partitions)).abs() < 0.5;
            answer && is_owned && LAGS.iter().all(|series| self.sum(series) < 1.0)
        };
        wait_for(DRAINED_WITHIN, || Ok(is_drained())).context("the lag did not return to 0")?;
        Ok(start.elapsed())
    }

    /// Stops everything in order, each with exit code 0.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.members.iter_mut().try_for_each(Member::stop)
    }
}

/// The end of every output, for a reader who wants to know why.
fn print_last_lines(folder: &Path) -> Result<()> {
    let mut outputs: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "out"))
        .collect();
    outputs.sort();
    for path in outputs {
        let text = std::fs::read_to_string(&path)?;
        let name = path.file_name().unwrap_or_default().display();
        println!("--- the last lines of {name}");
        println!("{}", last_lines(&text));
    }
    Ok(())
}
