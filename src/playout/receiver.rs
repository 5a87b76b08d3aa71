//! The words for a receiver: `fixed:60ms`, `adaptive`, `adaptive:min=40ms,max=500ms`, `gstreamer:latency=200ms`.

use crate::error::{Error, Result};
use crate::units::{from_ms, ms};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How the receiver sets its playout delay, and what it does where a packet is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// So much above the fastest packet of the first half of the warm-up (of the first packet, without a warm-up).
    Fixed(Duration),
    /// As libwebrtc's NetEq does it, with a target delay within these bounds.
    Adaptive { min: Duration, max: Duration, conceal: Conceal },
    /// As GStreamer's `rtpjitterbuffer` does it: so much above the first packet, for ever; what comes later is dropped, and what
    /// is missing is silence, as with its decoders' defaults (`plc=false`).
    GStreamer { latency: Duration },
}

/// Who makes up sound where packets are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conceal {
    /// The receiver, out of what it played last; the decoder is not told. What Chromium does, by default, with every codec.
    #[default]
    NetEq,
    /// The decoder.
    Codec,
}

/// The longest delay that a receiver can be asked for: the range of the adaptive receiver's histogram.
const LONGEST: Duration = Duration::from_millis(2000);
/// The default of `rtpjitterbuffer`'s property `latency`.
const LATENCY: Duration = Duration::from_millis(200);

impl Receiver {
    /// The adaptive receiver without bounds of its own.
    pub const ADAPTIVE: Receiver = Receiver::Adaptive { min: Duration::ZERO, max: LONGEST, conceal: Conceal::NetEq };

    /// How many times its behaviour with audio has changed: what was measured with an earlier one is measured again. `None`:
    /// never.
    pub fn version(self) -> Option<u32> {
        match self {
            // NetEq of June 2025; before, its rules of 2021 on exact arrival times.
            Receiver::Adaptive { .. } => Some(1),
            Receiver::Fixed(_) | Receiver::GStreamer { .. } => None,
        }
    }

    /// The delay that it keeps whatever happens, if it does.
    pub fn constant(self) -> Option<Duration> {
        match self {
            Receiver::Fixed(delay) | Receiver::GStreamer { latency: delay } => Some(delay),
            Receiver::Adaptive { .. } => None,
        }
    }
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
                "receiver '{text}': {why}say 'fixed:60ms', 'adaptive', 'adaptive:min=40ms,max=500ms,conceal=codec' or \
                 'gstreamer:latency=200ms' (0 to 2000 ms)"
            ))
        };
        let (kind, options) = text.split_once(':').map_or((text, None), |(kind, options)| (kind, Some(options)));
        let no_delay = |part: &str| wrong(&format!("'{part}' gives no such delay; "));
        let options: Vec<&str> = options.map_or_else(Vec::new, |o| o.split(',').collect());
        match (kind, options.as_slice()) {
            ("fixed", [delay]) => parse(delay).map(Receiver::Fixed).ok_or_else(|| no_delay(delay)),
            ("gstreamer", []) => Ok(Receiver::GStreamer { latency: LATENCY }),
            ("gstreamer", [option]) => {
                let latency = option
                    .strip_prefix("latency=")
                    .ok_or_else(|| wrong(&format!("'{option}' is not latency=...; ")))?;
                parse(latency).map(|latency| Receiver::GStreamer { latency }).ok_or_else(|| no_delay(option))
            }
            ("adaptive", options) => {
                let (mut min, mut max, mut conceal) = (None, None, None);
                for part in options {
                    let twice = match part.split_once('=') {
                        Some(("min", delay)) => min.replace(parse(delay).ok_or_else(|| no_delay(part))?).is_some(),
                        Some(("max", delay)) => max.replace(parse(delay).ok_or_else(|| no_delay(part))?).is_some(),
                        Some(("conceal", "neteq")) => conceal.replace(Conceal::NetEq).is_some(),
                        Some(("conceal", "codec")) => conceal.replace(Conceal::Codec).is_some(),
                        Some(("conceal", _)) => return Err(wrong("conceal is 'neteq' or 'codec'; ")),
                        _ => return Err(wrong(&format!("'{part}' is none of min=..., max=... and conceal=...; "))),
                    };
                    if twice {
                        return Err(wrong(&format!("'{part}' says that twice; ")));
                    }
                }
                let (min, max) = (min.unwrap_or_default(), max.unwrap_or(LONGEST));
                match min <= max {
                    true => Ok(Receiver::Adaptive { min, max, conceal: conceal.unwrap_or_default() }),
                    false => Err(wrong("min is above max; ")),
                }
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
            Receiver::GStreamer { latency } => write!(f, "gstreamer:latency={}ms", ms(latency)),
            Receiver::Adaptive { min, max, conceal } => {
                let min = (!min.is_zero()).then(|| format!("min={}ms", ms(min)));
                let max = (max != LONGEST).then(|| format!("max={}ms", ms(max)));
                let conceal = (conceal == Conceal::Codec).then(|| "conceal=codec".to_owned());
                let bounds: Vec<String> = [min, max, conceal].into_iter().flatten().collect();
                let colon = if bounds.is_empty() { "" } else { ":" };
                write!(f, "adaptive{colon}{}", bounds.join(","))
            }
        }
    }
}
