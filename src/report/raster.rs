//! RGB pixels as a PNG file.

use png::{AdaptiveFilterType, ColorType, Compression, Encoder, EncodingError};

/// A PNG file of `width` x `height` pixels of 8-bit RGB, row by row from the top, three bytes each.
///
/// # Errors
/// A side is zero, or there are not as many bytes as the pixels have.
pub fn png(width: u32, height: u32, rgb: &[u8], compression: Compression) -> Result<Vec<u8>, EncodingError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_compression(compression);
    encoder.set_adaptive_filter(AdaptiveFilterType::Adaptive);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(file)
}
