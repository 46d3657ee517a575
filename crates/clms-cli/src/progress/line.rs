//! One line for one job, as wide as the terminal is just now.

use std::time::{Duration, Instant};

use clms_store::progress::Unit;
use console::{measure_text_width, style, truncate_str};
use jiff::Timestamp;

use super::story::{Amount, seconds};
use crate::text;

/// Data ids are shortened to this many columns or fewer, from their middle.
const WIDEST_NAME: usize = 44;
/// Bars are at least and at most so long.
const BAR: [usize; 2] = [10, 40];

/// What is shown of a job that is at work.
#[derive(Debug, Default, Clone)]
pub(super) struct Line {
    pub(super) data_id: String,
    /// What is done now, such as `downloading`.
    pub(super) doing: &'static str,
    pub(super) task: Option<String>,
    /// The server's word on the task.
    pub(super) status: Option<String>,
    /// Since when the server has the task.
    pub(super) since: Option<Timestamp>,
    pub(super) amount: Option<Amount>,
    /// Units per second.
    pub(super) rate: Option<f64>,
    /// What went wrong and is tried again.
    pub(super) trouble: Option<String>,
}

/// The moment for which something is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Instant,
    pub(super) time: Timestamp,
    /// When the server is looked at again, which is for all tasks at once.
    pub(super) next_look: Option<Instant>,
}

/// A part of a line. Of those that don't fit together, the one with the largest number goes first.
type Part = (u8, String);

impl Line {
    /// True if something is done here, and not waited for elsewhere.
    pub(super) fn is_busy(&self) -> bool {
        self.amount.is_some()
    }

    /// The line in so many columns.
    pub(super) fn draw(&self, at: Moment, columns: usize) -> String {
        truncate_str(&self.full(at, columns), columns, "").into_owned()
    }

    fn full(&self, at: Moment, columns: usize) -> String {
        let name_width = name_width(columns);
        let name = shortened(&self.data_id, name_width);
        let room = columns.saturating_sub(name_width + 2);
        let parts = match (&self.trouble, self.amount) {
            (Some(trouble), _) => vec![(0, trouble.clone())],
            (None, Some(amount)) => {
                return format!("{name:name_width$}  {}", self.bar(amount, room));
            }
            (None, None) => self.waiting(at),
        };
        format!("{name:name_width$}  {}", joined(parts, room))
    }

    fn waiting(&self, at: Moment) -> Vec<Part> {
        let Some(task) = &self.task else {
            return vec![(0, self.doing.to_owned())];
        };
        let status = self.status.as_deref().unwrap_or("requested");
        let mut parts = vec![(0, status.to_lowercase().replace('_', " "))];
        if let Some(since) = self.since {
            let waited = at.time.duration_since(since).as_secs().max(0);
            parts.push((1, format!("waiting since {}", text::span(waited))));
        }
        if let Some(look) = at.next_look {
            let left = look.saturating_duration_since(at.now);
            parts.push((2, format!("next look in {}", whole_seconds(left))));
        }
        parts.push((3, format!("task {task}")));
        parts
    }

    fn bar(&self, amount: Amount, room: usize) -> String {
        let mut parts = vec![(1, self.doing.to_owned())];
        let share = amount
            .total
            .filter(|total| *total > 0)
            .map(|total| (amount.done as f64 / total as f64).min(1.0));
        if let Some(share) = share {
            parts.push((0, format!("{:.0} %", share * 100.0)));
        }
        parts.push((4, amount.text()));
        if let Some(rate) = self.rate.filter(|rate| *rate > 0.0) {
            if amount.unit == Unit::Bytes {
                parts.push((3, format!("{}/s", text::bytes(rate as u64))));
            }
            if let Some(total) = amount.total {
                let left = total.saturating_sub(amount.done) as f64 / rate;
                let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
                // Nobody believes in more than days.
                if left < Duration::from_hours(1000) {
                    parts.push((2, format!("{} left", whole_seconds(left))));
                }
            }
        }
        if let Some(task) = &self.task {
            parts.push((5, format!("task {task}")));
        }
        let line = joined(parts, room);
        let spare = room.saturating_sub(measure_text_width(&line) + 2);
        match share {
            Some(share) if spare >= BAR[0] => format!("{} {line}", drawn(share, spare.min(BAR[1]))),
            _ => line,
        }
    }
}

