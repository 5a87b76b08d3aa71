//! DNSMOS (Reddy, Gopal, Cutler: "DNSMOS P.835", ICASSP 2022): how listeners would rate speech, background and the whole
//! of a noisy recording, from the degraded signal alone.

use super::neural::{Network, heard};
use crate::error::Result;
use crate::media::Pcm;
use crate::metric::api::{Better, Evidence, Metric, Scale};
use crate::metric::validity::{self, Validity, When};
use std::cell::RefCell;

pub static SIGNAL: Metric<Pcm> = metric("dnsmos-sig", "DNSMOS speech", |e| Ok(rate("dnsmos-sig", e)?[0].into()));
pub static BACKGROUND: Metric<Pcm> =
    metric("dnsmos-bak", "DNSMOS background", |e| Ok(rate("dnsmos-bak", e)?[1].into()));
pub static OVERALL: Metric<Pcm> = metric("dnsmos-ovrl", "DNSMOS overall", |e| Ok(rate("dnsmos-ovrl", e)?[2].into()));

const fn metric(
    id: &'static str,
    title: &'static str,
    score: fn(&Evidence<'_, Pcm>) -> Result<crate::metric::api::Value>,
) -> Metric<Pcm> {
    Metric {
        scale: Scale {
            id,
            title,
            unit: "MOS",
            better: Better::Higher,
            cap: None,
            source: "Reddy et al. 2022, ITU-T P.835 scales; 9.01 s windows every second, averaged, shorter signals \
                     repeated; degraded signal alone, mono mix at 16 kHz; model sig_bak_ovr.onnx of PyPI speechmos \
                     0.0.1.1 (MIT)",
            margin: 0.05,
        },
        validity: Validity {
            intrusive: false,
            limits: &[
                (When::Always, "judges noise and its suppression; hardly hears what codecs and loss do"),
                validity::HEARS_8_KHZ,
                validity::NO_MUSIC,
                validity::NO_SIGNAL,
            ],
            source: "Reddy et al. 2022: trained on noise suppression; codecs and loss measured on this project's pairs",
        },
        version: || "codecbench dnsmos 1, sig_bak_ovr.onnx 269fbebd, rten 0.27.0".into(),
        score,
    }
}

static NETWORK: Network = Network::new("dnsmos-sig-bak-ovr.onnx");

/// 9.01 s.
const WINDOW: usize = 144_160;
const HOP: usize = 16_000;

thread_local! {
    /// The three metrics of a case are scored one after the other on one thread: the last signal's figures serve all.
    static LAST: RefCell<Option<(blake3::Hash, [f64; 3])>> = const { RefCell::new(None) };
}

/// Speech, background, overall.
fn rate(metric: &'static str, evidence: &Evidence<'_, Pcm>) -> Result<[f64; 3]> {
    let signal = heard(metric, evidence.degraded)?;
    let mut hasher = blake3::Hasher::new();
    signal.iter().for_each(|s| _ = hasher.update(&s.to_le_bytes()));
    let hash = hasher.finalize();
    if let Some(known) = LAST.with_borrow(|last| last.filter(|(of, _)| *of == hash)) {
        return Ok(known.1);
    }
    let windows = windows(signal);
    let mean = NETWORK.run(metric, move |network| {
        let count = windows.len() as f64;
        let mut mean = [0.0; 3];
        for window in windows {
            let raw = network.output::<2>(&[network.input("input_1", &[1, WINDOW], window)?])?;
            for ((mean, raw), mapping) in mean.iter_mut().zip(raw).zip(MAPPINGS) {
                *mean += mapping(f64::from(raw)) / count;
            }
        }
        mean.iter().all(|m| m.is_finite()).then_some(mean).ok_or_else(|| "the network gave no number".into())
    })?;
    LAST.set(Some((hash, mean)));
    Ok(mean)
}

/// From the network's figures to the scale of listeners (the mapping without personalisation).
const MAPPINGS: [fn(f64) -> f64; 3] = [
    |x| (-0.083_972_78 * x + 1.220_839_53) * x + 0.005_243_9,
    |x| (-0.131_668_88 * x + 1.609_155_14) * x - 0.396_045_46,
    |x| (-0.067_662_83 * x + 1.115_464_68) * x + 0.046_025_35,
];

/// The signal is doubled until it fills a window. The reference program leaves a last part of less than a second out, and
/// the last window too whenever the whole seconds allow one more than fits.
fn windows(mut signal: Vec<f32>) -> Vec<Vec<f32>> {
    while signal.len() < WINDOW {
        signal.extend_from_within(..);
    }
    let seconds = signal.len() / HOP;
    // trunc(seconds - 9.01) + 1
    let count = seconds.saturating_sub(10) + 1;
    signal.windows(WINDOW).step_by(HOP).take(count).map(<[f32]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_counted_as_the_reference_program_counts_them() {
        let count = |seconds: f64| windows(vec![0.5; (seconds * 16_000.0) as usize]).len();
        assert_eq!([9.2, 10.0, 10.99, 11.0, 12.0, 3.4486, 1.0].map(count), [1, 1, 1, 2, 3, 4, 7]);
        assert!(windows(vec![0.5; 20_000]).iter().all(|w| w.len() == WINDOW));
    }
}
