use super::*;
use proptest::prelude::*;

fn key(layers: u8) -> Descriptor {
    Descriptor {
        start: true,
        end: false,
        template: 0,
        number: 0x1234,
        structure: Some(Structure::usual(layers, 0)),
        active: None,
        indications: None,
        back: None,
        chains: None,
    }
}

#[test]
fn the_bits_are_those_of_the_appendix() {
    // start 1, end 0, template 000000, number; flags 10000; offset 000000, targets-1 00000; next layer 00, 11;
    // two indications 10 10; references: 0, 1 0000 0; chains ns(2) 1 of 1 bit; protected by ns(1), no bits; 0000 0001;
    // no resolutions 0.
    let bits = "10000000 00010010 00110100 10000 000000 00000 00 11 10 10 0 100000 1 0000 0001 0";
    let bits: Vec<u8> = bits.bytes().filter(|b| *b != b' ').map(|b| b - b'0').collect();
    let bytes: Vec<u8> = bits.chunks(8).map(|c| c.iter().enumerate().map(|(k, b)| b << (7 - k)).sum()).collect();
    assert_eq!(key(1).write(), bytes);
    let delta = Descriptor { structure: None, start: false, end: true, template: 1, ..key(1) };
    assert_eq!(delta.write(), [0x41, 0x12, 0x34]);
    let far = Descriptor { back: Some(vec![1, 300]), ..delta };
    // flags 00010; 01 0000; 11 000100101011; 00.
    assert_eq!(far.write(), [0x41, 0x12, 0x34, 0b0001_0010, 0b0001_1000, 0b1001_0101, 0b1000_0000]);
}

#[test]
fn the_usual_structures_fit_a_one_byte_header_extension() {
    assert_eq!([1, 2, 3].map(|layers| key(layers).write().len()), [9, 11, 16]);
}

#[test]
fn only_a_known_structure_makes_sense_of_a_template() {
    let known = Structure::usual(3, 60);
    let delta = |template| Descriptor { template, structure: None, ..key(1) }.write();
    assert_eq!(Descriptor::read(&delta(0), Some(&known)).map(|d| d.template), Some(0), "60 + 4 wraps");
    assert_eq!(Descriptor::read(&delta(1), Some(&known)), None);
    assert_eq!(Descriptor::read(&delta(59), Some(&known)), None);
    assert_eq!(Descriptor::read(&delta(0), None), None);
}

/// Structures of any kind that the syntax can say.
fn structures() -> impl Strategy<Value = Structure> {
    let template = |targets: usize, chains: usize| {
        let indication = prop::sample::select(vec![
            Indication::NotPresent,
            Indication::Discardable,
            Indication::Switch,
            Indication::Required,
        ]);
        let layer = prop::sample::select(vec![0u8, 1, 2]);
        let parts = (
            layer,
            prop::collection::vec(indication, targets),
            prop::collection::vec(1..=16u8, 0..4),
            prop::collection::vec(0..16u8, chains),
        );
        parts.prop_map(|(step, indications, back, chains)| {
            (step, Template { temporal: 0, spatial: 0, indications, back, chains })
        })
    };
    (1..=32usize, 0..64u8)
        .prop_flat_map(move |(targets, offset)| (Just(targets), Just(offset), 0..=targets.min(4)))
        .prop_flat_map(move |(targets, offset, chains)| {
            let templates = prop::collection::vec(template(targets, chains), 1..12);
            let protected = prop::collection::vec(0..chains.max(1) as u8, if chains > 0 { targets } else { 0 });
            let resolution = prop::option::of((1..=65536u32, 1..=65536u32));
            (Just((targets, offset)), templates, protected, resolution)
        })
        .prop_map(|((targets, offset), steps, protected_by, resolution)| {
            let (mut temporal, mut spatial) = (0, 0);
            let place = |(k, (step, template)): (usize, (u8, Template))| {
                match step {
                    1 if k > 0 && temporal < 7 => temporal += 1,
                    2 if k > 0 && spatial < 3 => (temporal, spatial) = (0, spatial + 1),
                    _ => {}
                }
                Template { temporal, spatial, ..template }
            };
            let templates: Vec<Template> = steps.into_iter().enumerate().map(place).collect();
            let last = templates.last().map_or(0, |t| usize::from(t.spatial));
            let resolutions = resolution.map_or(vec![], |r| vec![r; last + 1]);
            Structure { offset, targets: targets as u8, templates, protected_by, resolutions }
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        structure in structures(),
        (start, end, number) in any::<(bool, bool, u16)>(),
        which in any::<prop::sample::Index>(),
        attached: bool,
        back in prop::option::of(prop::collection::vec(1..=4096u16, 0..5)),
        (own_chains, own_indications, limits) in any::<(bool, bool, bool)>(),
    ) {
        let index = which.index(structure.templates.len());
        let template = &structure.templates[index];
        let descriptor = Descriptor {
            start,
            end,
            template: ((usize::from(structure.offset) + index) % 64) as u8,
            number,
            active: limits.then(|| vec![true; structure.targets.into()]),
            indications: own_indications.then(|| template.indications.clone()),
            back,
            chains: own_chains.then(|| vec![200; template.chains.len()]),
            structure: attached.then(|| structure.clone()),
        };
        let bytes = descriptor.write();
        prop_assert_eq!(Descriptor::read(&bytes, Some(&structure)), Some(descriptor));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40), layers in 1..=3u8) {
        Descriptor::read(&bytes, Some(&Structure::usual(layers, 7)));
        DependencyReader::default().read(&bytes);
    }
}
