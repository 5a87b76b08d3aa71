//! The arithmetic of ITU-T G.722: two quadrature mirror filters, and an adaptive differential coder in each half of the band.
//! Names in comments are those of the Recommendation's blocks; integer arithmetic throughout, so that codes and samples are
//! those of any other conforming implementation.

/// G.722, table 11: one half of the symmetric impulse response.
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];
/// Table 14: decision levels of the lower band's quantiser.
const Q6: [i32; 30] = [
    0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339,
    1458, 1612, 1765, 1980, 2195, 2557, 2919,
];
/// Tables 15 and 16: inverse quantisers of the lower band with 6 bits and, for the predictor, with 4.
const QM6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576,
    -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040,
    -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
    4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
];
const QM4: [i32; 16] =
    [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0];
/// Of the higher band, by its code.
const QM2: [i32; 4] = [-7408, -1616, 7408, 1616];
/// Log scale factor multipliers of the lower band, by the four upper bits of its code, and of the higher band.
const WL: [i32; 16] = [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60];
const WH: [i32; 4] = [798, -214, 798, -214];
/// Powers of two in steps of 1/32: 2048 times 2 to the n / 32.
const ILB: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025,
    3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

/// Two samples in, one octet out.
pub(super) struct Encoder {
    history: [i32; 24],
    low: Band,
    high: Band,
}

/// One octet in, two samples out.
pub(super) struct Decoder {
    history: [i32; 24],
    low: Band,
    high: Band,
}

impl Encoder {
    pub fn new() -> Encoder {
        Encoder { history: [0; 24], low: Band::low(), high: Band::high() }
    }

    /// `samples` at 16 kHz, the earlier first.
    pub fn code(&mut self, samples: [i16; 2]) -> u8 {
        let (odd, even) = filter(&mut self.history, samples.map(i32::from));
        let low = self.low.quantise_low((even + odd) >> 14);
        let high = self.high.quantise_high((even - odd) >> 14);
        ((high << 6) | low) as u8
    }
}

impl Decoder {
    pub fn new() -> Decoder {
        Decoder { history: [0; 24], low: Band::low(), high: Band::high() }
    }

    pub fn samples(&mut self, octet: u8) -> [i16; 2] {
        let (low_code, high_code) = (usize::from(octet & 63), usize::from(octet >> 6));
        // INVQBL, RECONS, LIMIT.
        let low = limit(self.low.prediction + ((self.low.step * QM6[low_code]) >> 15));
        self.low.adapt_low(low_code);
        let high = limit(self.high.prediction + ((self.high.step * QM2[high_code]) >> 15));
        self.high.adapt_high(high_code);
        let (odd, even) = filter(&mut self.history, [low + high, low - high]);
        [saturate(even >> 11) as i16, saturate(odd >> 11) as i16]
    }
}

/// Takes two values up and gives the sums over the odd and the even taps (TRANSMIT and RECEIVE QMF).
fn filter(history: &mut [i32; 24], values: [i32; 2]) -> (i32, i32) {
    history.copy_within(2.., 0);
    [history[22], history[23]] = values;
    let sum = |from: usize, tap: fn(usize) -> usize| (0..12).map(|i| history[2 * i + from] * QMF[tap(i)]).sum::<i32>();
    (sum(0, |i| i), sum(1, |i| 11 - i))
}

/// The adaptive quantiser and predictor of one half of the band. Arrays hold the newest value first.
struct Band {
    /// s: what the next sample is taken to be.
    prediction: i32,
    /// sz: the part of it that the zeros give.
    of_zeros: i32,
    /// nb and det: logarithm and value of the quantiser's scale factor.
    log_step: i32,
    step: i32,
    /// d: quantised differences.
    differences: [i32; 7],
    /// b: coefficients of the zeros, for the six differences before the newest.
    zeros: [i32; 6],
    /// r: reconstructed samples.
    samples: [i32; 2],
    /// a: coefficients of the poles.
    poles: [i32; 2],
    /// p: partially reconstructed samples.
    partial: [i32; 3],
}

impl Band {
    fn low() -> Band {
        Band::new(32)
    }

    fn high() -> Band {
        Band::new(8)
    }

    fn new(step: i32) -> Band {
        Band {
            prediction: 0,
            of_zeros: 0,
            log_step: 0,
            step,
            differences: [0; 7],
            zeros: [0; 6],
            samples: [0; 2],
            poles: [0; 2],
            partial: [0; 3],
        }
    }

