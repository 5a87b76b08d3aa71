//! Metrics of pictures: a file or folder each, and their list. Beside them is what several of them share.

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

use super::api::Metric;
use crate::media::Picture;

/// All video metrics of this build.
pub static VIDEO: &[&Metric<Picture>] = &[
    &psnr::Y,
    &psnr::U,
    &psnr::V,
    &ssim::SSIM,
    &ms_ssim::MS_SSIM,
    #[cfg(feature = "video")]
    &vmaf::VMAF,
    #[cfg(feature = "video")]
    &vmaf::NEG,
    #[cfg(feature = "video")]
    &ciede2000::CIEDE2000,
    #[cfg(feature = "video")]
    &ssimulacra2::SSIMULACRA2,
];
