//! What cases looked like: frames beside each other and short clips, all within the page.

use crate::report::escape::escape;
use crate::report::view::Exhibit;
use std::fmt::Write;

/// Nothing without an exhibit.
pub fn section(out: &mut String, exhibits: &[Exhibit]) {
    if exhibits.is_empty() {
        return;
    }
    out.push_str(
        "<section>\n<h2>What it looked like</h2>\n<p>Left: what should have been on show; right: what was.</p>\n",
    );
    for e in exhibits {
        let [setting, condition, caption] = [&e.setting, &e.condition, &e.caption].map(|t| escape(t));
        let _ = write!(
            out,
            "<div class=\"seen\"><h3>{setting}</h3><p>{condition}</p><p>{caption}</p>\n<div class=\"pair\">"
        );
        for (png, what) in [(&e.reference_png, "reference"), (&e.shown_png, "shown")] {
            let _ =
                write!(out, "<img src=\"data:image/png;base64,{}\" alt=\"{what}: {setting}, {caption}\">", base64(png));
        }
        out.push_str("</div>\n");
        if let Some(clip) = &e.clip {
            let _ = writeln!(
                out,
                "<video controls muted playsinline loop preload=\"auto\" src=\"data:video/webm;base64,{}\"></video>",
                base64(clip)
            );
        }
        out.push_str("</div>\n");
    }
    out.push_str("</section>\n");
}

/// The style that exhibits need, if there are any.
pub fn style(exhibits: &[Exhibit]) -> &'static str {
    if exhibits.is_empty() { "" } else { STYLE }
}

const STYLE: &str = "\
.seen{margin:0 0 1.8rem;max-width:1000px}
.seen h3{font-size:1rem;margin:0}
.seen p{margin:0 0 .2rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr));gap:.5rem;margin:.4rem 0}
.pair img,.seen video{display:block;width:100%;height:auto;border:1px solid var(--grid);border-radius:6px}
.seen video{max-width:640px;background:#000}
";

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= three.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_equals_the_examples_of_its_rfc() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (plain, coded) in cases {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xFB, 0xEF, 0xFF]), "++//");
    }
}
