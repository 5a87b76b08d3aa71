//! The tables of `results.db`, and what its errors mean to people.

use crate::error::{Error, Result};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;

/// Of the tables; part of every case key and of `PRAGMA user_version`.
pub const VERSION: i32 = 1;

/// `PRAGMA application_id`: "cdcb".
const APPLICATION: i32 = 0x6364_6362;

const TABLES: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE cases (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    clip TEXT NOT NULL,
    content TEXT NOT NULL,
    codec TEXT NOT NULL,
    codec_version TEXT NOT NULL,
    requested TEXT NOT NULL,
    net TEXT NOT NULL,
    net_loss REAL NOT NULL,
    receiver TEXT NOT NULL,
    warm_up_ms REAL NOT NULL,
    seed INTEGER NOT NULL,
    failure TEXT,
    effective INTEGER REFERENCES texts (id),
    observed TEXT,
    unscored TEXT
);
CREATE TABLE metrics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE scores (
    case_id INTEGER NOT NULL REFERENCES cases (id),
    metric_id INTEGER NOT NULL REFERENCES metrics (id),
    value REAL NOT NULL,
    PRIMARY KEY (case_id, metric_id)
) WITHOUT ROWID;
CREATE TABLE series (
    case_id INTEGER NOT NULL REFERENCES cases (id),
    name TEXT NOT NULL,
    step_ms REAL NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (case_id, name)
);
CREATE TABLE cost (key TEXT PRIMARY KEY, cost TEXT NOT NULL);
CREATE TABLE settings (id INTEGER PRIMARY KEY, label TEXT NOT NULL UNIQUE, cost TEXT REFERENCES cost (key));
CREATE TABLE plan (position INTEGER PRIMARY KEY, key BLOB NOT NULL, setting INTEGER NOT NULL REFERENCES settings (id));
CREATE VIEW results AS
    SELECT position, label, clip, net, net_loss, receiver, seed, metrics.name AS metric, value
    FROM plan JOIN settings ON settings.id = setting JOIN cases USING (key)
    JOIN scores ON case_id = cases.id JOIN metrics ON metrics.id = metric_id;
";

/// What came later. A store without it gets it when it is opened, empty, and builds that do not know it pass over it.
const LATER: &str = "
CREATE TABLE delay (key TEXT PRIMARY KEY, delay TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE footprint (key TEXT PRIMARY KEY, footprint TEXT NOT NULL) WITHOUT ROWID;
ALTER TABLE settings ADD COLUMN delay TEXT REFERENCES delay (key);
ALTER TABLE settings ADD COLUMN footprint TEXT REFERENCES footprint (key);
CREATE TABLE networks (net TEXT PRIMARY KEY, words TEXT NOT NULL, base TEXT NOT NULL, model TEXT NOT NULL)
    WITHOUT ROWID;
";

/// A lock that is held to the end keeps a second run out and costs nothing per commit.
const OPEN: &str = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY; BEGIN EXCLUSIVE;";

/// Leaving both modes deletes the journal.
pub const CLOSE: &str = "PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = DELETE;";

/// Opens or makes the store at `path`, for this process alone.
pub fn open(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        // No waiting for another run: it may take hours.
        connection.busy_timeout(std::time::Duration::ZERO)?;
        connection.execute_batch(OPEN)?;
        let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let found = (pragma("application_id")?, pragma("user_version")?, tables);
        if found == (0, 0, 0) {
            connection.execute_batch(TABLES)?;
            connection.pragma_update(None, "application_id", APPLICATION)?;
            connection.pragma_update(None, "user_version", VERSION)?;
        }
        if matches!(found, (0, 0, 0) | (APPLICATION, VERSION, _)) && !connection.table_exists(None, "networks")? {
            connection.execute_batch(LATER)?;
        }
        connection.execute_batch("COMMIT")?;
        if matches!(found, (0, 0, 0) | (APPLICATION, VERSION, _)) {
            // Only now that the file is known to be ours: on another it would be a change.
            connection.execute_batch("PRAGMA journal_mode = PERSIST")?;
        }
        Ok((connection, found))
    };
    match open().map_err(|e| error(path, &e))? {
        (connection, (0, 0, 0) | (APPLICATION, VERSION, _)) => Ok(connection),
        (_, (APPLICATION, version, _)) => Err(Error::input(
            path,
            format_args!("its tables have version {version}, this codecbench needs {VERSION}; give another --out"),
        )),
        _ => Err(something_else(path)),
    }
}

/// What went wrong, and what to do.
pub fn error(path: &Path, e: &rusqlite::Error) -> Error {
    match e.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => something_else(path),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Store(format!(
            "{}: another codecbench is using it; wait for it or give another --out",
            path.display()
        )),
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => Error::output(
            path,
            "the disk is full or the file reached its size limit; finished cases are kept, run again to go on",
        ),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            Error::output(path, "it cannot be opened for writing")
        }
        _ => Error::Store(format!("{}: damaged ({e}); move it away and run again", path.display())),
    }
}

fn something_else(path: &Path) -> Error {
    Error::input(path, "not a result store of codecbench; move it away or give another --out")
}
