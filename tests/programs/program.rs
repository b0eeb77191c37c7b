//! One of our programs as a process: what it says, until when, and with which code it ends.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::Ask;

/// Only a broken program needs so long, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is asked while the program says nothing.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// The path of one of our programs.
pub(crate) fn path(program: &str) -> &'static str {
    match program {
        "gateway" => env!("CARGO_BIN_EXE_gateway"),
        "order-worker" => env!("CARGO_BIN_EXE_order-worker"),
        "projector" => env!("CARGO_BIN_EXE_projector"),
        "timedeal" => env!("CARGO_BIN_EXE_timedeal"),
        other => panic!("{other} is none of our programs"),
    }
}

/// A program with nothing of our own environment that would configure it.
pub(crate) fn clean_command(program: &str) -> Command {
    let mut command = Command::new(path(program));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("TIMEDEAL_") || name.starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command
}

/// What a command says on both outputs, and its exit code.
pub(crate) fn run(mut command: Command) -> (String, Option<i32>) {
    let mut program = Program::start(&mut command);
    let code = program.end();
    (program.said.join("\n"), code)
}

/// A process that does not outlive its test.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    /// Every line of both outputs so far.
    pub(crate) said: Vec<String>,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (say, lines) = channel();
        pass_on(child.stdout.take().unwrap(), say.clone());
        pass_on(child.stderr.take().unwrap(), say);
        Self { child, lines, said: Vec::new() }
    }

    /// Waits until it is so; asks again whenever the program says something.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            let heard = self.hear(ASK_EVERY);
            let ended = matches!(heard, Err(RecvTimeoutError::Disconnected));
            assert!(!ended && Instant::now() < deadline, "in vain: {what}\n{}", self.last_lines());
        }
    }

    /// The first line of the log, said already or to come, with this message.
    #[track_caller]
    pub(crate) fn line(&mut self, message: &str) -> Value {
        let (deadline, mut next) = (Instant::now() + PATIENCE, 0);
        loop {
            while let Some(line) = self.said.get(next) {
                next += 1;
                let line: Value = serde_json::from_str(line).unwrap_or_default();
                if line["message"].as_str().is_some_and(|it| it.contains(message)) {
                    return line;
                }
            }
            let heard = self.hear(ASK_EVERY);
            let ended = matches!(heard, Err(RecvTimeoutError::Disconnected));
            assert!(
                !ended && Instant::now() < deadline,
                "not said: {message}\n{}",
                self.last_lines()
            );
        }
    }

    /// Where its customers are served, once they are.
    #[track_caller]
    pub(crate) fn public(&mut self) -> SocketAddr {
        address(&self.line("serving")["listen"])
    }

    /// Where its operators are served.
    #[track_caller]
    pub(crate) fn operators(&mut self) -> SocketAddr {
        address(&self.line("operators are served")["ops"])
    }

    /// Waits until it may be sent work.
    #[track_caller]
    pub(crate) fn until_ready(&mut self) {
        let operators = self.operators();
        let ask = Ask::new("GET /readyz");
        self.until("ready", |_| ask.try_send(operators).is_ok_and(|answer| answer.status == 200));
    }

    /// The sum of all series that begin so, with their labels as far as they are given.
    #[track_caller]
    pub(crate) fn metric(&mut self, series: &str) -> f64 {
        let text = Ask::new("GET /metrics").send(self.operators()).body;
        let samples = text.lines().filter_map(|line| line.rsplit_once(' '));
        let meant = samples.filter(|(name, _)| name.starts_with(series));
        meant.filter_map(|(_, value)| value.parse::<f64>().ok()).sum()
    }

    /// Waits until a list of keys was read once more with this outcome, which has to be one that
    /// comes again with every read.
    #[track_caller]
    pub(crate) fn until_read(&mut self, list: &str, outcome: &str) {
        let series =
            format!("timedeal_secret_reads_total{{secret=\"{list}\",outcome=\"{outcome}\"}}");
        let before = self.metric(&series);
        self.until(&series, |program| program.metric(&series) > before);
    }

    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Its exit code, once it has ended; none if a signal ended it.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        while !matches!(self.hear(ASK_EVERY), Err(RecvTimeoutError::Disconnected)) {
            assert!(Instant::now() < deadline, "it still runs\n{}", self.last_lines());
        }
        self.child.wait().unwrap().code()
    }

    fn hear(&mut self, within: Duration) -> Result<(), RecvTimeoutError> {
        let line = self.lines.recv_timeout(within)?;
        self.said.push(line);
        self.said.extend(self.lines.try_iter());
        Ok(())
    }

    fn last_lines(&self) -> String {
        self.said[self.said.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if it has ended already, and then there is nothing to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn address(value: &Value) -> SocketAddr {
    value.as_str().unwrap().parse().unwrap()
}

/// Until the program closes its end.
fn pass_on(output: impl Read + Send + 'static, say: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if say.send(line).is_err() {
                return;
            }
        }
    });
}
