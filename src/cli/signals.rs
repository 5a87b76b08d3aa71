//! Signals, as flags: nothing is torn when one comes.

use crate::error::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The exit code after an interrupt: 128 and SIGINT's number, as shells have it.
pub const INTERRUPTED: u8 = 130;

/// A flag that is set by the first Ctrl-C (or SIGTERM, SIGHUP); a second one ends the program at once.
///
/// A write beyond the file-size limit becomes an error of that write, where SIGXFSZ would end the program unheard.
///
/// # Errors
/// The system refuses a handler.
pub fn catch() -> Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::flag;
    let stop = Arc::new(AtomicBool::new(false));
    let register = || {
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register_conditional_shutdown(signal, INTERRUPTED.into(), stop.clone())?;
            flag::register(signal, stop.clone())?;
        }
        flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))
    };
    register().map_err(|e: std::io::Error| Error::usage(format!("cannot catch signals: {e}")))?;
    Ok(stop)
}
