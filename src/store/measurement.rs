//! What is measured of a setting once for all of its cases, and found again by a key.

use super::{Store, from_json, json};
use crate::cost::Cost;
use crate::error::Result;
use crate::latency::{Footprint, SettingDelay};
use rusqlite::{OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// A kind of measurement.
pub trait Measurement: Serialize + DeserializeOwned {
    /// Its table, the column there that holds it, and the column of `settings` that leads to it.
    const NAME: &'static str;
}

/// CPU time on one machine.
impl Measurement for Cost {
    const NAME: &'static str = "cost";
}

/// `None`: it cannot be measured.
impl Measurement for Option<SettingDelay> {
    const NAME: &'static str = "delay";
}

/// Of the setting's codec.
impl Measurement for Vec<Footprint> {
    const NAME: &'static str = "footprint";
}

impl Store {
    /// Commits what was measured under `key`, for the setting of the plan with that label.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub fn write_measured<M: Measurement>(&mut self, label: &str, key: &str, measured: &M) -> Result<()> {
        let (name, text) = (M::NAME, json(measured));
        self.transaction(|tx| {
            let sql = format!("INSERT OR REPLACE INTO {name} (key, {name}) VALUES (?1, ?2)");
            tx.execute(&sql, params![key, text])?;
            tx.execute(&format!("UPDATE settings SET {name} = ?2 WHERE label = ?1"), params![label, key])?;
            Ok(())
        })
    }

    /// What was measured under `key`.
    ///
    /// # Errors
    /// [`crate::Error::Store`]: the file is damaged.
    pub fn measured<M: Measurement>(&self, key: &str) -> Result<Option<M>> {
        let sql = format!("SELECT {name} FROM {name} WHERE key = ?1", name = M::NAME);
        let text: Option<String> = self.tell(self.connection.query_row(&sql, [key], |row| row.get(0)).optional())?;
        Ok(text.and_then(|t| serde_json::from_str(&t).ok()))
    }

    /// What was measured of the settings of the plan, by label; those of which nothing was are not in it.
    ///
    /// # Errors
    /// [`crate::Error::Store`]: the file is damaged.
    pub fn measurements<M: Measurement>(&self) -> Result<BTreeMap<String, M>> {
        let all = || {
            let sql = format!("SELECT label, {n}.{n} FROM settings JOIN {n} ON {n}.key = settings.{n}", n = M::NAME);
            let mut statement = self.connection.prepare(&sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, from_json(row, 1)?)))?;
            rows.collect()
        };
        self.tell(all())
    }
}
