//! The local engine's answers to the trait [`Engine`].

use super::isolation::Isolation;
use super::{LocalEngine, PATIENCE, check, disk, images, layout, log, supervisor, terminal, tree, usage};
use crate::{
    Agents, Changes, Connection, DiskSize, Engine, EngineError, Image, Launch, LaunchSpec, LogPiece, Place, RunState, Stop,
    Terminal,
};
use async_trait::async_trait;
use futures::future::BoxFuture;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use types::id::ContainerId;
use types::sessions::Usage;
use types::time::Millis;

#[async_trait]
impl Engine for LocalEngine {
    async fn agents(&self) -> Result<Agents, EngineError> {
        self.blocking("the machine could not be inspected", |engine| {
            Ok(Agents { reports: vec![engine.0.machine.report()], away: Vec::new() })
        })
        .await
    }

    async fn images(&self) -> Result<Vec<Image>, EngineError> {
        Ok(images())
    }

    async fn start(&self, place: &Place, spec: &LaunchSpec) -> Result<(), EngineError> {
        let (id, launch) = (place.container, spec.clone());
        if place.agent != self.0.machine.name() {
            let other = format!("this agent is {}, not {}", self.0.machine.name(), place.agent);
            return Err(EngineError::failed("it was sent to the wrong agent")(other));
        }
        check(spec)?;
        if let Some(refusal) = &self.0.possible.refusal {
            return Err(EngineError::unsupported(refusal.clone()));
        }
        let prepared = self.blocking("its specification could not be saved", move |engine| engine.prepare(id, launch)).await?;
        let Some(folder) = prepared else { return Ok(()) };
        const WHAT: &str = "its supervisor could not be started";
        let stream = self.spawn(&folder).and_then(UnixStream::from_std).map_err(EngineError::failed(WHAT))?;
        let mut supervisor = BufReader::new(stream);
        let mut line = String::new();
        // Until the supervisor holds its lock, the session looks as if it had never been started.
        let read = tokio::time::timeout(PATIENCE, supervisor.read_line(&mut line)).await;
        if line == supervisor::MINE {
            if self.claim(id) {
                tokio::spawn(self.clone().listen(id, supervisor));
            }
            return Ok(());
        }
        // Either another start was faster, or this one failed.
        let known = self.blocking("the state of a container could not be read", move |engine| {
            Ok(folder.has(layout::STARTED) || folder.has(layout::EXIT) || engine.folder(id).is_supervised()?)
        });
        match (known.await?, read) {
            (true, _) => Ok(()),
            // The supervisor may still come, so the session must not be given up: it could then run unnoticed. The next request
            // for its state shows the truth, and the caller may start it again: only one of several supervisors gets the lock.
            (false, Err(_)) => Ok(()),
            (false, Ok(_)) => Err(EngineError::failed(WHAT)("it ended immediately; its supervisor.log may say why")),
        }
    }

    async fn stop(&self, place: &Place, how: Stop) -> Result<(), EngineError> {
        let id = place.container;
        self.blocking("a container could not be stopped", move |engine| engine.order(id, how)).await?;
        if how == Stop::Now {
            tokio::spawn(self.clone().insist(id));
        }
        Ok(())
    }

    async fn containers(&self) -> Result<Vec<Place>, EngineError> {
        self.blocking("the containers could not be listed", |engine| {
            let mut alive = Vec::new();
            for entry in std::fs::read_dir(&engine.0.dir)? {
                let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
                let folder = engine.folder(id);
                if !folder.has(layout::EXIT) && folder.is_supervised()? {
                    alive.push(id);
                }
            }
            // A container whose folder somebody removed still computes.
            alive.extend(engine.0.groups.containers());
            alive.sort_unstable();
            alive.dedup();
            Ok(alive.into_iter().map(|id| engine.place(id)).collect())
        })
        .await
    }

    async fn states(&self, places: &[Place]) -> Vec<Result<RunState, EngineError>> {
        const WHAT: &str = "the state of a container could not be read";
        let ids: Vec<ContainerId> = places.iter().map(|place| place.container).collect();
        let asked = ids.clone();
        let looked =
            self.blocking(WHAT, move |engine| Ok(asked.into_iter().map(|id| engine.folder(id).look()).collect::<Vec<_>>()));
        let states = match looked.await {
            Ok(states) => states,
            Err(error) => {
                let why = error.with_causes();
                return ids.iter().map(|_| Err(EngineError::failed(WHAT)(why.clone()))).collect();
            }
        };
        for (id, state) in ids.into_iter().zip(&states) {
            if matches!(state, Ok(RunState::Starting | RunState::Running(_))) {
                self.take_up(id);
            }
        }
        states.into_iter().map(|state| state.map_err(EngineError::failed(WHAT))).collect()
    }

    async fn log(&self, place: &Place, from: u64, max: usize) -> Result<LogPiece, EngineError> {
        let id = place.container;
        self.blocking("a log could not be read", move |engine| {
            let folder = engine.folder(id);
            // In this order: once the session has ended, its log is complete.
            let ended = matches!(folder.look()?, RunState::Ended { .. });
            log::read(&folder.file(layout::LOG), from, max, ended)
        })
        .await
    }

    async fn log_growth(&self, place: &Place) -> BoxFuture<'static, ()> {
        log::growth(self.folder(place.container).path())
    }

    async fn usage(&self, place: &Place, after: Millis) -> Result<Vec<Usage>, EngineError> {
        let id = place.container;
        self.blocking("measurements could not be read", move |engine| usage::read(&engine.folder(id).file(layout::USAGE), after))
            .await
    }

    async fn memory_kills(&self, place: &Place) -> Result<u64, EngineError> {
        let id = place.container;
        self.blocking("the end of a container could not be read", move |engine| {
            Ok(engine.folder(id).read_json::<layout::Exit>(layout::EXIT)?.map_or(0, |exit| exit.memory_kills))
        })
        .await
    }

    async fn disk(&self, place: &Place, most: u64) -> Result<Option<DiskSize>, EngineError> {
        let id = place.container;
        let measure = move |engine: &Self| {
            let folder = engine.folder(id);
            let processes = match engine.0.possible.isolation {
                Isolation::Container => engine.0.groups.group(id).processes(),
                _ => folder.supervisor().map(tree::descendants).unwrap_or_default().iter().map(|process| process.pid).collect(),
            };
            disk::size(folder.path(), &processes, most)
        };
        self.blocking("a session's disk could not be measured", measure).await.map(Some)
    }

    async fn terminal(&self, place: &Place, columns: u16, rows: u16) -> Result<Terminal, EngineError> {
        if self.running(place).await?.what != Launch::Interactive {
            return Err(EngineError::NotRunning);
        }
        terminal::open(&self.folder(place.container), columns, rows).await
    }

    /// Connects only to ports that the session was started with, because sessions share the machine's network. Any process of the
    /// machine that listens on the port may answer.
    async fn connect(&self, place: &Place, port: u16) -> Result<Connection, EngineError> {
        if !self.running(place).await?.ports.contains(&port) {
            return Err(EngineError::PortNotAsked(port));
        }
        let connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.map_err(|_| EngineError::PortSilent(port))?;
        Ok(Box::new(connection))
    }

    async fn folder(&self, place: &Place) -> Option<PathBuf> {
        (place.agent == self.0.machine.name()).then(|| LocalEngine::folder(self, place.container).path().to_owned())
    }

    fn changes(&self) -> Changes {
        Changes::of(self.0.changes.subscribe())
    }
}
