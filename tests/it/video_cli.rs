//! The program with video as a user meets it: what it refuses and how, that a run is reproducible and goes on.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use crate::desk::{Desk, text, tone};
use codecbench::media::{Footage, FrameRate, Picture, PictureFormat, wav, y4m};
use serde_json::Value;

/// A gradient that moves, so many pictures of 64x48.
fn footage(pictures: usize) -> Footage {
    let format = PictureFormat { width: 64, height: 48, rate: FrameRate::new(30, 1) };
    let picture = |t: usize| {
        let data: Vec<u8> = (0..format.bytes()).map(|i| ((i * 3 + i / 64 * 5 + t * 4) % 200 + 20) as u8).collect();
        Picture::new(64, 48, data).unwrap()
    };
    Footage { format, pictures: (0..pictures).map(picture).collect() }
}

fn refuses(desk: &Desk, args: &[&str], parts: &[&str]) {
    let output = desk.output(args);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
    assert!(output.stdout.is_empty(), "{args:?}");
    let last = error.lines().last().unwrap_or_default();
    assert!(parts.iter().all(|part| last.contains(part)), "{args:?}:\n     got {last}\nexpected {parts:?}");
}

#[test]
fn a_y4m_file_that_cannot_be_used_is_named_with_what_would_be_right() {
    let desk = Desk::new();
    let write = |name: &str, bytes: &[u8]| std::fs::write(desk.path(name), bytes).unwrap();
    let mut good = Vec::new();
    y4m::write_to(&mut good, &footage(3)).unwrap();
    write("good.y4m", &good);
    let head = good.iter().position(|b| *b == b'\n').unwrap() + 1;
    let header = String::from_utf8(good[..head].to_vec()).unwrap();
    let with = |from: &str, to: &str| [header.replace(from, to).as_bytes(), &good[head..]].concat();
    let frame = 6 + 64 * 48 * 3 / 2;

    write("cut.y4m", &good[..good.len() - 100]);
    write("none.y4m", &good[..head]);
    write("odd.y4m", &with("W64", "W63"));
    write("mid.y4m", &[&good[..head + frame], &b"FRAME W32 H32\n"[..], &good[head + frame + 6..]].concat());
    write("shift.y4m", &[&good[..head + frame], &good[head + frame + 10..]].concat());
    write("deep.y4m", &with("C420jpeg", "C420p10"));
    write("full.y4m", &with("C420jpeg", "C444"));
    write("wrong.y4m", &with("YUV4MPEG2", "YUV4MPEGX"));
    write("huge.y4m", &with("W64", "W99999998"));
    for (file, part) in [
        ("missing.y4m", "no such file"),
        ("cut.y4m", "frame 2"),
        ("none.y4m", "0 frames"),
        ("odd.y4m", "63"),
        ("mid.y4m", "frame 1"),
        ("shift.y4m", "frame 1"),
        ("deep.y4m", "10 bit"),
        ("full.y4m", "4:4:4"),
        ("wrong.y4m", ""),
        ("huge.y4m", "99999998"),
    ] {
        refuses(&desk, &["score", "good.y4m", file], &[file, part]);
        refuses(&desk, &["score", file, "good.y4m"], &[file, part]);
        refuses(&desk, &["fmtp", "", "--codec", "VP8", "--clip", file], &[file, part]);
        let plan = format!("clips = [\n  'synth-talk',\n  '{file}',\n]\n[[settings]]\ncodec = 'VP8'\n");
        std::fs::write(desk.path("plan.toml"), plan).unwrap();
        refuses(&desk, &["run", "plan.toml"], &["plan.toml:3: clips: ", file, part]);
    }
    assert!(!desk.path("reports").exists(), "nothing is written before the input is known to be good");
}

#[test]
fn pairs_that_do_not_match_are_refused() {
    let desk = Desk::new();
    y4m::write(&desk.path("three.y4m"), &footage(3)).unwrap();
    y4m::write(&desk.path("four.y4m"), &footage(4)).unwrap();
    let format = PictureFormat { width: 32, height: 48, rate: FrameRate::new(30, 1) };
    let grey = Footage { format, pictures: vec![Picture::grey(32, 48, 100); 3] };
    y4m::write(&desk.path("small.y4m"), &grey).unwrap();
    wav::write(&desk.path("tone.wav"), &tone()).unwrap();
    refuses(&desk, &["score", "three.y4m", "four.y4m"], &["3", "4"]);
    refuses(&desk, &["score", "three.y4m", "small.y4m"], &["64x48", "32x48"]);
    refuses(&desk, &["score", "three.y4m", "tone.wav"], &["tone.wav"]);
    refuses(&desk, &["score", "three.y4m", "three.y4m", "--metric", "pesq-wb"], &["pesq-wb"]);
}

