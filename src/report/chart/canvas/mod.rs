//! What charts are drawn with.

pub(super) mod axis;
pub(super) mod label_layout;
pub mod palette;
pub(super) mod panel;
pub mod scene;
