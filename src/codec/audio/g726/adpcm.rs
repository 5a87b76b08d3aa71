//! The adaptive quantiser and predictor of ITU-T G.726, bit by bit as section 4 specifies them; block names in brackets
//! are the Recommendation's. For uniform PCM (Annex A): 14-bit samples, which are the upper bits of the 16-bit ones.

/// What is different at each rate: tables 7 to 10 and those of sections 2.4 and 2.6.
#[derive(Debug)]
pub(super) struct Rate {
    /// Bits per code.
    bits: u32,
    /// From which normalised logarithm on the magnitude of a code is one higher (QUAN).
    decisions: &'static [i32],
    /// By magnitude: normalised logarithm of the quantised difference (RECONST), scale factor multiplier W (FUNCTW) and
    /// rate-of-change weight F (FUNCTF).
    levels: &'static [i32],
    multipliers: &'static [i32],
    weights: &'static [i32],
}

impl Rate {
    pub const KBIT_16: Rate =
        Rate { bits: 2, decisions: &[261], levels: &[116, 365], multipliers: &[-22, 439], weights: &[0, 7] };
    pub const KBIT_24: Rate = Rate {
        bits: 3,
        decisions: &[8, 218, 331],
        levels: &[-2048, 135, 273, 373],
        multipliers: &[-4, 30, 137, 582],
        weights: &[0, 1, 2, 7],
    };
    pub const KBIT_32: Rate = Rate {
        bits: 4,
        decisions: &[-124, 80, 178, 246, 300, 349, 400],
        levels: &[-2048, 4, 135, 213, 273, 323, 373, 425],
        multipliers: &[-12, 18, 41, 64, 112, 198, 355, 1122],
        weights: &[0, 0, 0, 1, 1, 1, 3, 7],
    };
    pub const KBIT_40: Rate = Rate {
        bits: 5,
        decisions: &[-122, -16, 68, 139, 198, 250, 298, 339, 378, 413, 445, 475, 502, 528, 553],
        levels: &[-2048, -66, 28, 104, 169, 224, 274, 318, 358, 395, 429, 459, 488, 514, 539, 566],
        multipliers: &[14, 14, 24, 39, 40, 41, 58, 100, 141, 179, 219, 280, 358, 440, 529, 696],
        weights: &[0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6],
    };
}

/// The state that encoder and decoder share; a running one is either.
pub(super) struct Adpcm {
    rate: &'static Rate,
    /// Fast (YU) and slow (YL, 6 more bits) scale factor, in 1/512 of a power of two.
    fast: i32,
    slow: i32,
    /// Short and long mean of F (DMS, DML), and the speed of adaptation that follows from them (AP).
    short_mean: i32,
    long_mean: i32,
    speed: i32,
    /// Predictor coefficients of the two poles (A) and six zeros (B), in 1/16384.
    poles: [i32; 2],
    zeros: [i32; 6],
    /// Signs of the last two partially reconstructed signals (PK), the last two reconstructed signals (SR), and the last
    /// six quantised differences (DQ).
    signs: [bool; 2],
    reconstructed: [Float; 2],
    differences: [Float; 6],
    /// A tone or a modem signal was found (TD).
    tone: bool,
}

/// Sign, 4 bits of exponent and 6 of mantissa (FLOATA, FLOATB).
#[derive(Clone, Copy)]
struct Float {
    negative: bool,
    exponent: u32,
    mantissa: i32,
}

/// What the state foretells of the next sample.
struct Prediction {
    /// Signal estimate (SE), and the part of it that the zeros give (SEZ).
    all: i32,
    of_zeros: i32,
    /// Scale factor (Y).
    scale: i32,
}

impl Adpcm {
    pub fn new(rate: &'static Rate) -> Adpcm {
        Adpcm {
            rate,
            fast: 544,
            slow: 34_816,
            short_mean: 0,
            long_mean: 0,
            speed: 0,
            poles: [0; 2],
            zeros: [0; 6],
            signs: [false; 2],
            reconstructed: [Float::new(false, 0); 2],
            differences: [Float::new(false, 0); 6],
            tone: false,
        }
    }

    pub fn bits(&self) -> u32 {
        self.rate.bits
    }

    pub fn encode(&mut self, sample: i16) -> u8 {
        let prediction = self.predict();
        let code = self.quantise(i32::from(sample >> 2) - prediction.all, prediction.scale);
        self.update(code, &prediction);
        code
    }

