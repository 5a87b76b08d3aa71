//! The numbers of RFC 3951 that follow from no formula. Fractions stand in the units in which they were designed.

#![expect(clippy::excessive_precision, reason = "as the RFC prints them")]

/// Mean line spectral frequencies (section 3.2.4), in 2^-13 rad.
pub(super) const LSF_MEAN: [i16; 10] = [2308, 3652, 5434, 7885, 10_255, 12_559, 15_160, 17_513, 20_328, 22_752];

/// Logarithm to the base 10 of the start state's largest amplitude (section 3.5.1).
#[rustfmt::skip]
pub(super) const STATE_SCALE: [f32; 64] = [
    1.000085, 1.071695, 1.140395, 1.206868, 1.277188, 1.351503, 1.429380, 1.500727,
    1.569049, 1.639599, 1.707071, 1.781531, 1.840799, 1.901550, 1.956695, 2.006750,
    2.055474, 2.102787, 2.142819, 2.183592, 2.217962, 2.257177, 2.295739, 2.332967,
    2.369248, 2.402792, 2.435080, 2.468598, 2.503394, 2.539284, 2.572944, 2.605036,
    2.636331, 2.668939, 2.698780, 2.729101, 2.759786, 2.789834, 2.818679, 2.848074,
    2.877470, 2.906899, 2.936655, 2.967804, 3.000115, 3.033367, 3.066355, 3.104231,
    3.141499, 3.183012, 3.222952, 3.265433, 3.308441, 3.350823, 3.395275, 3.442793,
    3.490801, 3.542514, 3.604064, 3.666050, 3.740994, 3.830749, 3.938770, 4.101764,
];

/// The levels of one sample of the start state, scaled (section 3.5.2).
pub(super) const STATE_LEVELS: [f32; 8] =
    [-3.719849, -2.177490, -1.130005, -0.309692, 0.444214, 1.329712, 2.436279, 3.983887];

/// Gains of the three codebook stages (section 3.6.4.2), in 2^-14.
pub(super) const GAINS: [&[i16]; 3] = [
    &[
        614, 1229, 1843, 2458, 3072, 3686, 4301, 4915, 5530, 6144, 6758, 7373, 7987, 8602, 9216, 9830, 10_445, 11_059,
        11_674, 12_288, 12_902, 13_517, 14_131, 14_746, 15_360, 15_974, 16_589, 17_203, 17_818, 18_432, 19_046, 19_661,
    ],
    &[-17_203, -14_746, -12_288, -9830, -7373, -4915, -2458, 0, 2458, 4915, 7373, 9830, 12_288, 14_746, 17_203, 19_661],
    &[-16_384, -10_813, -5407, 0, 4096, 8192, 12_288, 16_384],
];

/// The filter that makes the second half of the codebook (section 3.6.3.2).
pub(super) const CODEBOOK_FILTER: [f32; 8] =
    [-0.034180, 0.108887, -0.184326, 0.806152, 0.713379, -0.144043, 0.083740, -0.033691];

/// High-pass filters, zeros then poles: of the input (section 3.1) and of the output (section 4.8).
pub(super) const INPUT_HIGH_PASS: [[f32; 3]; 2] = [[0.92727436, -1.8544941, 0.92727436], [1.0, -1.9059465, 0.9114024]];
pub(super) const OUTPUT_HIGH_PASS: [[f32; 3]; 2] =
    [[0.93980581, -1.8795834, 0.93980581], [1.0, -1.9330735, 0.93589199]];

/// Interpolation a quarter of a sample at a time (section 4.6.2), by quarters.
pub(super) const QUARTERS: [[f32; 7]; 4] = [
    [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    [0.015625, -0.076904, 0.288330, 0.862061, -0.106445, 0.018799, -0.015625],
    [0.023682, -0.124268, 0.601563, 0.601563, -0.124268, 0.023682, -0.023682],
    [0.018799, -0.106445, 0.862061, 0.288330, -0.076904, 0.015625, -0.018799],
];

/// The low-pass before the enhancer's pitch search, which looks at every other sample (section 4.6.1).
pub(super) const DECIMATION: [f32; 7] = [-0.066650, 0.125000, 0.316650, 0.414063, 0.316650, 0.125000, -0.066650];
