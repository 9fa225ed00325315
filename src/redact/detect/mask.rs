//! The look of a mask: `***` and eight hexadecimal digits.

/// How many bytes a mask has.
pub(super) const MASK_LEN: usize = 11;

/// The whole text is a mask.
pub(in crate::redact) fn is_mask(text: &str) -> bool {
    text.len() == MASK_LEN && starts_with_mask(text.as_bytes())
}

/// A mask begins here.
pub(super) fn starts_with_mask(bytes: &[u8]) -> bool {
    let digest = bytes.strip_prefix(b"***").and_then(|rest| rest.first_chunk::<8>());
    digest.is_some_and(|digest| digest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}