    /// SUBTRA, QUANTL: the 6-bit code of a sample.
    fn quantise_low(&mut self, sample: i32) -> usize {
        let difference = saturate(sample - self.prediction);
        let magnitude = if difference >= 0 { difference } else { -(difference + 1) };
        // Between which decision levels it lies, from 1 to 30.
        let level = Q6[1..].iter().position(|q| magnitude < (q * self.step) >> 12).map_or(30, |i| i + 1);
        let code = match (difference < 0, level) {
            (true, 1) => 63,
            (true, 2) => 62,
            (true, level) => 34 - level,
            (false, level) => 62 - level,
        };
        self.adapt_low(code);
        code
    }

    /// The 2-bit code of a sample.
    fn quantise_high(&mut self, sample: i32) -> usize {
        let difference = saturate(sample - self.prediction);
        let magnitude = if difference >= 0 { difference } else { -(difference + 1) };
        let large = magnitude >= (564 * self.step) >> 12;
        let code = match (difference < 0, large) {
            (true, false) => 1,
            (true, true) => 0,
            (false, false) => 3,
            (false, true) => 2,
        };
        self.adapt_high(code);
        code
    }

    /// INVQAL, LOGSCL, SCALEL, and the predictor.
    fn adapt_low(&mut self, code: usize) {
        let upper = code >> 2;
        let difference = (self.step * QM4[upper]) >> 15;
        self.scale(WL[upper], 18_432, 8);
        self.predict(difference);
    }

    /// INVQAH, LOGSCH, SCALEH, and the predictor.
    fn adapt_high(&mut self, code: usize) {
        let difference = (self.step * QM2[code]) >> 15;
        self.scale(WH[code], 22_528, 10);
        self.predict(difference);
    }

    fn scale(&mut self, multiplier: i32, most: i32, shift: i32) {
        self.log_step = (((self.log_step * 127) >> 7) + multiplier).clamp(0, most);
        let fraction = ILB[((self.log_step >> 6) & 31) as usize];
        let shift = shift - (self.log_step >> 11);
        self.step = if shift < 0 { fraction << -shift } else { fraction >> shift } << 2;
    }

    /// Block 4: the coefficients move on, and the next sample is predicted.
    fn predict(&mut self, difference: i32) {
        // RECONS, PARREC.
        let sample = saturate(self.prediction + difference);
        let partial = saturate(self.of_zeros + difference);
        let [first, second] = self.poles;
        let same = |a: i32, b: i32| (a < 0) == (b < 0);
        // UPPOL2.
        let quadrupled = saturate(first << 2);
        let pull = if same(partial, self.partial[0]) { (-quadrupled).min(32_767) } else { quadrupled };
        let push = if same(partial, self.partial[1]) { 128 } else { -128 };
        let second = (push + (pull >> 7) + ((second * 32_512) >> 15)).clamp(-12_288, 12_288);
        // UPPOL1.
        let push = if same(partial, self.partial[0]) { 192 } else { -192 };
        let bound = saturate(15_360 - second);
        let first = saturate(push + ((first * 32_640) >> 15)).clamp(-bound, bound);
        // UPZERO, DELAYA.
        let step = if difference == 0 { 0 } else { 128 };
        for (zero, earlier) in self.zeros.iter_mut().zip(&self.differences) {
            let push = if same(difference, *earlier) { step } else { -step };
            *zero = saturate(push + ((*zero * 32_640) >> 15));
        }
        self.differences.copy_within(..6, 1);
        self.differences[0] = difference;
        self.samples = [sample, self.samples[0]];
        self.partial = [partial, self.partial[0], self.partial[1]];
        self.poles = [first, second];
        // FILTEP, FILTEZ, PREDIC.
        let product = |coefficient: i32, value: i32| (coefficient * saturate(2 * value)) >> 15;
        let of_poles = saturate(product(first, self.samples[0]) + product(second, self.samples[1]));
        let zeros = self.zeros.iter().zip(&self.differences);
        self.of_zeros = saturate(zeros.map(|(b, d)| product(*b, *d)).sum());
        self.prediction = saturate(of_poles + self.of_zeros);
    }
}

fn saturate(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}

/// LIMIT: what a decoded half of the band may reach.
fn limit(value: i32) -> i32 {
    value.clamp(-16_384, 16_383)
}
