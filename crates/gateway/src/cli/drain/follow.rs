//! Shows the progress of a drain: a bar on a terminal, elsewhere a line every few seconds.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, sleep};

use super::ask_node::Target;
use crate::cli::remark;
use crate::drain::Progress;
use crate::http::nodes::Begun;

/// Time between two questions to the node.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Time between two lines.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// Watches until the drain is over, and returns a sentence about how it ended.
pub(super) async fn follow(node: &Target, begun: &Begun) -> anyhow::Result<String> {
    let mut shown = Shown::new(begun.sessions as u64);
    let mut last = Progress::default();
    loop {
        let Some(report) = node.look().await? else {
            shown.end();
            let (id, counts) = (node.id(), counts(&last));
            return Ok(match begun.share {
                None => format!("{id} has stopped; when last asked: {counts}"),
                Some(_) => format!("{id} does not answer any more; when it last did: {counts}"),
            });
        };
        last = report.drain;
        if !last.draining {
            shown.end();
            let ended = last.moved + last.closed + last.left;
            let stayed = last.picked.saturating_sub(ended);
            return Ok(format!("{}, {stayed} stayed", counts(&last)));
        }
        shown.show(&last);
        sleep(LOOK_EVERY).await;
    }
}

enum Shown {
    Bar(ProgressBar),
    Lines { next: Instant },
}

impl Shown {
    fn new(sessions: u64) -> Self {
        if !io::stderr().is_terminal() {
            return Self::Lines {
                next: Instant::now() + SAY_EVERY,
            };
        }
        let style =
            ProgressStyle::with_template("[{elapsed_precise}] {wide_bar} {pos}/{len}  {msg}")
                .expect("the template is a constant");
        Self::Bar(ProgressBar::new(sessions).with_style(style))
    }

    fn show(&mut self, progress: &Progress) {
        match self {
            Self::Bar(bar) => {
                bar.set_length(progress.picked);
                bar.set_position(gone(progress));
                bar.set_message(counts(progress));
            }
            Self::Lines { next } if Instant::now() >= *next => {
                *next += SAY_EVERY;
                let (gone, counts) = (gone(progress), counts(progress));
                remark(&format!("{gone} of {} gone: {counts}", progress.picked));
            }
            Self::Lines { .. } => {}
        }
    }

    fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn counts(progress: &Progress) -> String {
    format!(
        "{} moved, {} closed, {} left by themselves",
        progress.moved, progress.closed, progress.left
    )
}

fn gone(progress: &Progress) -> u64 {
    progress.picked.saturating_sub(progress.remaining)
}
