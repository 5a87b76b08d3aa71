//! H.264 and AV1: the headers say what was asked for, slices keep to their size, and another decoder sees the same pictures.

#![expect(clippy::unwrap_used, reason = "a test may panic; clippy does not see that its helpers are tests")]

use codecbench::codec::{Coded, Feedback, Input, ObservedPictures, Request, Settings, Unit, video};
use codecbench::media::{Footage, FrameRate, Picture, PictureFormat};
use codecbench::units::{Bitrate, Seed, Time};
use std::collections::BTreeSet;
use std::process::Command;

#[test]
fn parameter_sets_say_the_profile_and_level_that_were_asked_for() {
    let mut streams = BTreeSet::new();
    for (line, profile, level) in [
        ("profile-level-id=42e01f;packetization-mode=1", "constrained baseline", "3.1"),
        ("profile-level-id=640c1f;packetization-mode=1", "constrained high", "3.1"),
        ("profile-level-id=4d0028;packetization-mode=1", "main", "4"),
        ("profile-level-id=42001e;packetization-mode=1", "constrained baseline", "3"),
        ("", "constrained baseline", "3.1"),
    ] {
        let settings = configure("H264", line, 1, "camera", 300_000, format(320, 180));
        let units = encode(&settings, 60);
        let seen = observe(&settings, &units);
        assert_eq!((seen.profile.as_deref(), seen.level.as_deref()), (Some(profile), Some(level)), "{line}");
        assert_eq!((seen.size, seen.key_frames), (Some((320, 180)), 1), "{line}");
        let shown = decode(&settings, &units);
        eprintln!("{line:48} {profile:21} {:6} bytes, QP {:.1}", bytes(&units), seen.qp.unwrap());
        assert_eq!(shown.len(), units.len(), "{line}");
        streams.insert(units.into_iter().flat_map(|unit| unit.data).collect::<Vec<u8>>());
    }
    assert_eq!(streams.len(), 5, "every line makes a stream of its own");

    let settings = configure("AV1", "level-idx=5", 1, "camera", 300_000, format(320, 180));
    let seen = observe(&settings, &encode(&settings, 30));
    assert_eq!((seen.profile.as_deref(), seen.level.as_deref()), (Some("main"), Some("2.0")));
    assert_eq!((seen.size, seen.key_frames), (Some((320, 180)), 1));
}

#[test]
fn slices_fit_a_packet_in_mode_0_and_a_picture_is_one_slice_in_mode_1() {
    for (profile, layers) in [("42e01f", 1), ("42e01f", 3), ("640c1f", 1)] {
        let line = |mode| format!("profile-level-id={profile};packetization-mode={mode}");
        let run = |mode| {
            let settings = configure("H264", &line(mode), layers, "camera", 2_500_000, format(640, 360));
            let units = encode(&settings, 60);
            assert_eq!(decode(&settings, &units).len(), units.len());
            units
        };
        let slices = |unit: &Unit| nal_units(&unit.data).into_iter().filter(|nal| matches!(nal[0] & 31, 1 | 5)).count();
        let small = run(0);
        let largest = small.iter().flat_map(|unit| nal_units(&unit.data)).map(<[u8]>::len).max().unwrap();
        let most = small.iter().map(slices).max().unwrap();
        eprintln!("{profile}, {layers} layers: NAL units of at most {largest} bytes, at most {most} slices a picture");
        assert!(largest <= 1132 && most > 5, "{profile}: {largest} bytes, {most} slices");
        assert!(run(1).iter().all(|unit| slices(unit) == 1), "{profile}");
    }
}

#[test]
fn screens_are_coded_with_layers_too_and_pictures_decode_with_what_they_depend_on() {
    for name in ["H264", "AV1"] {
        for layers in 1..=if name == "AV1" { 3 } else { 2 } {
            let settings = configure(name, "packetization-mode=1", layers, "screen", 300_000, format(320, 180));
            let units = encode(&settings, 90);
            let whole = decode(&settings, &units);
            for seed in 0..10 {
                let mut rng = Seed(seed).stream("loss");
                let mut usable = BTreeSet::new();
                let mut kept = Vec::new();
                for (unit, picture) in units.iter().zip(&whole) {
                    let Coded { id, depends_on, .. } = unit.picture.as_ref().unwrap();
                    if rng.unit() > 0.1 && depends_on.iter().all(|id| usable.contains(id)) {
                        usable.insert(*id);
                        kept.push((unit.clone(), picture));
                    }
                }
                let units: Vec<Unit> = kept.iter().map(|(unit, _)| unit.clone()).collect();
                let shown = decode(&settings, &units);
                assert!(shown.iter().eq(kept.iter().map(|(_, picture)| *picture)), "{name}, {layers} layers, {seed}");
            }
        }
    }
}

