//! What a text may be the encoding of, among other text or not.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The shortest word that is read by itself: anything shorter cannot be a key.
const MIN_WORD: usize = 32;
/// So much of a text is read to find out how it begins.
const BEGINNING: usize = 24;
/// Text with more possible beginnings is not a key with other text around it.
const MAX_TAILS: usize = 32;

/// The runs of characters that base64 and hex are made of.
pub(super) fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let within = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    text.split(move |byte| !within(byte)).filter(|word| !word.is_empty())
}

/// What a text and each of its words may be the encoding of: base64, hex or percent-encoding. Line breaks and other separators
/// do not matter.
pub(super) fn readings(text: &[u8]) -> Vec<Vec<u8>> {
    let plain = without_escapes(text);
    let all: Vec<&[u8]> = words(&plain).collect();
    let long = all.iter().filter(|word| word.len() >= MIN_WORD && all.len() > 1).map(std::slice::from_ref);
    let encoded = std::iter::once(all.as_slice()).chain(long).flat_map(|words| [base64(words), hex(words)]);
    encoded.chain([percent_decoded(text)]).flatten().collect()
}

/// What is encoded from some word on, where that may begin something that is looked for.
pub(super) fn tails(text: &[u8], may_begin: impl Fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
    let plain = without_escapes(text);
    let all: Vec<&[u8]> = words(&plain).collect();
    let mut found = Vec::new();
    for rest in (1..all.len()).filter_map(|place| all.get(place..)) {
        for decode in [base64, hex] {
            if found.len() < MAX_TAILS && decode(&beginning(rest)).is_some_and(|begins| may_begin(&begins)) {
                found.extend(decode(rest));
            }
        }
    }
    found
}

/// As many words as it takes to see what they are.
fn beginning<'a>(words: &[&'a [u8]]) -> Vec<&'a [u8]> {
    let mut seen = 0_usize;
    let enough = words.iter().copied().take_while(|word| {
        let more = seen < BEGINNING;
        seen = seen.saturating_add(word.len());
        more
    });
    enough.map(|word| word.get(..BEGINNING).unwrap_or(word)).collect()
}

/// Either alphabet, padded or not.
fn base64(words: &[&[u8]]) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true);
    let standard = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    let mut text: Vec<u8> = words.iter().copied().flatten().map(standard).collect();
    if text.len() % 4 == 1 {
        text.pop();
    }
    GeneralPurpose::new(&alphabet::STANDARD, config).decode(text).ok()
}

/// Either case, and `0x` before any of the words.
fn hex(words: &[&[u8]]) -> Option<Vec<u8>> {
    let bare = |word: &'_ [u8]| -> Vec<u8> {
        let prefixes: [&[u8]; 3] = [b"0x", b"0X", b"x"];
        prefixes.iter().find_map(|prefix| word.strip_prefix(*prefix)).unwrap_or(word).to_vec()
    };
    let digits: Vec<u8> = words
        .iter()
        .flat_map(|word| bare(word))
        .map(|byte| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, _) = digits.as_chunks::<2>();
    pairs.iter().map(|[high, low]| high.checked_mul(16)?.checked_add(*low)).collect()
}

/// The escapes of JSON and of shells as what they stand for, as far as base64 can have them.
fn without_escapes(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        plain.push(match (byte, bytes.peek()) {
            (b'\\', Some(b'n' | b'r' | b't')) => {
                bytes.next();
                b' '
            }
            (b'\\', Some(b'/')) => bytes.next().unwrap_or(byte),
            _ => byte,
        });
    }
    plain
}

/// Percent-encoding (RFC 3986 section 2.1); `None` if there is none.
fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let encoded = match (byte, after) {
            (b'%', [high, low, after @ ..]) => hex(&[&[*high, *low]]).and_then(|pair| Some((*pair.first()?, after))),
            _ => None,
        };
        let (byte, after) = encoded.unwrap_or((*byte, after));
        decoded.push(byte);
        rest = after;
    }
    (decoded.len() < text.len()).then_some(decoded)
}
