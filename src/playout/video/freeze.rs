//! Freezes and the harmonic frame rate, as libwebrtc counts them (`video/video_quality_observer2`).

use crate::units::Time;
use std::collections::VecDeque;
use std::time::Duration;

/// The mean is that of the last gaps, the one in question included; from so many on.
const WINDOW: usize = 30;
const LEAST: usize = 5;
/// A gap is a freeze if it is so much above the mean, and three times the mean.
const INCREASE: Duration = Duration::from_millis(150);
const TIMES: u32 = 3;

/// The freezes of a timeline of renders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Freezes {
    /// From the last render before each freeze to the next one.
    pub intervals: Vec<(Time, Time)>,
    /// Sum of the squared gaps between renders, in s².
    pub squared_gaps: f64,
    /// From the first render to the last.
    pub span: Duration,
}

impl Freezes {
    pub fn count(&self) -> usize {
        self.intervals.len()
    }

    pub fn total(&self) -> Duration {
        self.intervals.iter().map(|(from, to)| to.since(*from)).sum()
    }

    pub fn longest(&self) -> Duration {
        self.intervals.iter().map(|(from, to)| to.since(*from)).max().unwrap_or_default()
    }

    /// Harmonic frame rate: the span over the sum of the squared gaps, in pictures per second. `None`: fewer than two
    /// renders.
    pub fn frame_rate(&self) -> Option<f64> {
        (self.squared_gaps > 0.0).then(|| self.span.as_secs_f64() / self.squared_gaps)
    }
}

/// Finds the freezes. `renders` are in order of time.
pub fn freezes(renders: &[Time]) -> Freezes {
    let mut found = Freezes::default();
    let mut window: VecDeque<Duration> = VecDeque::new();
    for pair in renders.windows(2) {
        let gap = pair[1].since(pair[0]);
        found.squared_gaps += gap.as_secs_f64().powi(2);
        found.span += gap;
        window.push_back(gap);
        if window.len() > WINDOW {
            window.pop_front();
        }
        let mean = window.iter().sum::<Duration>() / window.len() as u32;
        if window.len() >= LEAST && gap >= (mean * TIMES).max(mean + INCREASE) {
            found.intervals.push((pair[0], pair[1]));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Renders with these gaps in ms, the first at 1 s.
    fn renders(gaps: &[u64]) -> Vec<Time> {
        let mut at = 1000;
        let later = gaps.iter().map(|gap| {
            at += gap;
            Time::from_millis(at)
        });
        [Time::from_millis(1000)].into_iter().chain(later).collect()
    }

    #[test]
    fn a_hand_made_timeline_has_the_freezes_counted_by_hand() {
        // 40 gaps of 30 ms; 190 ms: the mean of the last 30 is (29 * 30 + 190) / 30 = 35.3, bar 185.3: a freeze.
        // 10 gaps of 30 ms; 185 ms: mean (28 * 30 + 190 + 185) / 30 = 40.5, bar 190.5: none.
        // 50 gaps of 30 ms; 2000 ms: mean 95.7, bar 287: a freeze. Then 3 gaps of 300 ms: mean above 100, bar above 300.
        let mut gaps = vec![30; 40];
        gaps.push(190);
        gaps.extend([30; 10]);
        gaps.push(185);
        gaps.extend([30; 50]);
        gaps.extend([2000, 300, 300, 300]);
        let found = freezes(&renders(&gaps));
        let ms = Duration::from_millis;
        let from = |k: usize| Time::from_millis(1000 + gaps[..k].iter().sum::<u64>());
        assert_eq!(found.intervals, [(from(40), from(41)), (from(102), from(103))]);
        assert_eq!((found.count(), found.total(), found.longest()), (2, ms(2190), ms(2000)));
        assert_eq!(found.span, ms(gaps.iter().sum()));
        let squares: f64 = gaps.iter().map(|g| (*g as f64 / 1000.0).powi(2)).sum();
        assert!((found.frame_rate().unwrap() - found.span.as_secs_f64() / squares).abs() < 1e-9);
    }

    #[test]
    fn few_gaps_are_no_ground_for_a_freeze() {
        assert_eq!(freezes(&renders(&[30, 30, 30, 1000])).count(), 0);
        // The fifth: mean (4 * 30 + 1000) / 5 = 224, bar 672.
        assert_eq!(freezes(&renders(&[30, 30, 30, 30, 1000])).count(), 1);
        assert_eq!(freezes(&[]).frame_rate(), None);
        assert_eq!(freezes(&renders(&[])).frame_rate(), None);
    }

    #[test]
    fn an_even_rate_is_its_own_harmonic_rate_and_slow_pictures_have_no_freeze() {
        let found = freezes(&renders(&[200; 50]));
        assert!((found.frame_rate().unwrap() - 5.0).abs() < 1e-9);
        assert_eq!(found.count(), 0);
    }
}
