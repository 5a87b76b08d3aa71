//! Metrics of pictures.

#[cfg(feature = "video")]
pub mod ciede2000;
pub mod ms_ssim;
pub(super) mod pictures;
pub mod psnr;
pub mod ssim;
#[cfg(feature = "video")]
pub mod ssimulacra2;
#[cfg(feature = "video")]
pub mod vmaf;
