//! What is told while a plan runs.

/// How far the cases are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Cases of this run that are committed, of so many.
    pub done: usize,
    pub total: usize,
    /// Of those done.
    pub failed: usize,
}

/// Who looks on while a plan runs. Both are called from whichever thread has something to tell; `()` looks away.
pub trait Observer: Sync {
    /// Before the first case, and after every commit. With more seeds it begins anew.
    fn progress(&self, _progress: Progress) {}

    /// A sentence for people, without a line end.
    fn note(&self, _text: &str) {}
}

impl Observer for () {}
