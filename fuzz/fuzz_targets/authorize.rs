#![no_main]

use apigw_jwt_authorizer_fuzz::authorize;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|data: &[u8]| authorize::run(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    // Half of the mutations are inside a decoded segment of the token.
    let within = (seed % 2 == 0).then(|| {
        let which = usize::try_from(seed / 2).unwrap_or_default();
        segment(&data[..size], which, max_size, |buffer, length| fuzzer_mutate(buffer, length, buffer.len()))
    });
    match within.flatten() {
        Some(changed) => {
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
});

/// Mutates the decoded content of one segment of the first token in a text. `None` if there is no token or the result
/// is too long.
fn segment(text: &[u8], which: usize, most: usize, mutate: impl FnOnce(&mut [u8], usize) -> usize) -> Option<Vec<u8>> {
    let begin = text.windows(3).position(|window| window == b"eyJ")?;
    let end =
        text[begin..].iter().position(|byte| matches!(byte, b'"' | b'\n' | b' ')).map_or(text.len(), |at| begin + at);
    let token = std::str::from_utf8(&text[begin..end]).ok()?;
    let mut segments: Vec<String> = token.split('.').map(str::to_owned).collect();
    let which = which % segments.len();
    let mut content = URL_SAFE_NO_PAD.decode(&segments[which]).ok()?;
    let length = content.len();
    content.resize(length + 64, 0);
    let length = mutate(&mut content, length);
    content.truncate(length);
    segments[which] = URL_SAFE_NO_PAD.encode(content);
    let changed = [&text[..begin], segments.join(".").as_bytes(), &text[end..]].concat();
    (changed.len() <= most).then_some(changed)
}