    pub fn decode(&mut self, code: u8) -> i16 {
        let prediction = self.predict();
        let signal = self.update(code, &prediction);
        (signal.clamp(-8192, 8191) << 2) as i16
    }

    /// [ACCUM, MIX, LIMA]
    fn predict(&self) -> Prediction {
        let of_zeros: i32 = self.zeros.iter().zip(&self.differences).map(|(b, dq)| dq.times(*b)).sum();
        let of_poles: i32 = self.poles.iter().zip(&self.reconstructed).map(|(a, sr)| sr.times(*a)).sum();
        let speed = (self.speed >> 2).min(64);
        let slow = self.slow >> 6;
        let difference = self.fast - slow;
        let part = ((difference.abs() * speed) >> 6) * difference.signum();
        // The sums are 16 bits wide.
        let all = i32::from((of_zeros + of_poles) as i16) >> 1;
        Prediction { all, of_zeros: i32::from(of_zeros as i16) >> 1, scale: slow + part }
    }

    /// [LOG, SUBTB, QUAN]
    fn quantise(&self, difference: i32, scale: i32) -> u8 {
        let magnitude = difference.abs();
        let exponent = magnitude.max(1).ilog2();
        let logarithm = ((exponent as i32) << 7) + ((magnitude << 7 >> exponent) & 127);
        let normalised = logarithm - (scale >> 2);
        let level = self.rate.decisions.iter().take_while(|d| normalised >= **d).count() as u8;
        let mask = (1 << self.rate.bits) - 1;
        // Negative codes are the one's complement. Where the innermost level stands for zero, it has one code, all ones.
        let silent = level == 0 && self.rate.bits > 2;
        if difference < 0 || silent { !level & mask } else { level }
    }

    /// Takes in a code; gives the reconstructed signal (SR).
    fn update(&mut self, code: u8, prediction: &Prediction) -> i32 {
        let negative = code >> (self.rate.bits - 1) & 1 == 1;
        let mask = (1 << self.rate.bits) - 1;
        let level = usize::from(if negative { !code & mask } else { code & mask });
        let magnitude = antilog(self.rate.levels[level] + (prediction.scale >> 2));
        let difference = if negative { -magnitude } else { magnitude };
        let signal = i32::from((prediction.all + difference) as i16);

        let transition = self.tone && magnitude > self.transition_threshold();
        self.adapt_scale(level, prediction.scale);
        self.adapt_predictor(difference, negative, prediction.of_zeros);
        self.tone = self.poles[1] < -11_776;
        self.adapt_speed(level, prediction.scale);
        if transition {
            self.poles = [0; 2];
            self.zeros = [0; 6];
            self.tone = false;
            self.speed = 256;
        }

        self.reconstructed = [Float::new(signal < 0, signal.abs()), self.reconstructed[0]];
        self.differences.rotate_right(1);
        self.differences[0] = Float::new(negative, magnitude);
        signal
    }

    /// [TRANS]: how large a difference must be to end a tone.
    fn transition_threshold(&self) -> i32 {
        let (whole, fraction) = (self.slow >> 15, self.slow >> 10 & 31);
        let threshold = if whole > 9 { 31 << 10 } else { (32 + fraction) << whole };
        (threshold + (threshold >> 1)) >> 1
    }

    /// [FILTD, LIMB, FILTE]
    fn adapt_scale(&mut self, level: usize, scale: i32) {
        let target = (self.rate.multipliers[level] << 5) - scale;
        self.fast = (scale + (target >> 5)).clamp(544, 5120);
        self.slow += self.fast + (-self.slow >> 6);
    }

    /// [FILTA, FILTB, SUBTC, FILTC]
    fn adapt_speed(&mut self, level: usize, scale: i32) {
        let weight = self.rate.weights[level];
        self.short_mean += ((weight << 9) - self.short_mean) >> 5;
        self.long_mean += ((weight << 11) - self.long_mean) >> 7;
        let apart = ((self.short_mean << 2) - self.long_mean).abs() >= self.long_mean >> 3;
        let fast = scale < 1536 || self.tone || apart;
        self.speed += ((i32::from(fast) << 9) - self.speed) >> 4;
    }

