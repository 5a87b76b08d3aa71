//! The same arithmetic with the widest vectors that this processor has.

use rten_simd::{Isa, SimdOp};

/// Does `work`, compiled for each instruction set and chosen at run time; it must be `#[inline(always)]`, and so what it
/// calls. Only the width of the vectors changes: no operation is fused or reordered, so results are the same to the bit.
pub fn wide<R>(work: impl FnOnce() -> R) -> R {
    Work(work).dispatch()
}

struct Work<F>(F);

impl<R, F: FnOnce() -> R> SimdOp for Work<F> {
    type Output = R;

    #[inline(always)]
    fn eval<I: Isa>(self, _: I) -> R {
        (self.0)()
    }
}
