//! The delay of a setting of a plan.

use super::measure;
use crate::codec::{Codec, Request};
use crate::media::{Pcm, PcmFormat};
use crate::plan::Setting;
use crate::units::{from_ms, ms};
use serde::{Deserialize, Serialize};

/// Of the way in which delays and footprints are measured: part of their keys.
pub(super) const VERSION: u32 = 1;

/// The algorithmic delay of a setting, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingDelay {
    /// One frame as the encoder takes it.
    pub frame_ms: f64,
    /// The measured shift between input and output.
    pub lookahead_ms: f64,
    /// As a user meets it ([`super::Latency::met_ms`]).
    pub total_ms: f64,
}

/// What the delay of a setting is measured with: its frame and mode. In calls it does not depend on the bitrate, so it is
/// measured at that of the codec's own variants, where the marker is heard best; the containers of storage codecs do depend
/// on it.
#[derive(Clone)]
pub struct Probe {
    pub codec: &'static Codec<Pcm>,
    request: Request,
    format: PcmFormat,
}

impl Probe {
    /// For a clip in that format. `None`: the setting cannot be made.
    pub fn of(setting: &Setting, clip: &PcmFormat) -> Option<Probe> {
        let codec = setting.codec;
        let settings = (codec.configure)(&setting.request, clip).ok()?;
        let bitrate = match codec.rtp {
            Some(_) => (codec.variants)().first().and_then(|(_, request)| request.bitrate),
            None => settings.bitrate,
        };
        let mode = setting.request.mode.clone();
        let request = Request { ptime: Some(settings.frame), mode, bitrate, ..Request::default() };
        Some(Probe { codec, request, format: PcmFormat::mono(settings.format.sample_rate) })
    }

    /// Identifies the measurement: the codec's implementation, and what it is asked for.
    pub fn key(&self) -> String {
        let Probe { codec, request, format } = self;
        let text = format!("{VERSION}\0{}\0{}\0{request:?}\0{format:?}", codec.name, (codec.version)());
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }

    /// `None`: it cannot be measured.
    pub fn measure(&self) -> Option<SettingDelay> {
        let latency = measure(self.codec, &self.request, &self.format).ok()?;
        Some(SettingDelay {
            frame_ms: ms(from_ms(latency.frame_ms)),
            lookahead_ms: latency.lookahead_ms,
            total_ms: latency.met_ms(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::audio;

    const CLIP: PcmFormat = PcmFormat::mono(48_000);

    fn probe(codec: &str, frame_ms: f64, mode: Option<&str>, bitrate: Option<u32>) -> Probe {
        let request = Request {
            ptime: Some(from_ms(frame_ms)),
            mode: mode.map(str::to_owned),
            bitrate: bitrate.map(crate::units::Bitrate),
            ..Request::default()
        };
        Probe::of(&Setting::new("A", audio(codec).unwrap(), request), &CLIP).unwrap()
    }

    #[test]
    fn the_delay_of_a_setting_is_that_of_its_frame_and_mode() {
        let probes = [
            probe("opus", 20.0, Some("voip"), None),
            probe("opus", 2.5, Some("lowdelay"), None),
            probe("PCMU", 20.0, None, None),
        ];
        let totals = probes.map(|probe| (probe.measure().unwrap().total_ms * 10.0).round() / 10.0);
        assert_eq!(totals, [26.5, 5.0, 20.0]);
    }

    #[test]
    fn what_has_one_delay_has_one_key() {
        let key = |frame_ms, mode, bitrate| probe("opus", frame_ms, mode, bitrate).key();
        let plain = key(20.0, Some("voip"), None);
        assert_eq!(plain, key(20.0, Some("voip"), Some(6000)), "another bitrate");
        assert_ne!(plain, key(10.0, Some("voip"), None));
        assert_ne!(plain, key(20.0, Some("lowdelay"), None));
        assert_ne!(plain, probe("PCMU", 20.0, None, None).key());
    }
}
