//! libopus by its C interface (opusic-sys): what the safe bindings leave out is deep redundancy (DRED) and the decoder's
//! complexity.
//!
//! All audio is interleaved 16-bit PCM; lengths in samples are per channel.
#![expect(unsafe_code, reason = "libopus is a C library")]

use crate::error::{Error, Result};
use opusic_sys as sys;
use std::ffi::{CStr, c_int};
use std::ptr::NonNull;

pub(super) const VOIP: c_int = sys::OPUS_APPLICATION_VOIP;
pub(super) const AUDIO: c_int = sys::OPUS_APPLICATION_AUDIO;
pub(super) const LOW_DELAY: c_int = sys::OPUS_APPLICATION_RESTRICTED_LOWDELAY;
/// libopus 1.6 and later.
pub(super) const SILK: c_int = sys::OPUS_APPLICATION_RESTRICTED_SILK;
pub(super) const CELT: c_int = sys::OPUS_APPLICATION_RESTRICTED_CELT;

/// An encoder of some version of libopus.
pub(super) trait Encode: Sized + Send {
    /// `application`: [`VOIP`] and its like.
    fn new(sample_rate: u32, channels: u8, application: c_int) -> Result<Self>;
    fn set(&mut self, option: Set, value: i32) -> Result<()>;
    /// Codes one frame into `out`; gives the packet's length in bytes.
    fn encode(&mut self, samples: &[i16], out: &mut [u8]) -> Result<usize>;
}

/// A decoder of some version of libopus.
pub(super) trait Decode: Sized + Send {
    fn new(sample_rate: u32, channels: u8) -> Result<Self>;
    fn set(&mut self, option: Set, value: i32) -> Result<()>;
    /// Decodes `packet`, or with `fec` the media before it. `None` conceals as much as `out` holds. Gives samples.
    fn decode(&mut self, packet: Option<&[u8]>, out: &mut [i16], fec: bool) -> Result<usize>;

    /// Fills `out` from redundancy: the stretch that begins `offset` samples before its packet.
    fn decode_dred(&mut self, _dred: &Dred, _offset: usize, _out: &mut [i16]) -> Result<usize> {
        Err(refused(sys::OPUS_UNIMPLEMENTED))
    }
}

/// Options that take one number. Others, which take a pointer, cannot be named here.
#[derive(Clone, Copy, Debug)]
#[repr(i32)]
pub(super) enum Set {
    Bitrate = sys::OPUS_SET_BITRATE_REQUEST,
    /// 1101 to 1105, narrowband to fullband.
    MaxBandwidth = sys::OPUS_SET_MAX_BANDWIDTH_REQUEST,
    Vbr = sys::OPUS_SET_VBR_REQUEST,
    /// Of the encoder 0 to 10; of the decoder too: from 5 on its concealment is neural.
    Complexity = sys::OPUS_SET_COMPLEXITY_REQUEST,
    InbandFec = sys::OPUS_SET_INBAND_FEC_REQUEST,
    LossPercent = sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST,
    Dtx = sys::OPUS_SET_DTX_REQUEST,
    /// -1000: automatic; 3001: voice.
    Signal = sys::OPUS_SET_SIGNAL_REQUEST,
    /// The reach of deep redundancy, in units of 10 ms.
    DredDuration = sys::OPUS_SET_DRED_DURATION_REQUEST,
}

/// "libopus 1.6.1", from the library itself.
pub(super) fn version() -> String {
    // SAFETY: libopus returns a static string that ends with a zero byte.
    unsafe { CStr::from_ptr(sys::opus_get_version_string()) }.to_string_lossy().into_owned()
}

/// A running encoder.
pub(super) struct Encoder {
    state: NonNull<sys::OpusEncoder>,
    channels: usize,
}

// SAFETY: the state is owned by this value alone, and libopus keeps nothing of it in thread-local storage.
unsafe impl Send for Encoder {}

#[cfg(test)]
impl Encoder {
    /// In samples.
    pub fn look_ahead(&mut self) -> Result<i32> {
        let mut samples = 0i32;
        let place = &mut samples as *mut i32;
        // SAFETY: the state is alive, and this request writes one number to the pointer.
        check(unsafe { sys::opus_encoder_ctl(self.state.as_ptr(), sys::OPUS_GET_LOOKAHEAD_REQUEST, place) })?;
        Ok(samples)
    }
}

impl Encode for Encoder {
    fn new(sample_rate: u32, channels: u8, application: c_int) -> Result<Encoder> {
        let mut error = 0;
        // SAFETY: `error` is a valid place for one number; the other arguments are plain numbers that libopus checks.
        let state =
            unsafe { sys::opus_encoder_create(sample_rate as i32, c_int::from(channels), application, &mut error) };
        match NonNull::new(state) {
            Some(state) if error == sys::OPUS_OK => Ok(Encoder { state, channels: usize::from(channels) }),
            _ => Err(refused(error)),
        }
    }

    fn set(&mut self, option: Set, value: i32) -> Result<()> {
        // SAFETY: the state is alive, and every option of `Set` takes one number.
        check(unsafe { sys::opus_encoder_ctl(self.state.as_ptr(), option as c_int, value) }).map(|_| ())
    }

