//! A whole session description: find, edit, negotiate.
