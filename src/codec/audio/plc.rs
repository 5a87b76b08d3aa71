//! Packet-loss concealment by pitch repetition, for codecs that define none in their decoder.
//!
//! After the published description of ITU-T G.711 Appendix I: the pitch period is found by correlation over the recent
//! past; the last period is repeated for 10 ms, the last two for the next 10 ms, then the last three; the level falls by
//! 20 % of the start per 10 ms from 10 ms on, so that it is silent after 60 ms; a quarter period is overlap-added wherever
//! pieces meet. One deviation: the Recommendation delays the output by 3.75 ms so that it can smooth the last quarter
//! period *before* a loss. Here the decoder adds no delay, so what was played stays as it was; the step at the start of a
//! loss is instead taken up by an offset that dies away over a quarter period, and only the recovery is cross-faded.

use crate::media::PcmFormat;

/// Repeats what it heard last. Times are those of the Recommendation, at any sample rate; mono.
pub struct Concealer {
    sample_rate: usize,
    /// What was put out last, the newest at the end: three of the longest periods and a quarter (48.75 ms).
    history: Vec<i16>,
    erasure: Option<Erasure>,
}

/// A loss that goes on.
struct Erasure {
    /// [`Concealer::history`] as it was at the first lost sample.
    past: Vec<f64>,
    /// Samples of one pitch period.
    period: usize,
    /// Samples made so far.
    made: usize,
    /// Place in the stretch that is being repeated, and how many periods it has.
    place: usize,
    periods: usize,
    /// The stretch that was repeated before it grew, while the two are overlapped: place, periods, samples left.
    before: Option<(usize, usize, usize)>,
}

impl Concealer {
    pub fn new(format: PcmFormat) -> Concealer {
        let sample_rate = format.sample_rate as usize;
        Concealer { sample_rate, history: vec![0; sample_rate * 4875 / 100_000], erasure: None }
    }

    /// Takes note of decoded `samples`; after a loss their beginning is cross-faded with the concealment that ends.
    pub fn heard(&mut self, samples: &mut [i16]) {
        if let Some(mut erasure) = self.erasure.take() {
            // A quarter period, and 4 ms more for each 10 ms of loss after the first, 10 ms at most.
            let later = erasure.made.saturating_sub(self.ms(10)) / self.ms(10);
            let fade = (erasure.period / 4 + later * self.ms(4)).min(self.ms(10)).min(samples.len());
            for (i, sample) in samples[..fade].iter_mut().enumerate() {
                let weight = (i + 1) as f64 / (fade + 1) as f64;
                *sample = round(erasure.next(self.ms(10)) * (1.0 - weight) + f64::from(*sample) * weight);
            }
        }
        self.remember(samples);
    }

    /// Appends `count` made-up samples.
    pub fn conceal(&mut self, count: usize, out: &mut Vec<i16>) {
        let block = self.ms(10);
        let erasure = self.erasure.get_or_insert_with(|| Erasure::new(&self.history, self.sample_rate));
        let start = out.len();
        out.extend((0..count).map(|_| round(erasure.next(block))));
        self.remember(&out[start..]);
    }

    fn remember(&mut self, samples: &[i16]) {
        let keep = self.history.len();
        self.history.extend_from_slice(&samples[samples.len().saturating_sub(keep)..]);
        self.history.drain(..self.history.len() - keep);
    }

    fn ms(&self, ms: usize) -> usize {
        self.sample_rate * ms / 1000
    }
}

impl Erasure {
    fn new(history: &[i16], sample_rate: usize) -> Erasure {
        let past: Vec<f64> = history.iter().map(|s| f64::from(*s)).collect();
        let period = pitch(&past, sample_rate);
        Erasure { past, period, made: 0, place: 0, periods: 1, before: None }
    }

    /// The next sample; `block` is the 10 ms after which the repeated stretch grows and the level falls.
    fn next(&mut self, block: usize) -> f64 {
        let quarter = self.period / 4;
        if self.made > 0 && self.made.is_multiple_of(block) && self.periods < 3 {
            self.before = Some((self.place, self.periods, quarter));
            self.place %= self.period;
            self.periods += 1;
        }
        let mut value = self.repeated(self.place, self.periods);
        if let Some((place, periods, left)) = self.before.filter(|b| b.2 > 0) {
            let weight = left as f64 / (quarter + 1) as f64;
            value = value * (1.0 - weight) + self.repeated(place, periods) * weight;
            self.before = Some(((place + 1) % (periods * self.period), periods, left - 1));
        }
        if self.made < quarter {
            let last = self.past.len() - 1;
            let step = self.past[last] - self.past[last - self.period];
            value += step * (1.0 - (self.made + 1) as f64 / (quarter + 1) as f64);
        }
        let level = (1.0 - 0.2 * (self.made as f64 / block as f64 - 1.0)).clamp(0.0, 1.0);
        self.place = (self.place + 1) % (self.periods * self.period);
        self.made += 1;
        value * level
    }

