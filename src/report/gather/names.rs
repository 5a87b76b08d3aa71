//! Names: of measures in the order of the lists, and of settings with a colour each.

use crate::metric::{self, Better};
use crate::report::series::SERIES;
use crate::report::view::{Measure, Setting};
use std::collections::BTreeMap;

/// Names to small numbers, in order of appearance.
#[derive(Default)]
pub struct Names {
    pub names: Vec<String>,
    places: BTreeMap<String, usize>,
}

impl Names {
    pub fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        self.names.push(name.to_owned());
        self.places.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }

    /// The numbers in the order of the metric and fact lists, pictures before sound; ids that are in no list come last.
    pub fn by_list(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_by_key(|m| (rank(&self.names[*m]), self.names[*m].clone()));
        order
    }
}

/// Which list an id is in, and where.
fn rank(id: &str) -> (u8, usize) {
    let video = |id: &str| metric::VIDEO.iter().position(|m| m.scale.id == id);
    let audio = metric::AUDIO.iter().position(|m| m.scale.id == id);
    let fact = |id: &str| metric::FACTS.iter().position(|s| s.id == id);
    let lists = [
        video(id),
        id.strip_suffix(metric::RENDERED).and_then(video),
        audio,
        fact(id),
        id.strip_prefix(BESIDE).and_then(fact),
    ];
    let found = (0..).zip(lists).find_map(|(list, place)| Some((list, place?)));
    found.unwrap_or((u8::MAX, 0))
}

/// What the facts of audio beside video begin with.
const BESIDE: &str = "audio-";

impl Measure {
    /// What the lists say of an id; the bare id for one that this build does not know.
    pub fn of(id: &str) -> Measure {
        let beside = || id.strip_prefix(BESIDE).and_then(metric::scale);
        let (scale, of) = match (metric::scale(id), beside()) {
            (Some(scale), _) => (scale, ""),
            (None, Some(scale)) => (scale, ", audio beside"),
            (None, None) => return Measure::unknown(id),
        };
        Measure {
            id: id.to_owned(),
            title: format!("{}{of}", scale.title),
            unit: scale.unit.into(),
            better: scale.better,
            cap: scale.cap,
            source: scale.source.into(),
            margin: scale.margin,
        }
    }

    fn unknown(id: &str) -> Measure {
        Measure {
            id: id.to_owned(),
            title: id.to_owned(),
            unit: String::new(),
            better: Better::Neither,
            cap: None,
            source: "not known to this version".into(),
            margin: 0.0,
        }
    }
}

/// Settings of several runs may share a label; the later ones get a number.
pub fn tell_apart(settings: &mut [Setting]) {
    let labels: Vec<String> = settings.iter().map(|s| s.label.clone()).collect();
    for (i, setting) in settings.iter_mut().enumerate() {
        let before = labels[..i].iter().filter(|l| **l == labels[i]).count();
        if before > 0 {
            setting.label = format!("{} #{}", setting.label, before + 1);
        }
    }
}

/// A colour each while there are enough, else one for each codec.
pub fn colour(settings: &mut [Setting]) {
    let one_codec = settings.iter().all(|s| s.codec == settings[0].codec);
    let few = settings.len() <= SERIES || one_codec;
    let mut codecs: Vec<String> = Vec::new();
    for (i, setting) in settings.iter_mut().enumerate() {
        let known = codecs.iter().position(|c| *c == setting.codec).unwrap_or_else(|| {
            codecs.push(setting.codec.clone());
            codecs.len() - 1
        });
        setting.colour = if few { i } else { known };
    }
}

pub fn list(items: impl ExactSizeIterator<Item = String>) -> String {
    const MOST: usize = 24;
    let n = items.len();
    let mut text = items.take(MOST).collect::<Vec<_>>().join(", ");
    if n > MOST {
        text += &format!(" and {} more", n - MOST);
    }
    text
}
