//! What a result is found by: a hash of all that shapes it.

use super::schema;
use crate::call;
use crate::codec::Request;
use crate::media::{Media, Pcm};
use crate::plan::{Beside, Case};
use std::fmt;

/// What identifies a case: BLAKE3 of everything that shapes its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub(super) [u8; 32]);

impl Key {
    /// The key of a case. Its label is not in it: a setting that was renamed is not measured again.
    pub fn of<M: Media>(case: &Case<M>) -> Key {
        Key(hash(case, [schema::VERSION as u32, call::VERSION]))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// BLAKE3 of the case as builds of these versions (of the store and of the call) have it. All that a case has is taken
/// apart by name, so that a new field does not compile before it is in here, or said to shape no result. A new one is
/// hashed only where there is something to tell: then the keys of all cases that leave it alone stay what they are.
fn hash<M: Media>(case: &Case<M>, versions: [u32; 2]) -> [u8; 32] {
    let Case { clip, codec, label: _, request, beside, equipment, receiver, net, warm_up, seed, metrics, transport } =
        case;
    let Request { fmtp, ptime, bitrate, complexity, mode, repair, layers, program } = request;
    let mut hasher = blake3::Hasher::new();
    let mut field = |bytes: &[u8]| {
        // The length before each field keeps "ab","c" apart from "a","bc".
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    for version in versions {
        field(&version.to_le_bytes());
    }
    field(clip.id.as_bytes());
    field(format!("{:?} {:?}", clip.content, clip.format()).as_bytes());
    field(clip.hash.as_bytes());
    field(codec.name.as_bytes());
    field((codec.version)().as_bytes());
    // Of the request every part by itself: its `Display` forms are for people and may round.
    field(fmtp.to_string().as_bytes());
    field(format!("{:?}", ptime.map(|p| p.as_nanos())).as_bytes());
    field(format!("{:?}", bitrate.map(|b| b.0)).as_bytes());
    field(format!("{complexity:?} {mode:?}").as_bytes());
    field(repair.to_string().as_bytes());
    if let Some(layers) = layers {
        field(&[*layers]);
    }
    if let Some(program) = program {
        field(format!("{program:?}").as_bytes());
    }
    if let Some(beside) = beside {
        let Beside { clip, codec, request, metrics } = &**beside;
        field(format!("{:?} {:?}", clip.hash, clip.id).as_bytes());
        field(format!("{} {}", codec.name, (codec.version)()).as_bytes());
        field(format!("{request:?}").as_bytes());
        for metric in metrics {
            field(format!("{} {}", metric.scale.id, (metric.version)()).as_bytes());
        }
    }
    if let Some(equipment) = equipment {
        field(format!("{equipment:?}").as_bytes());
    }
    field(receiver.to_string().as_bytes());
    if let Some(version) = receiver.version().filter(|_| M::KIND == Pcm::KIND || beside.is_some()) {
        field(&version.to_le_bytes());
    }
    field(net.identity().as_bytes());
    field(&(warm_up.as_nanos() as u64).to_le_bytes());
    field(&seed.0.to_le_bytes());
    field(format!("{transport:?}").as_bytes());
    for metric in metrics {
        field(metric.scale.id.as_bytes());
        field((metric.version)().as_bytes());
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::codec::audio::g711::PCMU;
    use crate::codec::audio::l16::L16;
    use crate::codec::program::{Program, Run};
    use crate::media::{Clip, Content, PcmFormat};
    use crate::metric::equipment::{Band, Equipment};
    use crate::metric::{Better, Metric, Scale, Validity};
    use crate::peer::Transport;
    use crate::playout::audio::Receiver;
    use crate::units::{Bitrate, Seed};
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    static ONE: Metric<Pcm> = Metric {
        scale: Scale { id: "one", title: "", unit: "", better: Better::Higher, cap: None, source: "", margin: 0.0 },
        validity: Validity { intrusive: true, limits: &[], source: "" },
        version: || "1".into(),
        score: |_| Ok(1.0.into()),
    };
    static ONE_LATER: Metric<Pcm> = Metric { version: || "2".into(), ..ONE };
    static TWO: Metric<Pcm> = Metric { scale: Scale { id: "two", ..ONE.scale }, ..ONE };
    static CODEC: Codec<Pcm> = Codec { version: || "1".into(), ..L16 };
    static LATER: Codec<Pcm> = Codec { version: || "2".into(), ..L16 };
    static OTHER: Codec<Pcm> = Codec { version: || "1".into(), ..PCMU };

    fn clip(id: &str, content: Content, rate: u32, sample: i16) -> Arc<Clip> {
        Arc::new(Clip::new(id, content, Pcm { format: PcmFormat::mono(rate), samples: vec![sample; 8] }))
    }

    fn program() -> Program {
        let sox = |way: &str| vec!["sox".to_owned(), way.to_owned()];
        Program {
            name: "sox".into(),
            run: Run::Files { encode: sox("{in}"), decode: sox("{out}"), extension: "wav".into() },
            sample_rate: 16_000,
            channels: 1,
            frame: Duration::from_millis(20),
            look_ahead: Duration::ZERO,
            version: "14".into(),
            timeout: Duration::from_secs(1),
            hash: "00".into(),
        }
    }

    fn beside(change: impl FnOnce(&mut Beside)) -> Option<Arc<Beside>> {
        let clip = clip("b", Content::Speech, 8000, 3);
        let mut beside = Beside { clip, codec: &CODEC, request: Default::default(), metrics: vec![&ONE] };
        change(&mut beside);
        Some(Arc::new(beside))
    }

    fn with_program(case: &mut Case, change: impl FnOnce(&mut Program)) {
        let mut changed = program();
        change(&mut changed);
        case.request.program = Some(changed);
    }

    fn base() -> Case {
        let clip = clip("a,b", Content::Speech, 8000, 1);
        Case { warm_up: Duration::from_secs(1), ..Case::new(clip, &CODEC, "delay 40ms".parse().unwrap(), Seed(1)) }
    }

    type Change = (&'static str, fn(&mut Case));

    /// Every field, and of those that hold several things each of them.
    const CHANGES: &[Change] = &[
        ("nothing", |_| ()),
        ("clip: id", |c| c.clip = clip("c", Content::Speech, 8000, 1)),
        ("clip: content", |c| c.clip = clip("a,b", Content::Music, 8000, 1)),
        ("clip: rate", |c| c.clip = clip("a,b", Content::Speech, 16_000, 1)),
        ("clip: samples", |c| c.clip = clip("a,b", Content::Speech, 8000, 2)),
        ("codec", |c| c.codec = &OTHER),
        ("codec: version", |c| c.codec = &LATER),
        ("fmtp", |c| c.request.fmtp = "useinbandfec=1".parse().unwrap()),
        ("fmtp: value", |c| c.request.fmtp = "useinbandfec=0".parse().unwrap()),
        ("ptime", |c| c.request.ptime = Some(Duration::from_millis(10))),
        ("ptime: a nanosecond", |c| c.request.ptime = Some(Duration::from_nanos(10_000_001))),
        ("bitrate", |c| c.request.bitrate = Some(Bitrate(10))),
        ("complexity", |c| c.request.complexity = Some(10)),
        ("mode", |c| c.request.mode = Some("10".into())),
        ("repair: nack", |c| c.request.repair.nack = true),
        ("repair: red", |c| c.request.repair.red = 1),
        ("repair: more red", |c| c.request.repair.red = 2),
        ("repair: flexfec", |c| c.request.repair.flexfec = 5),
        ("repair: dred", |c| c.request.repair.dred = Duration::from_millis(100)),
        ("repair: deep_plc", |c| c.request.repair.deep_plc = true),
        ("repair: gcc", |c| c.request.repair.gcc = true),
        ("layers", |c| c.request.layers = Some(1)),
        ("more layers", |c| c.request.layers = Some(2)),
        ("program", |c| with_program(c, |_| ())),
        ("program: name", |c| with_program(c, |p| p.name = "other".into())),
        ("program: run", |c| with_program(c, |p| p.run = Run::Frames { command: vec!["sox".into()] })),
        ("program: sample_rate", |c| with_program(c, |p| p.sample_rate = 8000)),
        ("program: channels", |c| with_program(c, |p| p.channels = 2)),
        ("program: frame", |c| with_program(c, |p| p.frame = Duration::from_millis(10))),
        ("program: look_ahead", |c| with_program(c, |p| p.look_ahead = Duration::from_millis(5))),
        ("program: version", |c| with_program(c, |p| p.version = "15".into())),
        ("program: timeout", |c| with_program(c, |p| p.timeout = Duration::from_secs(2))),
        ("program: hash", |c| with_program(c, |p| p.hash = "01".into())),
        ("beside", |c| c.beside = beside(|_| ())),
        ("beside: clip id", |c| c.beside = beside(|b| b.clip = clip("c", Content::Speech, 8000, 3))),
        ("beside: samples", |c| c.beside = beside(|b| b.clip = clip("b", Content::Speech, 8000, 4))),
        ("beside: codec", |c| c.beside = beside(|b| b.codec = &OTHER)),
        ("beside: codec version", |c| c.beside = beside(|b| b.codec = &LATER)),
        ("beside: request", |c| c.beside = beside(|b| b.request.bitrate = Some(Bitrate(10)))),
        ("beside: no metric", |c| c.beside = beside(|b| b.metrics = Vec::new())),
        ("beside: metric", |c| c.beside = beside(|b| b.metrics = vec![&TWO])),
        ("beside: metric version", |c| c.beside = beside(|b| b.metrics = vec![&ONE_LATER])),
        ("equipment", |c| c.equipment = Some(Equipment { band: Band::Nb, ie: 11.0, bpl: None })),
        ("equipment: band", |c| c.equipment = Some(Equipment { band: Band::Wb, ie: 11.0, bpl: None })),
        ("equipment: ie", |c| c.equipment = Some(Equipment { band: Band::Nb, ie: 12.0, bpl: None })),
        ("equipment: bpl", |c| c.equipment = Some(Equipment { band: Band::Nb, ie: 11.0, bpl: Some(19.0) })),
        ("receiver", |c| c.receiver = Receiver::ADAPTIVE),
        ("receiver: its delay", |c| c.receiver = Receiver::Fixed(Duration::from_millis(61))),
        ("net", |c| c.net = "delay 40ms loss 5%".parse().unwrap()),
        ("warm_up", |c| c.warm_up = Duration::ZERO),
        ("seed", |c| c.seed = Seed(2)),
        ("metrics", |c| c.metrics = vec![&ONE]),
        ("metrics: version", |c| c.metrics = vec![&ONE_LATER]),
        ("metrics: another", |c| c.metrics = vec![&TWO]),
        ("metrics: both", |c| c.metrics = vec![&ONE, &TWO]),
        ("transport", |c| c.transport = Transport::Live),
    ];

    fn changed(change: fn(&mut Case)) -> Case {
        let mut case = base();
        change(&mut case);
        case
    }

    #[test]
    fn everything_that_shapes_a_case_is_in_its_key_and_its_label_is_not() {
        let mut seen = BTreeMap::new();
        for (name, change) in CHANGES {
            let twin = seen.insert(Key::of(&changed(*change)), name);
            assert_eq!(twin, None, "{name} has the same key");
        }
        assert_eq!(Key::of(&changed(|c| c.label = "other".into())), Key::of(&base()));
    }

    /// Results that were measured before are found again. A new field changes no key of the cases that leave it alone. The
    /// adaptive receiver is another than it was, and so are its keys.
    #[test]
    fn the_keys_are_those_of_earlier_builds() {
        let mut all = blake3::Hasher::new();
        for (_, change) in CHANGES.iter().filter(|(name, _)| *name != "receiver") {
            all.update(&hash(&changed(*change), [1, 4]));
        }
        assert_eq!(
            all.finalize().to_hex().as_str(),
            "cc3e11541118965b94d399f7e3c54fef0885bfe2e6cc8cbfd36446b69757d567"
        );
    }
}
