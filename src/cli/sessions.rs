//! The sessions as a table.

use crate::model::{SessionState, SessionView, SessionsReport, Str};

use super::table::table;
use super::text::{Mark, Paint, length, plain};

const HEADERS: [&str; 12] = [
    "CLIENT",
    "SERVICE",
    "USER",
    "ADDRESS",
    "VHOST",
    "CHANNELS",
    "PUBLISH/S",
    "DELIVER/S",
    "UNCONFIRMED",
    "UNSETTLED",
    "OLDEST",
    "STATE",
];

/// The sessions through the proxy, oldest first.
pub(super) fn render(report: &SessionsReport, width: Option<u16>, paint: Paint) -> String {
    let mut out = String::new();
    match (report.sessions.is_empty(), report.enabled) {
        (true, true) => out += "No sessions.\n",
        (true, false) => out += "The proxy is off: set proxy.enabled, and let clients connect to proxy.listen.\n",
        (false, _) => out += &table(&HEADERS, report.sessions.iter().map(row).collect(), width, paint),
    }
    let shown = report.sessions.len() as u64;
    if report.total > shown {
        out += &format!("{shown} of {} are shown; --limit shows more.\n", report.total);
    }
    let gaps = report.sessions.iter().filter_map(|session| {
        let gap = session.gap.as_deref()?;
        Some(format!("  {}: {}\n", plain(&session.connection), plain(gap)))
    });
    let gaps: String = gaps.collect();
    if !gaps.is_empty() {
        out += &format!("\n{}\n{gaps}", paint.mark(Mark::Strong, "Not observed as a whole"));
    }
    out
}

fn row(session: &SessionView) -> Vec<String> {
    let text = |value: &Option<Str>| value.as_deref().map(plain).unwrap_or_default();
    let state = match session.state {
        SessionState::Blocked | SessionState::Unobserved => session.state.name().to_uppercase(),
        _ => session.state.name().to_owned(),
    };
    let address = if session.tls { format!("{} (TLS)", session.address) } else { session.address.clone() };
    vec![
        text(&session.client_name),
        text(&session.service),
        text(&session.user),
        plain(&address),
        text(&session.vhost),
        session.channels.to_string(),
        rate(session.publish_rate),
        rate(session.deliver_rate),
        session.unconfirmed.to_string(),
        session.unsettled.to_string(),
        session.oldest_unsettled.map(length).unwrap_or_default(),
        state,
    ]
}

/// A rate with one decimal below ten; a slow rate is not shown as zero.
fn rate(rate: f64) -> String {
    match rate {
        rate if rate.is_nan() || rate <= 0.0 => "0".to_owned(),
        rate if rate < 0.05 => "<0.1".to_owned(),
        rate if rate < 9.95 => format!("{rate:.1}"),
        rate => format!("{rate:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_told_with_what_they_hold() {
        let crm = SessionView {
            connection: "10.0.0.7:51234 -> 127.0.0.1:5673".into(),
            address: "10.0.0.7:51234".into(),
            tls: true,
            state: SessionState::Running,
            service: Some("CRM".into()),
            user: Some("crm".into()),
            client_name: Some("CRM\u{7} 2.1".into()),
            vhost: Some("/".into()),
            channels: 3,
            publish_rate: 0.24,
            deliver_rate: 1234.4,
            unconfirmed: 1,
            unsettled: 20,
            oldest_unsettled: Some(std::time::Duration::from_secs(250)),
            ..SessionView::default()
        };
        let other = SessionView {
            connection: "10.0.0.8:40000 -> 127.0.0.1:5673".into(),
            address: "10.0.0.8:40000".into(),
            state: SessionState::Unobserved,
            gap: Some("the client speaks AMQP 1.0".into()),
            ..SessionView::default()
        };
        let report =
            SessionsReport { sessions: vec![crm, other], total: 5, enabled: true, ..SessionsReport::default() };
        let expected = "\
CLIENT        SERVICE  USER  ADDRESS               VHOST  CHANNELS  PUBLISH/S  DELIVER/S  UNCONFIRMED  UNSETTLED  OLDEST      STATE
CRM\\u{7} 2.1  CRM      crm   10.0.0.7:51234 (TLS)  /      3         0.2        1234       1            20         4 min 10 s  running
                             10.0.0.8:40000               0         0          0          0            0                      UNOBSERVED
2 of 5 are shown; --limit shows more.

Not observed as a whole
  10.0.0.8:40000 -> 127.0.0.1:5673: the client speaks AMQP 1.0
";
        assert_eq!(render(&report, None, Paint::Bare), expected);
    }

    #[test]
    fn no_sessions_and_no_proxy_are_told_apart() {
        let report = SessionsReport { enabled: true, ..SessionsReport::default() };
        assert_eq!(render(&report, None, Paint::Bare), "No sessions.\n");
        assert!(render(&SessionsReport::default(), None, Paint::Bare).starts_with("The proxy is off"));
    }

    #[test]
    fn rates_are_short() {
        let cases = [(0.0, "0"), (f64::NAN, "0"), (0.01, "<0.1"), (0.25, "0.2"), (9.96, "10"), (12_345.6, "12346")];
        for (value, expected) in cases {
            assert_eq!(rate(value), expected, "{value}");
        }
    }
}
