//! What is done to a plan, without a terminal: [`run()`] computes its cases into a store, more seeds are added until intervals
//! are narrow enough, costs and delays are measured, and [`view()`] gathers all of it for a report.
//!
//! Nothing here prints, catches a signal or ends the program: who runs a plan gives a flag that stops it, and an
//! [`Observer`].

mod cases;
pub mod description;
mod execute;
mod exhibits;
mod keep;
mod measure;
mod media;
mod observer;
pub mod sweep;
mod until;
mod view;
mod warnings;
mod worst;

pub use cases::cases;
pub use execute::{Done, How, run};
pub use keep::Keep;
pub use measure::{costs, delays, footprints};
pub use media::Run;
pub use observer::{Observer, Progress};
pub use until::{Of, Until};
pub use view::view;
pub use warnings::{Warning, warnings};
