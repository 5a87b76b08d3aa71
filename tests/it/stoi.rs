//! STOI and ESTOI against PyPI pystoi 0.4.1.

use codecbench::media::load;
use codecbench::metric::{Evidence, audio};
use std::path::PathBuf;

#[test]
fn stoi_and_estoi_meet_the_reference_program() {
    let Some(root) = std::env::var_os("CODECBENCH_VECTORS").map(PathBuf::from) else {
        println!("SKIPPED: CODECBENCH_VECTORS is not set, so nothing was compared with the reference program");
        return;
    };
    let cases: Vec<serde_json::Value> =
        serde_json::from_str(&std::fs::read_to_string(root.join("stoi/cases.json")).unwrap()).unwrap();
    assert_eq!(cases.len(), 10);
    let mut worst = 0.0_f64;
    for case in cases {
        let clip = |key: &str| load(&root.join(case[key].as_str().unwrap())).unwrap().signal;
        let (reference, degraded) = (clip("reference"), clip("degraded"));
        for (id, key) in [("stoi", "expected_stoi"), ("estoi", "expected_estoi")] {
            let value = (audio(id).unwrap().score)(&Evidence::files(&*reference, &*degraded)).unwrap().value;
            let error = value - case[key].as_f64().unwrap();
            println!("{id} {}: {value:.6}, {error:+.2e}", case["degraded"]);
            assert!(error.abs() <= case["tolerance"].as_f64().unwrap());
            worst = worst.max(error.abs());
        }
    }
    println!("largest deviation {worst:.2e}");
}
