//! FLAC files in.
