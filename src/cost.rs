//! What a codec setting costs: the CPU time of encoding and decoding, measured alone on one thread. Machine-dependent:
//! no score, no key of a case and no comparison of results uses it.

use crate::codec::{Input, Settings};
use crate::error::{Error, Result};
use crate::media::{Clip, Footage, Media, Pcm, PcmFormat, Picture, PictureFormat};
use crate::plan::Setting;
use crate::units::{Time, ms};
use cpu_time::ThreadTime;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longer clips are cut to this before they are timed.
const LONGEST: Duration = Duration::from_secs(10);

/// The quickest of so many runs counts, for each frame by itself: what disturbs a run only ever adds to it.
const RUNS: usize = 3;

/// CPU time of one setting on one clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Microseconds of CPU time per frame.
    pub encode_us_per_frame: f64,
    pub decode_us_per_frame: f64,
    /// Seconds of media per second of CPU time: 100 is a hundred times faster than real time.
    pub encode_x_realtime: f64,
    pub decode_x_realtime: f64,
    /// The share of frames whose encoding took more CPU time than the frame lasts, 0 to 1.
    #[serde(default)]
    pub deadline_misses: f64,
    pub frame_ms: f64,
    /// Where it was measured, and on what.
    pub machine: String,
    pub clip: String,
}

/// Identifies a measurement: the machine, the codec's implementation, the setting and the clip.
pub fn key<M: Media>(setting: &Setting<M>, clip: &Clip<M>) -> String {
    let Setting { codec, request, label: _, beside: _, equipment: _ } = setting;
    let text = format!("{}\0{}\0{}\0{request:?}\0{}", machine(), codec.name, (codec.version)(), clip.hash);
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// A kind of media that is coded frame by frame.
pub trait Frames: Media {
    /// The first whole frames of the clip as the encoder takes them, at most 10 s.
    fn cut(clip: &Clip<Self>, settings: &Settings<Self>) -> Result<Vec<Self>>;
    /// What a decoder appends to.
    fn nothing(format: Self::Format) -> Self::Signal;
}

impl Frames for Pcm {
    fn cut(clip: &Clip, settings: &Settings<Pcm>) -> Result<Vec<Pcm>> {
        let source = clip.in_format(settings.format)?;
        let frame = settings.format.samples(settings.frame);
        let whole = source.len().min(settings.format.samples(LONGEST)) / frame;
        Ok((0..whole).map(|i| source.slice(i * frame, frame)).collect())
    }
    fn nothing(format: PcmFormat) -> Pcm {
        Pcm::silence(format, 0)
    }
}

impl Frames for Picture {
    fn cut(clip: &Clip<Picture>, settings: &Settings<Picture>) -> Result<Vec<Picture>> {
        let source = clip.in_format(settings.format)?;
        let longest = (LONGEST.as_secs_f64() * settings.format.rate.per_second()) as usize;
        Ok(source.pictures.iter().take(longest).cloned().collect())
    }
    fn nothing(format: PictureFormat) -> Footage {
        Footage::new(format)
    }
}

/// Measures a setting on the first whole frames of a clip, every packet received. Call it while nothing else runs.
///
/// # Errors
/// The setting cannot be made or runs in another process, the clip is shorter than a frame, or the codec refuses a frame.
pub fn measure<M: Frames>(setting: &Setting<M>, clip: &Clip<M>) -> Result<Cost> {
    if setting.request.program.is_some() {
        return Err(Error::usage("the clock sees this process alone, not that of a user's program"));
    }
    let settings = (setting.codec.configure)(&setting.request, &clip.format())?;
    let frames = M::cut(clip, &settings)?;
    if frames.is_empty() {
        return Err(Error::usage(format!("clip '{}' is shorter than one frame of {}", clip.id, setting.label)));
    }
    let (mut encode, mut decode) = (vec![Duration::MAX; frames.len()], Duration::MAX);
    for _ in 0..RUNS {
        let mut encoder = settings.encoder()?;
        let mut units = Vec::new();
        for (i, (frame, least)) in frames.iter().zip(&mut encode).enumerate() {
            let clock = ThreadTime::now();
            encoder.encode(Time::ZERO + settings.frame * i as u32, frame, &mut units)?;
            *least = clock.elapsed().min(*least);
        }

        let mut decoder = settings.decoder()?;
        let mut out = M::nothing(settings.format);
        let clock = ThreadTime::now();
        for unit in &units {
            decoder.decode(Input::Unit(&unit.data), &mut out)?;
        }
        decode = decode.min(clock.elapsed());
    }
    let missed = encode.iter().filter(|spent| **spent > settings.frame).count();
    let encode: Duration = encode.iter().sum();
    let per_frame = |spent: Duration| spent.as_secs_f64() * 1e6 / frames.len() as f64;
    // A clock that did not move would make the ratio infinite; a nanosecond is below what any clock resolves.
    let media = ms(settings.frame) * frames.len() as f64;
    let realtime = |spent: Duration| media / ms(spent.max(Duration::from_nanos(1)));
    Ok(Cost {
        encode_us_per_frame: per_frame(encode),
        decode_us_per_frame: per_frame(decode),
        encode_x_realtime: realtime(encode),
        decode_x_realtime: realtime(decode),
        deadline_misses: missed as f64 / frames.len() as f64,
        frame_ms: ms(settings.frame),
        machine: machine(),
        clip: clip.id.clone(),
    })
}

/// The processor and the system, as far as they tell.
pub fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown processor", |(_, name)| name.trim());
    format!("{model}, {} {}", std::env::consts::OS, std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Request;
    use crate::codec::audio::l16::L16;
    use crate::media::Content;

    fn clip(samples: usize) -> Clip {
        Clip::new("c", Content::Signal, Pcm::silence(PcmFormat::mono(48_000), samples))
    }

    #[test]
    fn the_two_figures_of_a_cost_agree() {
        let setting = Setting::new("L16", &L16, Request::default());
        let cost = measure(&setting, &clip(48_000)).unwrap();
        assert_eq!(cost.frame_ms, 10.0);
        for (us, x) in
            [(cost.encode_us_per_frame, cost.encode_x_realtime), (cost.decode_us_per_frame, cost.decode_x_realtime)]
        {
            assert!(us > 0.0 && x > 1.0, "{cost:?}");
            assert!((us / 1000.0 * x / 10.0 - 1.0).abs() < 1e-6, "{cost:?}");
        }
        assert!(measure(&setting, &clip(100)).unwrap_err().to_string().contains("shorter than one frame"));
    }

    #[test]
    fn the_label_is_no_part_of_what_was_measured() {
        let setting = |label: &str, bitrate| Setting {
            label: label.into(),
            codec: &L16,
            request: Request { bitrate: Some(crate::units::Bitrate(bitrate)), ..Request::default() },
            beside: None,
            equipment: None,
        };
        assert_eq!(key(&setting("A", 1), &clip(8)), key(&setting("B", 1), &clip(8)));
        assert_ne!(key(&setting("A", 1), &clip(8)), key(&setting("A", 2), &clip(8)));
        assert_ne!(key(&setting("A", 1), &clip(8)), key(&setting("A", 1), &clip(9)));
    }
}
