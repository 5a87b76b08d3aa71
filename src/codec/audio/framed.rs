//! What the decoders of codecs with fixed frames have alike: packets of one or more frames, and losses that are filled
//! frame by frame though they may be of any length.

use crate::codec::api::{Decoder, Input};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The running decoder of one codec. Mono.
pub(super) trait Frames: Send {
    /// Decodes the frames of one packet to the end of `out`.
    ///
    /// # Errors
    /// The packet is undecodable. What is then in `out` is thrown away.
    fn packet(&mut self, data: &[u8], out: &mut Vec<i16>) -> Result<()>;

    /// Appends what stands in for one or more frames that are lost, at least one sample; `count` are wanted now.
    fn lost(&mut self, count: usize, out: &mut Vec<i16>) -> Result<()>;
}

/// A [`Decoder`] out of [`Frames`]. Of a concealed frame that is longer than the loss, the rest is kept for a loss that
/// goes on, and dropped when a packet comes.
///
/// Codecs of third parties may panic at packets that no encoder made. Such a packet is undecodable, and since the state
/// may be broken, the decoder starts anew.
pub(super) struct Framed<F> {
    codec: &'static str,
    format: PcmFormat,
    make: Box<dyn Fn() -> Result<F> + Send>,
    frames: F,
    rest: Vec<i16>,
}

impl<F: Frames + 'static> Framed<F> {
    pub fn boxed(
        codec: &'static str,
        format: PcmFormat,
        make: impl Fn() -> Result<F> + Send + 'static,
    ) -> Result<Box<dyn Decoder<Pcm>>> {
        let frames = make()?;
        Ok(Box::new(Framed { codec, format, make: Box::new(make), frames, rest: Vec::new() }))
    }

    fn guarded(&mut self, run: impl FnOnce(&mut F) -> Result<()>) -> Result<()> {
        if let Ok(result) = catch_unwind(AssertUnwindSafe(|| run(&mut self.frames))) {
            return result;
        }
        self.frames = (self.make)()?;
        Err(Error::Codec { codec: self.codec, reason: "the decoder broke off at this packet and starts anew".into() })
    }
}

impl<F: Frames + 'static> Decoder<Pcm> for Framed<F> {
    fn decode(&mut self, input: Input<'_>, out: &mut Pcm) -> Result<()> {
        let start = out.samples.len();
        match input {
            Input::Unit([]) => Err(Error::Codec { codec: self.codec, reason: "the packet is empty".into() }),
            Input::Unit(data) => {
                let result = self.guarded(|frames| frames.packet(data, &mut out.samples));
                match result {
                    Ok(()) => self.rest.clear(),
                    Err(_) => out.samples.truncate(start),
                }
                result
            }
            Input::Recover { missing, .. } | Input::Lost(missing) => {
                let count = self.format.samples(missing);
                let mut filled = std::mem::take(&mut self.rest);
                while filled.len() < count {
                    let before = filled.len();
                    let failed = self.guarded(|frames| frames.lost(count - before, &mut filled)).is_err();
                    if failed || filled.len() == before {
                        filled.resize(count, 0);
                    }
                }
                self.rest = filled.split_off(count);
                out.samples.extend(filled);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Frames of 80 samples: their byte; concealment counts up. The byte 0 breaks it.
    struct Counting(i16);

    impl Frames for Counting {
        fn packet(&mut self, data: &[u8], out: &mut Vec<i16>) -> Result<()> {
            for byte in data {
                assert_ne!(*byte, 0, "as a third party's decoder may");
                out.extend([i16::from(*byte); 80]);
            }
            Ok(())
        }

        fn lost(&mut self, _: usize, out: &mut Vec<i16>) -> Result<()> {
            self.0 += 1;
            out.extend([self.0; 80]);
            Ok(())
        }
    }

    fn decoder() -> (Box<dyn Decoder<Pcm>>, Pcm) {
        let format = PcmFormat::mono(8000);
        (Framed::boxed("X", format, || Ok(Counting(0))).unwrap(), Pcm::silence(format, 0))
    }

    #[test]
    fn a_loss_goes_on_where_its_last_frame_ended_until_a_packet_comes() {
        let (mut decoder, mut out) = decoder();
        for ms in [4, 4, 4] {
            decoder.decode(Input::Lost(Duration::from_millis(ms)), &mut out).unwrap();
        }
        assert_eq!(out.samples, [[1; 80].as_slice(), &[2; 16]].concat());
        decoder.decode(Input::Unit(&[7]), &mut out).unwrap();
        decoder.decode(Input::Lost(Duration::from_millis(1)), &mut out).unwrap();
        assert_eq!(out.samples[96..], [[7; 80].as_slice(), &[3; 8]].concat());
    }

    #[test]
    fn a_panic_is_an_undecodable_packet_and_the_decoder_starts_anew() {
        let (mut decoder, mut out) = decoder();
        decoder.decode(Input::Lost(Duration::from_millis(10)), &mut out).unwrap();
        out.samples.clear();
        assert!(decoder.decode(Input::Unit(&[5, 0]), &mut out).is_err() && out.is_empty());
        decoder.decode(Input::Lost(Duration::from_millis(1)), &mut out).unwrap();
        assert_eq!(out.samples, [1; 8]);
    }
}
