//! `timedeal keys create`: the keys that all gateways of a broker share. One machine makes its own
//! when it begins its log; several gateways have to be given the same.

use std::io::Write;
use std::process::ExitCode;

use platform::secrets::DataDirKeys;

use crate::cli::KeysCommand;

pub(crate) fn run(command: &KeysCommand) -> anyhow::Result<ExitCode> {
    let KeysCommand::Create(flags) = command;
    DataDirKeys::load_or_create(&flags.data_dir)?;
    let keys = flags.data_dir.join("keys");
    writeln!(std::io::stdout().lock(), "keys are in {}", keys.display())?;
    Ok(ExitCode::SUCCESS)
}
