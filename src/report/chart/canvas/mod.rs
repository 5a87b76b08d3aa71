//! What charts are drawn with.

pub(super) mod axis;
pub(in crate::report) mod caption;
pub(in crate::report) mod chart;
pub(super) mod label_layout;
pub mod palette;
pub(super) mod panel;
pub mod scene;
