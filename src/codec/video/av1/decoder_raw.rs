//! rav1d by the C interface that it has from dav1d. Unsafe code of AV1, with [`super::encoder_raw`].
//!
//! One thread and no delay: each temporal unit gives its picture at once.
#![expect(unsafe_code, reason = "rav1d's only interface is a C one")]

use super::obu::NAME;
use crate::error::{Error, Result};
use crate::media::Picture;
use rav1d::include::dav1d::data::Dav1dData;
use rav1d::include::dav1d::dav1d::{Dav1dContext, Dav1dSettings};
use rav1d::include::dav1d::headers::DAV1D_PIXEL_LAYOUT_I420;
use rav1d::include::dav1d::picture::Dav1dPicture;
use rav1d::src::lib as dav1d;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// "966d63c1", the commit of dav1d that it was ported from.
pub(super) fn version() -> &'static str {
    dav1d::rav1d_version()
}

/// A running decoder.
pub(super) struct Decoder {
    context: Option<Dav1dContext>,
}

// SAFETY: the context is owned by this value alone; rav1d keeps nothing of it in thread-local storage, and has no threads of
// its own here.
unsafe impl Send for Decoder {}

impl Decoder {
    /// `luma`: a frame with more samples is refused.
    pub fn new(luma: u32) -> Result<Decoder> {
        let mut settings = MaybeUninit::uninit();
        // SAFETY: rav1d writes the whole of the settings.
        let mut settings: Dav1dSettings = unsafe {
            dav1d::dav1d_default_settings(NonNull::from(&mut settings).cast());
            settings.assume_init()
        };
        (settings.n_threads, settings.max_frame_delay) = (1, 1);
        (settings.operating_point, settings.all_layers) = (0, 0);
        settings.frame_size_limit = luma;
        // Its messages would go to stderr; failures are returned.
        // SAFETY: a logger of zeros has neither a callback nor a cookie: both are options of pointers.
        unsafe { (&raw mut settings.logger).write_bytes(0, 1) };
        let mut context = None;
        // SAFETY: both places are valid.
        let opened =
            unsafe { dav1d::dav1d_open(Some(NonNull::from(&mut context)), Some(NonNull::from(&mut settings))) };
        match context {
            Some(context) if opened.0 == 0 => Ok(Decoder { context: Some(context) }),
            _ => Err(refused(&format!("rav1d does not start ({})", opened.0))),
        }
    }

    /// Decodes one temporal unit.
    ///
    /// # Errors
    /// rav1d refuses it, or shows nothing for it.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<Picture> {
        let mut data = Dav1dData::default();
        // SAFETY: `data` is a valid place, which is written.
        let room = unsafe { dav1d::dav1d_data_create(Some(NonNull::from(&mut data)), bytes.len()) };
        if room.is_null() {
            return Err(refused("no room for the temporal unit"));
        }
        // SAFETY: the room is new and has as many bytes as were asked for.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), room, bytes.len()) };
        // SAFETY: the context is alive, and the data are of `dav1d_data_create`.
        let sent = unsafe { dav1d::dav1d_send_data(self.context, Some(NonNull::from(&mut data))) }.0;
        let mut failure = (sent != 0).then_some(sent);
        let mut shown = None;
        loop {
            match self.next() {
                Ok(Some(picture)) => shown = Some(picture),
                Ok(None) => break,
                Err(code) => {
                    failure = failure.or(Some(code));
                    break;
                }
            }
        }
        // SAFETY: the data are of `dav1d_data_create`, or what `dav1d_send_data` left of them.
        unsafe { dav1d::dav1d_data_unref(Some(NonNull::from(&mut data))) };
        match (failure, shown) {
            (Some(code), _) => Err(refused(&format!("rav1d refuses the temporal unit ({code})"))),
            (None, None) => Err(refused("the temporal unit shows no picture")),
            (None, Some(picture)) => picture,
        }
    }

    /// The next picture that is ready; the inner failure: it is none of 8-bit 4:2:0.
    fn next(&mut self) -> Result<Option<Result<Picture>>, i32> {
        let mut picture = MaybeUninit::<Dav1dPicture>::uninit();
        // SAFETY: the context is alive, and rav1d writes the whole of the picture, an empty one if it fails.
        let (given, mut picture) = unsafe {
            let given = dav1d::dav1d_get_picture(self.context, Some(NonNull::from(&mut picture).cast())).0;
            (given, picture.assume_init())
        };
        let copied = match given {
            0 => Ok(Some(copy(&picture))),
            AGAIN => Ok(None),
            code => Err(code),
        };
        // SAFETY: the picture is of `dav1d_get_picture`, and not read after this.
        unsafe { dav1d::dav1d_picture_unref(Some(NonNull::from(&mut picture))) };
        copied
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: of `dav1d_open`, and closed once.
        unsafe { dav1d::dav1d_close(Some(NonNull::from(&mut self.context))) };
    }
}

/// Not now: data are wanted first, or a picture is to be taken first (`EAGAIN` of Linux).
const AGAIN: i32 = -11;

fn copy(picture: &Dav1dPicture) -> Result<Picture> {
    if picture.p.layout != DAV1D_PIXEL_LAYOUT_I420 || picture.p.bpc != 8 {
        return Err(refused("the picture is not 8-bit 4:2:0"));
    }
    let (width, height) = (picture.p.w.max(0) as usize, picture.p.h.max(0) as usize);
    let mut bytes = Vec::with_capacity(width * height * 3 / 2);
    for (plane, (columns, rows)) in
        [(width, height), (width / 2, height / 2), (width / 2, height / 2)].into_iter().enumerate()
    {
        let data = picture.data[plane].ok_or_else(|| refused("the picture lacks a plane"))?;
        let stride = picture.stride[plane.min(1)];
        for row in 0..rows {
            // SAFETY: until the picture is given back each plane has `rows` rows, `stride` apart, of at least `columns`
            // bytes.
            bytes.extend_from_slice(unsafe {
                std::slice::from_raw_parts(data.as_ptr().cast::<u8>().offset(row as isize * stride), columns)
            });
        }
    }
    Picture::new(width as u32, height as u32, bytes).map_err(|error| refused(&error.to_string()))
}

fn refused(reason: &str) -> Error {
    Error::Codec { codec: NAME, reason: reason.into() }
}
