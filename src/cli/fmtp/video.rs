//! What the parameters of a video line did, in words made of the figures alone.

use crate::report::SeenPictures;

/// The sentence for one parameter; `None`: this sender reads no such one.
pub fn parameter(name: &str, value: &str, seen: &SeenPictures) -> Option<String> {
    let pictures = || {
        let sizes: Vec<String> = seen.sizes.iter().map(|(w, h)| format!("{w}x{h}")).collect();
        let rate = seen.frame_rate.map_or(String::new(), |rate| format!(" at {rate:.1} fps"));
        Some(format!("pictures were {}{rate}", some(sizes)?.join(" or ")))
    };
    let profiles = || Some(format!("the stream says {}", some(seen.profiles.clone())?.join(" or ")));
    let levels = || Some(format!("level {}", some(seen.levels.clone())?.join(" or ")));
    Some(match (name, value) {
        ("profile-level-id", _) => {
            [profiles(), levels(), pictures()].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        ("profile" | "profile-id", _) => profiles()?,
        ("level-idx" | "tier", _) => format!("the stream says {}, {}", levels()?, pictures()?),
        ("packetization-mode", "0") => "single NAL units: every slice fits into a packet".into(),
        ("packetization-mode", _) => {
            "a picture is one slice, cut into fragments (FU-A) where it exceeds a packet".into()
        }
        ("level-asymmetry-allowed", "1") => "each side sends by the other's level".into(),
        ("level-asymmetry-allowed", _) => "both sides keep to the lower level".into(),
        ("max-fs" | "max-fr" | "max-mbps", _) => pictures()?,
        ("max-br", _) => "the target bitrate may reach it".into(),
        _ => return None,
    })
}

fn some(all: Vec<String>) -> Option<Vec<String>> {
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_say_what_the_stream_says() {
        let seen = SeenPictures {
            profiles: vec!["constrained baseline".into()],
            levels: vec!["3.1".into()],
            sizes: vec![(640, 360)],
            frame_rate: Some(30.0),
            ..SeenPictures::default()
        };
        let says = "the stream says constrained baseline, level 3.1, pictures were 640x360 at 30.0 fps";
        assert_eq!(parameter("profile-level-id", "42e01f", &seen).as_deref(), Some(says));
        assert_eq!(parameter("max-fs", "100", &seen).as_deref(), Some("pictures were 640x360 at 30.0 fps"));
        assert_eq!(parameter("sprop-parameter-sets", "x", &seen), None);
        assert_eq!(parameter("profile", "0", &SeenPictures::default()), None);
    }
}
