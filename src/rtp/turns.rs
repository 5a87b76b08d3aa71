//! Sequence numbers and timestamps without their turns (RFC 3550, section 5.1 and appendix A.1).

/// Counts both on from the first packet, which is 0; what comes before it is negative.
pub struct Turns {
    last: (u16, u32),
    sequence: i64,
    timestamp: i64,
}

impl Turns {
    /// With these of the first packet.
    pub fn new(sequence: u16, timestamp: u32) -> Turns {
        Turns { last: (sequence, timestamp), sequence: 0, timestamp: 0 }
    }

    /// Those of the next packet, less the first one's; it may be overtaken by half a turn.
    pub fn count(&mut self, sequence: u16, timestamp: u32) -> (i64, i64) {
        self.sequence += i64::from(sequence.wrapping_sub(self.last.0) as i16);
        self.timestamp += i64::from(timestamp.wrapping_sub(self.last.1) as i32);
        self.last = (sequence, timestamp);
        (self.sequence, self.timestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::Turns;

    #[test]
    fn numbers_go_on_over_their_turn_and_back() {
        let mut turns = Turns::new(65_535, u32::MAX - 959);
        assert_eq!(turns.count(65_535, u32::MAX - 959), (0, 0));
        assert_eq!(turns.count(1, 960), (2, 1920));
        assert_eq!(turns.count(0, 0), (1, 960));
        assert_eq!(turns.count(65_534, u32::MAX - 1919), (-1, -960));
    }
}
