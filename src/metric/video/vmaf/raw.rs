//! libvmaf by its C interface (vmaf-head-sys): one model or one feature over whole footage. The only unsafe code of the
//! metrics.
#![expect(unsafe_code, reason = "libvmaf is a C library")]

use crate::media::{Footage, Picture, PictureFormat};
use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::ptr::{NonNull, null_mut};
use vmaf_head_sys as sys;

/// "3.2.0", from the library itself.
pub(in crate::metric::video) fn version() -> String {
    // SAFETY: libvmaf returns a static string that ends with a zero byte.
    unsafe { CStr::from_ptr(sys::vmaf_version()) }.to_string_lossy().into_owned()
}

/// The scores of a model that is built into the library, one per pair of pictures of that format.
///
/// `threads`: above 1 that many of the library's own run beside this one; the scores are the same.
///
/// # Errors
/// What the library refused, in a few words.
pub(in crate::metric::video) fn model(
    name: &CStr,
    format: PictureFormat,
    pairs: impl Iterator<Item = (Picture, Picture)>,
    threads: usize,
) -> Result<Vec<f64>, String> {
    // The context must go before the model.
    let model = Model::new(name)?;
    // The models look at luma alone.
    let context = Context::new(threads, format, sys::VmafPixelFormat_VMAF_PIX_FMT_YUV400P)?;
    // SAFETY: both are alive, and the model outlives the context.
    check("model", unsafe { sys::vmaf_use_features_from_model(context.0.as_ptr(), model.0.as_ptr()) })?;
    let count = context.read(pairs)?;
    let score = |index, out: &mut f64| {
        // SAFETY: both are alive, and `out` is a place for one number.
        unsafe { sys::vmaf_score_at_index(context.0.as_ptr(), model.0.as_ptr(), out, index) }
    };
    per_picture(count, score)
}

/// The values of the feature `name` that `extractor` provides, one per picture.
///
/// # Errors
/// As for [`model`].
pub(in crate::metric::video) fn feature(
    extractor: &CStr,
    name: &CStr,
    reference: &Footage,
    degraded: &Footage,
    threads: usize,
) -> Result<Vec<f64>, String> {
    let context = Context::new(threads, reference.format, sys::VmafPixelFormat_VMAF_PIX_FMT_YUV420P)?;
    // SAFETY: the context is alive; the name ends with a zero byte; there need be no options.
    check("feature", unsafe { sys::vmaf_use_feature(context.0.as_ptr(), extractor.as_ptr(), null_mut()) })?;
    let count = context.read(crate::metric::video::pictures::pairs(reference, degraded))?;
    let score = |index, out: &mut f64| {
        // SAFETY: the context is alive; the name ends with a zero byte; `out` is a place for one number.
        unsafe { sys::vmaf_feature_score_at_index(context.0.as_ptr(), name.as_ptr(), out, index) }
    };
    per_picture(count, score)
}

fn per_picture(pictures: usize, score: impl Fn(u32, &mut f64) -> c_int) -> Result<Vec<f64>, String> {
    let one = |index: usize| {
        let mut value = 0.0;
        check("score", score(index as u32, &mut value)).map(|()| value)
    };
    (0..pictures).map(one).collect()
}

struct Model(NonNull<sys::VmafModel>);

impl Model {
    fn new(name: &CStr) -> Result<Model, String> {
        let mut model = null_mut();
        let mut config = sys::VmafModelConfig {
            name: std::ptr::null(),
            flags: u64::from(sys::VmafModelFlags_VMAF_MODEL_FLAGS_DEFAULT),
        };
        // SAFETY: `model` is a place for a pointer, the configuration is read only in this call, and the name ends with a
        // zero byte.
        check("model", unsafe { sys::vmaf_model_load(&mut model, &mut config, name.as_ptr()) })?;
        NonNull::new(model).map(Model).ok_or_else(|| "libvmaf gave no model".into())
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: made by `vmaf_model_load`, and dropped once.
        unsafe { sys::vmaf_model_destroy(self.0.as_ptr()) }
    }
}

struct Context(NonNull<sys::VmafContext>);

/// Pictures that a context holds: of each thread's pair and of the pair that waits for it, the pair in hand, and the two
/// references before.
const fn held(threads: usize) -> u32 {
    4 * threads as u32 + 4
}

