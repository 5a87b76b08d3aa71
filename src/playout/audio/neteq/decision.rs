//! NetEq's decision logic: what a pull does, by the arrivals so far and the state that the last pull left.

use super::arrivals::Arrivals;
use super::delay_manager::DelayManager;
use crate::playout::audio::buffer::Frame;
use crate::playout::receiver::Conceal;
use std::time::Duration;

/// One pull.
pub(super) const TICK_MS: i64 = 10;
/// Pulls from one time scaling to the next.
const REST: u32 = 6;
/// What the upper limit of the delay has beyond the target and the greatest delay; what may wait beyond the target at a hole.
const GRANULARITY_MS: i64 = 20;
const PATIENCE_MS: i64 = 50;
/// The longest comfort noise without a packet.
const COMFORT_MS: i64 = 1000;
/// The most packets that are kept: a target is at most three quarters of them.
const MOST_PACKETS: i64 = 200;

/// What the last pull did that the next one must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Normal,
    /// Time was scaled.
    Scaled,
    /// Sound is made up, by us or by the decoder.
    Expand,
    /// The decoder makes comfort noise.
    Comfort,
}

/// What a pull does before it plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Normal,
    /// Play what is decoded already.
    PlayOn,
    Expand,
    Comfort,
    Merge,
    Accelerate,
    PreemptiveExpand,
}

/// What a pull finds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    /// What can be decoded next.
    pub next: Option<Frame>,
    /// The media position that is due for decoding, and the one that is heard next.
    pub due: i64,
    pub heard_next: i64,
    /// Whether as much is decoded as a pull plays.
    pub is_enough_left: bool,
    /// From the first to the last packet that waits, and how long the last one has waited, in ms.
    pub waiting_ms: i64,
    /// A packet waits that says that the sender falls silent.
    pub holds_dtx: bool,
    /// Made-up sound has lost more than half its level.
    pub is_faint: bool,
}

/// The state of the decisions. Positions are in samples.
pub(super) struct Decisions {
    min: Duration,
    max: Duration,
    conceal: Conceal,
    sample_rate: i64,
    /// Pulls so far: the clock of all decisions.
    clock: i64,
    arrivals: Arrivals,
    delay: DelayManager,
    mode: Mode,
    /// Pulls until time may be scaled again.
    rest: u32,
    /// The pull in which made-up sound or comfort noise began.
    noise_since: Option<i64>,
    /// Samples of the last decoded frame.
    frame: usize,
}

impl Decisions {
    /// With a target delay within these bounds.
    pub fn new(min: Duration, max: Duration, conceal: Conceal, sample_rate: u32) -> Decisions {
        Decisions {
            min,
            max,
            conceal,
            sample_rate: i64::from(sample_rate),
            clock: 0,
            arrivals: Arrivals::new(sample_rate),
            delay: DelayManager::default(),
            mode: Mode::Normal,
            rest: 0,
            noise_since: None,
            frame: 0,
        }
    }

    /// So many samples from `position` on have come since the last pull.
    pub fn arrived(&mut self, position: i64, samples: i64) {
        let now_ms = self.clock * TICK_MS;
        if let Some(lateness) = self.arrivals.add(position, samples, now_ms) {
            self.delay.update(now_ms, lateness);
        }
    }

