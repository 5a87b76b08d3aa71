//! Synthesised clips.