#[test]
fn audio_and_video_are_not_mixed_up() {
    let desk = Desk::new();
    for (plan, parts) in [
        ("clips = 'synth-voice-1'\n[[settings]]\ncodec = 'VP8'\n", ["plan.toml:1: clips: ", "synth-voice-1"]),
        ("clips = 'synth-talk'\n[[settings]]\ncodec = 'opus'\n", ["plan.toml:1: clips: ", "synth-talk"]),
        (
            "clips = 'synth-talk'\n[[settings]]\ncodec = ['VP8', 'opus']\n",
            ["plan.toml:3: codec: ", "opus is no video codec"],
        ),
        (
            "clips = 'synth-talk'\nmetrics = ['pesq-wb']\n[[settings]]\ncodec = 'VP8'\n",
            ["plan.toml:2: metrics: ", "pesq-wb"],
        ),
        ("clips = 'synth-talk'\n[[settings]]\ncodec = 'VP8'\nlayers = 4\n", ["plan.toml:4: layers: 4", "1 to 3"]),
        (
            "clips = 'synth-voice-1'\n[[settings]]\ncodec = 'opus'\nbeside = { codec = 'opus', clip = 'synth-voice-1' }\n",
            ["plan.toml:4: beside: ", "only video"],
        ),
    ] {
        std::fs::write(desk.path("plan.toml"), plan).unwrap();
        refuses(&desk, &["run", "plan.toml"], &parts);
    }
}

/// A plan of six short cases, two of them with audio beside the pictures.
const PLAN: &str = "name = 'v'\nclips = 'clip.y4m'\nwarm_up = '500ms'\nseeds = 1\n\
    networks = ['delay 20ms', 'delay 20ms loss 10%']\nmetrics = ['psnr-y', 'ssim']\n\
    [[settings]]\ncodec = ['VP8', 'H264']\nbitrate = 100000\nrepair = 'nack'\n\
    [[settings]]\nlabel = 'with audio'\ncodec = 'VP8'\nbitrate = 100000\n\
    beside = { codec = 'opus', clip = 'synth-voice-1', fmtp = 'useinbandfec=1' }\n";

/// `results.jsonl` without what depends on the machine.
fn results(desk: &Desk, folder: &str) -> Vec<Value> {
    let lines = std::fs::read_to_string(desk.path(folder).join("results.jsonl")).unwrap();
    let line = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        value["cost"] = Value::Null;
        value
    };
    lines.lines().map(line).collect()
}

#[test]
fn a_run_gives_the_same_bytes_again_and_goes_on() {
    let desk = Desk::new();
    y4m::write(&desk.path("clip.y4m"), &footage(45)).unwrap();
    std::fs::write(desk.path("plan.toml"), PLAN).unwrap();
    desk.run(&["run", "plan.toml", "--out", "one", "--jobs", "1"]);
    desk.run(&["run", "plan.toml", "--out", "two", "--jobs", "4"]);
    let one = results(&desk, "one");
    assert_eq!((one.len(), &one), (6, &results(&desk, "two")));
    for line in &one {
        assert_eq!(line["failure"], Value::Null, "{line}");
        for id in ["psnr-y", "ssim", "freezes", "stalled", "payload-bitrate", "rendered"] {
            assert!(line["scores"][id].is_f64(), "{id}: {line}");
        }
        let beside = line["label"] == "with audio";
        assert_eq!(line["scores"]["pesq-wb"].is_f64(), beside, "{line}");
        // There is an offset where any picture was shown.
        let shown = line["scores"]["capture-to-render"].is_f64();
        assert_eq!(line["scores"]["lip-sync"].is_f64(), beside && shown, "{line}");
    }
    // All is there: nothing runs again.
    let again = desk.output(&["run", "plan.toml", "--out", "one"]);
    assert!(text(&again.stderr).contains("6 of 6 cases are there already"), "{}", text(&again.stderr));
    for file in ["report.html", "results.csv"] {
        assert!(desk.path("one").join(file).is_file(), "{file}");
    }
}
