use super::*;
use crate::codec::Request;
use crate::media::Content;
use crate::media::PcmFormat;
use crate::plan::{Setting, requested};
use crate::units::Bitrate;

/// Two sets and a file, whatever the corpora hold.
fn clips(name: &str) -> Result<Vec<Arc<Clip>>> {
    let clip = |id: &str, rate: u32| Arc::new(Clip::new(id, Content::Signal, Pcm::silence(PcmFormat::mono(rate), 8)));
    match name {
        "two" => Ok(vec![clip("a", 8000), clip("b", 16_000)]),
        "b" => Ok(vec![clip("b", 16_000)]),
        "odd" => Ok(vec![clip("odd", 11_025)]),
        "none*.wav" => Ok(Vec::new()),
        "gone.wav" => Err(Error::input("gone.wav", "no such file")),
        _ => Err(crate::error::unknown("clip", name, &["two", "b", "odd"])),
    }
}

/// No video clips.
fn library<'a>(audio: crate::plan::kind::Clips<'a, Pcm>) -> Library<'a> {
    Library { audio, video: &|name| Err(Error::usage(format!("no video {name}"))) }
}

fn read(text: &str) -> Result<Plan> {
    match parse(text, "p.toml", "p", &library(&clips))? {
        AnyPlan::Audio(plan) => Ok(plan),
        AnyPlan::Video(_) => panic!("a plan of video"),
    }
}

fn labels(text: &str) -> Vec<String> {
    read(text).unwrap().settings.into_iter().map(|s| s.label).collect()
}

const SMALL: &str = "clips = 'b'\n[[settings]]\ncodec = 'L16'\n";

#[test]
fn what_is_not_given_has_its_default() {
    let plan = read(SMALL).unwrap();
    assert_eq!((plan.name.as_str(), plan.warm_up, plan.len()), ("p", Duration::from_secs(30), 1));
    assert_eq!((plan.seeds, plan.receivers), (vec![Seed(1)], vec![Receiver::default()]));
    assert_eq!(plan.networks.iter().map(ToString::to_string).collect::<Vec<_>>(), ["none"]);
    assert_eq!(plan.metrics.len(), crate::metric::USUAL.len());
    assert_eq!((plan.settings[0].label.as_str(), &plan.settings[0].request), ("L16", &Request::default()));
}

#[test]
fn everything_can_be_said() {
    let plan = read(
        "name = 'all-1'\nclips = ['two', 'b']\nseeds = [7, 3]\nwarm_up = '1.5s'\nreceiver = ['adaptive', 'fixed:40ms']\n\
         networks = ['clean', 'loss 5%']\nmetrics = ['wire-bitrate']\n[[settings]]\nlabel = 'A'\ncodec = 'l16'\n\
         ptime = '20 ms'\nbitrate = 24_000\ncomplexity = 9\nmode = 'voip'\n",
    )
    .unwrap();
    assert_eq!((plan.name.as_str(), plan.warm_up), ("all-1", Duration::from_millis(1500)));
    assert_eq!(plan.clips.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["a", "b"], "each clip once");
    assert_eq!((plan.seeds.clone(), plan.receivers.len(), plan.len()), (vec![Seed(7), Seed(3)], 2, 16));
    assert!(plan.metrics.is_empty(), "a fact of the call is always recorded and no metric");
    let Setting { label, codec, request, .. } = &plan.settings[0];
    assert_eq!((label.as_str(), codec.name), ("A", "L16"));
    assert_eq!(request.ptime, Some(Duration::from_millis(20)));
    assert_eq!((request.bitrate, request.complexity), (Some(Bitrate(24_000)), Some(9)));
    assert_eq!(requested(codec, request), "L16 24 kbit/s, 20 ms, complexity 9, voip");
}

#[test]
fn the_user_says_what_the_e_model_takes_a_codec_for() {
    let plan = read(&format!("{SMALL}equipment = {{ ie = 11, bpl = 19.5 }}\n")).unwrap();
    let equipment = plan.settings[0].equipment.unwrap();
    assert_eq!(equipment.words(), "Ie 11, Bpl 19.5, narrow-band");
    assert_eq!(plan.case(0).unwrap().requested(), "L16, E-model Ie 11, Bpl 19.5, narrow-band");
    let other = read(&format!("{SMALL}equipment = {{ ie = 11, band = 'wb' }}\n")).unwrap();
    assert_eq!(other.settings[0].equipment.unwrap().words(), "Ie 11, wide-band");
}

