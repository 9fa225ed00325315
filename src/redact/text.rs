//! Masking running text, and the form of a mask.

use std::borrow::Cow;

use crate::config::Detector;
use crate::model::Str;

use super::Masker;
use super::detect::{Detectors, Found, is_mask};

/// A masker at work on one event: knows which texts of the event stay readable.
pub(super) struct Pass<'a> {
    pub(super) masker: &'a Masker,
    /// The event's own ids, where they are exempt.
    pub(super) exempt: Vec<Str>,
}

impl Masker {
    /// The mask of a value: the same for values that are equal once spaces, dashes and case are set aside.
    pub(super) fn mask(&self, kind: Option<Detector>, value: &str) -> String {
        let normalised: Cow<'_, str> = match kind {
            None => value.into(),
            Some(Detector::Email) => value.to_lowercase().into(),
            Some(Detector::Card) => digits(value).into(),
            Some(Detector::Phone) => {
                let mut number = digits(value);
                // Within Russia and Kazakhstan +7 is dialled as 8.
                if number.len() == 11 && number.starts_with('8') && !value.contains('+') {
                    number.replace_range(..1, "7");
                }
                number.into()
            }
        };
        let [a, b, c, d] = self.keys.mask(normalised.as_bytes());
        format!("***{a:02x}{b:02x}{c:02x}{d:02x}")
    }

    /// The mask of a value that is masked whole. An e-mail address, telephone or card number gets the mask it would
    /// get in running text.
    pub(super) fn mask_whole(&self, value: &str) -> String {
        if is_mask(value) {
            return value.to_owned();
        }
        let trimmed = value.trim();
        match Detectors::ALL.find(trimmed).as_slice() {
            [one] if one.range == (0..trimmed.len()) => self.mask(Some(one.kind), trimmed),
            _ => self.mask(None, value),
        }
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

impl Pass<'_> {
    /// The text with everything masked that the detectors find; `None` where they find nothing.
    pub(super) fn text(&self, text: &str) -> Option<String> {
        // Ids are what most texts with many digits are.
        if self.exempt.iter().any(|id| **id == *text) {
            return None;
        }
        let mut found = self.masker.detectors.find(text);
        found.retain(|one| !self.is_exempt(text, one));
        if found.is_empty() {
            return None;
        }
        let mut masked = String::with_capacity(text.len());
        let mut copied = 0;
        for one in found {
            masked.push_str(text.get(copied..one.range.start).unwrap_or_default());
            masked.push_str(&self.masker.mask(Some(one.kind), text.get(one.range.clone()).unwrap_or_default()));
            copied = one.range.end;
        }
        masked.push_str(text.get(copied..).unwrap_or_default());
        Some(masked)
    }

    /// Masks a field in place.
    pub(super) fn field(&self, field: &mut Option<Str>) {
        if let Some(masked) = field.as_deref().and_then(|text| self.text(text)) {
            *field = Some(masked.into());
        }
    }

    /// The found text lies within one of the event's own ids.
    fn is_exempt(&self, text: &str, found: &Found) -> bool {
        self.exempt.iter().filter(|id| id.len() >= found.range.len()).any(|id| {
            let mut places = text.match_indices(&**id);
            places.any(|(start, id)| start <= found.range.start && found.range.end <= start + id.len())
        })
    }
}
