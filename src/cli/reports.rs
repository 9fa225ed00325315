//! The stalled report, dead letters and alerts as tables.

use crate::model::api::{AlertsReport, DeadLettersReport, StalledReport};
use crate::model::{AlertState, Consumer, StalledWhat, Str};

use super::table::table;
use super::text::{Mark, Paint, length, moment, plain};

fn text(value: &Option<Str>) -> String {
    value.as_deref().map(plain).unwrap_or_default()
}

/// Messages and orders past their deadline, oldest first.
pub(super) fn stalled(report: &StalledReport, width: Option<u16>, paint: Paint) -> String {
    let mut out = String::new();
    if report.stalled.is_empty() {
        out += "Nothing is stalled.\n";
    } else {
        // The column is there only if a source sees the consumer of a message.
        let held = report.stalled.iter().any(|item| item.consumer.is_some());
        let rows = report.stalled.iter().map(|item| {
            let id = match item.what {
                StalledWhat::Order => text(&item.order_id),
                StalledWhat::Message => item.message.as_ref().map(|key| plain(&key.to_string())).unwrap_or_default(),
            };
            let what = item.what.to_string();
            let order = if item.what == StalledWhat::Message { text(&item.order_id) } else { String::new() };
            let age = length(item.lasts);
            let holder = held.then(|| item.consumer.as_ref().map(holder).unwrap_or_default());
            let start = [what, id, order, age, moment(item.since)];
            start.into_iter().chain(holder).chain([plain(&item.text)]).collect()
        });
        let headers: Vec<&str> = match held {
            true => vec!["WHAT", "ID", "OF ORDER", "FOR", "SINCE (UTC)", "HELD BY", "WHY"],
            false => vec!["WHAT", "ID", "OF ORDER", "FOR", "SINCE (UTC)", "WHY"],
        };
        out += &table(&headers, rows.collect(), width, paint);
    }
    let shown = report.stalled.len() as u64;
    if report.total > shown {
        out += &format!("{shown} of {} are shown; --limit shows more.\n", report.total);
    }
    if report.evicted > 0 {
        let text = format!("{} more were too many to follow; they are not in this report.\n", report.evicted);
        out += &paint.mark(Mark::Bad, &text);
    }
    out
}

/// The consumer that holds the message, by the best name there is.
fn holder(consumer: &Consumer) -> String {
    let names = [&consumer.service, &consumer.client_name, &consumer.connection, &consumer.user];
    names.into_iter().flatten().next().map_or_else(|| "a consumer".to_owned(), |name| plain(name))
}

/// Dead letters by group, most first.
pub(super) fn dead_letters(report: &DeadLettersReport, width: Option<u16>, paint: Paint) -> String {
    if report.groups.is_empty() {
        return "No dead letters.\n".to_owned();
    }
    let rows = report.groups.iter().map(|group| {
        let key = if group.key.is_empty() { "(default)".to_owned() } else { plain(&group.key) };
        let reasons: Vec<String> =
            group.reasons.iter().map(|(reason, count)| format!("{} {count}", plain(reason))).collect();
        let sample = group.samples.iter().find_map(|event| event.order_id.as_deref());
        let sample = sample.map(plain).unwrap_or_default();
        let (first, last) = (moment(group.first_at), moment(group.last_at));
        vec![key, group.count.to_string(), reasons.join(", "), first, last, sample]
    });
    let by = plain(&report.group_by).to_uppercase();
    let headers = [by.as_str(), "COUNT", "REASONS", "FIRST (UTC)", "LAST (UTC)", "AN ORDER"];
    let mut out = table(&headers, rows.collect(), width, paint);
    let noun = if report.total == 1 { "dead letter" } else { "dead letters" };
    let more = if report.truncated { "; there are more, the newest were counted" } else { "" };
    out += &format!("{} {noun}{more}\n", report.total);
    out
}