impl Context {
    /// For pictures of this format, of which it gets the planes that `layout` has.
    fn new(threads: usize, format: PictureFormat, layout: sys::VmafPixelFormat) -> Result<Context, String> {
        let mut context = null_mut();
        let config = sys::VmafConfiguration {
            log_level: sys::VmafLogLevel_VMAF_LOG_LEVEL_NONE,
            // With 0 it works in the calling thread.
            n_threads: if threads > 1 { threads as u32 } else { 0 },
            n_subsample: 1,
            cpumask: 0,
            gpumask: 0,
        };
        // SAFETY: `context` is a place for a pointer.
        check("context", unsafe { sys::vmaf_init(&mut context, config) })?;
        let context = NonNull::new(context).map(Context).ok_or("libvmaf gave no context")?;
        let PictureFormat { width: w, height: h, .. } = format;
        let pic_params = sys::VmafPictureConfiguration__bindgen_ty_1 { w, h, bpc: 8, pix_fmt: layout };
        let pool = sys::VmafPictureConfiguration { pic_params, pic_cnt: held(threads) };
        // SAFETY: the context is alive; the numbers are plain ones that libvmaf checks.
        check("pictures", unsafe { sys::vmaf_preallocate_pictures(context.0.as_ptr(), pool) })?;
        Ok(context)
    }

    /// Reads all pairs, and waits until all is computed; returns how many there were.
    fn read(&self, pairs: impl Iterator<Item = (Picture, Picture)>) -> Result<usize, String> {
        let mut count = 0;
        for (a, b) in pairs {
            let (mut a, mut b) = (self.copied(&a)?, self.copied(&b)?);
            // SAFETY: the context is alive; both pictures are whole. What the library takes it clears.
            let code = unsafe { sys::vmaf_read_pictures(self.0.as_ptr(), &mut a.0, &mut b.0, count as u32) };
            check("picture", code)?;
            count += 1;
        }
        // SAFETY: the context is alive; without pictures this call flushes.
        check("flush", unsafe { sys::vmaf_read_pictures(self.0.as_ptr(), null_mut(), null_mut(), 0) })?;
        Ok(count)
    }

    /// A picture in the library's own memory, whose rows it wants aligned; its pool keeps that from picture to picture.
    fn copied(&self, picture: &Picture) -> Result<Frame, String> {
        let mut out = MaybeUninit::<sys::VmafPicture>::zeroed();
        // SAFETY: the context is alive and has a pool; `out` is a place for a picture.
        check("picture", unsafe { sys::vmaf_fetch_preallocated_picture(self.0.as_ptr(), out.as_mut_ptr()) })?;
        // SAFETY: all of it was zero, which is valid for each field, before libvmaf filled it in.
        let out = Frame(unsafe { out.assume_init() });
        let sizes = out.0.w.into_iter().zip(out.0.h);
        for ((plane, (width, height)), (data, stride)) in
            picture.planes().into_iter().zip(sizes).zip(out.0.data.into_iter().zip(out.0.stride))
        {
            if data.is_null() {
                continue;
            }
            let rows = plane.chunks_exact(width as usize).take(height as usize);
            for (y, row) in rows.enumerate() {
                // SAFETY: 8-bit rows of that plane lie `stride` bytes apart, each with room for its width, and there are
                // `height` of them.
                unsafe {
                    let to = data.cast::<u8>().offset(y as isize * stride);
                    std::ptr::copy_nonoverlapping(row.as_ptr(), to, row.len());
                }
            }
        }
        Ok(out)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: made by `vmaf_init`, and dropped once.
        unsafe { sys::vmaf_close(self.0.as_ptr()) };
    }
}

/// A picture of the pool; back to it unless the library has taken it.
struct Frame(sys::VmafPicture);

impl Drop for Frame {
    fn drop(&mut self) {
        if !self.0.ref_.is_null() {
            // SAFETY: fetched from the pool, whose context is alive, and not used after this.
            unsafe { sys::vmaf_picture_unref(&mut self.0) };
        }
    }
}

/// libvmaf gives 0, or the negative of a number of errno.
fn check(what: &str, code: c_int) -> Result<(), String> {
    match code {
        0 => Ok(()),
        code => Err(format!("libvmaf refused the {what}: {}", std::io::Error::from_raw_os_error(-code))),
    }
}
