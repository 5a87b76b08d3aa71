//! Finished cases in one SQLite file, `results.db`: a case is finished when it is committed, and then no kill loses it.
//!
//! The file has a rollback journal and is held by one process at a time, so that between runs it is the only file.
//! `docs/formats.md` documents its tables.

mod earlier;
pub mod export;
mod key;
mod measurement;
mod schema;

pub use key::Key;
pub use measurement::Measurement;

use crate::error::{Error, Result};
use crate::media::{Media, Pcm};
use crate::net::spec::Shown;
use crate::peer::Transport;
use crate::plan::{Case, Outcome, Plan, Scores, Subject};
use crate::units::ms;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

/// The name of the store within its folder.
pub const FILE: &str = "results.db";

/// A case that has run, on its way into the store.
pub struct Finished<M: Media = Pcm> {
    pub case: Case<M>,
    /// What it gave, or why it failed.
    pub result: Result<Scores, String>,
}

/// An open store. Only one process can have it.
pub struct Store {
    connection: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens the store in `folder`; makes both if they are not there.
    ///
    /// # Errors
    /// [`Error::Output`]: they cannot be made; [`Error::Input`]: the file is something else; [`Error::Store`]: another
    /// process has it, or it is damaged.
    pub fn create(folder: &Path) -> Result<Store> {
        std::fs::create_dir_all(folder).map_err(|e| Error::output(folder, e))?;
        schema::open(&folder.join(FILE)).map(|connection| Store { connection, path: folder.join(FILE) })
    }

    /// Opens the store that a run left in `folder`.
    ///
    /// # Errors
    /// As [`Store::create`], and [`Error::Input`] when there is none.
    pub fn open(folder: &Path) -> Result<Store> {
        let path = folder.join(FILE);
        if !path.is_file() {
            return Err(Error::input(folder, format_args!("no {FILE} in it; give the folder that a run wrote")));
        }
        schema::open(&path).map(|connection| Store { connection, path })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Makes `plan` the one that [`Store::outcomes`] shows, and tells which of its cases are still to be computed.
    ///
    /// # Errors
    /// As all writing: [`Error::Output`] when the disk is full, [`Error::Store`] when the file is damaged.
    pub fn begin<M: Media>(&mut self, plan: &Plan<M>) -> Result<Vec<u32>> {
        let mut todo = Vec::new();
        self.transaction(|tx| {
            tx.execute_batch("DELETE FROM plan; DELETE FROM settings;")?;
            if plan.transport == Transport::Live {
                // What made a live call fail may have passed.
                tx.execute("DELETE FROM cases WHERE failure IS NOT NULL", [])?;
            }
            tx.execute("INSERT OR REPLACE INTO meta VALUES ('plan', ?1)", [&plan.name])?;
            for (id, setting) in plan.settings.iter().enumerate() {
                tx.execute("INSERT INTO settings (id, label) VALUES (?1, ?2)", params![id as i64, setting.label])?;
            }
            for net in &plan.networks {
                let Shown { words, base, model } = net.shown();
                let sql = "INSERT OR REPLACE INTO networks (net, words, base, model) VALUES (?1, ?2, ?3, ?4)";
                tx.execute(sql, params![net.to_string(), words, base, model])?;
            }
            let mut place = tx.prepare("INSERT INTO plan (position, key, setting) VALUES (?1, ?2, ?3)")?;
            let mut known = tx.prepare("SELECT 1 FROM cases WHERE key = ?1")?;
            for (index, case) in plan.cases().enumerate() {
                let key = Key::of(&case);
                // Settings turn fastest in a plan.
                place.execute(params![index as i64, key.0, (index % plan.settings.len()) as i64])?;
                if !known.exists([key.0])? {
                    todo.push(index as u32);
                }
            }
            Ok(())
        })?;
        Ok(todo)
    }

    /// Commits finished cases, all or none. A case that is there already stays as it is.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub fn write<M: Media>(&mut self, finished: &[Finished<M>]) -> Result<()> {
        self.transaction(|tx| finished.iter().try_for_each(|f| insert(tx, f)))
    }