    fn encode(&mut self, samples: &[i16], out: &mut [u8]) -> Result<usize> {
        let (frame, room) = (length(samples.len() / self.channels), length(out.len()));
        // SAFETY: the state is alive; `frame` samples for each channel can be read and `room` bytes be written.
        check(unsafe { sys::opus_encode(self.state.as_ptr(), samples.as_ptr(), frame, out.as_mut_ptr(), room) })
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: made by `opus_encoder_create`, and dropped once.
        unsafe { sys::opus_encoder_destroy(self.state.as_ptr()) }
    }
}

/// A running decoder.
pub(super) struct Decoder {
    state: NonNull<sys::OpusDecoder>,
    channels: usize,
}

// SAFETY: as for the encoder.
unsafe impl Send for Decoder {}

impl Decode for Decoder {
    fn new(sample_rate: u32, channels: u8) -> Result<Decoder> {
        let mut error = 0;
        // SAFETY: `error` is a valid place for one number; the other arguments are plain numbers that libopus checks.
        let state = unsafe { sys::opus_decoder_create(sample_rate as i32, c_int::from(channels), &mut error) };
        match NonNull::new(state) {
            Some(state) if error == sys::OPUS_OK => Ok(Decoder { state, channels: usize::from(channels) }),
            _ => Err(refused(error)),
        }
    }

    fn set(&mut self, option: Set, value: i32) -> Result<()> {
        // SAFETY: the state is alive, and every option of `Set` takes one number.
        check(unsafe { sys::opus_decoder_ctl(self.state.as_ptr(), option as c_int, value) }).map(|_| ())
    }

    fn decode(&mut self, packet: Option<&[u8]>, out: &mut [i16], fec: bool) -> Result<usize> {
        let (data, bytes) = packet.map_or((std::ptr::null(), 0), |p| (p.as_ptr(), length(p.len())));
        let room = length(out.len() / self.channels);
        // SAFETY: the state is alive; `data` is null or points to `bytes` bytes; `out` takes `room` samples for each
        // channel.
        check(unsafe { sys::opus_decode(self.state.as_ptr(), data, bytes, out.as_mut_ptr(), room, c_int::from(fec)) })
    }

    fn decode_dred(&mut self, dred: &Dred, offset: usize, out: &mut [i16]) -> Result<usize> {
        let room = length(out.len() / self.channels);
        // SAFETY: both states are alive, libopus only reads the second, and `out` takes `room` samples for each channel.
        check(unsafe {
            sys::opus_decoder_dred_decode(
                self.state.as_ptr(),
                dred.dred.as_ptr(),
                length(offset),
                out.as_mut_ptr(),
                room,
            )
        })
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: made by `opus_decoder_create`, and dropped once.
        unsafe { sys::opus_decoder_destroy(self.state.as_ptr()) }
    }
}

/// The deep redundancy of the packet that was read last.
pub(super) struct Dred {
    reader: NonNull<sys::OpusDREDDecoder>,
    dred: NonNull<sys::OpusDRED>,
}

// SAFETY: as for the encoder.
unsafe impl Send for Dred {}

impl Dred {
    pub fn new() -> Result<Dred> {
        let mut error = 0;
        // SAFETY: `error` is a valid place for one number.
        let reader =
            NonNull::new(unsafe { sys::opus_dred_decoder_create(&mut error) }).ok_or_else(|| refused(error))?;
        // SAFETY: as above.
        match NonNull::new(unsafe { sys::opus_dred_alloc(&mut error) }) {
            Some(dred) => Ok(Dred { reader, dred }),
            None => {
                // SAFETY: made above, and not used after this.
                unsafe { sys::opus_dred_decoder_destroy(reader.as_ptr()) };
                Err(refused(error))
            }
        }
    }

    /// Reads the redundancy of `packet` as far back as `samples` of `sample_rate` and says how far it reaches, in
    /// samples before the packet; 0: it carries none. With `look`, only that is found out, which is cheap; decoding
    /// needs it read whole.
    pub fn read(&mut self, packet: &[u8], samples: usize, sample_rate: u32, look: bool) -> usize {
        let mut silence = 0;
        // SAFETY: both states are alive, `packet` has as many bytes as said, and `silence` is a place for one number.
        let reach = unsafe {
            sys::opus_dred_parse(
                self.reader.as_ptr(),
                self.dred.as_ptr(),
                packet.as_ptr(),
                length(packet.len()),
                length(samples),
                sample_rate as i32,
                &mut silence,
                c_int::from(look),
            )
        };
        usize::try_from(reach).unwrap_or(0)
    }
}

impl Drop for Dred {
    fn drop(&mut self) {
        // SAFETY: both were made by libopus, and are dropped once.
        unsafe {
            sys::opus_dred_free(self.dred.as_ptr());
            sys::opus_dred_decoder_destroy(self.reader.as_ptr());
        }
    }
}

/// No buffer of this program is near 2^31.
fn length(n: usize) -> c_int {
    c_int::try_from(n).unwrap_or(c_int::MAX)
}

/// A count, or the error that a negative one is.
fn check(code: c_int) -> Result<usize> {
    usize::try_from(code).map_err(|_| refused(code))
}

fn refused(code: c_int) -> Error {
    // SAFETY: libopus returns a static string for every number, one that ends with a zero byte.
    let reason = unsafe { CStr::from_ptr(sys::opus_strerror(code)) }.to_string_lossy().into_owned();
    Error::Codec { codec: "opus", reason }
}
