//! Names that a shell completes. They are hints and no limits: whoever reads the value says what is wrong with it, and
//! which name is nearest.

use crate::net::spec::presets::PRESETS;
use crate::plan::SHIPPED;
use crate::{codec, corpus, metric};
use clap::builder::{PathBufValueParser, PossibleValue, StringValueParser, TypedValueParser};
use std::ffi::OsStr;

/// Takes what `parser` takes.
#[derive(Clone)]
pub struct Hints<P> {
    parser: P,
    names: fn() -> Vec<PossibleValue>,
}

pub fn codecs() -> Hints<StringValueParser> {
    Hints { parser: StringValueParser::new(), names: all_codecs }
}

pub fn metrics() -> Hints<StringValueParser> {
    Hints { parser: StringValueParser::new(), names: all_metrics }
}

pub fn clips() -> Hints<StringValueParser> {
    Hints { parser: StringValueParser::new(), names: all_clips }
}

pub fn networks() -> Hints<StringValueParser> {
    Hints { parser: StringValueParser::new(), names: all_networks }
}

pub fn plans() -> Hints<PathBufValueParser> {
    let names = || SHIPPED.iter().map(|plan| PossibleValue::new(plan.name).help(plan.about)).collect();
    Hints { parser: PathBufValueParser::new(), names }
}

/// Of all that `codecbench list` lists.
pub fn listed() -> Hints<StringValueParser> {
    let names = || [all_codecs(), all_metrics(), all_clips(), all_networks()].concat();
    Hints { parser: StringValueParser::new(), names }
}

impl<P: TypedValueParser> TypedValueParser for Hints<P> {
    type Value = P::Value;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<P::Value, clap::Error> {
        self.parser.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.names)().into_iter()))
    }
}

fn all_codecs() -> Vec<PossibleValue> {
    let audio = codec::AUDIO.iter().filter(|c| c.is_built()).map(|c| c.name);
    let video = codec::VIDEO.iter().filter(|c| c.is_built()).map(|c| c.name);
    audio.chain(video).map(PossibleValue::new).collect()
}

fn all_metrics() -> Vec<PossibleValue> {
    let scales = metric::AUDIO.iter().map(|m| &m.scale).chain(metric::VIDEO.iter().map(|m| &m.scale));
    scales.map(|scale| PossibleValue::new(scale.id).help(scale.title)).collect()
}

fn all_clips() -> Vec<PossibleValue> {
    let sets = corpus::SETS.iter().map(|(name, what)| (*name, *what));
    let clips = corpus::clips().into_iter().map(|clip| (clip.name, clip.heard));
    sets.chain(clips).map(|(name, what)| PossibleValue::new(name).help(what)).collect()
}

fn all_networks() -> Vec<PossibleValue> {
    let presets = PRESETS.iter().map(|preset| PossibleValue::new(preset.name).help(preset.words));
    std::iter::once(PossibleValue::new("clean").help("a perfect network")).chain(presets).collect()
}