    /// The name of the plan.
    ///
    /// # Errors
    /// [`Error::Store`]: the file is damaged.
    pub fn plan(&self) -> Result<String> {
        let name = self.connection.query_row("SELECT value FROM meta WHERE name = 'plan'", [], |row| row.get(0));
        Ok(self.tell(name.optional())?.unwrap_or_default())
    }

    /// How many cases the plan has, and how many of them are finished and failed.
    ///
    /// # Errors
    /// [`Error::Store`]: the file is damaged.
    pub fn count(&self) -> Result<Count> {
        let sql = "SELECT count(*), count(c.id), count(c.failure) FROM plan p LEFT JOIN cases c ON c.key = p.key";
        self.tell(
            self.connection
                .query_row(sql, [], |row| Ok(Count { cases: row.get(0)?, finished: row.get(1)?, failed: row.get(2)? })),
        )
    }

    /// The finished cases of the plan in its order, read as they are asked for.
    pub fn outcomes(&self) -> impl Iterator<Item = Result<Outcome>> + '_ {
        let (mut page, mut last) = (VecDeque::new(), -1);
        std::iter::from_fn(move || {
            if page.is_empty() {
                match self.tell(self.page(last)) {
                    Ok(rows) => page.extend(rows),
                    Err(e) => return Some(Err(e)),
                }
            }
            let row: Outcome = page.pop_front()?;
            last = row.index as i64;
            Some(Ok(row))
        })
    }

    /// The per-frame series of a case, by name: step in ms, and values.
    ///
    /// # Errors
    /// [`Error::Store`]: the file is damaged.
    pub fn series(&self, key: &str) -> Result<BTreeMap<String, (f64, Vec<f32>)>> {
        let all = || {
            let sql = "SELECT name, step_ms, data FROM series JOIN cases ON id = case_id WHERE key = ?1";
            let mut statement = self.connection.prepare(sql)?;
            let key = blake3::Hash::from_hex(key).map(|h| *h.as_bytes()).unwrap_or_default();
            let rows = statement.query_map([key], |row| Ok((row.get(0)?, (row.get(1)?, unpack(row)?))))?;
            rows.collect()
        };
        self.tell(all())
    }

    /// The finished cases behind position `last`, so many as fit a page.
    fn page(&self, last: i64) -> rusqlite::Result<Vec<Outcome>> {
        let sql = "SELECT p.position, s.label, c.*, e.text AS about, n.words, n.base, n.model \
                   FROM plan p JOIN settings s ON s.id = p.setting JOIN cases c ON c.key = p.key \
                   LEFT JOIN texts e ON e.id = c.effective LEFT JOIN networks n ON n.net = c.net \
                   WHERE p.position > ?1 ORDER BY p.position LIMIT 100";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([last], |row| self.outcome(row))?;
        rows.collect()
    }

    fn outcome(&self, row: &Row<'_>) -> rusqlite::Result<Outcome> {
        let result = match row.get::<_, Option<String>>("failure")? {
            Some(reason) => Err(reason),
            None => {
                let About { effective, changes, subject } = from_json(row, "about")?;
                let mut scores = self.connection.prepare_cached(
                    "SELECT name, value FROM scores JOIN metrics ON id = metric_id WHERE case_id = ?1",
                )?;
                let values = scores.query_map([row.get::<_, i64>("id")?], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(Scores {
                    values: values.collect::<rusqlite::Result<_>>()?,
                    unscored: from_json(row, "unscored")?,
                    subject: subject.unwrap_or_else(|| earlier::subject(&effective)),
                    effective,
                    changes,
                    observed: from_json(row, "observed")?,
                    series: Vec::new(),
                })
            }
        };
        Ok(Outcome {
            key: Key(row.get("key")?).to_string(),
            index: row.get::<_, u32>("position")? as usize,
            clip: row.get("clip")?,
            content: from_json(row, "content")?,
            codec: row.get("codec")?,
            codec_version: row.get("codec_version")?,
            label: row.get("label")?,
            requested: row.get("requested")?,
            net_shown: shown(row)?,
            net: row.get("net")?,
            net_loss: row.get("net_loss")?,
            receiver: row.get("receiver")?,
            warm_up_ms: row.get("warm_up_ms")?,
            seed: row.get::<_, i64>("seed")? as u64,
            result,
        })
    }

    fn transaction(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>) -> Result<()> {
        let done = self.connection.transaction().and_then(|tx| work(&tx).and_then(|()| tx.commit()));
        done.map_err(|e| schema::error(&self.path, &e))
    }

    fn tell<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|e| schema::error(&self.path, &e))
    }
}

