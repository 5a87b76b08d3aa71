//! lc3-codec borrows its working memory for as long as it lives. Here each encoder and decoder owns it: the only unsafe code
//! of [`super`].
#![expect(unsafe_code, reason = "a value that owns what it borrows")]

use lc3_codec::common::complex::{Complex, Scaler};
use lc3_codec::common::config::{FrameDuration, SamplingFrequency};
use lc3_codec::decoder::lc3_decoder::Lc3Decoder;
use lc3_codec::encoder::lc3_encoder::Lc3Encoder;
use std::ptr::NonNull;

/// Memory that may be lent out once as if it lived forever.
struct Lent<T>(NonNull<[T]>);

// SAFETY: it owns plain numbers on the heap, to which no one else has a pointer but the codec that lives beside it.
unsafe impl<T: Send> Send for Lent<T> {}

impl<T: Copy> Lent<T> {
    /// `length` of `zero`, and the loan. The borrower has to be dropped before.
    fn new(zero: T, length: usize) -> (Lent<T>, &'static mut [T]) {
        let memory = NonNull::from(Box::leak(vec![zero; length].into_boxed_slice()));
        // SAFETY: a valid and initialised slice, lent only here; both users below declare the codec before its memory, so
        // that it is dropped first and nothing of the loan outlives the slice.
        (Lent(memory), unsafe { &mut *memory.as_ptr() })
    }
}

impl<T> Drop for Lent<T> {
    fn drop(&mut self) {
        // SAFETY: came out of a box, and is dropped once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Codes frames of one channel.
pub(super) struct Encoder {
    // Dropped before its memory.
    inner: Lc3Encoder<'static>,
    _memory: (Lent<i16>, Lent<Scaler>, Lent<Complex>),
}

impl Encoder {
    pub fn new(duration: FrameDuration, frequency: SamplingFrequency) -> Encoder {
        let (integers, scalers, complexes) = Lc3Encoder::calc_working_buffer_lengths(1, duration, frequency);
        let (a, integers) = Lent::new(0, integers);
        let (b, scalers) = Lent::new(0.0, scalers);
        let (c, complexes) = Lent::new(Complex::default(), complexes);
        Encoder { inner: Lc3Encoder::new(1, duration, frequency, integers, scalers, complexes), _memory: (a, b, c) }
    }

    /// Fills `out`, whose length says the bitrate.
    pub fn encode(&mut self, samples: &[i16], out: &mut [u8]) {
        // Its error type has no values.
        let Ok(()) = self.inner.encode_frame(0, samples, out);
    }
}

/// Decodes frames of one channel.
pub(super) struct Decoder {
    // Dropped before its memory.
    inner: Lc3Decoder<'static>,
    _memory: (Lent<Scaler>, Lent<Complex>),
}

impl Decoder {
    pub fn new(duration: FrameDuration, frequency: SamplingFrequency) -> Decoder {
        let (scalers, complexes) = Lc3Decoder::calc_working_buffer_lengths(1, duration, frequency);
        let (a, scalers) = Lent::new(0.0, scalers);
        let (b, complexes) = Lent::new(Complex::default(), complexes);
        Decoder { inner: Lc3Decoder::new(1, duration, frequency, scalers, complexes), _memory: (a, b) }
    }

    /// Fills `out`; a damaged frame, like an empty one, is concealed.
    pub fn decode(&mut self, frame: &[u8], out: &mut [i16]) -> bool {
        self.inner.decode_frame(16, 0, frame, out).is_ok()
    }
}
