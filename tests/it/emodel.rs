//! The E-model against two programs that agree, and its own closed forms.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use codecbench::media::{Pcm, PcmFormat};
use codecbench::metric::audio::emodel::{Band, Equipment, Inputs, PUBLISHED, Point, fit, mos, rate, rating_of_mos};
use codecbench::metric::{CallFacts, Evidence, audio};
use serde_json::Value as Json;
use std::path::PathBuf;
use std::process::{Command, Output};

fn vectors() -> Option<Json> {
    let Some(root) = std::env::var_os("CODECBENCH_VECTORS").map(PathBuf::from) else {
        println!("SKIPPED: CODECBENCH_VECTORS is not set, so nothing was compared with the reference programs");
        return None;
    };
    Some(serde_json::from_str(&std::fs::read_to_string(root.join("emodel.json")).unwrap()).unwrap())
}

fn inputs(case: &Json) -> Inputs {
    let mut inputs = Inputs::default();
    for (name, value) in case.as_object().unwrap() {
        *inputs.by_name(name).unwrap() = value.as_f64().unwrap();
    }
    inputs
}

#[test]
fn narrow_band_meets_both_programs() {
    let Some(all) = vectors() else { return };
    let (mut checked, mut worst) = (0, (0.0_f64, 0.0_f64));
    for case in all["cases"].as_array().unwrap().iter().filter(|c| c["verified"] == true) {
        let rating = rate(Band::Nb, &inputs(&case["inputs"]));
        let error = |key: &str, value: f64| (value - case[key].as_f64().unwrap()).abs();
        worst = (worst.0.max(error("R", rating.r)), worst.1.max(error("MOS", rating.mos)));
        assert!(error("R", rating.r) <= 1e-4 && error("MOS", rating.mos) <= 1e-5, "{case}: {rating:?}");
        checked += 1;
    }
    for case in all["idd"]["cases"].as_array().unwrap() {
        let rating = rate(Band::Nb, &Inputs { ta: case["Ta"].as_f64().unwrap(), ..Inputs::default() });
        let idd = rating.impairments.iter().find(|i| i.id == "Idd").unwrap().points;
        assert!((idd - case["Idd"].as_f64().unwrap()).abs() < 1e-6, "{case}: {idd}");
    }
    println!("{checked} cases, worst R {:.1e}, worst MOS {:.1e}", worst.0, worst.1);
    assert_eq!(checked, 38);
}

#[test]
fn wide_and_full_band_are_told_without_a_gate() {
    let Some(all) = vectors() else { return };
    for case in all["wideband_fullband"]["cases"].as_array().unwrap() {
        let band = if case["scale"] == "wb" { Band::Wb } else { Band::Fb };
        let rating = rate(band, &inputs(&case["inputs"]));
        println!(
            "{}: R {:.6} (theirs {}), MOS {:.6} (theirs {})",
            case["inputs"], rating.r, case["R"], rating.mos, case["MOS"]
        );
        assert!(rating.r.is_finite() && (1.0..=4.5).contains(&rating.mos));
    }
}

#[test]
fn the_impairments_make_up_the_rating() {
    let given = Inputs {
        ta: 250.0,
        ie: 11.0,
        bpl: 19.0,
        ppl: 3.0,
        burst_r: 2.0,
        a: 5.0,
        t: 30.0,
        tr: 60.0,
        ..Inputs::default()
    };
    for band in [Band::Nb, Band::Wb, Band::Fb] {
        let rating = rate(band, &given);
        let sum: f64 = rating.impairments.iter().map(|i| i.points).sum();
        assert!((rating.ro - sum - rating.r).abs() < 1e-9);
        let clear = rate(band, &Inputs::default());
        assert!((clear.r - band.best()).abs() < 1e-6, "{band:?}: {}", clear.r);
        // Each input that grows worse lowers R.
        for worse in [Inputs { ta: 300.0, ..given }, Inputs { ppl: 4.0, ..given }, Inputs { ie: 12.0, ..given }] {
            assert!(rate(band, &worse).r < rating.r);
        }
        assert!(rate(band, &Inputs { bpl: 25.0, ..given }).r > rating.r);
    }
}

#[test]
fn every_input_has_its_name() {
    for name in Inputs::NAMES {
        assert!(Inputs::default().by_name(name).is_some() && Inputs::default().by_name(&name.to_lowercase()).is_some());
    }
    assert!(Inputs::default().by_name("Dr").is_none());
}

#[test]
fn the_inverse_of_the_mos_is_its_inverse() {
    for r in [10.0, 30.0, 50.0, 75.3, 93.2, 99.9] {
        assert!((rating_of_mos(mos(r)) - r).abs() < 1e-9);
    }
    assert_eq!([rating_of_mos(5.0).round(), rating_of_mos(0.9)], [100.0, 6.5]);
}