/// Those parts that fit, the most important ones first.
fn joined(mut parts: Vec<Part>, room: usize) -> String {
    const GAP: &str = ", ";
    let width = |parts: &[Part]| {
        let texts: usize = parts.iter().map(|(_, text)| measure_text_width(text)).sum();
        texts + GAP.len() * parts.len().saturating_sub(1)
    };
    while parts.len() > 1 && width(&parts) > room {
        if let Some((least, _)) = parts.iter().enumerate().max_by_key(|(_, (rank, _))| *rank) {
            parts.remove(least);
        }
    }
    let texts: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
    truncate_str(&texts.join(GAP), room, "…").into_owned()
}

fn drawn(share: f64, width: usize) -> String {
    let full = (share * width as f64).floor() as usize;
    let head = if full < width { "╸" } else { "" };
    let rest = width - full - head.chars().count();
    format!(
        "{}{}",
        style(format!("{}{head}", "━".repeat(full)))
            .for_stderr()
            .cyan(),
        style("─".repeat(rest)).for_stderr().dim()
    )
}

/// A pause to the second.
fn whole_seconds(pause: Duration) -> String {
    seconds(Duration::from_secs(pause.as_secs_f64().ceil() as u64))
}

/// Columns that a data id may take.
pub(super) fn name_width(columns: usize) -> usize {
    (columns * 2 / 5).clamp(8, WIDEST_NAME)
}

/// The beginning and the end of a long name, which tell most about it.
pub(super) fn shortened(name: &str, width: usize) -> String {
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= width {
        return name.to_owned();
    }
    let (head, tail) = ((width - 1) / 2, width / 2);
    let begin: String = characters[..head].iter().collect();
    let end: String = characters[characters.len() - tail..].iter().collect();
    format!("{begin}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_both_ends() {
        let name = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";
        let short = shortened(name, 44);
        assert_eq!(short.chars().count(), 44);
        assert!(
            short.starts_with("forest-type-2015|") && short.ends_with("03035_d02_Full"),
            "{short}"
        );
        assert_eq!(shortened(name, 12).chars().count(), 12);
        assert_eq!(shortened("clc2018|x", 44), "clc2018|x");
    }

    fn lines() -> (Moment, [Line; 3]) {
        let now = Instant::now();
        let at = Moment {
            now,
            time: Timestamp::from_second(1_000_000).unwrap(),
            next_look: Some(now + Duration::from_millis(39_300)),
        };
        let waiting = Line {
            data_id: "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full".to_owned(),
            doing: "waiting",
            task: Some("8536132415".to_owned()),
            status: Some("In_progress".to_owned()),
            since: Some(Timestamp::from_second(1_000_000 - 12 * 60).unwrap()),
            ..Line::default()
        };
        let loading = Line {
            doing: "downloading",
            amount: Some(Amount {
                unit: Unit::Bytes,
                done: 45 << 20,
                total: Some(300 << 20),
            }),
            rate: Some(3.0 * 1024.0 * 1024.0),
            ..waiting.clone()
        };
        let troubled = Line {
            trouble: Some("the link answers with an HTML page; again in 2m".to_owned()),
            ..waiting.clone()
        };
        (at, [waiting, loading, troubled])
    }

    #[test]
    fn what_matters_most_stays_when_the_terminal_gets_narrow() {
        let (at, [waiting, loading, troubled]) = lines();
        let plain =
            |line: &Line, columns| console::strip_ansi_codes(&line.draw(at, columns)).into_owned();
        let drawn = [
            plain(&waiting, 120),
            plain(&waiting, 80),
            plain(&waiting, 30),
            plain(&loading, 140),
            plain(&loading, 80),
            plain(&loading, 30),
            plain(&troubled, 60),
        ];
        assert_eq!(
            drawn.join("\n"),
            "\
forest-type-2015|FTY_…100m_eu_03035_d02_Full  in progress, waiting since 12 min, next look in 40s, task 8536132415
forest-type-201…u_03035_d02_Full  in progress, waiting since 12 min
fores…2_Full  in progress
forest-type-2015|FTY_…100m_eu_03035_d02_Full  ━╸────────── downloading, 15 %, 45.0 MiB of 300 MiB, 3.00 MiB/s, 1m 25s left, task 8536132415
forest-type-201…u_03035_d02_Full  downloading, 15 %, 3.00 MiB/s, 1m 25s left
fores…2_Full  ━╸──────── 15 %
forest-type…035_d02_Full  the link answers with an HTML pag…"
        );
    }

    #[test]
    fn no_terminal_is_too_narrow() {
        let (at, lines) = lines();
        for line in lines {
            for columns in 10..200 {
                let drawn = line.draw(at, columns);
                assert!(measure_text_width(&drawn) <= columns, "{columns}: {drawn}");
            }
        }
    }
}
