//! Reading the text of a question.

use std::fmt::Display;
use std::str::FromStr;

use crate::question::LIMIT_DEFAULT;

use super::error::BadQuestion;

/// Reads a parameter by its type, which names the values that it accepts.
pub(super) fn parse<T>(name: &str, text: Option<&str>) -> Result<Option<T>, BadQuestion>
where
    T: FromStr,
    T::Err: Display,
{
    text.map(str::parse).transpose().map_err(|error| BadQuestion::Parameter(format!("{name}: {error}")))
}

/// The number of items that the answer may hold.
pub(super) fn limit(asked: Option<usize>, max: usize) -> Result<usize, BadQuestion> {
    let limit = asked.unwrap_or(LIMIT_DEFAULT);
    if (1..=max).contains(&limit) {
        return Ok(limit);
    }
    Err(BadQuestion::Parameter(format!("limit: {limit} is not between 1 and {max}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_checked() {
        assert_eq!(limit(None, 1000), Ok(100));
        assert_eq!(limit(Some(7), 1000), Ok(7));
        for wrong in [0, 1001] {
            let text = limit(Some(wrong), 1000).expect_err("a wrong limit").to_string();
            assert_eq!(text, format!("limit: {wrong} is not between 1 and 1000"));
        }
    }
}
