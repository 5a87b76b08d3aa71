//! The plans that come with the program, so that they run from any folder.

/// A plan file of `plans/`.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    pub name: &'static str,
    /// In a few words.
    pub about: &'static str,
    /// TOML, as [`super::file`] reads it.
    pub text: &'static str,
}

/// All of them; the first runs when none is named.
pub static SHIPPED: &[Shipped] = &[
    Shipped {
        name: "demo",
        about: "speech through Opus, G.722 and G.711 over a path that loses more and more",
        text: include_str!("../../plans/demo.toml"),
    },
    Shipped {
        name: "which-fmtp-line",
        about: "what two fmtp lines do to a call",
        text: include_str!("../../plans/which-fmtp-line.toml"),
    },
    Shipped {
        name: "quality",
        about: "clean coding: all audio codecs across their bitrates",
        text: include_str!("../../plans/quality.toml"),
    },
    Shipped {
        name: "repair",
        about: "what helps against loss, and where",
        text: include_str!("../../plans/repair.toml"),
    },
    Shipped {
        name: "video",
        about: "four video codecs at four bitrates over three networks",
        text: include_str!("../../plans/video.toml"),
    },
    Shipped {
        name: "video-floors",
        about: "the video quality that libwebrtc's own tests ask for",
        text: include_str!("../../plans/video-floors.toml"),
    },
    Shipped {
        name: "external",
        about: "opusenc and ffmpeg's encoders, where they are installed, beside our own",
        text: include_str!("../../plans/external.toml"),
    },
];

/// The plan of that name.
pub fn shipped(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|plan| plan.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_of_the_folder_is_there_by_its_name() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/plans");
        let mut files: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
        let mut names: Vec<String> = SHIPPED.iter().map(|plan| format!("{}.toml", plan.name)).collect();
        files.sort();
        names.sort();
        assert_eq!(files, names);
        for plan in SHIPPED {
            let file = std::fs::read_to_string(format!("{folder}/{}.toml", plan.name)).unwrap();
            assert_eq!(file, plan.text, "{}", plan.name);
        }
    }
}
