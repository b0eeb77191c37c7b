//! Signals that stop the process. The first asks for an ordered stop; whoever sends a second wants
//! it gone now and gets that, whatever the process is busy with.

use super::ShutdownToken;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal that asks a process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: what service managers send.
    Terminate,
}

impl StopSignal {
    /// The exit code of a process that stops at once on this signal: 128 and its number.
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// Listens for SIGTERM and SIGINT from this call on, in a tokio task of its own.
///
/// The first of either triggers `shutdown`. A second one ends the process at once, with code 130
/// after SIGINT and 143 after SIGTERM: nothing is flushed then, which is as safe as a crash. A
/// shutdown that was triggered by something else does not count as a first signal.
///
/// # Errors
/// If the operating system refuses to hand out the signals.
///
/// # Panics
/// Outside of a tokio runtime with I/O enabled.
pub fn listen_for_signals(shutdown: ShutdownToken) -> io::Result<()> {
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminates = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        let first = next_signal(&mut interrupts, &mut terminates).await;
        tracing::info!(signal = first.name(), "shutdown asked for");
        shutdown.trigger();
        let second = next_signal(&mut interrupts, &mut terminates).await;
        tracing::warn!(signal = second.name(), "second signal, exiting at once");
        std::process::exit(second.exit_code());
    });
    Ok(())
}

async fn next_signal(interrupts: &mut Signal, terminates: &mut Signal) -> StopSignal {
    // Neither stream ever ends: tokio keeps its side open for the life of the process.
    tokio::select! {
        _ = interrupts.recv() => StopSignal::Interrupt,
        _ = terminates.recv() => StopSignal::Terminate,
    }
}
