//! The same on the backends of a node: logs and rows in SQLite, read beside the process that writes
//! them.

use std::path::Path;
use std::sync::Arc;

use audit::{AuditInput, Report};
use event_log::{EmbeddedLogs, Options, Record};
use read_model::{SqliteOptions, SqliteStore, Store, fold};
use schemas::log::{FilterState, PaymentResult};

use crate::history::{Entry, History, LOG_ID, violated};
use crate::orders::{announce, buy, cancel, euros, pause, pay, terms};

/// One partition at one moment: embedded logs give their own log times.
fn history() -> History {
    let mut history = History::new();
    let mut terms = terms();
    terms.stock = 2;
    history.at(150).step(&announce("d", terms));
    history.step(&buy("d", "ann", "k", 1));
    history.step(&buy("d", "ann", "k", 1));
    history.step(&buy("d", "bob", "k", 2));
    history.step(&pay(2, "p", PaymentResult::Succeeded, euros(100)));
    history.step(&cancel(2, "ann"));
    history.step(&pause("d"));
    history.bytes(b"?".to_vec());
    history.append(buy("d", "eve", "k", 1).encode());
    history
}

async fn write_logs(history: &History, directory: &Path) -> EmbeddedLogs {
    let now = history.now;
    let logs = EmbeddedLogs::open(directory, Options::new(1, Arc::new(move || now))).unwrap();
    let record =
        |payload: &Vec<u8>| Record { payload: payload.clone().into(), ..Record::default() };
    let commands = history.commands.iter().map(|(_, payload)| record(payload)).collect();
    logs.commands().append(0, commands).await.unwrap();
    let decisions = history.entries.iter().map(Entry::record).collect();
    logs.decisions().append(0, decisions).await.unwrap();
    logs
}

/// Projects the first records, in one batch.
async fn project(history: &History, records: usize, store: &SqliteStore) {
    let filter: FilterState = history.tables(records).projections[&0].clone();
    let mut changes = Vec::new();
    for entry in &history.entries[..records] {
        if let Entry::Decision { decision, .. } = entry {
            changes.extend(fold(LOG_ID, 0, decision));
        }
    }
    store.commit(0, 0, &filter, &changes).await.unwrap();
}

async fn audit(directory: &Path) -> Report {
    let logs = EmbeddedLogs::open_read_only(directory).unwrap();
    let store = SqliteStore::open_read_only(&directory.join("rows.sqlite")).await.unwrap();
    let (commands, decisions) = (logs.commands(), logs.decisions());
    let store: Option<Arc<dyn Store>> = Some(Arc::new(store));
    audit::run(AuditInput { commands, decisions, store }).await.unwrap()
}

#[tokio::test]
async fn a_node_is_audited_while_it_runs() {
    let history = history();
    let count = history.entries.len();
    for records in [0, 1, 5, count] {
        let directory = tempfile::tempdir().unwrap();
        let _logs = write_logs(&history, directory.path()).await;
        let path = directory.path().join("rows.sqlite");
        let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
        if records > 0 {
            project(&history, records, &store).await;
        }
        let report = audit(directory.path()).await;
        assert_eq!(violated(&report), [], "{report}");
        assert_eq!((report.exit_code(), report.pending()), (0, 1), "{report}");
        assert_eq!(report.partitions[0].rows_read_offset, Some(records as u64), "{report}");
        store.close().await;
    }
}
