//! Networks by name.
//!
//! Each says which of its figures are published and which are an engineering choice. A voice packet is 20 ms and about 210
//! bytes on the wire. Where there is a rate, nothing overtakes: a packet that is held up holds up those behind it, as on the
//! real links. The schedules count from the call's first packet, warm-up included.
//!
//! Of RFC 8867's test cases 5.1 and 5.2 are here: one media flow over a link whose capacity varies. The others need media in
//! both directions (5.3), competing flows (5.4 to 5.7) or a sender that pauses (5.8), none of which a network alone can say.

/// A network by name, in the words of [`super`].
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    pub name: &'static str,
    pub words: &'static str,
    /// Where its figures come from.
    pub source: &'static str,
}

pub static PRESETS: &[Preset] = &[
    Preset {
        name: "office",
        words: "delay 20ms 2ms distribution normal loss 0.1%",
        source: "loss at the bound of ITU-T Y.1541 class 0 (0.1 %), delay and variation well within it (100 ms, 50 ms); \
                 20 ms within a country and 2 ms deviation are an engineering choice",
    },
    Preset {
        name: "wifi",
        words: "delay 25ms 10ms distribution pareto rate 20mbit loss 1% burst 3",
        source: "engineering choice: a busy home network; retransmission on the air turns most loss into rare long waits, so \
                 the delay has a long tail and keeps its order, and what is lost is lost in short runs",
    },
    Preset {
        name: "lte-driving",
        words: "delay 50ms 15ms distribution paretonormal rate 1920kbit queue 500ms loss 0.5% burst 3",
        source: "rate: mean of Mahimahi's trace ATT-LTE-driving-2016.up, 1.92 Mbit/s; bursts of 3 packets: a handover \
                 interrupts for some 50 ms; delay, its spread and the share of loss are an engineering choice",
    },
    Preset {
        name: "3g",
        words: "delay 80ms 25ms distribution paretonormal rate 950kbit queue 1s loss 1% burst 3",
        source: "rate: mean of Mahimahi's trace TMobile-UMTS-driving.up, 0.95 Mbit/s; all else is an engineering choice",
    },
    Preset {
        name: "satellite",
        words: "delay 275ms 3ms distribution normal rate 10mbit loss 0.5%",
        source: "delay: a geostationary hop of 260 ms (ITU-T G.114, table of transmission media) and 15 ms on the ground; \
                 the rest is an engineering choice",
    },
    Preset {
        name: "congested",
        words: "delay 90ms 60ms distribution pareto rate 500kbit queue 300ms loss 3% burst 2",
        source: "queue of 300 ms: the bottleneck of RFC 8867's section 5; half of the packets within, and the tail beyond, the \
                 150 ms of ITU-T G.114; the mean, the spread (other flows come and go) and the loss are an engineering choice",
    },
    Preset {
        name: "rfc8867-5.1",
        words: "forward delay 50ms 5ms distribution normal rate 1mbit queue 300ms at 40s rate 2500kbit at 60s rate 600kbit \
                at 80s rate 1mbit back delay 50ms 5ms distribution normal",
        source: "RFC 8867, section 5.1: variable capacity, one flow; 50 ms one way, 300 ms queue, drop tail, no loss; its \
                 largest jitter of 30 ms is taken as three deviations of 5 ms to either side",
    },
    Preset {
        name: "rfc8867-5.2",
        words: "forward delay 50ms 5ms distribution normal rate 2mbit queue 300ms at 25s rate 1mbit at 50s rate 1750kbit \
                at 75s rate 500kbit at 100s rate 1mbit back delay 50ms 5ms distribution normal",
        source: "RFC 8867, section 5.2: its capacities and times, 50 ms one way, 300 ms queue, jitter as in 5.1; the RFC has \
                 two flows share them, here one flow has all",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::spec::{Chance, NetSpec};
    use crate::net::survey::{Figures, survey};
    use crate::units::Seed;

    #[test]
    fn every_preset_is_what_its_words_say() {
        for preset in PRESETS {
            let net: NetSpec =
                format!("preset {}", preset.name).parse().unwrap_or_else(|e| panic!("{}: {e}", preset.name));
            assert_eq!(net, preset.words.parse().unwrap(), "{}", preset.name);
            assert_eq!(net, preset.name.parse().unwrap(), "{}: its name alone", preset.name);
            assert_eq!(net.warnings(), Vec::<String>::new(), "{}", preset.name);
            assert!(preset.source.len() > 40);
            let net = NetSpec::new(net.forward, net.back, Chance::Packet);
            let figures = Figures::of(&survey(&net, 30_000, Seed(1)));
            // What is asked for is lost, and the queue of none is too short for voice.
            let asked = net.asked_loss() / 100.0;
            let burst = figures.mean_burst.unwrap_or(1.0);
            assert!(
                (figures.loss - asked).abs() <= 4.0 * (2.0 * burst * asked / 30_000.0).sqrt(),
                "{preset:?}: {figures:?}"
            );
            let ordered = preset.words.contains("rate") || preset.name == "office";
            assert!(!ordered || figures.reordered == 0.0, "{preset:?}: {figures:?}");
        }
    }
}
