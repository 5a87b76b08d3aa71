//! Metrics of sound.

mod align;
mod correlate;
pub mod delay;
pub mod dnsmos;
pub mod emodel;
pub mod lsd;
mod neural;
pub mod pesq;
pub mod plcmos;
pub mod si_sdr;
pub mod stoi;
pub mod visqol;
