//! `cargo xtask serve --watch`: rebuilds when a source changes, and restarts the server. Open pages reload on their own.
//!
//! Deliberately absent: deciding what a change affects. Cargo and the stamps of a build do that.

use crate::context::Context;
use crate::process::seconds;
use crate::serve;
use anyhow::{Context as _, Result};
use notify::event::{EventKind, ModifyKind};
use notify::{Event, RecursiveMode, Watcher};
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The sources of the site and the server.
const SOURCES: [&str; 6] = ["app", "frontend", "server", "style", "public", "Cargo.toml"];

/// Events within this time count as one change, because an editor writes a file in several steps, and a tool many files.
const QUIET: Duration = Duration::from_millis(100);

/// Runs until it is interrupted.
pub fn watch(context: &Context, args: &[String]) -> Result<()> {
    let (events, changes) = channel();
    let mut watcher = notify::recommended_watcher(move |event| drop(events.send(event))).context("sources cannot be watched")?;
    for source in SOURCES {
        let path = context.root.join(source);
        watcher.watch(&path, RecursiveMode::Recursive).with_context(|| format!("{} cannot be watched", path.display()))?;
    }
    let mut server: Option<Child> = None;
    loop {
        let start = Instant::now();
        match serve::build(context) {
            Ok(()) => {
                if let Some(mut old) = server.take() {
                    // The server survives being killed, and a gentle end would wait for the streams of open pages.
                    old.kill().and_then(|()| old.wait()).context("could not stop the server")?;
                }
                // This makes the server tell pages to reload.
                let started = serve::server(context, args).env("LEPTOS_WATCH", "1").spawn();
                server = Some(started.with_context(|| format!("could not start {}", context.server_bin().display()))?);
                eprintln!("Built in {}. Waiting for changes; press Ctrl-C to stop.", seconds(start.elapsed()));
            }
            Err(error) => eprintln!("error: {error:#}\nThe last good build, if any, keeps running. Waiting for changes."),
        }
        wait_for_change(&changes)?;
    }
}

/// Waits for a change, and then until nothing more has changed for a moment.
fn wait_for_change(changes: &Receiver<notify::Result<Event>>) -> Result<()> {
    while !is_change(&changes.recv()?.context("sources can no longer be watched")?) {}
    loop {
        match changes.recv_timeout(QUIET) {
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(gone) => return Err(gone.into()),
        }
    }
}

/// Returns whether a source was changed. Reads do not count, nor do the files that editors and tests put beside sources.
fn is_change(event: &Event) -> bool {
    let kind = match event.kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
        EventKind::Any | EventKind::Access(_) | EventKind::Other => false,
    };
    let is_source = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !name.starts_with('.') && !name.ends_with('~') && !name.ends_with(".swp") && name.parse::<u32>().is_err()
    };
    kind && event.paths.iter().any(|path| is_source(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{AccessKind, CreateKind, DataChange, MetadataKind};

    fn event(kind: EventKind, path: &str) -> Event {
        Event::new(kind).add_path(path.into())
    }

    #[test]
    fn writing_a_source_is_a_change_and_reading_it_is_not() {
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        assert!(is_change(&event(written, "app/console/src/lib.rs")));
        assert!(is_change(&event(EventKind::Create(CreateKind::File), "public/icons.svg")));
        for quiet in [EventKind::Access(AccessKind::Any), EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any))] {
            assert!(!is_change(&event(quiet, "app/console/src/lib.rs")), "{quiet:?}");
        }
        // vim creates a file called 4913 to test whether it may write.
        for aside in ["app/console/src/.lib.rs.swp", "app/console/src/lib.rs~", "app/console/src/4913"] {
            assert!(!is_change(&event(written, aside)), "{aside}");
        }
    }

    #[test]
    fn events_close_together_are_one_change() {
        let (events, changes) = channel();
        for _ in 0..3 {
            events.send(Ok(event(EventKind::Create(CreateKind::File), "style/main.css"))).unwrap();
        }
        wait_for_change(&changes).unwrap();
        assert!(changes.try_recv().is_err());
        drop(events);
        assert!(wait_for_change(&changes).is_err(), "no sender is left");
    }
}
