//! Searches texts for pieces of other texts, such as a secret in a log.

use std::borrow::Cow;
use std::collections::HashSet;

/// The length of a piece. Shorter ones may occur anywhere by chance.
const PIECE_BYTES: usize = 16;

/// All pieces of these texts.
pub(crate) fn pieces<'a>(texts: impl IntoIterator<Item = &'a str>) -> HashSet<&'a [u8]> {
    let texts = texts.into_iter().map(str::as_bytes);
    texts.flat_map(|text| text.windows(PIECE_BYTES)).collect()
}

/// The first of these pieces in a text.
pub(crate) fn piece_in<'a>(text: &'a str, pieces: &HashSet<&[u8]>) -> Option<Cow<'a, str>> {
    pieces_in(text, pieces).next()
}

/// All of these pieces in a text.
pub(crate) fn pieces_in<'a>(text: &'a str, pieces: &HashSet<&[u8]>) -> impl Iterator<Item = Cow<'a, str>> {
    text.as_bytes().windows(PIECE_BYTES).filter(|piece| pieces.contains(piece)).map(String::from_utf8_lossy)
}
