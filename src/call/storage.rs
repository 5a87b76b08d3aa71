//! A storage codec's case: encoder to decoder, as a file would be written and read. Nothing carries it, so that no packet
//! is lost and none has a header; delay is that of the codec alone.

use super::api::Record;
use super::audio::record;
use crate::codec::{Delay, Input, Settings, Unit};
use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::plan::{Case, Scores};
use crate::units::{Time, ms};

/// What was coded, and what came back, the codec's own delay taken out of it.
pub(super) struct Stored {
    settings: Settings<Pcm>,
    units: Vec<Unit>,
    /// The codec's own.
    delay: Delay,
    decoded: Pcm,
}

/// Codes the clip once, from its start. Warm-up, receiver and seed change nothing.
///
/// # Errors
/// The setting cannot be made; the case asks for a network or for repair, which a file does not have; nothing was decoded.
pub(super) fn store(case: &Case) -> Result<Stored> {
    if !case.net.is_clean() || case.request.repair != Default::default() {
        return Err(Error::usage(format!(
            "{} is a storage codec: it has no network but 'clean', and no repair",
            case.codec.name
        )));
    }
    let settings = (case.codec.configure)(&case.request, &case.clip.format())?;
    let source = case.clip.in_format(settings.format)?;
    let frame = settings.format.samples(settings.frame);
    if source.is_empty() {
        return Err(Error::usage(format!("clip '{}' has no samples", case.clip.id)));
    }
    let own = settings.delay();
    let delay = settings.format.samples(own.lookahead());
    let mut encoder = settings.encoder()?;
    let mut units = Vec::new();
    // Whole frames, and so much more that the last sample of the clip has left both ends.
    for i in 0..(source.len() + delay).div_ceil(frame) {
        let pts = Time::ZERO + settings.format.duration(i * frame);
        encoder.encode(pts, &source.slice(i * frame, frame), &mut units)?;
    }
    encoder.finish(&mut units)?;
    let mut decoder = settings.decoder()?;
    let mut decoded = Pcm::silence(settings.format, 0);
    for unit in &units {
        decoder.decode(Input::Unit(&unit.data), &mut decoded)?;
    }
    if decoded.len() <= delay {
        return Err(Error::Call(format!("{} gave back nothing", case.codec.name)));
    }
    Ok(Stored { decoded: decoded.slice(delay, source.len()), settings, units, delay: own })
}

impl Record for Stored {
    fn facts(&self, case: &Case) -> Result<Scores> {
        let mut scores = Scores {
            effective: record::effective(&self.settings, case),
            changes: self.settings.changes.clone(),
            subject: record::subject(&self.settings, case),
            observed: self.settings.observe(&self.units),
            ..Scores::default()
        };
        let bits: usize = self.units.iter().map(|u| 8 * u.data.len()).sum();
        let seconds: f64 = self.units.iter().map(|u| u.duration.as_secs_f64()).sum();
        scores.values.insert("payload-bitrate".into(), bits as f64 * 1e-3 / seconds);
        scores.effective.insert("transport".into(), "none: coded and decoded as a file".into());
        Ok(scores)
    }

    fn scored_pass(&self) -> Result<(Pcm, f64)> {
        Ok((self.decoded.clone(), ms(self.settings.frame + self.delay.lookahead() + self.delay.container)))
    }
}
