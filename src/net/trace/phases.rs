//! OpenNetLab's and AlphaRTC's JSON: phases of a link, to words of [`crate::net::spec`].
//!
//! `{"uplink": {"trace_pattern": [{"duration": ms, "capacity": kbit/s, "loss": share, "rtt": ms, "jitter": ms}, ...]}}`, and
//! the same for `downlink`. `duration` and `capacity` must stand, other keys are not read. Uplink is the way forward. Half
//! of `rtt` is the delay of either way, after the uplink where both say one. Loss is a share from 0 to 1 as in OpenNetLab's
//! own files; a list with a loss above 1 is in percent throughout, as others write it. A capacity of 0 is an outage: all is
//! lost. The pattern alone, or the list alone, is taken as an uplink. The last phase goes on for ever.

use super::kind::{LONGEST, shown};
use serde_json::Value;

/// The most phases that are read: an hour of 100 ms each.
const MOST: usize = 36_000;

/// The longest phase in ms: a day.
const LONGEST_PHASE: f64 = 86_400_000.0;

/// The highest capacity in kbit/s.
const HIGHEST: f64 = 1e8;

pub(super) fn read(text: &str) -> Result<String, String> {
    let json: Value = serde_json::from_str(text).map_err(|e| {
        let (line, column) = (e.line(), e.column());
        let what = e.to_string();
        let what = what.split(" at line").next().unwrap_or_default();
        format!("line {line}, column {column}: no JSON: {}", shown_long(what))
    })?;
    let side = |name: &str| match &json[name]["trace_pattern"] {
        Value::Null => Ok(Vec::new()),
        list => phases(name, list),
    };
    let (up, down) = match &json {
        Value::Array(_) => (phases("uplink", &json)?, Vec::new()),
        Value::Object(o) if o.contains_key("trace_pattern") => (phases("uplink", &json["trace_pattern"])?, Vec::new()),
        _ => (side("uplink")?, side("downlink")?),
    };
    if up.is_empty() && down.is_empty() {
        return Err("no phases: an OpenNetLab trace has uplink.trace_pattern, a list of at least one".into());
    }
    // Without phases of its own a way has the delay of the other's.
    let delays = |of: &[Phase]| of.iter().map(|p| Phase { duration: p.duration, rtt: p.rtt, ..Phase::CLEAR }).collect();
    let (up, down): (Vec<Phase>, Vec<Phase>) = match (up.is_empty(), down.is_empty()) {
        (false, true) => (up.clone(), delays(&up)),
        (true, false) => (delays(&down), down),
        _ => (up, down),
    };
    Ok(format!("forward {} back {}", words(&up), words(&down)))
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Phase {
    /// ms
    duration: f64,
    /// kbit/s; `None`: as much as you like.
    capacity: Option<f64>,
    /// 0 to 1
    loss: f64,
    /// ms
    rtt: f64,
    /// ms
    jitter: f64,
}

impl Phase {
    const CLEAR: Phase = Phase { duration: 0.0, capacity: None, loss: 0.0, rtt: 0.0, jitter: 0.0 };
}

fn phases(side: &str, list: &Value) -> Result<Vec<Phase>, String> {
    let Value::Array(list) = list else { return Err(format!("{side}: trace_pattern is no list")) };
    if list.len() > MOST {
        return Err(format!("{side}: {} phases; at most {MOST} are read", list.len()));
    }
    let mut phases = list.iter().enumerate().map(|(n, p)| phase(side, n + 1, p)).collect::<Result<Vec<_>, _>>()?;
    if phases.iter().any(|p| p.loss > 1.0) {
        phases.iter_mut().for_each(|p| p.loss /= 100.0);
    }
    Ok(phases)
}

fn phase(side: &str, n: usize, phase: &Value) -> Result<Phase, String> {
    let number = |key: &str, unit: &str, most: f64| match &phase[key] {
        Value::Null => Ok(None),
        value => match value.as_f64().filter(|v| (0.0..=most).contains(v)) {
            Some(v) => Ok(Some(v)),
            None => Err(format!(
                "{side}, phase {n}: {key}: {} is no number from 0 to {most}{unit}",
                shown(&value.to_string())
            )),
        },
    };
    if !phase.is_object() {
        return Err(format!(
            "{side}, phase {n}: {} is no object with duration and capacity",
            shown(&phase.to_string())
        ));
    }
    let missing = |key: &str| format!("{side}, phase {n}: no {key}");
    let longest = LONGEST.as_millis() as f64;
    let duration = number("duration", " ms", LONGEST_PHASE)?.ok_or_else(|| missing("duration"))?;
    if duration == 0.0 {
        return Err(format!("{side}, phase {n}: duration: a phase lasts longer than 0 ms"));
    }
    Ok(Phase {
        duration,
        capacity: Some(number("capacity", " kbit/s", HIGHEST)?.ok_or_else(|| missing("capacity"))?),
        loss: number("loss", "", 100.0)?.unwrap_or(0.0),
        rtt: number("rtt", " ms", 2.0 * longest)?.unwrap_or(0.0),
        jitter: number("jitter", " ms", longest)?.unwrap_or(0.0),
    })
}

/// "delay 40ms 5ms loss 1% rate 300kbit at 2s rate 500kbit": a later phase says only what changes.
fn words(phases: &[Phase]) -> String {
    let (mut text, mut begin) = (Vec::new(), 0.0);
    let mut last: Option<&Phase> = None;
    for phase in phases {
        let changed = |of: fn(&Phase) -> (f64, f64)| last.is_none_or(|l| of(l) != of(phase));
        let mut words = Vec::new();
        if changed(|p| (p.rtt, p.jitter)) {
            let jitter = if phase.jitter > 0.0 { format!(" {}ms", figure(phase.jitter)) } else { String::new() };
            words.push(format!("delay {}ms{jitter}", figure(phase.rtt / 2.0)));
        }
        if changed(|p| (p.lost(), 0.0)) {
            words.push(format!("loss {}%", figure(phase.lost() * 100.0)));
        }
        // An outage keeps the rate that was.
        if let Some(rate) = phase.capacity.filter(|c| *c > 0.0 && changed(|p| (p.capacity.unwrap_or(0.0), 0.0))) {
            words.push(format!("rate {}kbit", figure(rate)));
        }
        if !words.is_empty() {
            text.extend((begin > 0.0).then(|| format!("at {}ms", figure(begin))));
            text.extend(words);
        }
        begin += phase.duration;
        last = Some(phase);
    }
    text.join(" ")
}

impl Phase {
    fn lost(&self) -> f64 {
        if self.capacity == Some(0.0) { 1.0 } else { self.loss }
    }
}

/// To the nanosecond or the millibit, without an exponent.
fn figure(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn shown_long(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).take(80).collect()
}
