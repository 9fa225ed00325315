//! A page of events as a table.

use crate::model::Kind;
use crate::model::api::{EventView, EventsPage};

use super::table::table;
use super::text::{Paint, moment, plain};

/// The page, and the command for the next page.
pub(super) fn render(page: &EventsPage, width: Option<u16>, paint: Paint) -> String {
    if page.events.is_empty() && page.next_cursor.is_none() {
        return "No such events.\n".to_owned();
    }
    let rows = page.events.iter().map(row).collect();
    let mut text = table(&["SEQ", "TIME (UTC)", "KIND", "SERVICE", "WHERE", "ORDER", "MESSAGE"], rows, width, paint);
    if let Some(cursor) = &page.next_cursor {
        text += &format!("There may be more: --cursor {}\n", plain(cursor));
    }
    text
}

fn row(event: &EventView) -> Vec<String> {
    let text = |value: &Option<crate::model::Str>| value.as_deref().map(plain).unwrap_or_default();
    let message = event.message_id.as_deref().or(event.fingerprint.as_deref()).map(plain).unwrap_or_default();
    vec![
        event.seq.to_string(),
        moment(event.at),
        plain(event.kind.as_ref()),
        text(&event.service),
        place(event),
        text(&event.order_id),
        message,
    ]
}

/// The place of the event, in the few words that its kind needs.
fn place(event: &EventView) -> String {
    if let Some(gap) = &event.gap {
        return format!("{}: {}", plain(gap.source.as_ref()), plain(&gap.cause));
    }
    if let Some(death) = event.death.as_ref().filter(|_| event.kind == Kind::DeadLetter) {
        return format!("{} ({})", plain(&death.queue), plain(&death.reason));
    }
    if let Some(topology) = &event.topology {
        return format!("{} {}", plain(&topology.change), plain(&topology.detail));
    }
    if let Some(queue) = &event.queue {
        return plain(queue);
    }
    let key = event.routing_key.as_deref().map(plain).unwrap_or_default();
    match event.exchange.as_deref() {
        Some("") => format!("default exchange/{key}"),
        Some(exchange) => format!("{}/{key}", plain(exchange)),
        None => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api::{DeathView, GapView};
    use crate::model::{Source, Topology};

    fn event(seq: u64, kind: Kind) -> EventView {
        let at = "2026-11-20T10:32:07.123456Z".parse().unwrap();
        EventView { seq, at, kind: kind.into(), ..EventView::default() }
    }

    #[test]
    fn a_page_tells_where_each_event_happened() {
        let publish = EventView {
            service: Some("Shop".into()),
            exchange: Some("orders".into()),
            routing_key: Some("order.new\u{1b}".into()),
            order_id: Some("A-17".into()),
            message_id: Some("m-1".into()),
            ..event(5, Kind::Publish)
        };
        let death = DeathView { queue: "mes".into(), reason: "expired".into(), ..DeathView::default() };
        let dead = EventView { death: Some(death), fingerprint: Some("fp:00".into()), ..event(4, Kind::DeadLetter) };
        let direct = EventView { exchange: Some("".into()), routing_key: Some("q".into()), ..event(3, Kind::Publish) };
        let gap = GapView { source: Source::Firehose.into(), cause: "away".into(), ..GapView::default() };
        let gap = EventView { gap: Some(gap), ..event(2, Kind::Gap) };
        let topology = Topology { change: "queue.deleted".into(), detail: "queue mes".into() };
        let topology = EventView { topology: Some(topology), ..event(1, Kind::Topology) };
        let page = EventsPage { events: vec![publish, dead, direct, gap, topology], next_cursor: Some("AQ".into()) };
        let expected = "\
SEQ  TIME (UTC)                 KIND         SERVICE  WHERE                    ORDER  MESSAGE
5    20 Nov 2026, 10:32:07.123  publish      Shop     orders/order.new\\u{1b}   A-17   m-1
4    20 Nov 2026, 10:32:07.123  dead_letter           mes (expired)                   fp:00
3    20 Nov 2026, 10:32:07.123  publish               default exchange/q
2    20 Nov 2026, 10:32:07.123  gap                   firehose: away
1    20 Nov 2026, 10:32:07.123  topology              queue.deleted queue mes
There may be more: --cursor AQ
";
        assert_eq!(render(&page, None, Paint::Bare), expected);
    }

    #[test]
    fn an_empty_page_is_said_in_words() {
        assert_eq!(render(&EventsPage::default(), None, Paint::Bare), "No such events.\n");
    }
}