#[test]
fn a_sweep_unfolds_to_the_product_with_a_label_each() {
    let sweep =
        "clips = 'b'\n[[settings]]\ncodec = 'L16'\nbitrate = [6000, 12800]\nptime = ['10ms', '20ms']\nmode = 'x'\n";
    let all = ["L16 6 kbit/s, 10 ms", "L16 6 kbit/s, 20 ms", "L16 12.8 kbit/s, 10 ms", "L16 12.8 kbit/s, 20 ms"];
    assert_eq!(labels(sweep), all);
    assert_eq!(labels(&format!("{sweep}label = 'A'\n")), all.map(|l| l.replacen("L16", "A", 1)));
    assert_eq!(labels(&format!("{SMALL}[[settings]]\ncodec = 'L16'\ncomplexity = 1\n")), ["L16", "L16 complexity 1"]);
}

#[test]
fn every_error_names_file_line_and_what_would_be_right() {
    let at = |line: usize, text: &str| format!("{SMALL}{text}").replace("LINE", &line.to_string());
    let cases = [
        (at(4, "bitrte = 1"), "p.toml:4: unknown key of a setting 'bitrte', did you mean 'bitrate'?"),
        (at(4, "bitrate = -5"), "p.toml:4: bitrate: -5 is not within 1 to 50000000 bit/s"),
        (at(4, "bitrate = [\n8000,\n0]"), "p.toml:6: bitrate: 0 is not within"),
        (at(4, "bitrate = '5'"), "p.toml:4: bitrate: must be a whole number, not string"),
        (at(4, "bitrate = []"), "p.toml:4: bitrate: the list is empty"),
        (at(4, "complexity = 11"), "p.toml:4: complexity: 11 is not within 0 to 10"),
        (at(4, "equipment = { bpl = 19 }"), "p.toml:4: ie is missing"),
        (at(4, "equipment = { ie = -1.5 }"), "p.toml:4: ie: it is not within 0 to 150"),
        (at(4, "equipment = { ie = '11' }"), "p.toml:4: ie: must be a number, not string"),
        (at(4, "equipment = { ie = 11, band = 'uwb' }"), "p.toml:4: band: unknown band 'uwb'"),
        (at(4, "ptime = '20'"), "p.toml:4: ptime: '20' is not a time"),
        (at(4, "ptime = '-20ms'"), "p.toml:4: ptime: '-20ms' is not a time"),
        (at(4, "ptime = '0ms'"), "p.toml:2: L16: ptime must be"),
        (at(4, "[[settings]]\ncodec = 'L16'"), "p.toml:4: label: 'L16' is taken already by line 2"),
        (at(4, "[[settings]]\ncodec = 'L61'"), "p.toml:5: codec: unknown codec 'L61', did you mean"),
        (at(4, "[[settings]]\nmode = 'voip'"), "p.toml:4: codec is missing"),
        ("clips = 'b'\nseedz = 3".into(), "p.toml:2: unknown key 'seedz', did you mean 'seeds'?"),
        (format!("seeds = 0\n{SMALL}"), "p.toml:1: seeds: 0 is not within 1 to"),
        (format!("seeds = [1, 1]\n{SMALL}"), "p.toml:1: seeds: '1' is given twice"),
        (format!("seeds = [-1]\n{SMALL}"), "p.toml:1: seeds: -1 is not within 0 to"),
        (format!("\nnetworks = ['clean',\n 'loss 120%']\n{SMALL}"), "p.toml:3: networks: "),
        (format!("networks = []\n{SMALL}"), "p.toml:1: networks: the list is empty"),
        (format!("receiver = 'fixd'\n{SMALL}"), "p.toml:1: receiver: receiver 'fixd': "),
        (format!("warm_up = 30\n{SMALL}"), "p.toml:1: warm_up: must be a text in quotes, not integer"),
        (format!("warm_up = '2h'\n{SMALL}"), "p.toml:1: warm_up: '2h' is not a time from 0ms to 600s"),
        (format!("name = '../x'\n{SMALL}"), "p.toml:1: name: '../x' cannot name a folder"),
        (format!("metrics = ['pesk']\n{SMALL}"), "p.toml:1: metrics: unknown metric 'pesk'"),
        (SMALL.replace("'b'", "'twoo'"), "p.toml:1: clips: unknown clip 'twoo', did you mean 'two'?"),
        (SMALL.replace("'b'", "'gone.wav'"), "p.toml:1: clips: gone.wav: no such file"),
        (SMALL.replace("'b'", "'none*.wav'"), "p.toml:1: clips: no clip of that name"),
        (SMALL.replace("'b'", "[]"), "p.toml:1: clips: the list is empty"),
        ("clips = 'b'".into(), "p.toml:1: settings is missing"),
        ("clips = 'b'\nsettings = 3".into(), "p.toml:2: settings: write it as [[settings]]"),
        ("clips = 'b'\n\nsettings ==".into(), "p.toml:3: "),
        ("clips = 'b'\nclips = 'a'".into(), "p.toml:2: duplicate key"),
    ];
    for (text, expected) in cases {
        let error = read(&text).map(|_| ()).expect_err(&text);
        assert_eq!(error.exit_code(), 2, "{error}");
        let error = error.to_string();
        assert!(error.starts_with(expected), "\n     got {error}\nexpected {expected}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn a_plan_that_is_not_there_is_an_error_of_its_path() {
    let error = AnyPlan::read(Path::new("no/such/plan.toml"), &library(&clips)).map(|_| ()).unwrap_err();
    assert!(matches!(&error, Error::Input { path, .. } if path.ends_with("plan.toml")), "{error}");
}

#[test]
fn a_word_that_is_no_plan_is_told_the_nearest_name() {
    let wrong = |name: &str| AnyPlan::find(Path::new(name), &library(&clips)).map(|_| ()).unwrap_err().to_string();
    assert_eq!(wrong("which-fmpt-line"), "unknown plan 'which-fmpt-line', did you mean 'which-fmtp-line'?");
    assert!(wrong("zzzzzzzzzz").contains("known: demo, which-fmtp-line, quality"));
    for path in ["demo.toml", "./demo", "plans/none.toml"] {
        assert!(wrong(path).starts_with(&format!("{path}: ")), "{}", wrong(path));
    }
}

#[test]
fn no_bytes_make_the_reader_panic() {
    use proptest::prelude::*;
    proptest!(ProptestConfig::with_cases(300), |(text in "(clips|seeds|settings|[\\[\\]='0-9a-z\"#\n ]){0,40}")| {
        let _ = read(&text);
    });
}

#[test]
fn the_plans_that_come_with_the_program_are_plans() {
    let any =
        |name: &str| Ok(vec![Arc::new(Clip::new(name, Content::Speech, Pcm::silence(PcmFormat::mono(16_000), 8)))]);
    let find = |name: &str| match AnyPlan::find(Path::new(name), &library(&any)).unwrap() {
        AnyPlan::Audio(plan) => plan,
        AnyPlan::Video(_) => panic!("{name} is a plan of video"),
    };
    let (demo, two) = (find("demo"), find("which-fmtp-line"));
    assert!((300..=700).contains(&demo.len()), "{} cases do not fit three minutes on two cores", demo.len());
    let lines = |plan: &Plan| -> Vec<String> { plan.settings.iter().map(|s| s.request.fmtp.to_string()).collect() };
    assert!(lines(&two).iter().all(|line| !line.is_empty() && lines(&demo).contains(line)), "{:?}", lines(&two));
}

#[test]
fn an_fmtp_line_is_part_of_the_setting_and_a_broken_one_has_its_place() {
    let plan = read(&format!("{SMALL}label = 'A'\nfmtp = ['useinbandfec=1', 'usedtx=1']\n")).unwrap();
    let labels: Vec<&str> = plan.settings.iter().map(|s| s.label.as_str()).collect();
    assert_eq!(labels, ["A useinbandfec=1", "A usedtx=1"]);
    let broken = read(&format!("{SMALL}fmtp = '=1;;='\n")).map(|_| ()).unwrap_err().to_string();
    assert!(broken.starts_with("p.toml:4: fmtp: "), "{broken}");
}
