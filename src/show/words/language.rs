//! The texts of a language.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

use crate::model::Told;
use crate::model::verdict::Verdict;

/// The files of `i18n/en`.
pub(super) const ENGLISH: [&str; 3] = [
    include_str!("../../../i18n/en/words.ftl"),
    include_str!("../../../i18n/en/verdicts.ftl"),
    include_str!("../../../i18n/en/next.ftl"),
];

/// The words of one language.
pub struct Words {
    bundle: FluentBundle<FluentResource>,
}

impl Words {
    /// English. The texts are read at the first use, and kept.
    #[must_use]
    pub fn english() -> &'static Words {
        static WORDS: LazyLock<Words> = LazyLock::new(|| Words::new("en", &ENGLISH));
        &WORDS
    }

    /// A verdict in words: the headline, whose turn it is, and the next step.
    #[must_use]
    pub fn tell(&self, verdict: &Verdict) -> Told {
        let whose_turn = verdict.whose_turn().map(|turn| self.whose_turn(&turn));
        Told { headline: self.headline(verdict), whose_turn, next: self.next(verdict) }
    }

    fn new(language: &str, texts: &[&str]) -> Words {
        let mut bundle = FluentBundle::new_concurrent(language.parse().into_iter().collect());
        // A reader that shows text of both directions sets the marks around arguments itself.
        bundle.set_use_isolating(false);
        for text in texts {
            // A test proves that the texts have no errors. The readable parts are used in any case.
            let resource = FluentResource::try_new((*text).to_owned()).unwrap_or_else(|(resource, _)| resource);
            bundle.add_resource_overriding(resource);
        }
        Words { bundle }
    }

    /// A message of the language with its arguments.
    pub(super) fn message(&self, id: &str, args: &FluentArgs<'_>) -> String {
        let Some(pattern) = self.bundle.get_message(id).and_then(|message| message.value()) else {
            debug_assert!(false, "no message {id}");
            return id.to_owned();
        };
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(args), &mut errors);
        debug_assert!(errors.is_empty(), "{id}: {errors:?}");
        Cow::into_owned(text)
    }
}
