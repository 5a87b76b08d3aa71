//! Metrics of sound.

mod align;
mod correlate;
pub mod delay;
#[cfg(feature = "neural")]
pub mod dnsmos;
pub mod emodel;
pub mod lsd;
#[cfg(feature = "neural")]
mod neural;
pub mod pesq;
#[cfg(feature = "neural")]
pub mod plcmos;
pub mod si_sdr;
pub mod stoi;
pub mod visqol;