impl Drop for Store {
    /// Removes the journal, so that one file is left. Should that fail, the next opening does it.
    fn drop(&mut self) {
        let _ = self.connection.execute_batch(schema::CLOSE);
    }
}

/// The cases of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub cases: u32,
    /// Those that failed included.
    pub finished: u32,
    pub failed: u32,
}

/// What reports show of the row's network; a store of an earlier build has its words alone.
fn shown(row: &Row<'_>) -> rusqlite::Result<Shown> {
    Ok(match row.get("words")? {
        Some(words) => Shown { words, base: row.get("base")?, model: row.get("model")? },
        None => Shown::of(row.get_ref("net")?.as_str()?),
    })
}

/// What all cases of a setting and a clip format have in common; stored once.
#[derive(Default, Serialize, Deserialize)]
struct About {
    effective: BTreeMap<String, String>,
    changes: Vec<crate::codec::Change>,
    /// `None` in a store of an earlier build.
    subject: Option<Subject>,
}

fn insert<M: Media>(tx: &Transaction<'_>, Finished { case, result }: &Finished<M>) -> rusqlite::Result<()> {
    let scores = result.as_ref().ok();
    let about = match scores {
        Some(s) => {
            let (effective, changes) = (s.effective.clone(), s.changes.clone());
            Some(intern(tx, &json(&About { effective, changes, subject: Some(s.subject) }))?)
        }
        None => None,
    };
    let sql = "INSERT OR IGNORE INTO cases (key, clip, content, codec, codec_version, requested, net, net_loss, receiver, \
               warm_up_ms, seed, failure, effective, observed, unscored) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    let inserted = tx.prepare_cached(sql)?.execute(params![
        Key::of(case).0,
        case.clip.id,
        json(&case.clip.content),
        case.codec.name,
        (case.codec.version)(),
        case.requested(),
        case.net.to_string(),
        case.net.asked_loss(),
        case.receiver.to_string(),
        ms(case.warm_up),
        case.seed.0 as i64,
        result.as_ref().err(),
        about,
        scores.map(|s| json(&s.observed)),
        scores.map(|s| json(&s.unscored)),
    ])?;
    let (Some(scores), 1) = (scores, inserted) else { return Ok(()) };
    let id = tx.last_insert_rowid();
    for (metric, value) in &scores.values {
        tx.prepare_cached("INSERT OR IGNORE INTO metrics (name) VALUES (?1)")?.execute([metric])?;
        let sql = "INSERT INTO scores (case_id, metric_id, value) SELECT ?1, id, ?3 FROM metrics WHERE name = ?2";
        tx.prepare_cached(sql)?.execute(params![id, metric, value])?;
    }
    for series in &scores.series {
        let raw: Vec<u8> = series.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let packed = zstd::encode_all(&*raw, 0).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
        let sql = "INSERT OR REPLACE INTO series (case_id, name, step_ms, data) VALUES (?1, ?2, ?3, ?4)";
        tx.prepare_cached(sql)?.execute(params![id, series.name, series.step_ms, packed])?;
    }
    Ok(())
}

/// The id of a text that is stored once.
fn intern(tx: &Transaction<'_>, text: &str) -> rusqlite::Result<i64> {
    tx.prepare_cached("INSERT OR IGNORE INTO texts (text) VALUES (?1)")?.execute([text])?;
    tx.prepare_cached("SELECT id FROM texts WHERE text = ?1")?.query_row([text], |row| row.get(0))
}

fn unpack(row: &Row<'_>) -> rusqlite::Result<Vec<f32>> {
    let raw = zstd::decode_all(row.get_ref(2)?.as_blob()?)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Blob, e.into()))?;
    Ok(raw.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

/// As JSON text. Our own types always have one.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn from_json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: impl rusqlite::RowIndex) -> rusqlite::Result<T> {
    let column = column.idx(row.as_ref())?;
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, e.into()))
}

#[cfg(test)]
mod tests;
