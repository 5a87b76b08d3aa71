//! Codecs of the user's own: the shipped example through the path, and programs that do everything wrong.

#![expect(clippy::unwrap_used, reason = "a test may panic; clippy does not see that its helpers are tests")]

mod desk;

use codecbench::call;
use codecbench::codec::audio::external::{Program, Run};
use codecbench::codec::{self, Decoder, Input, Request, Settings, Unit};
use codecbench::media::{Clip, Content, Pcm, PcmFormat};
use codecbench::plan::file::{Library, parse};
use codecbench::plan::{AnyPlan, Case, Plan};
use codecbench::store::Key;
use codecbench::units::{Bitrate, Seed, Time, from_ms};
use desk::{Desk, text};
use std::sync::Arc;
use std::time::Duration;

const FORMAT: PcmFormat = PcmFormat::mono(8000);

/// The example, which `cargo test` builds beside the tests.
fn example() -> String {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().unwrap().parent().unwrap().join("examples").join("external_codec");
    assert!(built.is_file(), "{} is not there: cargo build --release --examples", built.display());
    built.display().to_string()
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

fn program(run: Run) -> Program {
    Program {
        name: "mine".into(),
        run,
        sample_rate: 8000,
        channels: 1,
        frame: from_ms(20.0),
        look_ahead: Duration::ZERO,
        version: String::new(),
        timeout: Duration::from_secs(30),
        hash: String::new(),
    }
}

fn mu_law() -> Program {
    program(Run::Frames { command: owned(&[&example(), "{sample_rate}", "{frame_ms}"]) })
}

/// A shell script; `encode` or `decode` is its $0.
fn script(text: &str) -> Program {
    program(Run::Frames { command: owned(&["sh", "-c", text]) })
}

fn frames_of(program: Program) -> Settings<Pcm> {
    let request = Request { program: Some(program), ..Request::default() };
    (codec::audio("external").unwrap().configure)(&request, &PcmFormat::mono(48_000)).unwrap()
}

/// Two seconds of noise under a slow wave.
fn noise() -> Pcm {
    let mut rng = Seed(5).stream("clip");
    let level = |n: usize| 3000.0 * (1.0 + (n as f64 / 900.0).sin());
    Pcm { format: FORMAT, samples: (0..16_000).map(|n| (rng.normal() * level(n)) as i16).collect() }
}

fn case(codec: &str, program: Option<Program>, net: &str) -> Case {
    let clip = Arc::new(Clip::new("noise", Content::Signal, noise()));
    Case {
        request: Request { program, ..Request::default() },
        warm_up: Duration::from_secs(1),
        ..Case::new(clip, codec::audio(codec).unwrap(), net.parse().unwrap(), Seed(1))
    }
}

/// What encoding one frame fails with.
fn encode_error(program: Program) -> String {
    let settings = frames_of(program);
    let mut encoder = settings.encoder().unwrap();
    let frame = Pcm::silence(FORMAT, 160);
    let mut encode = || encoder.encode(Time::ZERO, &frame, &mut Vec::new());
    // What is wrong need not show in the first answer.
    let error = (0..200).find_map(|_| encode().err()).unwrap().to_string();
    assert_eq!(encode().unwrap_err().to_string(), error, "it stays as it is");
    error
}

#[test]
fn the_example_is_pcmu_sample_for_sample_on_a_clean_path() {
    let ours = call::run(&case("PCMU", None, "delay 40ms")).unwrap();
    let theirs = call::run(&case("external", Some(mu_law()), "delay 40ms")).unwrap();
    assert_eq!(ours.degraded, theirs.degraded);
    for fact in ["payload-bitrate", "wire-bitrate", "mouth-to-ear-clock", "effective-loss"] {
        assert_eq!(ours.scores.values[fact], theirs.scores.values[fact], "{fact}");
    }
    assert!(theirs.scores.effective["program"].starts_with("mine: "), "{:?}", theirs.scores.effective);
}

#[test]
fn losses_reach_the_program() {
    let lossy = || call::run(&case("external", Some(mu_law()), "delay 40ms loss 20%")).unwrap();
    let (first, again) = (lossy(), lossy());
    assert_eq!(first.degraded, again.degraded, "the same case, the same result");
    assert!(first.scores.values["concealed"] > 10.0);
    // The example's concealment: each lost sample is half the one of a frame before.
    let clean = call::run(&case("external", Some(mu_law()), "delay 40ms")).unwrap();
    let (clean, lossy) = (&clean.degraded.samples, &first.degraded.samples);
    let frames = (1..clean.len() / 160).map(|i| i * 160..(i + 1) * 160);
    let (mut lost, mut kept) = (0, 0);
    for frame in frames {
        if clean[frame.clone()] == lossy[frame.clone()] {
            kept += 1;
        } else {
            let half = frame.clone().all(|n| lossy[n] == lossy[n - 160] / 2);
            assert!(half, "{frame:?}");
            lost += 1;
        }
    }
    assert!(lost >= 10 && kept >= 60, "{lost} lost, {kept} kept");
}

#[test]
fn a_loss_of_any_length_is_filled_exactly() {
    let settings = frames_of(mu_law());
    let mut decoder = settings.decoder().unwrap();
    let packet = [0x90; 160];
    for lengths in [&[0.125, 2.5, 37.5][..], &[20.0, 60.0], &[12.5, 7.5, 1000.0]] {
        let mut out = Pcm::silence(FORMAT, 0);
        decoder.decode(Input::Unit(&packet), &mut out).unwrap();
        let mut wanted = 160;
        for length in lengths {
            let missing = from_ms(*length);
            decoder.decode(Input::Lost(missing), &mut out).unwrap();
            decoder.decode(Input::Recover { from: &packet, offset: missing, missing }, &mut out).unwrap();
            wanted += 2 * FORMAT.samples(missing);
        }
        assert_eq!(out.len(), wanted);
        // Losses that follow each other are one to the program: half the level from frame to frame.
        let (level, halved) = (out.samples[0], out.samples[160]);
        assert!(level != 0 && halved == level / 2 && out.samples[320 - 1] == halved || wanted < 320, "{lengths:?}");
    }
}

#[test]
fn nothing_sent_is_a_frame_without_a_packet() {
    // Each frame is read whole; every answer is a length of 0.
    let settings = frames_of(script("while [ $(head -c 320 | wc -c) = 320 ]; do printf '\\0\\0\\0\\0'; done"));
    let mut encoder = settings.encoder().unwrap();
    let mut units: Vec<Unit> = Vec::new();
    for _ in 0..3 {
        encoder.encode(Time::ZERO, &Pcm::silence(FORMAT, 160), &mut units).unwrap();
    }
    assert!(units.is_empty());
}

#[test]
fn a_program_that_says_nothing_is_ended_in_time() {
    let silent = |text: &str| encode_error(Program { timeout: Duration::from_millis(300), ..script(text) });
    let error = silent("echo thinking >&2; exec sleep 600");
    assert_eq!(error, "external: 'mine' (encode) gave no answer within 0.3 s; its stderr: thinking");
    // What it has started is ended with it, else the pipe would stay open.
    assert!(silent("sleep 600; true").ends_with("within 0.3 s; its stderr is empty"));
    assert!(silent("printf '\\5'; exec sleep 600").contains("gave no answer within 0.3 s"), "half a length is none");
}

#[test]
fn a_crash_is_told_with_its_last_words() {
    let error = encode_error(script("for i in 1 2 3 4 5 6; do echo line $i >&2; done; exit 3"));
    assert!(error.starts_with("external: 'mine' (encode) ended its answers (exit status: 3); its stderr: "), "{error}");
    assert!(error.ends_with("line 3 / line 4 / line 5 / line 6"), "{error}");
    assert!(encode_error(script("kill -SEGV $$")).contains("signal: 11"));
    // More than a pipe holds, and no end of a line.
    let error = encode_error(script("head -c 300000 /dev/zero | tr '\\0' x >&2; exit 1"));
    assert!(error.len() < 600 && error.ends_with("xxx"), "{error}");
}

#[test]
fn garbage_is_told_as_what_it_is() {
    let error = encode_error(script("printf '\\377\\377\\377\\177'; cat >/dev/null"));
    assert!(error.contains("announced a packet of 2147483647 bytes"), "{error}");
    let error = encode_error(script("printf '\\12\\0\\0\\0abc'"));
    assert!(error.contains("gave 3 of the 10 bytes of a packet"), "{error}");
    let error = encode_error(script("yes"));
    assert!(error.contains("announced a packet of 175704697 bytes"), "{error}");
    let error = encode_error(script("cat /dev/zero"));
    assert!(error.contains("answered more than it was asked"), "{error}");
    let settings = frames_of(script("head -c 4 >/dev/null; printf abc"));
    let mut decoder: Box<dyn Decoder<Pcm>> = settings.decoder().unwrap();
    let mut decode = |input| decoder.decode(input, &mut Pcm::silence(FORMAT, 0)).unwrap_err().to_string();
    let error = decode(Input::Unit(&[1, 2, 3]));
    assert!(error.contains("'mine' (decode) gave 3 of the 320 bytes of a frame"), "{error}");
    assert_eq!(decode(Input::Lost(from_ms(20.0))), error, "nobody is left to make up a frame");
}

#[test]
fn a_program_that_dies_in_a_call_fails_its_case() {
    let dying = format!("[ $0 = encode ] && exec {} 8000 20 encode; echo no more >&2; exit 9", example());
    let error = call::run(&case("external", Some(script(&dying)), "delay 40ms")).err().unwrap().to_string();
    assert!(error.contains("'mine' (decode)") && error.ends_with("its stderr: no more"), "{error}");
}

#[test]
fn no_process_is_left_behind() {
    let desk = Desk::new();
    let file = desk.path("pids");
    let settings =
        frames_of(script(&format!("sleep 600 & echo $$ $! >{0}.part; mv {0}.part {0}; wait", file.display())));
    let decoder = settings.decoder().unwrap();
    let pids = loop {
        match std::fs::read_to_string(&file) {
            Ok(pids) => break pids,
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    drop(decoder);
    let state = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    let [own, its] = pids.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(state(own), None, "not even a zombie");
    // What it has started itself dies of the same signal, and is for others to bury.
    let gone = |state: Option<String>| state.is_none_or(|state| state.contains(") Z") || state.contains(") X"));
    let soon = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        gone(state(its))
    });
    assert!(soon, "{:?}", state(its));
}

/// File to file without a codec: what is coded is the WAV file itself.
fn copy(encode: &str, decode: &str) -> Program {
    program(Run::Files {
        encode: owned(&["sh", "-c", encode, "{in}", "{out}"]),
        decode: owned(&["sh", "-c", decode, "{in}", "{out}"]),
        extension: "wav".into(),
    })
}

const COPY: &str = "cp $0 $1";

#[test]
fn a_file_comes_back_as_the_program_gives_it() {
    let call = call::run(&case("external-file", Some(copy(COPY, COPY)), "clean")).unwrap();
    assert_eq!(call.degraded, *call.reference);
    // 2 s of 16 bit at 8 kHz, and the header of 44 bytes.
    assert!((call.scores.values["payload-bitrate"] - (32_044.0 * 8.0 / 2000.0)).abs() < 1e-9);
}

#[test]
fn a_look_ahead_is_taken_out_of_files() {
    let late = Program { look_ahead: from_ms(5.0), ..copy(COPY, COPY) };
    let call = call::run(&case("external-file", Some(late), "clean")).unwrap();
    assert_eq!(call.degraded.samples[..15_960], call.reference.samples[40..]);
}

#[test]
fn file_programs_fail_with_their_reason() {
    let error = |program| call::run(&case("external-file", Some(program), "clean")).err().unwrap().to_string();
    assert_eq!(
        error(copy("echo bad file >&2; exit 2", COPY)),
        "external-file: 'mine' (encode) failed (exit status: 2); its stderr: bad file"
    );
    assert!(error(copy("true", COPY)).ends_with("'mine' (encode) wrote nothing to {out}"));
    assert!(error(copy(COPY, "true")).contains("'mine' (decode) wrote no usable {out}: "));
    assert!(error(copy(COPY, "echo RIFF >$1")).contains("'mine' (decode) wrote no usable {out}: "));
    let slow = Program { timeout: Duration::from_millis(300), ..copy("sleep 600; true", COPY) };
    assert!(error(slow).ends_with("'mine' (encode) did not end within 0.3 s; its stderr is empty"));

    let other_rate = Desk::new();
    let path = other_rate.path("16k.wav");
    codecbench::media::wav::write(&path, &Pcm::silence(PcmFormat::mono(16_000), 10)).unwrap();
    let error = error(copy(COPY, &format!("cp {} $1", path.display())));
    assert!(error.ends_with("wrote 16000 Hz and 1 channel(s), the plan says 8000 Hz and 1 channel(s)"), "{error}");
}

#[test]
fn without_a_program_there_is_one_clear_error() {
    for name in ["external", "external-file"] {
        let codec = codec::audio(name).unwrap();
        let error = (codec.configure)(&Request::default(), &FORMAT).err().unwrap();
        assert!(error.exit_code() == 2 && error.to_string().starts_with(&format!("{name} needs a program")), "{error}");
    }
    let desk = Desk::new();
    let output = desk.output(&["delay", "external"]);
    assert!(output.status.code() == Some(2) && text(&output.stderr).contains("--plan"), "{}", text(&output.stderr));
}

fn plan(settings: &str) -> codecbench::Result<Plan> {
    let clip = Arc::new(Clip::new("c", Content::Signal, noise()));
    let audio = |_: &str| Ok(vec![clip.clone()]);
    let library = Library { audio: &audio, video: &|_| Err(codecbench::Error::usage("no video")) };
    match parse(&format!("clips = 'c'\n[[settings]]\n{settings}"), "p.toml", "p", &library)? {
        AnyPlan::Audio(plan) => Ok(plan),
        AnyPlan::Video(_) => panic!("a plan of video"),
    }
}

#[test]
fn a_plan_describes_a_program() {
    let text = "codec = 'external'\nbitrate = [9600, 13200]\nprogram = { command = ['sh', '{bitrate}'], \
                sample_rate = 16000, channels = 2, frame = '20ms', look_ahead = '12ms', version = 'EVS 16.3', timeout = '3s' }";
    let plan = plan(text).unwrap();
    assert_eq!(plan.settings.iter().map(|s| s.label.as_str()).collect::<Vec<_>>(), ["sh 9.6 kbit/s", "sh 13.2 kbit/s"]);
    let case = plan.case(0).unwrap();
    assert_eq!(case.requested(), "external sh, 9.6 kbit/s");
    let program = case.request.program.clone().unwrap();
    assert_eq!((program.sample_rate, program.channels, program.frame), (16_000, 2, from_ms(20.0)));
    assert_eq!((program.look_ahead, program.timeout), (from_ms(12.0), Duration::from_secs(3)));
    assert!(program.words().starts_with("sh EVS 16.3: sh {bitrate} (BLAKE3 "), "{}", program.words());
    let settings = (case.codec.configure)(&case.request, &FORMAT).unwrap();
    assert_eq!((settings.format.sample_rate, settings.bitrate), (16_000, Some(Bitrate(9600))));
}

#[test]
fn errors_of_a_plan_name_the_line_and_the_key() {
    let frames = "program = { command = 'sh', sample_rate = 8000, frame = '20ms' }";
    for (settings, words) in [
        ("codec = 'external'", "p.toml:2: external needs a program"),
        (&format!("codec = 'opus'\n{frames}"), "p.toml:4: program: it needs codec = \"external\""),
        (&format!("codec = ['external', 'opus']\n{frames}"), "p.toml:4: program: it needs codec"),
        ("codec = 'external'\nprogram = 'sh'", "p.toml:4: program: must be a table"),
        (
            "codec = 'external'\nprogram = { comand = 'sh' }",
            "p.toml:4: unknown key of a program of external 'comand', did",
        ),
        ("codec = 'external'\nprogram = { encode = 'sh' }", "unknown key of a program of external 'encode'"),
        (
            "codec = 'external-file'\nprogram = { command = 'sh' }",
            "unknown key of a program of external-file 'command'",
        ),
        ("codec = 'external'\nprogram = { command = 'sh' }", "p.toml:4: sample_rate is missing"),
        ("codec = 'external'\nprogram = { command = 'sh', sample_rate = 8000 }", "p.toml:4: frame is missing"),
        (
            "codec = 'external'\nprogram = { command = 'sh', sample_rate = 8000, frame = '0ms' }",
            "frame: a frame is up to 200 ms long, and not 0",
        ),
        (
            "codec = 'external'\nprogram = { command = 'not-there', sample_rate = 8000, frame = '20ms' }",
            "p.toml:4: program: there is no program 'not-there' on the PATH",
        ),
        (
            "codec = 'external'\nprogram = { command = ['sh', '{bitrat}'], sample_rate = 8000, frame = '20ms' }",
            "p.toml:4: program: unknown word in braces 'bitrat', did you mean 'bitrate'?",
        ),
        (
            "codec = 'external'\nprogram = { command = ['sh', '{kbps}'], sample_rate = 8000, frame = '20ms' }",
            "p.toml:2: external: 'sh': its command has {bitrate} or {kbps}, and the setting has no bitrate",
        ),
        (
            "codec = 'external-file'\nprogram = { encode = ['sh', '{in}'], decode = 'sh', sample_rate = 8000 }",
            "p.toml:4: program: 'sh {in}' has no {out}",
        ),
    ] {
        let error = plan(settings).err().unwrap_or_else(|| panic!("{settings}")).to_string();
        assert!(error.contains(words) && !error.contains('\n'), "{settings}: {error}");
    }
}

#[test]
fn what_a_program_does_not_read_is_ignored_and_told() {
    let request = Request {
        bitrate: Some(Bitrate(9600)),
        ptime: Some(from_ms(40.0)),
        complexity: Some(1),
        mode: Some("x".into()),
        program: Some(script("true")),
        ..Request::default()
    };
    let settings = (codec::audio("external").unwrap().configure)(&request, &FORMAT).unwrap();
    let told: Vec<&str> = settings.changes.iter().map(|c| c.requested.as_str()).collect();
    assert_eq!(told, ["complexity=1", "mode=x", "ptime=40", "bitrate=9600"]);
    assert_eq!((settings.frame, settings.bitrate), (from_ms(20.0), None));
}

#[test]
fn a_changed_program_is_measured_anew() {
    let desk = Desk::new();
    let tool = desk.path("tool");
    let key = |bytes: &str, look_ahead: &str| {
        std::fs::write(&tool, bytes).unwrap();
        let program =
            format!("program = {{ command = '{}', sample_rate = 8000, frame = '20ms'{look_ahead} }}", tool.display());
        Key::of(&plan(&format!("codec = 'external'\n{program}")).unwrap().case(0).unwrap())
    };
    let first = key("one", "");
    assert_eq!(first, key("one", ""));
    assert_ne!(first, key("two", ""));
    assert_ne!(first, key("one", ", look_ahead = '1ms'"));
}

#[test]
fn a_plan_runs_from_end_to_end_and_delays_are_measured() {
    let desk = Desk::new();
    let plan = format!(
        "name = 'own'\nclips = 'tone.wav'\nwarm_up = '1s'\nnetworks = 'delay 20ms loss 5%'\nmetrics = 'si-sdr'\n\
         [[settings]]\nlabel = 'mine'\ncodec = 'external'\n\
         program = {{ command = ['{0}', '{{sample_rate}}', '{{frame_ms}}'], sample_rate = 8000, frame = '20ms' }}\n\
         [[settings]]\nlabel = 'broken'\ncodec = 'external'\n\
         program = {{ command = ['sh', '-c', 'echo boom >&2; exit 1'], sample_rate = 8000, frame = '20ms' }}\n\
         [[settings]]\ncodec = 'PCMU'\n",
        example()
    );
    codecbench::media::wav::write(&desk.path("tone.wav"), &desk::tone()).unwrap();
    std::fs::write(desk.path("own.toml"), plan).unwrap();
    assert!(desk.run(&["run", "own.toml", "--list"]).contains("\tmine\t"));
    let output = desk.output(&["run", "own.toml"]);
    assert_eq!(output.status.code(), Some(1), "one case fails: {}", text(&output.stderr));
    let results = std::fs::read_to_string(desk.path("reports/own/results.csv")).unwrap();
    assert!(results.contains("boom"), "{results}");
    let output = desk.output(&["delay", "--plan", "own.toml", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["codecs"][0]["setting"], "mine");
    assert_eq!(told["codecs"][0]["total_ms"], told["codecs"][2]["total_ms"], "it is PCMU");
    assert!(told["codecs"][1]["error"].as_str().unwrap().contains("boom"));
}

/// opusenc and opusdec: a foreign codec, whose figures are known from the library that is linked.
#[test]
fn opus_tools_come_out_as_opus() {
    let installed =
        |name: &str| std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|p| p.join(name).is_file());
    if !installed("opusenc") || !installed("opusdec") {
        return eprintln!("SKIPPED: opusenc and opusdec (Debian: opus-tools) are not installed");
    }
    let run = Run::Files {
        encode: owned(&["opusenc", "--quiet", "--bitrate", "{kbps}", "{in}", "{out}"]),
        decode: owned(&["opusdec", "--quiet", "{in}", "{out}"]),
        extension: "opus".into(),
    };
    let request = Request {
        program: Some(Program { sample_rate: 48_000, ..program(run) }),
        bitrate: Some(Bitrate(64_000)),
        ..Request::default()
    };
    let voice = codecbench::media::synth::ALL[0].clip();
    let case = Case {
        clip: Arc::new(voice),
        request: request.clone(),
        metrics: vec![codecbench::metric::audio("pesq-wb").unwrap()],
        ..case("external-file", None, "clean")
    };
    let call = call::run(&case).unwrap();
    let (bitrate, quality) = (call.scores.values["payload-bitrate"], call.scores.values["pesq-wb"]);
    assert!((40.0..90.0).contains(&bitrate) && quality > 4.2, "{bitrate} kbit/s, {quality}");
    let format = PcmFormat::mono(48_000);
    let latency = codecbench::latency::measure(case.codec, &request, &format).unwrap();
    // Its tools take the look-ahead out of the file.
    assert!(latency.lookahead_ms.abs() < 0.1, "{latency:?}");
}
