//! `timedeal token`: tokens for trying things out, one a line. Works while the service runs.

use std::io::Write;
use std::process::ExitCode;

use gateway::auth::Scopes;
use uuid::Uuid;

use crate::cli::TokenFlags;
use crate::signer::Signer;

pub(crate) fn run(flags: &TokenFlags) -> anyhow::Result<ExitCode> {
    let signer = Signer::load(&flags.key)?;
    let scopes = Scopes::of(&flags.scope);
    let mut out = std::io::stdout().lock();
    for _ in 0..flags.count {
        let subject = flags.subject.unwrap_or_else(Uuid::new_v4);
        writeln!(out, "{}", signer.token(subject, scopes, flags.ttl))?;
    }
    Ok(ExitCode::SUCCESS)
}