/// Alerts, firing first.
pub(super) fn alerts(report: &AlertsReport, width: Option<u16>, paint: Paint) -> String {
    if report.alerts.is_empty() {
        return "No alerts.\n".to_owned();
    }
    let rows = report.alerts.iter().map(|alert| {
        let (state, end) = match alert.state {
            AlertState::Firing => ("FIRING", String::new()),
            AlertState::Resolved => ("resolved", alert.resolved_at.map(moment).unwrap_or_default()),
        };
        let orders: Vec<String> = alert.orders.iter().map(|order| plain(order)).collect();
        let (rule, summary) = (plain(&alert.rule), plain(&alert.summary));
        vec![state.to_owned(), rule, summary, moment(alert.since), end, orders.join(", ")]
    });
    table(&["STATE", "RULE", "WHAT", "SINCE (UTC)", "RESOLVED (UTC)", "ORDERS"], rows.collect(), width, paint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::model::api::{AlertView, DeadLetterGroup, EventView, StalledItem};
    use crate::model::{MessageKey, Timestamp};

    fn at() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_is_stalled_is_told_with_its_reason_and_what_is_left_out() {
        let order = StalledItem {
            what: StalledWhat::Order,
            order_id: Some("A-1".into()),
            text: "It is in PACKAGING.".into(),
            since: at(),
            lasts: Duration::from_secs(273_600),
            ..StalledItem::default()
        };
        let message = StalledItem {
            message: Some(MessageKey::parse("m\u{7}")),
            order_id: Some("A-2".into()),
            text: "It waits in mes.".into(),
            since: at(),
            lasts: Duration::from_secs(700),
            ..StalledItem::default()
        };
        let report = StalledReport { stalled: vec![order, message], total: 9, evicted: 4, ..StalledReport::default() };
        let expected = "\
WHAT     ID      OF ORDER  FOR          SINCE (UTC)                WHY
order    A-1               3 d 4 h      20 Nov 2026, 10:00:00.000  It is in PACKAGING.
message  m\\u{7}  A-2       11 min 40 s  20 Nov 2026, 10:00:00.000  It waits in mes.
2 of 9 are shown; --limit shows more.
4 more were too many to follow; they are not in this report.
";
        assert_eq!(stalled(&report, None, Paint::Bare), expected);
        assert_eq!(stalled(&StalledReport::default(), None, Paint::Bare), "Nothing is stalled.\n");
    }

    #[test]
    fn who_holds_a_message_is_told_where_that_is_seen() {
        let held = |consumer: Option<Consumer>| StalledItem {
            message: Some(MessageKey::parse("m")),
            text: "It is not settled.".into(),
            since: at(),
            lasts: Duration::from_secs(700),
            consumer,
            ..StalledItem::default()
        };
        let by = |service: Option<&str>, client: &str| Consumer {
            service: service.map(Into::into),
            client_name: Some(client.into()),
            ..Consumer::default()
        };
        let items = [Some(by(Some("CRM"), "crm-1")), Some(by(None, "x\u{7}")), Some(Consumer::default()), None];
        let report =
            StalledReport { stalled: items.into_iter().map(held).collect(), total: 4, ..StalledReport::default() };
        let expected = "\
WHAT     ID  OF ORDER  FOR          SINCE (UTC)                HELD BY     WHY
message  m             11 min 40 s  20 Nov 2026, 10:00:00.000  CRM         It is not settled.
message  m             11 min 40 s  20 Nov 2026, 10:00:00.000  x\\u{7}      It is not settled.
message  m             11 min 40 s  20 Nov 2026, 10:00:00.000  a consumer  It is not settled.
message  m             11 min 40 s  20 Nov 2026, 10:00:00.000              It is not settled.
";
        assert_eq!(stalled(&report, None, Paint::Bare), expected);
    }

    #[test]
    fn dead_letters_are_told_by_group() {
        let sample = EventView { order_id: Some("A-3".into()), ..EventView::default() };
        let group = |key: &str, count| DeadLetterGroup {
            key: key.into(),
            count,
            reasons: [("expired".into(), 1), ("rejected".into(), count - 1)].into(),
            first_at: at(),
            last_at: at(),
            samples: vec![EventView::default(), sample.clone()],
        };
        let groups = vec![group("orders", 12), group("", 2)];
        let report = DeadLettersReport { group_by: "exchange".into(), groups, total: 14, truncated: true };
        let expected = "\
EXCHANGE   COUNT  REASONS                 FIRST (UTC)                LAST (UTC)                 AN ORDER
orders     12     expired 1, rejected 11  20 Nov 2026, 10:00:00.000  20 Nov 2026, 10:00:00.000  A-3
(default)  2      expired 1, rejected 1   20 Nov 2026, 10:00:00.000  20 Nov 2026, 10:00:00.000  A-3
14 dead letters; there are more, the newest were counted
";
        assert_eq!(dead_letters(&report, None, Paint::Bare), expected);
        assert_eq!(dead_letters(&DeadLettersReport::default(), None, Paint::Bare), "No dead letters.\n");
    }

    #[test]
    fn alerts_tell_whether_they_are_on() {
        let firing = AlertView {
            rule: "spike".into(),
            summary: "12 dead letters of mes in 5m.".into(),
            since: at(),
            orders: vec!["A-1".into(), "A-2".into()],
            ..AlertView::default()
        };
        let over = AlertView { state: AlertState::Resolved, resolved_at: Some(at()), orders: vec![], ..firing.clone() };
        let expected = "\
STATE     RULE   WHAT                           SINCE (UTC)                RESOLVED (UTC)             ORDERS
FIRING    spike  12 dead letters of mes in 5m.  20 Nov 2026, 10:00:00.000                             A-1, A-2
resolved  spike  12 dead letters of mes in 5m.  20 Nov 2026, 10:00:00.000  20 Nov 2026, 10:00:00.000
";
        assert_eq!(alerts(&AlertsReport { alerts: vec![firing, over] }, None, Paint::Bare), expected);
        assert_eq!(alerts(&AlertsReport::default(), None, Paint::Bare), "No alerts.\n");
    }
}
