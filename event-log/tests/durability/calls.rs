//! Running the writer under `strace`, and reading what that says: one line a call of the operating
//! system, strings in hexadecimal, with the path behind every file descriptor.
//!
//! A call that could change files and is not understood ends the test: what is not modelled must
//! not be overlooked.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::tempdir;

use crate::trace::Step;
use crate::writer::{self, Answer};

/// Everything by which a file can be changed. With `?`, what not every machine has.
const CALLS: &str = "trace=?open,openat,?openat2,?creat,write,writev,pwrite64,pwritev,pwritev2,\
     ?truncate,ftruncate,fallocate,copy_file_range,sendfile,splice,fsync,fdatasync,\
     sync_file_range,sync,syncfs,?unlink,unlinkat,?rename,?renameat,renameat2,?link,linkat,\
     ?symlink,symlinkat,?mkdir,mkdirat,?rmdir";

/// Not modelled: the index of the write-ahead log is made anew from it whenever nobody has it open,
/// and what the lock file says is for people.
const FLEETING: [&str; 2] = ["-shm", "timedeal.lock"];

/// Runs the writer with a load to its end; `faults` are injections of `strace`.
pub(crate) fn watch(load: usize, faults: &[&str]) -> Vec<Step> {
    let place = tempdir().unwrap();
    // Behind links the paths of descriptors would be others than those of names.
    let root = place.path().canonicalize().unwrap();
    let work = root.join("place");
    std::fs::create_dir(&work).unwrap();
    let output = root.join("calls");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-y", "-xx", "-s", "1000000", "-e", CALLS, "-e", "signal=none"]);
    for fault in faults {
        command.args(["-e", fault]);
    }
    // Twice, one after the other: the second begins with what the first left behind.
    command.arg("-o").arg(&output).args(["sh", "-c", "\"$@\" && \"$@\"", "sh"]);
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", writer::PROGRAM, "--nocapture", "--test-threads", "1"]);
    command.env(writer::PLACE, &work).env(writer::LOAD, load.to_string());
    let run = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).output();
    let run = run.expect("`strace` is needed: on Debian, apt-get install strace");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let steps = read(&std::fs::read_to_string(output).unwrap(), &work);
    assert!(!steps.is_empty(), "strace saw nothing");
    steps
}

/// The steps of all calls that succeeded, and of syncs that did not.
fn read(lines: &str, place: &Path) -> Vec<Step> {
    let mut steps: Vec<Option<Step>> = Vec::new();
    // By process: the call that it is in, and its place among the steps.
    let mut unfinished: HashMap<&str, (usize, &str)> = HashMap::new();
    for line in lines.lines() {
        let (process, line) = line.split_once(' ').unwrap();
        let line = line.trim_start();
        if line.starts_with("???") {
            // A call that was not looked at yet when the process ended.
            continue;
        }
        if let Some(begun) = line.strip_suffix(" <detached ...>") {
            steps.push(Call::read(&format!("{begun}) = ?")).step(place));
            continue;
        }
        if let Some(begun) = line.strip_suffix(" <unfinished ...>") {
            unfinished.insert(process, (steps.len(), begun));
            steps.push(None);
            continue;
        }
        let rest = if let Some(resumed) = line.strip_prefix("<... ") {
            resumed.split_once("resumed>").unwrap().1
        } else if line.starts_with("+++") {
            // The end of a process, perhaps in the middle of a call.
            ") = ?"
        } else {
            steps.push(Call::read(line).step(place));
            continue;
        };
        let Some((at, begun)) = unfinished.remove(process) else { continue };
        let step = Call::read(&format!("{begun}{rest}")).step(place);
        // A write may have its effect from its beginning on, a sync has it at its end.
        match &step {
            Some(Step::Sync { .. }) => steps.push(step),
            Some(_) | None => steps[at] = step,
        }
    }
    steps.into_iter().flatten().collect()
}

/// One finished call.
struct Call<'a> {
    name: &'a str,
    arguments: Vec<&'a str>,
    /// None if the end of the process cut it short.
    result: Option<i64>,
    /// The path behind the descriptor that it answered with.
    opened: Option<&'a str>,
}

