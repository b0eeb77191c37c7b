//! A file system of a few megabytes, for tests that fill it. Needs root, or `sudo` that asks for
//! nothing. Must not know what is kept there.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::unique;

/// Written at once when the disk is filled.
const PIECE_BYTES: usize = 64 << 10;

/// A mounted file system in memory, taken away when this is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    root: PathBuf,
}

impl SmallDisk {
    /// A new one; none where nobody may mount anything.
    ///
    /// # Errors
    /// If no directory can be made to mount it on.
    pub fn mount(megabytes: u32) -> io::Result<Option<Self>> {
        let root = std::env::temp_dir().join(unique("small-disk"));
        std::fs::create_dir(&root)?;
        let options = format!("size={megabytes}m,mode=1777");
        let is_mounted = privileged(&["mount", "-t", "tmpfs", "-o", &options, "tmpfs"], &root);
        if !is_mounted {
            std::fs::remove_dir(root)?;
            return Ok(None);
        }
        Ok(Some(Self { root }))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Fills it with a file until so many bytes are left.
    ///
    /// # Errors
    /// If the file cannot be made, or made shorter.
    pub fn fill_but(&self, bytes: u64) -> io::Result<()> {
        let mut filler = File::options().create(true).append(true).open(self.filler())?;
        let piece = vec![0; PIECE_BYTES];
        while filler.write_all(&piece).is_ok() {}
        let filled = filler.metadata()?.len();
        filler.set_len(filled.saturating_sub(bytes))
    }

    /// Takes the filling away.
    ///
    /// # Errors
    /// If there is none.
    pub fn empty(&self) -> io::Result<()> {
        std::fs::remove_file(self.filler())
    }

    fn filler(&self) -> PathBuf {
        self.root.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a program that a failed test left behind may still have files open.
        if privileged(&["umount", "-l"], &self.root) {
            drop(std::fs::remove_dir(&self.root));
        }
    }
}

/// Whether a command with this path at its end ended well, as ourselves or else as root.
fn privileged(words: &[&str], path: &Path) -> bool {
    let ended_well = |mut command: Command| {
        command.arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let mut own = Command::new(words[0]);
    own.args(&words[1..]);
    let mut as_root = Command::new("sudo");
    as_root.arg("-n").args(words);
    ended_well(own) || ended_well(as_root)
}
