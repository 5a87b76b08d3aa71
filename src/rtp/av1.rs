use super::video::{Assembler, Described, Frame, Payload, PayloadFormat, Splitter, VideoPacket};
use crate::error::Result;

pub static AV1: PayloadFormat =
    PayloadFormat { name: "AV1", described: true, splitter: |_| Box::new(Stub), assembler: || Box::new(Stub) };

struct Stub;

impl Splitter for Stub {
    fn split(&mut self, _picture: &Described<'_>, _max_payload: usize) -> Result<Vec<Payload>> {
        Ok(Vec::new())
    }
}

impl Assembler for Stub {
    fn insert(&mut self, _packet: VideoPacket, _out: &mut Vec<Frame>) -> bool {
        false
    }
}
