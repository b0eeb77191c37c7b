//! What is acknowledged was synced before: shown by the order of calls, not by their number.

use std::collections::HashMap;
use std::fmt;

use crate::calls::watch;
use crate::trace::{Step, is_wal};
use crate::writer::{Answer, LOADS, Sent, read_mark};

/// A frame of the write-ahead log begins with a header of so many bytes. Where bytes 4 to 7 are not
/// zero, the frame ends a commit.
const FRAME_HEADER_BYTES: usize = 24;

/// What was counted in a trace in which all is well.
#[derive(Debug)]
struct Counts {
    acknowledged: usize,
    commits: usize,
    wal_syncs: usize,
    /// Of the database, of its journal while it is made, and of directories.
    other_syncs: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, commits, wal_syncs, other_syncs } = self;
        write!(f, "{acknowledged} appends acknowledged, {commits} commits, ")?;
        write!(f, "{wal_syncs} syncs of the write-ahead log, {other_syncs} others")
    }
}

/// Looks for every acknowledgement that left before the end of a commit that holds its records had
/// been synced.
fn count(steps: &[Step]) -> Result<Counts, String> {
    let mut commits = 0;
    let (mut wal_syncs, mut other_syncs, mut acknowledged) = (0, 0, 0);
    // A header that ends a commit was written: the commit ends with the next write.
    let mut ends_commit = false;
    // Appends in frames of no commit yet, then in commits that are not synced yet.
    let (mut open, mut unsynced): (Vec<Sent>, Vec<Sent>) = (Vec::new(), Vec::new());
    let mut state: HashMap<Sent, &str> = HashMap::new();
    for step in steps {
        if let Some(bytes) = step.wal_write() {
            if bytes.len() == FRAME_HEADER_BYTES {
                ends_commit = bytes[4..8] != [0; 4];
                continue;
            }
            for sent in marks(bytes).filter(|sent| !state.contains_key(sent)).collect::<Vec<_>>() {
                state.insert(sent, "not committed");
                open.push(sent);
            }
            if std::mem::take(&mut ends_commit) {
                commits += 1;
                state.extend(open.iter().map(|sent| (*sent, "not synced")));
                unsynced.append(&mut open);
            }
        } else if step.synced().is_some_and(is_wal) {
            wal_syncs += 1;
            state.extend(unsynced.drain(..).map(|sent| (sent, "synced")));
        } else if step.synced().is_some() {
            other_syncs += 1;
        } else if let Some(Answer::Acknowledged(sent, ..)) = step.answer() {
            acknowledged += 1;
            match state.get(&sent) {
                Some(&"synced") => {}
                found => return Err(format!("{sent:?} is acknowledged but {found:?}")),
            }
        }
    }
    Ok(Counts { acknowledged, commits, wal_syncs, other_syncs })
}

/// The appends that a page holds records of, by their beginnings.
fn marks(page: &[u8]) -> impl Iterator<Item = Sent> {
    let begins = page.iter().enumerate().filter(|&(_, &byte)| byte == b'<');
    begins.filter_map(|(at, _)| read_mark(&page[at..])).map(|(sent, _)| sent)
}

#[test]
fn whatever_is_acknowledged_was_synced_before() {
    for (number, load) in LOADS.into_iter().enumerate() {
        let counts = count(&watch(number, &[])).unwrap();
        println!("{load:?}: {counts}");
        assert_eq!(counts.acknowledged, load.senders * load.appends);
        assert!(counts.wal_syncs >= counts.commits, "{counts:?}");
    }
}

#[test]
fn a_sync_that_is_left_out_is_found() {
    let mut steps = watch(2, &[]);
    let acknowledged = steps.iter().position(|step| step.answer().is_some()).unwrap();
    let sync = steps[..acknowledged].iter().rposition(|it| it.synced().is_some_and(is_wal));
    steps.remove(sync.unwrap());
    let fault = count(&steps).unwrap_err();
    assert!(fault.contains("not synced"), "{fault}");
}

#[test]
fn an_acknowledgement_before_its_commit_is_found() {
    let mut steps = watch(2, &[]);
    let acknowledged = steps.iter().position(|step| step.answer().is_some()).unwrap();
    let answer = steps.remove(acknowledged);
    let first = steps.iter().position(|step| step.wal_write().is_some()).unwrap();
    steps.insert(first, answer);
    count(&steps).unwrap_err();
}
