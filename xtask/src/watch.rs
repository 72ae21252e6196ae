//! `cargo xtask serve --watch`: builds again when a source changes, and starts the server anew. Open pages reload by themselves.
//!
//! Deliberately absent: knowledge of what a change concerns. Cargo and the stamps of a build know that.

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

/// Everything that site and server are made of.
const SOURCES: [&str; 6] = ["app", "frontend", "server", "style", "public", "Cargo.toml"];

/// An editor writes a file in several steps, and a tool many files: what comes within this time is one change.
const QUIET: Duration = Duration::from_millis(100);

/// Goes on until it is interrupted.
pub fn watch(context: &Context, args: &[String]) -> Result<()> {
    let (tell, changes) = channel();
    let mut watcher = notify::recommended_watcher(move |event| drop(tell.send(event))).context("sources cannot be watched")?;
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
                    // Killed: it is made for that, and asking it to end would wait for the streams of open pages.
                    old.kill().and_then(|()| old.wait()).context("the server could not be ended")?;
                }
                // By this the server tells pages to reload by themselves.
                let started = serve::server(context, args).env("LEPTOS_WATCH", "1").spawn();
                server = Some(started.with_context(|| format!("could not start {}", context.server_bin().display()))?);
                eprintln!("Built in {}. Waiting for changes; Ctrl-C ends this.", seconds(start.elapsed()));
            }
            Err(error) => eprintln!("error: {error:#}\nThe server that runs, if any, is the last good one. Waiting for changes."),
        }
        wait_for_change(&changes)?;
    }
}

/// Returns once something has changed and then nothing more for a moment.
fn wait_for_change(changes: &Receiver<notify::Result<Event>>) -> Result<()> {
    while !is_change(&changes.recv()?.context("sources cannot be watched any more")?) {}
    loop {
        match changes.recv_timeout(QUIET) {
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(gone) => return Err(gone.into()),
        }
    }
}

/// Reading a file is none, nor is what editors and tests put beside sources.
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
    fn a_source_that_is_written_is_a_change_and_one_that_is_read_is_none() {
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        assert!(is_change(&event(written, "app/console/src/lib.rs")));
        assert!(is_change(&event(EventKind::Create(CreateKind::File), "public/icons.svg")));
        for quiet in [EventKind::Access(AccessKind::Any), EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any))] {
            assert!(!is_change(&event(quiet, "app/console/src/lib.rs")), "{quiet:?}");
        }
        // vim tries out whether it may write by a file called 4913.
        for aside in ["app/console/src/.lib.rs.swp", "app/console/src/lib.rs~", "app/console/src/4913"] {
            assert!(!is_change(&event(written, aside)), "{aside}");
        }
    }

    #[test]
    fn what_comes_close_together_is_one_change() {
        let (tell, changes) = channel();
        for _ in 0..3 {
            tell.send(Ok(event(EventKind::Create(CreateKind::File), "style/main.css"))).unwrap();
        }
        wait_for_change(&changes).unwrap();
        assert!(changes.try_recv().is_err());
        drop(tell);
        assert!(wait_for_change(&changes).is_err(), "nobody is left who could tell");
    }
}