    /// A pull begins. Returns whether it is the first.
    pub fn begin(&mut self) -> bool {
        self.clock += 1;
        self.rest = self.rest.saturating_sub(1);
        self.clock == 1
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Samples of the last decoded frame.
    pub fn frame(&self) -> usize {
        self.frame
    }

    /// A frame of so many samples was decoded, with sound in it or (DTX) without.
    pub fn decoded(&mut self, samples: usize, dtx: bool) {
        self.frame = samples;
        self.mode = if dtx { Mode::Comfort } else { Mode::Normal };
        self.noise_since = if dtx { Some(self.clock) } else { None };
    }

    /// Sound was made up.
    pub fn expanded(&mut self) {
        self.mode = Mode::Expand;
        self.noise_since.get_or_insert(self.clock);
    }

    /// Time was scaled.
    pub fn scaled(&mut self) {
        self.mode = Mode::Scaled;
        self.rest = REST;
    }

    /// The target delay, within its bounds.
    pub fn target_ms(&self) -> i64 {
        let packets_ms = self.ms(self.frame as i64) * MOST_PACKETS * 3 / 4;
        let target = self.delay.target_ms().max(self.min.as_millis() as i64).min(self.max.as_millis() as i64);
        if packets_ms > 0 { target.min(packets_ms) } else { target }
    }

    /// What the arrivals alone ask for.
    pub fn minimum_ms(&self) -> i64 {
        self.delay.target_ms()
    }

    pub fn ms(&self, samples: i64) -> i64 {
        samples * 1000 / self.sample_rate
    }

    pub fn decide(&self, now: &Situation) -> Operation {
        let operation = match now.next {
            None => self.without_packet(),
            Some(_) if self.postpones(now) => self.without_packet(),
            Some(frame) if frame.position == now.due => self.expected(now),
            Some(frame) => self.hole(now, frame.position - now.due),
        };
        let dtx = now.next.is_some_and(|frame| frame.dtx);
        match operation {
            Operation::Accelerate | Operation::PreemptiveExpand | Operation::Merge if !dtx => operation,
            _ if now.is_enough_left => Operation::PlayOn,
            Operation::Expand | Operation::Comfort => operation,
            _ => Operation::Normal,
        }
    }

    fn without_packet(&self) -> Operation {
        match self.mode {
            Mode::Comfort if self.generated_ms() <= COMFORT_MS => Operation::Comfort,
            _ => Operation::Expand,
        }
    }

    /// The packet that is due is there.
    fn expected(&self, now: &Situation) -> Operation {
        if self.mode == Mode::Expand {
            return Operation::Normal;
        }
        let delay = self.arrivals.delay_ms(now.heard_next, self.clock * TICK_MS);
        let low = self.target_ms();
        let high = low + self.arrivals.max_delay_ms() + GRANULARITY_MS;
        match self.rest == 0 {
            _ if delay >= 4 * high => Operation::Accelerate,
            true if delay >= high => Operation::Accelerate,
            true if delay < low => Operation::PreemptiveExpand,
            _ => Operation::Normal,
        }
    }

    /// The packet that is due is not there, but one `gap` samples later is.
    fn hole(&self, now: &Situation, gap: i64) -> Operation {
        let too_early = self.ms(gap) > self.generated_ms();
        if too_early && now.waiting_ms <= self.target_ms() + PATIENCE_MS {
            return self.without_packet();
        }
        match (self.mode, self.conceal) {
            (Mode::Expand, Conceal::NetEq) => Operation::Merge,
            (Mode::Expand | Mode::Comfort, _) => Operation::Normal,
            _ => Operation::Expand,
        }
    }

    /// Whether playing does not go on yet, so that it need not stop at once again.
    fn postpones(&self, now: &Situation) -> bool {
        if now.waiting_ms >= self.target_ms() / 2 || now.holds_dtx {
            return false;
        }
        match self.mode {
            Mode::Comfort => true,
            Mode::Expand => now.is_faint,
            _ => false,
        }
    }

    /// How long sound has been made up, this pull not counted.
    fn generated_ms(&self) -> i64 {
        self.noise_since.map_or(0, |since| (self.clock - since) * TICK_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Time;

    const SECOND: Duration = Duration::from_secs(1);

    /// After 10 s of packets of 20 ms, of which the last was just decoded: target 20 ms, no jitter.
    fn steady(conceal: Conceal) -> Decisions {
        let mut decisions = Decisions::new(Duration::ZERO, 2 * SECOND, conceal, 48_000);
        for n in 0..1000 {
            decisions.begin();
            if n % 2 == 0 {
                decisions.arrived(480 * n, 960);
                decisions.decoded(960, false);
            }
        }
        decisions
    }

    /// Heard next is what came so long ago; the next packet begins `gap` samples after what is due.
    fn situation(decisions: &Decisions, delay_ms: i64, gap: i64) -> Situation {
        let heard_next = (decisions.clock * TICK_MS - TICK_MS - delay_ms) * 48;
        let next = Frame { position: heard_next + gap, offset: 0, sequence: 0, at: Time::ZERO, dtx: false };
        Situation {
            next: Some(next),
            due: heard_next,
            heard_next,
            is_enough_left: false,
            waiting_ms: 20,
            holds_dtx: false,
            is_faint: false,
        }
    }

    #[test]
    fn time_is_scaled_below_the_target_and_above_the_upper_limit_alone() {
        let mut decisions = steady(Conceal::NetEq);
        decisions.begin();
        assert_eq!(decisions.target_ms(), 20);
        for (delay_ms, operation) in [
            (19, Operation::PreemptiveExpand),
            (20, Operation::Normal),
            (39, Operation::Normal),
            (40, Operation::Accelerate),
        ] {
            assert_eq!(decisions.decide(&situation(&decisions, delay_ms, 0)), operation, "{delay_ms} ms");
        }
        // Not again for 60 ms, but for four times the limit.
        decisions.scaled();
        for _ in 0..5 {
            decisions.begin();
            assert_eq!(decisions.decide(&situation(&decisions, 40, 0)), Operation::Normal);
            assert_eq!(decisions.decide(&situation(&decisions, 200, 0)), Operation::Accelerate);
        }
        decisions.begin();
        assert_eq!(decisions.decide(&situation(&decisions, 40, 0)), Operation::Accelerate);
    }

    #[test]
    fn a_hole_is_covered_one_to_one_and_then_merged() {
        for (conceal, last) in [(Conceal::NetEq, Operation::Merge), (Conceal::Codec, Operation::Normal)] {
            let mut decisions = steady(conceal);
            for expected in [Operation::Expand, Operation::Expand, last] {
                decisions.begin();
                assert_eq!(decisions.decide(&situation(&decisions, 20, 960)), expected);
                decisions.expanded();
            }
        }
        // At once, where much waits; but never without one pull of made-up sound.
        let mut decisions = steady(Conceal::NetEq);
        for expected in [Operation::Expand, Operation::Merge] {
            decisions.begin();
            let crowded = Situation { waiting_ms: 71, ..situation(&decisions, 20, 4800) };
            assert_eq!(decisions.decide(&crowded), expected);
            decisions.expanded();
        }
    }

    #[test]
    fn after_quiet_made_up_sound_half_the_target_must_wait() {
        let mut decisions = steady(Conceal::NetEq);
        decisions.expanded();
        decisions.begin();
        let loud = Situation { waiting_ms: 9, ..situation(&decisions, 20, 0) };
        assert_eq!(decisions.decide(&loud), Operation::Normal);
        assert_eq!(decisions.decide(&Situation { is_faint: true, ..loud }), Operation::Expand);
        assert_eq!(decisions.decide(&Situation { is_faint: true, waiting_ms: 10, ..loud }), Operation::Normal);
    }

    #[test]
    fn comfort_noise_lasts_a_second_at_most() {
        let mut decisions = steady(Conceal::NetEq);
        decisions.decoded(960, true);
        let alone = |d: &Decisions| Situation { next: None, waiting_ms: 0, ..situation(d, 20, 0) };
        for _ in 0..100 {
            decisions.begin();
            assert_eq!(decisions.decide(&alone(&decisions)), Operation::Comfort);
        }
        decisions.begin();
        assert_eq!(decisions.decide(&alone(&decisions)), Operation::Expand);
    }
}
