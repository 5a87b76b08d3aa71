//! The words for a receiver: `fixed:60ms`, `adaptive`, `adaptive:min=40ms,max=500ms`.

use crate::error::{Error, Result};
use crate::units::{from_ms, ms};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How the receiver sets its playout delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// So much above the fastest packet of the first half of the warm-up (of the first packet, without a warm-up).
    Fixed(Duration),
    /// As libwebrtc's NetEq does it, with a target delay within these bounds.
    Adaptive { min: Duration, max: Duration },
}

/// The longest delay that a receiver can be asked for: the range of the adaptive receiver's histogram.
const LONGEST: Duration = Duration::from_millis(2000);

impl Receiver {
    /// The adaptive receiver without bounds of its own.
    pub const ADAPTIVE: Receiver = Receiver::Adaptive { min: Duration::ZERO, max: LONGEST };
}

impl Default for Receiver {
    fn default() -> Receiver {
        Receiver::Fixed(Duration::from_millis(60))
    }
}

impl FromStr for Receiver {
    type Err = Error;
    fn from_str(text: &str) -> Result<Receiver> {
        let wrong = |why: &str| {
            Error::usage(format!(
                "receiver '{text}': {why}say 'fixed:60ms', 'adaptive' or 'adaptive:min=40ms,max=500ms' (0 to 2000 ms)"
            ))
        };
        match text.split_once(':') {
            None if text == "adaptive" => Ok(Receiver::ADAPTIVE),
            Some(("fixed", delay)) => {
                parse(delay).map(Receiver::Fixed).ok_or_else(|| wrong(&format!("'{delay}' is no such delay; ")))
            }
            Some(("adaptive", bounds)) => {
                let (mut min, mut max) = (None, None);
                for part in bounds.split(',') {
                    let bound = match part.split_once('=') {
                        Some(("min", _)) => &mut min,
                        Some(("max", _)) => &mut max,
                        _ => return Err(wrong(&format!("'{part}' is neither min=... nor max=...; "))),
                    };
                    let delay = part.split_once('=').and_then(|(_, value)| parse(value));
                    let delay = delay.ok_or_else(|| wrong(&format!("'{part}' gives no such delay; ")))?;
                    if bound.replace(delay).is_some() {
                        return Err(wrong(&format!("'{part}' says that bound twice; ")));
                    }
                }
                let (min, max) = (min.unwrap_or_default(), max.unwrap_or(LONGEST));
                if min > max { Err(wrong("min is above max; ")) } else { Ok(Receiver::Adaptive { min, max }) }
            }
            _ => Err(wrong("")),
        }
    }
}

/// `60ms`, 0 to 2000.
fn parse(text: &str) -> Option<Duration> {
    let delay: f64 = text.strip_suffix("ms")?.trim().parse().ok()?;
    (0.0..=ms(LONGEST)).contains(&delay).then(|| from_ms(delay))
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Receiver::Fixed(delay) => write!(f, "fixed:{}ms", ms(delay)),
            Receiver::Adaptive { min, max } => {
                let min = (!min.is_zero()).then(|| format!("min={}ms", ms(min)));
                let max = (max != LONGEST).then(|| format!("max={}ms", ms(max)));
                let bounds: Vec<String> = [min, max].into_iter().flatten().collect();
                let colon = if bounds.is_empty() { "" } else { ":" };
                write!(f, "adaptive{colon}{}", bounds.join(","))
            }
        }
    }
}
