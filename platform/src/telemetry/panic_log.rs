//! Panics in the log, so that a collector sees them as it sees everything else. Must not decide
//! what a panic means for the process: that is the watch of `shutdown::TaskGroup`.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::sync::Once;

/// Logs every panic of this process as an error, with place, thread and (if `RUST_BACKTRACE` asks
/// for one) backtrace. The panicking task or thread still unwinds. A second call changes nothing.
pub fn install_panic_log() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // Without a log the message must not get lost.
            if tracing::enabled!(tracing::Level::ERROR) { log(info) } else { before(info) }
        }));
    });
}

/// The text that a panic was raised with.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a value that is no text")
}

fn log(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let backtrace = Backtrace::capture();
    let captured = backtrace.status() == BacktraceStatus::Captured;
    let backtrace = captured.then(|| backtrace.to_string());
    let message = info.payload_as_str().unwrap_or("a value that is no text");
    tracing::error!(place, thread, backtrace, panic = message, "panicked");
}

#[cfg(test)]
mod tests {
    use super::{install_panic_log, panic_text};
    use crate::telemetry::logging::tests::capture_json;
    use std::panic;

    #[test]
    fn a_panic_is_logged_with_its_place_and_still_unwinds() {
        install_panic_log();
        install_panic_log();
        let lines = capture_json(|| {
            let payload = panic::catch_unwind(|| panic!("stock is {}", -1)).unwrap_err();
            assert_eq!(panic_text(&*payload), "stock is -1");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["level"], "ERROR");
        assert_eq!(lines[0]["message"], "panicked");
        assert_eq!(lines[0]["panic"], "stock is -1");
        assert!(lines[0]["place"].as_str().unwrap().contains("panic_log.rs:"));
    }

    #[test]
    fn panics_without_text_are_named_so() {
        assert_eq!(panic_text(&"plain"), "plain");
        assert_eq!(panic_text(&42), "a value that is no text");
    }
}