#[test]
fn a_planted_codec_is_found_again() {
    for (band, ie, bpl) in [(Band::Nb, 11.0, 19.0), (Band::Wb, 7.0, 4.6), (Band::Nb, 0.0, 25.1)] {
        let point = |(ppl, burst_r): (f64, f64)| {
            let r = rate(band, &Inputs { ie, bpl, ppl, burst_r, ..Inputs::default() }).r;
            Point { ppl, burst_r, mos: mos(r / band.stretch()) }
        };
        let points: Vec<Point> = [(0.0, 1.0), (1.0, 1.0), (3.0, 1.5), (5.0, 1.0), (10.0, 2.0)].map(point).to_vec();
        let found = fit(band, &points).unwrap();
        assert!((found.ie - ie).abs() < 1e-3 && (found.bpl.unwrap() - bpl).abs() < 1e-2, "{band:?}: {found:?}");
        assert!(found.rmse < 1e-3);
    }
    let clean = Point { ppl: 0.0, burst_r: 1.0, mos: 4.0 };
    assert!(fit(Band::Nb, &[clean]).unwrap().bpl.is_none() && fit(Band::Nb, &[]).is_none());
    // One loss alone cannot tell the codec from the loss.
    assert!(fit(Band::Nb, &[Point { ppl: 3.0, ..clean }, Point { ppl: 3.2, ..clean }]).is_none());
}

#[test]
fn a_call_is_rated_by_its_facts_and_files_are_not() {
    let pcm = Pcm::silence(PcmFormat::mono(8_000), 8_000);
    let files = Evidence::files(&pcm, &pcm);
    let error = (audio("r-factor").unwrap().score)(&files).unwrap_err().to_string();
    assert!(error.contains("needs a call"), "{error}");
    let call = |codec: &'static str, bitrate, loss_percent, equipment| {
        let facts = CallFacts { codec, bitrate, mouth_to_ear_ms: 150.0, loss_percent, burst_ratio: 1.0, equipment };
        let evidence = Evidence { call: Some(facts), ..Evidence::files(&pcm, &pcm) };
        (audio("mos-cqe").unwrap().score)(&evidence).map(|v| v.value).map_err(|e| e.to_string())
    };
    let expected = rate(Band::Nb, &Inputs { ta: 150.0, ppl: 2.0, bpl: 25.1, ..Inputs::default() }).mos;
    assert_eq!(call("PCMU", Some(64_000), 2.0, None), Ok(expected));
    assert!(call("G722", Some(64_000), 0.0, None).is_ok());
    assert!(call("G722", Some(64_000), 1.0, None).unwrap_err().contains("no published Bpl"));
    assert!(call("opus", Some(24_000), 0.0, None).unwrap_err().contains("emodel fit"));
    let own = Equipment { band: Band::Fb, ie: 9.0, bpl: Some(10.0) };
    let expected = rate(Band::Fb, &Inputs { ta: 150.0, ppl: 2.0, ie: 9.0, bpl: 10.0, ..Inputs::default() }).mos;
    assert_eq!(call("opus", Some(24_000), 2.0, Some(own)), Ok(expected));
}

#[test]
fn the_table_names_each_codec_and_bitrate_once() {
    for (k, row) in PUBLISHED.iter().enumerate() {
        assert!(row.equipment.ie >= 0.0 && row.source.contains("check before publishing"));
        assert!(PUBLISHED[..k].iter().all(|r| (r.name, r.bitrate) != (row.name, row.bitrate)), "{}", row.name);
    }
}

#[test]
fn the_calculator_says_what_the_model_says_and_refuses_what_nobody_published() {
    let output = |args: &[&str]| -> Output {
        Command::new(env!("CARGO_BIN_EXE_codecbench")).arg("emodel").args(args).output().unwrap()
    };
    let text = |args: &[&str]| String::from_utf8(output(args).stdout).unwrap();
    let told: Json = serde_json::from_str(&text(&["--codec", "g.711 with plc", "--loss", "3", "--json"])).unwrap();
    assert!((told["rating"]["r"].as_f64().unwrap() - 83.063_859).abs() < 1e-4, "{told}");
    assert!(text(&["--delay", "200"]).contains("Idd, delay"));
    assert!(text(&["--codecs"]).contains("AMR-WB"));
    for (args, reason) in [
        (&["--codec", "opus"][..], "no published Ie and Bpl"),
        (&["--codec", "AMR-WB"], "--bitrate: AMR-WB has figures for 6600"),
        (&["--codec", "G.729", "--loss", "2"], "no published Bpl"),
        (&["--set", "TELR"], "say NAME=VALUE"),
        (&["--band", "wb", "--set", "TELR=40"], "only the narrow-band model"),
        (&["--loss", "120"], "--loss (Ppl) must be within 0 and 100, not 120"),
        (&["--loss", "NaN"], "--loss (Ppl) must be within"),
        (&["fit", "."], "give the folder that a run wrote"),
    ] {
        let output = output(args);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && told.contains(reason), "{args:?}: {told}");
    }
}
