//! libgsm by its C interface (gsm-sys). The only unsafe code of [`super`].
#![expect(unsafe_code, reason = "libgsm is a C library")]

use crate::error::{Error, Result};
use gsm_sys as sys;
use std::ptr::NonNull;

/// Samples and bytes of one frame of 20 ms.
pub(super) const SAMPLES: usize = 160;
pub(super) const BYTES: usize = 33;

/// The state of an encoder or a decoder.
pub(super) struct State(NonNull<sys::GsmState>);

// SAFETY: the state is owned by this value alone, and libgsm has no other.
unsafe impl Send for State {}

impl State {
    pub fn new() -> Result<State> {
        // SAFETY: takes nothing, and gives a new state or null when there is no memory.
        let state = unsafe { sys::gsm_create() };
        let none = || Error::Codec { codec: "GSM", reason: "no memory for its state".into() };
        NonNull::new(state).map(State).ok_or_else(none)
    }

    pub fn encode(&mut self, samples: &[i16; SAMPLES]) -> [u8; BYTES] {
        // The library may change its input.
        let (mut samples, mut frame) = (*samples, [0; BYTES]);
        // SAFETY: the state is alive; the library reads 160 samples and writes 33 bytes.
        unsafe { sys::gsm_encode(self.0.as_ptr(), samples.as_mut_ptr(), frame.as_mut_ptr()) };
        frame
    }

    /// `None`: not a frame, since its first four bits are not 1101.
    pub fn decode(&mut self, frame: &[u8; BYTES]) -> Option<[i16; SAMPLES]> {
        let (mut frame, mut samples) = (*frame, [0; SAMPLES]);
        // SAFETY: the state is alive; the library reads 33 bytes and writes 160 samples.
        let failed = unsafe { sys::gsm_decode(self.0.as_ptr(), frame.as_mut_ptr(), samples.as_mut_ptr()) };
        (failed == 0).then_some(samples)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: made by `gsm_create`, and dropped once.
        unsafe { sys::gsm_destroy(self.0.as_ptr()) }
    }
}
