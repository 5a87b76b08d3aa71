//! A metric of one's own: how much louder or quieter the call is than its clip. It is scored like those of codecbench.
//!
//! `cargo run --release --example my_metric`

use codecbench::media::Pcm;
use codecbench::metric::{Better, Evidence, Metric, Scale, Validity, Value};
use codecbench::plan::Case;
use codecbench::units::Seed;
use codecbench::{Error, Result, call, codec, corpus};

static LEVEL_CHANGE: Metric<Pcm> = Metric {
    scale: Scale {
        id: "level-change",
        title: "level change",
        unit: "dB",
        better: Better::Neither,
        cap: None,
        source: "power of all samples of the degraded signal over that of the reference",
        margin: 0.5,
    },
    validity: Validity { intrusive: true, limits: &[], source: "its definition" },
    // Part of a stored case's key: raise it whenever the scores change.
    version: || "level-change 1".into(),
    score,
};

fn score(evidence: &Evidence<'_, Pcm>) -> Result<Value> {
    let (reference, degraded) = (power(evidence.reference), power(evidence.degraded));
    if reference == 0.0 || degraded == 0.0 {
        return Err(Error::Metric { metric: LEVEL_CHANGE.scale.id, reason: "a signal is silent".into() });
    }
    Ok((10.0 * (degraded / reference).log10()).into())
}

/// The mean square of the samples.
fn power(signal: &Pcm) -> f64 {
    signal.samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / signal.samples.len().max(1) as f64
}

fn main() -> Result<()> {
    let clip = corpus::clip("synth-voice-1")?.remove(0);
    let case = Case {
        metrics: vec![&LEVEL_CHANGE],
        ..Case::new(clip, codec::audio("opus")?, "delay 40ms loss 10%".parse()?, Seed(1))
    };
    let call = call::run(&case)?;
    println!("in the call: {:+.2} dB", call.scores.values["level-change"]);

    // The same by hand, for any two signals.
    let again = (LEVEL_CHANGE.score)(&Evidence::files(&*call.reference, &call.degraded))?;
    println!("of the two signals: {:+.2} dB", again.value);
    Ok(())
}
