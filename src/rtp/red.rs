//! Redundant audio (RFC 2198) as Chrome sends it: each packet repeats the one or two coded frames before its own.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |1|   block PT  |      timestamp offset     |   block length    |   for each repeated frame, the oldest first
//! |0|   block PT  |                                                 then the packet's own, and the frames themselves
//! +-+-+-+-+-+-+-+-+-+
//! ```

/// What Chrome gives `red/48000/2`.
pub const PAYLOAD_TYPE: u8 = 63;

/// A timestamp offset has 14 bits, a block length 10 (RFC 2198, section 3).
const FARTHEST: u32 = (1 << 14) - 1;
const LONGEST: usize = (1 << 10) - 1;

/// A coded frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    pub timestamp: u32,
    pub data: &'a [u8],
}

/// The payload of a packet for `own`, a frame of `payload_type`, that repeats `earlier`, the oldest first. An earlier
/// frame that is too long or too far back is left out, and with it all that are older: the receiver counts back by the
/// blocks. So is an empty one.
pub fn pack(payload_type: u8, own: Block<'_>, earlier: &[Block<'_>]) -> Vec<u8> {
    let fits = |block: &&Block<'_>| {
        let offset = own.timestamp.wrapping_sub(block.timestamp);
        (1..=FARTHEST).contains(&offset) && (1..=LONGEST).contains(&block.data.len())
    };
    let left_out = earlier.len() - earlier.iter().rev().take_while(fits).count();
    let repeated = &earlier[left_out..];
    let mut payload = Vec::with_capacity(1 + own.data.len() + repeated.iter().map(|b| 4 + b.data.len()).sum::<usize>());
    for block in repeated {
        let offset = own.timestamp.wrapping_sub(block.timestamp);
        let word = 1 << 31 | u32::from(payload_type & 127) << 24 | offset << 10 | block.data.len() as u32;
        payload.extend(word.to_be_bytes());
    }
    payload.push(payload_type & 127);
    repeated.iter().chain([&own]).for_each(|block| payload.extend(block.data));
    payload
}

/// The frames of `payload_type` in a packet that is stamped `timestamp`, the oldest first, its own last. `None`: not a
/// payload of redundant audio. Blocks of another payload type are passed over.
pub fn unpack(payload_type: u8, timestamp: u32, payload: &[u8]) -> Option<Vec<Block<'_>>> {
    let (mut headers, mut rest) = (Vec::new(), payload);
    while let [first, ..] = rest {
        if first & 128 == 0 {
            break;
        }
        let (word, after) = rest.split_first_chunk::<4>()?;
        headers.push(u32::from_be_bytes(*word));
        rest = after;
    }
    let (own_type, mut data) = rest.split_first()?;
    let mut blocks = Vec::with_capacity(headers.len() + 1);
    for word in headers {
        let block = data.split_at_checked((word & LONGEST as u32) as usize)?;
        data = block.1;
        if (word >> 24) as u8 & 127 == payload_type {
            blocks.push(Block { timestamp: timestamp.wrapping_sub(word >> 10 & FARTHEST), data: block.0 });
        }
    }
    if *own_type == payload_type {
        blocks.push(Block { timestamp, data });
    }
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bytes_are_those_of_the_rfc() {
        let earlier = [Block { timestamp: 1000, data: &[1, 2, 3] }, Block { timestamp: 1960, data: &[4] }];
        let own = Block { timestamp: 2920, data: &[5, 6] };
        let payload = pack(111, own, &earlier);
        // F=1, PT 111, offset 1920 = 0b00011110000000, length 3; F=1, PT 111, offset 960, length 1; F=0, PT 111.
        assert_eq!(payload, [0xef, 0x1e, 0x00, 3, 0xef, 0x0f, 0x00, 1, 111, 1, 2, 3, 4, 5, 6]);
        assert_eq!(unpack(111, 2920, &payload).unwrap(), [earlier[0], earlier[1], own]);
        assert_eq!(unpack(0, 2920, &payload).unwrap(), []);
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_all_before_it() {
        let (small, big) = ([7u8; 10], vec![8u8; LONGEST + 1]);
        let at = |timestamp, data| Block { timestamp, data };
        let own = at(100_000, &big[..]);
        let kept = |earlier: &[Block]| unpack(0, 100_000, &pack(0, own, earlier)).unwrap().len() - 1;
        assert_eq!(kept(&[at(99_000, &small), at(99_500, &small)]), 2);
        assert_eq!(kept(&[at(99_000, &small), at(99_500, &big)]), 0);
        assert_eq!(kept(&[at(99_000, &big), at(99_500, &small)]), 1);
        assert_eq!(kept(&[at(99_000, &big[1..])]), 1);
        assert_eq!(kept(&[at(100_000 - FARTHEST, &small)]), 1);
        assert_eq!(kept(&[at(100_000 - FARTHEST - 1, &small)]), 0);
        assert_eq!(kept(&[at(100_000, &small)]), 0, "not earlier");
        assert_eq!(kept(&[at(99_500, &[])]), 0, "empty");
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            payload_type in 0..128u8,
            timestamp: u32,
            frames in prop::collection::vec((1..=FARTHEST, prop::collection::vec(any::<u8>(), 1..=LONGEST)), 0..3),
            own in prop::collection::vec(any::<u8>(), 0..1500),
        ) {
            let earlier: Vec<Block> = frames
                .iter()
                .map(|(offset, data)| Block { timestamp: timestamp.wrapping_sub(*offset), data })
                .collect();
            let own = Block { timestamp, data: &own };
            let payload = pack(payload_type, own, &earlier);
            let all: Vec<Block> = earlier.into_iter().chain([own]).collect();
            prop_assert_eq!(unpack(payload_type, timestamp, &payload), Some(all));
        }

        #[test]
        fn any_bytes_are_read_or_refused(payload in prop::collection::vec(any::<u8>(), 0..64), timestamp: u32) {
            if let Some(blocks) = unpack(payload.last().copied().unwrap_or(0) & 127, timestamp, &payload) {
                prop_assert!(blocks.iter().map(|b| b.data.len()).sum::<usize>() < payload.len());
            }
        }
    }
}