    /// [ADDC, UPA1, UPA2, LIMC, LIMD, UPB]
    fn adapt_predictor(&mut self, difference: i32, negative: bool, of_zeros: i32) {
        // 16 bits wide.
        let partial = (difference + of_zeros) as i16;
        let sign = partial < 0;
        let differs = self.signs.map(|before| before != sign);
        let either = |other: bool, value: i32| if other { -value } else { value };
        let [first, second] = self.poles;
        let (mut gain_1, mut gain_2) = (0, 0);
        if partial != 0 {
            gain_1 = either(differs[0], 192);
            let bounded = first.clamp(-8191, 8191) << 2;
            gain_2 = (either(differs[1], 16_384) - either(differs[0], bounded)) >> 7;
        }
        let second = (second + gain_2 - (second >> 7)).clamp(-12_288, 12_288);
        let bound = 15_360 - second;
        let first = (first + gain_1 - (first >> 8)).clamp(-bound, bound);
        self.poles = [first, second];

        let leak = if self.rate.bits == 5 { 9 } else { 8 };
        for (zero, before) in self.zeros.iter_mut().zip(&self.differences) {
            let gain = if difference == 0 { 0 } else { either(before.negative != negative, 128) };
            *zero += gain - (*zero >> leak);
        }
        self.signs = [sign, self.signs[0]];
    }
}

/// [ANTILOG]
fn antilog(logarithm: i32) -> i32 {
    if logarithm < 0 {
        return 0;
    }
    let (exponent, mantissa) = (logarithm >> 7 & 15, 128 + (logarithm & 127));
    (mantissa << 7) >> (14 - exponent.min(14))
}

impl Float {
    fn new(negative: bool, magnitude: i32) -> Float {
        let exponent = if magnitude == 0 { 0 } else { magnitude.ilog2() + 1 };
        let mantissa = if magnitude == 0 { 32 } else { magnitude << 6 >> exponent };
        Float { negative, exponent, mantissa }
    }

    /// [FMULT]: times a coefficient, of which 13 bits are taken.
    fn times(self, coefficient: i32) -> i32 {
        let negative = coefficient < 0;
        let other = Float::new(negative, (if negative { -(coefficient >> 2) } else { coefficient >> 2 }) & 8191);
        let mantissa = (self.mantissa * other.mantissa + 48) >> 4;
        let exponent = self.exponent + other.exponent;
        let magnitude =
            if exponent <= 26 { mantissa << 7 >> (26 - exponent) } else { (mantissa << 7 << (exponent - 26)) & 32_767 };
        if self.negative != negative { -magnitude } else { magnitude }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Faint noise, a triangle wave, full-scale noise and a full-scale square wave, 2000 samples each.
    fn signal() -> Vec<i16> {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            (state >> 16) as i16
        };
        let sample = |n: i32| match (n / 2000, noise()) {
            (0, noise) => noise >> 3,
            (1, _) => (((n * 7) % 2000 - 1000).abs() * 16 - 8000) as i16,
            (2, noise) => noise,
            _ if n / 20 % 2 == 0 => i16::MAX,
            _ => i16::MIN,
        };
        (0..8000).map(sample).collect()
    }

    /// The codes, and the samples that come of the first 4000 (the library's output wraps around at full scale), as made
    /// by spandsp 0.0.6 (Debian); scripts/codec-check compares more.
    #[test]
    fn codes_and_samples_are_those_of_an_independent_implementation() {
        for (rate, codes_hash, samples_hash) in [
            (&Rate::KBIT_16, "7b699d958cedf23f", "0079d5620fa74d30"),
            (&Rate::KBIT_24, "be6af72df245149d", "97126e4fead7a64b"),
            (&Rate::KBIT_32, "8153d1d24cf66e07", "253689be07a859f8"),
            (&Rate::KBIT_40, "289c094cfbc40732", "fa5df9fc2861400c"),
        ] {
            let (mut encoder, mut decoder) = (Adpcm::new(rate), Adpcm::new(rate));
            let codes: Vec<u8> = signal().into_iter().map(|sample| encoder.encode(sample)).collect();
            let samples: Vec<u8> = codes[..4000].iter().flat_map(|code| decoder.decode(*code).to_le_bytes()).collect();
            let hash = |data: &[u8]| blake3::hash(data).to_hex()[..16].to_owned();
            assert_eq!((hash(&codes).as_str(), hash(&samples).as_str()), (codes_hash, samples_hash), "{}", rate.bits);
        }
    }

    #[test]
    fn a_code_that_no_encoder_sends_is_decoded_as_silence() {
        // All zeros stand for no level at 24, 32 and 40 kbit/s.
        for rate in [&Rate::KBIT_24, &Rate::KBIT_32, &Rate::KBIT_40] {
            let mut decoder = Adpcm::new(rate);
            assert!((0..200).all(|_| decoder.decode(0).abs() <= 4));
        }
    }
}
