//! TOML values that know where they stand, so that every error can say so.

use crate::error::{Error, Result, unknown};
use std::fmt::Display;
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A text and the name of its file.
pub struct Source<'a> {
    pub text: &'a str,
    pub file: &'a str,
}

impl<'a> Source<'a> {
    /// The document, if it is TOML at all.
    pub fn parse(&self) -> Result<Spanned<DeTable<'a>>> {
        DeTable::parse(self.text)
            .map_err(|e| self.error(e.span().map_or(0, |span| span.start), e.message().replace('\n', ", ")))
    }

    /// `what`, with the file and the line of byte `offset`.
    pub fn error(&self, offset: usize, what: impl Display) -> Error {
        Error::usage(format!("{}:{}: {what}", self.file, self.line(offset)))
    }

    /// Counted from 1.
    pub fn line(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|b| *b == b'\n').count()
    }
}

/// A table that has known keys alone.
pub struct Table<'a> {
    source: &'a Source<'a>,
    table: &'a DeTable<'a>,
    start: usize,
}

impl<'a> Table<'a> {
    /// # Errors
    /// The first key that is not among `keys`, with the nearest that is; `kind` says what it should have been.
    pub fn new(
        source: &'a Source<'a>,
        table: &'a DeTable<'a>,
        start: usize,
        kind: &str,
        keys: &[&str],
    ) -> Result<Self> {
        let stray =
            table.keys().filter(|key| !keys.contains(&key.get_ref().as_ref())).min_by_key(|key| key.span().start);
        match stray {
            Some(key) => Err(source.error(key.span().start, unknown(kind, key.get_ref(), keys))),
            None => Ok(Table { source, table, start }),
        }
    }

    pub fn get(&self, key: &'static str) -> Option<Value<'a>> {
        let value = self.table.get(key)?;
        Some(Value { source: self.source, key, value: value.get_ref(), start: value.span().start })
    }

    pub fn need(&self, key: &'static str) -> Result<Value<'a>> {
        self.get(key).ok_or_else(|| self.source.error(self.start, format_args!("{key} is missing")))
    }
}

/// The value of a key, or one element of it.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    source: &'a Source<'a>,
    key: &'static str,
    value: &'a DeValue<'a>,
    start: usize,
}

impl<'a> Value<'a> {
    pub fn error(&self, what: impl Display) -> Error {
        self.source.error(self.start, format_args!("{}: {what}", self.key))
    }

    pub fn start(&self) -> usize {
        self.start
    }

    pub fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// The elements of a list, or the value itself: `x = 1` is `x = [1]`. An empty list is an error.
    pub fn each(&self) -> Result<Vec<Value<'a>>> {
        let Some(list) = self.value.as_array() else { return Ok(vec![*self]) };
        if list.is_empty() {
            return Err(self.error("the list is empty"));
        }
        Ok(list.iter().map(|v| Value { value: v.get_ref(), start: v.span().start, ..*self }).collect())
    }

    /// The `[[...]]` sections of that name.
    pub fn tables(&self) -> Result<Vec<Value<'a>>> {
        let sections = self.each()?;
        match sections.iter().find(|v| !v.value.is_table()) {
            Some(other) => Err(other.error(format_args!("write it as [[{}]]", self.key))),
            None => Ok(sections),
        }
    }

    pub fn table(&self, kind: &str, keys: &[&str]) -> Result<Table<'a>> {
        match self.value {
            DeValue::Table(table) => Table::new(self.source, table, self.start, kind, keys),
            other => Err(self.error(format_args!("must be a table, not {}", other.type_str()))),
        }
    }

    /// A text, read by `read`.
    pub fn read<T>(&self, read: impl Fn(&str) -> Result<T>) -> Result<T> {
        match self.value {
            DeValue::String(text) => read(text).map_err(|e| self.error(e)),
            other => Err(self.error(format_args!("must be a text in quotes, not {}", other.type_str()))),
        }
    }

    pub fn flag(&self) -> Result<bool> {
        match self.value {
            DeValue::Boolean(flag) => Ok(*flag),
            other => Err(self.error(format_args!("must be true or false, not {}", other.type_str()))),
        }
    }

    /// A number within `range`, both ends included, whole or not.
    pub fn number(&self, range: RangeInclusive<f64>) -> Result<f64> {
        let number = match self.value {
            DeValue::Integer(number) => number.to_string().parse(),
            DeValue::Float(number) => number.to_string().parse(),
            other => return Err(self.error(format_args!("must be a number, not {}", other.type_str()))),
        };
        match number {
            Ok(v) if range.contains(&v) => Ok(v),
            _ => Err(self.error(format_args!("it is not within {} to {}", range.start(), range.end()))),
        }
    }

    /// A whole number within `range`, both ends included; `unit` is for the error.
    pub fn integer(&self, range: RangeInclusive<i64>, unit: &str) -> Result<i64> {
        let DeValue::Integer(number) = self.value else {
            return Err(self.error(format_args!("must be a whole number, not {}", self.value.type_str())));
        };
        match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(v) if range.contains(&v) => Ok(v),
            _ => {
                let bounds = format!("{} to {} {unit}", range.start(), range.end());
                Err(self.error(format_args!("{number} is not within {}", bounds.trim_end())))
            }
        }
    }
}