    /// The last `periods` periods of the past as a loop, its last quarter period overlapped with what leads to its start.
    fn repeated(&self, place: usize, periods: usize) -> f64 {
        let (length, quarter) = (periods * self.period, self.period / 4);
        let start = self.past.len() - length;
        let value = self.past[start + place];
        if place + quarter < length {
            return value;
        }
        let weight = (place + quarter + 1 - length) as f64 / (quarter + 1) as f64;
        value * (1.0 - weight) + self.past[start + place - length] * weight
    }
}

/// The lag of 5 to 15 ms (66 to 200 Hz) at which the last 20 ms are most like what came before, in samples.
fn pitch(past: &[f64], sample_rate: usize) -> usize {
    let window = sample_rate / 50;
    let recent = &past[past.len() - window..];
    let likeness = |lag: usize| {
        let earlier = &past[past.len() - window - lag..past.len() - lag];
        let product: f64 = recent.iter().zip(earlier).map(|(a, b)| a * b).sum();
        let energy: f64 = earlier.iter().map(|b| b * b).sum();
        product / (energy + 1.0).sqrt()
    };
    let shortest = sample_rate / 200;
    let mut best = (shortest, likeness(shortest));
    for lag in shortest + 1..=sample_rate * 3 / 200 {
        let value = likeness(lag);
        if value > best.1 {
            best = (lag, value);
        }
    }
    best.0
}

fn round(value: f64) -> i16 {
    value.round().clamp(-32768.0, 32767.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pulse-like periodic wave with period 64 at 8 kHz (125 Hz).
    fn wave(n: usize) -> i16 {
        let phase = (n % 64) as f64 / 64.0 * std::f64::consts::TAU;
        (4000.0 * phase.sin() + 3000.0 * (2.0 * phase + 1.0).sin() + 1500.0 * (3.0 * phase + 0.3).cos()) as i16
    }

    fn primed() -> Concealer {
        let mut plc = Concealer::new(PcmFormat::mono(8000));
        plc.heard(&mut (0..800).map(wave).collect::<Vec<_>>());
        plc
    }

    #[test]
    fn a_periodic_wave_goes_on_unchanged_for_10_ms_and_fades_by_a_fifth_per_10_ms() {
        let mut out = Vec::new();
        primed().conceal(640, &mut out);
        for (i, sample) in out.iter().enumerate() {
            let level = (1.0 - 0.2 * (i as f64 / 80.0 - 1.0)).clamp(0.0, 1.0);
            let expected = f64::from(wave(800 + i)) * level;
            assert!((f64::from(*sample) - expected).abs() <= 1.0, "sample {i}: {sample} instead of {expected}");
        }
        assert!(out[80 * 6..].iter().all(|s| *s == 0), "muted after 60 ms");
    }

    #[test]
    fn recovery_returns_to_the_decoded_signal_and_has_no_step() {
        let mut plc = primed();
        plc.conceal(160, &mut Vec::new());
        let mut frame: Vec<i16> = (960..1120).map(wave).collect();
        plc.heard(&mut frame);
        // A quarter of 64 and 4 ms for the second 10 ms.
        assert!(frame[16 + 32..].iter().enumerate().all(|(i, s)| *s == wave(960 + 48 + i)));
        let mut second: Vec<i16> = (1120..1280).map(wave).collect();
        plc.heard(&mut second);
        assert!(second.iter().enumerate().all(|(i, s)| *s == wave(1120 + i)));
    }

    #[test]
    fn a_loss_begins_without_a_step_whatever_came_before() {
        let mut plc = Concealer::new(PcmFormat::mono(16000));
        let ramp: Vec<i16> = (0..800).map(|n| (n * 20) as i16).collect();
        plc.heard(&mut ramp.clone());
        let mut out = Vec::new();
        plc.conceal(160, &mut out);
        assert!((i32::from(out[0]) - i32::from(ramp[799])).abs() < 200, "{} after {}", out[0], ramp[799]);
    }

    #[test]
    fn the_split_of_a_loss_does_not_matter() {
        let (mut whole, mut parts) = (Vec::new(), Vec::new());
        primed().conceal(480, &mut whole);
        let mut plc = primed();
        for n in [1, 79, 80, 13, 307] {
            plc.conceal(n, &mut parts);
        }
        assert_eq!(whole, parts);
    }
}