/// With three layers, so that there is something to go wrong; and H.264 with CABAC, and in many slices.
#[test]
fn ffmpeg_decodes_the_same_pictures() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        eprintln!("ffmpeg is not here: its decoders were not compared");
        return;
    }
    for (name, line, layers) in [
        ("H264", "packetization-mode=1", 1),
        ("H264", "packetization-mode=0", 3),
        ("H264", "profile-level-id=640c1f;packetization-mode=1", 3),
        ("H264", "profile-level-id=4d001f;packetization-mode=0", 2),
        ("AV1", "", 1),
        ("AV1", "", 3),
    ] {
        let settings = configure(name, line, layers, "camera", 400_000, format(320, 180));
        let units = encode(&settings, 60);
        let ours = decode(&settings, &units);
        let folder = tempfile::tempdir().unwrap();
        let (coded, raw) = (folder.path().join("coded"), folder.path().join("raw"));
        // An AV1 stream in a file has delimiters, which units here have not.
        let stream: Vec<u8> = match name {
            "AV1" => units.iter().flat_map(|unit| [0x12, 0].into_iter().chain(unit.data.iter().copied())).collect(),
            _ => units.iter().flat_map(|unit| unit.data.iter().copied()).collect(),
        };
        std::fs::write(&coded, stream).unwrap();
        let reader = if name == "AV1" { "obu" } else { "h264" };
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-f", reader, "-i"]).arg(&coded).args(["-vsync", "passthrough", "-f", "rawvideo"]);
        let output = command.args(["-pix_fmt", "yuv420p"]).arg(&raw).output().unwrap();
        assert!(output.status.success(), "{name} {line}: {}", String::from_utf8_lossy(&output.stderr));
        let theirs = std::fs::read(&raw).unwrap();
        assert_eq!(theirs.len(), ours.len() * settings.format.bytes(), "{name} {line}");
        for (at, (theirs, ours)) in theirs.chunks(settings.format.bytes()).zip(&ours).enumerate() {
            assert!(theirs == &*ours.data, "{name} {line}, {layers} layers: picture {at}");
        }
    }
}

fn format(width: u32, height: u32) -> PictureFormat {
    PictureFormat { width, height, rate: FrameRate::new(30, 1) }
}

fn configure(name: &str, line: &str, layers: u8, mode: &str, bitrate: u32, format: PictureFormat) -> Settings<Picture> {
    let line = if name == "AV1" && line.starts_with("packetization") { "" } else { line };
    let request = Request {
        fmtp: line.parse().unwrap(),
        bitrate: Some(Bitrate(bitrate)),
        mode: Some(mode.into()),
        layers: Some(layers),
        ..Request::default()
    };
    let codec = video(name).unwrap();
    let settings = (codec.configure)(&request, &format).unwrap();
    assert_eq!((settings.format, settings.changes.len()), (format, 0), "{line}");
    settings
}

fn observe(settings: &Settings<Picture>, units: &[Unit]) -> ObservedPictures {
    settings.observe(units).pictures.unwrap()
}

fn encode(settings: &Settings<Picture>, pictures: usize) -> Vec<Unit> {
    let mut encoder = settings.encoder().unwrap();
    let mut units = Vec::new();
    for index in 0..pictures {
        encoder.adapt(Feedback::default()).unwrap();
        let pts = Time::ZERO + settings.format.rate.at(index);
        encoder.encode(pts, &picture(settings.format, index), &mut units).unwrap();
    }
    units
}

fn decode(settings: &Settings<Picture>, units: &[Unit]) -> Vec<Picture> {
    let mut decoder = settings.decoder().unwrap();
    let mut out = Footage::new(settings.format);
    for (at, unit) in units.iter().enumerate() {
        decoder.decode(Input::Unit(&unit.data), &mut out).unwrap();
        assert_eq!(out.pictures.len(), at + 1);
    }
    out.pictures
}

fn bytes(units: &[Unit]) -> usize {
    units.iter().map(|unit| unit.data.len()).sum()
}

/// Split at start codes, by another way than the library's.
fn nal_units(data: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = (0..data.len().saturating_sub(2)).filter(|at| data[*at..at + 3] == [0, 0, 1]).collect();
    let ends = starts.iter().skip(1).map(|next| if data[next - 1] == 0 { next - 1 } else { *next });
    starts.iter().zip(ends.chain([data.len()])).map(|(start, end)| &data[start + 3..end]).collect()
}

/// A texture that pans, a square that moves over it, and a little noise.
fn picture(format: PictureFormat, index: usize) -> Picture {
    let mut rng = Seed(index as u64).stream("noise");
    let mut data = Vec::with_capacity(format.bytes());
    for scale in [1, 2, 2] {
        for y in 0..format.height / scale {
            for x in 0..format.width / scale {
                let (x, y, time) = (x * scale, y * scale, index as u32);
                let square = (x.abs_diff(60 + 3 * time) < 25 && y.abs_diff(90) < 25) as u32;
                let texture = (x + 2 * time) / 7 % 16 * 6 + y / 5 % 9 * 7;
                data.push((50 + texture / scale + 60 * square) as u8 + (rng.bits() % 5) as u8);
            }
        }
    }
    Picture::new(format.width, format.height, data).unwrap()
}
