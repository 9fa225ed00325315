//! Moments in the forms that people and programs write: RFC 3339, epoch seconds, `now`, `now-1h30m`.

use crate::model::Timestamp;

use super::error::BadQuestion;

/// Reads the moment that the parameter `name` gives.
pub(super) fn parse(name: &str, text: &str, now: Timestamp) -> Result<Timestamp, BadQuestion> {
    relative(text, now).or_else(|| epoch(text)).or_else(|| text.parse().ok()).ok_or_else(|| {
        let forms = "2026-11-20T09:30:00Z, 1795166400, now or now-1h30m";
        BadQuestion::Parameter(format!("{name}: {text:?} is not a moment such as {forms}"))
    })
}

fn relative(text: &str, now: Timestamp) -> Option<Timestamp> {
    let rest = text.strip_prefix("now")?;
    if rest.is_empty() {
        return Some(now);
    }
    let ago = humantime::parse_duration(rest.strip_prefix('-')?).ok()?;
    Some(now.before(ago))
}

/// Seconds since 1970, with up to six decimals.
fn epoch(text: &str) -> Option<Timestamp> {
    const DECIMALS: usize = 6;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let micros: String = fraction.chars().chain(std::iter::repeat('0')).take(DECIMALS).collect();
    let seconds: i64 = whole.parse().ok()?;
    Some(Timestamp::from_micros(seconds.checked_mul(1_000_000)?.checked_add(micros.parse().ok()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn every_form_names_the_same_moment() {
        let expected = "2026-11-20T10:30:00Z".parse().unwrap();
        let forms = ["2026-11-20T10:30:00Z", "2026-11-20T11:30:00+01:00", "1795170600", "1795170600.0", "now-1h30m"];
        for text in forms {
            assert_eq!(parse("from", text, now()), Ok(expected), "{text}");
        }
        assert_eq!(parse("from", "now", now()), Ok(now()));
        assert_eq!(parse("from", "1795170600.25", now()).unwrap().to_string(), "2026-11-20T10:30:00.250000Z");
    }

    #[test]
    fn what_is_no_moment_is_named_with_its_parameter() {
        let wrong =
            ["", "yesterday", "now+1h", "now-", "now-1parsec", "1795170600.", ".5", "-1", "2026-13-01T00:00:00Z"];
        for text in wrong {
            let refusal = parse("to", text, now()).expect_err(text).to_string();
            assert!(refusal.starts_with(&format!("to: {text:?} is not a moment")), "{refusal}");
        }
    }

    #[test]
    fn the_far_past_and_future_are_moved_into_the_calendar() {
        assert!(parse("from", "now-9999999y", now()).is_ok());
        assert!(parse("from", "9223372036854775807", now()).is_err());
    }
}
