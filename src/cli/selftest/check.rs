//! Something that must come out, and what came.

use crate::error::Result;
use serde_json::{Value, json};

/// Something that must come out.
pub(super) struct Check {
    pub name: String,
    pub expected: Expected,
    pub got: Result<Expected, String>,
}

#[derive(Clone, Debug)]
pub(super) enum Expected {
    Number(f64, f64),
    Text(String),
}

impl Check {
    pub fn number(name: impl Into<String>, expected: f64, tolerance: f64, got: Result<f64>) -> Check {
        let got = got.map(|v| Expected::Number(v, tolerance)).map_err(|e| e.to_string());
        Check { name: name.into(), expected: Expected::Number(expected, tolerance), got }
    }

    pub fn ok(&self) -> bool {
        match (&self.expected, &self.got) {
            (Expected::Number(e, tolerance), Ok(Expected::Number(g, _))) => (e - g).abs() <= *tolerance,
            (Expected::Text(e), Ok(Expected::Text(g))) => e == g,
            _ => false,
        }
    }

    pub fn row(&self) -> Vec<String> {
        let text = |e: &Expected| match e {
            Expected::Number(v, _) => format!("{v:.6}"),
            Expected::Text(t) => t.clone(),
        };
        let tolerance = match self.expected {
            Expected::Number(_, t) => t.to_string(),
            Expected::Text(_) => "exact".into(),
        };
        let got = self.got.as_ref().map_or_else(|e| e.clone(), text);
        let ok = if self.ok() { "ok" } else { "WRONG" };
        vec![self.name.clone(), text(&self.expected), got, tolerance, ok.into()]
    }

    pub fn json(&self) -> Value {
        let value = |e: &Expected| match e {
            Expected::Number(v, _) => json!(v),
            Expected::Text(t) => json!(t),
        };
        let tolerance = match self.expected {
            Expected::Number(_, t) => Some(t),
            Expected::Text(_) => None,
        };
        let mut row =
            json!({ "name": self.name, "expected": value(&self.expected), "tolerance": tolerance, "ok": self.ok() });
        match &self.got {
            Ok(got) => row["got"] = value(got),
            Err(e) => row["error"] = json!(e),
        }
        row
    }
}
