//! RTP payloads: coded units in and out.
