//! The coverage report: sources as a table, their problems and the gaps as lines.

use crate::model::SourceState;
use crate::model::api::CoverageReport;

use super::table::table;
use super::text::{Mark, Paint, moment, plain};

/// The observed virtual hosts, and the gaps.
pub(super) fn render(report: &CoverageReport, width: Option<u16>, paint: Paint) -> String {
    let mut out = String::new();
    if report.sources.is_empty() {
        out += "No source is configured.\n";
    } else {
        let rows = report.sources.iter().map(|source| {
            let state = match source.state {
                SourceState::Connecting => "connecting",
                SourceState::Live => "live",
                SourceState::Failed => "FAILED",
                SourceState::Off => "off",
            };
            let exchanges: Vec<String> = source.exchanges.iter().map(|exchange| plain(exchange)).collect();
            let (vhost, name, since) = (plain(&source.vhost), plain(source.source.as_ref()), moment(source.since));
            let last = source.last_at.map(moment).unwrap_or_default();
            let recorded = source.recorded.to_string();
            vec![vhost, name, state.to_owned(), since, recorded, last, exchanges.join(", ")]
        });
        let headers = ["VHOST", "SOURCE", "STATE", "SINCE (UTC)", "RECORDED", "NEWEST (UTC)", "EXCHANGES"];
        out += &table(&headers, rows.collect(), width, paint);
    }
    let problems = report.sources.iter().flat_map(|source| {
        let name = format!("{} {}", plain(&source.vhost), plain(source.source.as_ref()));
        source.problems.iter().map(move |problem| format!("  {name}: {}\n", plain(problem)))
    });
    section(&mut out, "Problems", problems.collect(), paint);
    let gaps = report.gaps.iter().map(|gap| {
        let count = gap.count.map(|count| format!(", {count} missing")).unwrap_or_default();
        let (from, to) = (moment(gap.from), moment(gap.to));
        format!("  {from} to {to}  {}{count}: {}\n", plain(gap.source.as_ref()), plain(&gap.cause))
    });
    section(&mut out, "Gaps (UTC), newest first", gaps.collect(), paint);
    out += &match report.last_seq {
        0 => "\nThe journal is empty.\n".to_owned(),
        last => format!("\nThe journal holds events {} to {last}.\n", report.first_seq),
    };
    out
}

fn section(out: &mut String, title: &str, lines: Vec<String>, paint: Paint) {
    if !lines.is_empty() {
        *out += &format!("\n{}\n{}", paint.mark(Mark::Strong, title), lines.concat());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api::GapView;
    use crate::model::{Source, SourceCoverage};

    #[test]
    fn sources_problems_and_gaps_are_told() {
        let at = "2026-11-20T10:00:00Z".parse().unwrap();
        let live = SourceCoverage {
            vhost: "/".into(),
            source: Source::Binding.into(),
            state: SourceState::Live,
            since: at,
            exchanges: vec!["orders".into(), "prices".into()],
            recorded: 7,
            last_at: Some(at),
            ..SourceCoverage::default()
        };
        let failed = SourceCoverage {
            vhost: "/".into(),
            source: Source::Firehose.into(),
            state: SourceState::Failed,
            since: at,
            problems: vec!["access refused\u{1b}".into()],
            ..SourceCoverage::default()
        };
        let gap = GapView {
            source: Source::Firehose.into(),
            from: at,
            to: at,
            count: Some(3),
            cause: "away".into(),
            ..GapView::default()
        };
        let report = CoverageReport {
            sources: vec![live, failed],
            gaps: vec![gap],
            first_seq: 1,
            last_seq: 9,
            ..CoverageReport::default()
        };
        let expected = "\
VHOST  SOURCE    STATE   SINCE (UTC)                RECORDED  NEWEST (UTC)               EXCHANGES
/      binding   live    20 Nov 2026, 10:00:00.000  7         20 Nov 2026, 10:00:00.000  orders, prices
/      firehose  FAILED  20 Nov 2026, 10:00:00.000  0

Problems
  / firehose: access refused\\u{1b}

Gaps (UTC), newest first
  20 Nov 2026, 10:00:00.000 to 20 Nov 2026, 10:00:00.000  firehose, 3 missing: away

The journal holds events 1 to 9.
";
        assert_eq!(render(&report, None, Paint::Bare), expected);
    }

    #[test]
    fn nothing_configured_and_nothing_recorded_are_said_in_words() {
        let text = render(&CoverageReport::default(), None, Paint::Bare);
        assert_eq!(text, "No source is configured.\n\nThe journal is empty.\n");
    }
}