impl<'a> Call<'a> {
    fn read(line: &'a str) -> Self {
        let (call, result) = line.rsplit_once(" = ").unwrap_or_else(|| panic!("cut off: {line}"));
        let (name, arguments) = call.trim_end().split_once('(').unwrap();
        let arguments = arguments.strip_suffix(')').unwrap();
        let arguments = arguments.trim_end_matches(" <unfinished ...>").split(", ").collect();
        let opened = result.split_once('<').and_then(|(_, path)| path.strip_suffix('>'));
        let digits = result.split(['<', ' ']).next().unwrap();
        let result = (digits != "?").then(|| digits.parse().unwrap());
        Self { name, arguments, result, opened }
    }

    fn step(&self, place: &Path) -> Option<Step> {
        let path_of = |text: &str| relative(&unescape(text), place);
        if matches!(self.name, "fsync" | "fdatasync") {
            let path = path_of(in_brackets(self.arguments[0])?)?;
            return Some(Step::Sync { path, failed: self.result? < 0 });
        }
        if self.result.is_some_and(|result| result < 0) {
            return None;
        }
        let number = |index: usize| self.arguments[index].parse::<usize>().unwrap();
        match self.name {
            "open" | "openat" => {
                let flags = self.arguments[if self.name == "open" { 1 } else { 2 }];
                let path = path_of(self.opened?)?;
                assert!(!flags.contains("O_TRUNC"), "not modelled: {path} {flags}");
                flags.contains("O_CREAT").then_some(Step::Create { path })
            }
            "write" | "pwrite64" => {
                let path = path_of(in_brackets(self.arguments[0])?)?;
                let mut bytes = unescape(self.arguments[1].trim_matches('"'));
                if let Some(written) = self.result {
                    bytes.truncate(usize::try_from(written).expect("not negative"));
                }
                if path == writer::NOTES {
                    let line = String::from_utf8(bytes).unwrap();
                    return Some(Step::Answer(Answer::of_line(&line)));
                }
                assert_eq!(self.name, "pwrite64", "not modelled: a write of {path} at its end");
                Some(Step::Write { path, offset: number(3), bytes })
            }
            "ftruncate" => {
                let path = path_of(in_brackets(self.arguments[0])?)?;
                Some(Step::Resize { path, bytes: number(1) })
            }
            "unlink" => Some(Step::Remove { path: path_of(self.arguments[0].trim_matches('"'))? }),
            "mkdir" => {
                let path = path_of(self.arguments[0].trim_matches('"'))?;
                Some(Step::CreateDirectory { path })
            }
            "unlinkat" | "mkdirat" => {
                let path = path_of(self.arguments[1].trim_matches('"'))?;
                Some(match self.name {
                    "mkdirat" => Step::CreateDirectory { path },
                    _ => Step::Remove { path },
                })
            }
            "rename" => {
                let [from, to] = [0, 1].map(|it| path_of(self.arguments[it].trim_matches('"')));
                Some(Step::Rename { from: from?, to: to? })
            }
            other => {
                let touched = self.arguments.iter().find_map(|it| path_of(in_brackets(it)?));
                assert!(touched.is_none(), "not modelled: {other} of {touched:?}");
                None
            }
        }
    }
}

fn in_brackets(argument: &str) -> Option<&str> {
    Some(argument.split_once('<')?.1.split_once('>')?.0)
}

/// None for what lies elsewhere or does not matter. The place itself is the empty path.
fn relative(path: &[u8], place: &Path) -> Option<String> {
    let path = std::str::from_utf8(path).ok()?;
    let path = Path::new(path).strip_prefix(place).ok()?.to_str()?;
    (!FLEETING.iter().any(|ending| path.ends_with(ending))).then(|| path.to_owned())
}

/// Of `\x74\x6d` and the like.
fn unescape(text: &str) -> Vec<u8> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit - b'a' + 10,
    };
    let escapes = text.as_bytes().chunks_exact(4);
    assert!(escapes.remainder().is_empty(), "not in hexadecimal: {text:.40}");
    escapes.map(|escape| digit(escape[2]) << 4 | digit(escape[3])).collect()
}
