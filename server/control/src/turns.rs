//! Turns: what one person may do at the same time, so that nobody's requests keep everybody else's waiting
//! (`docs/spec/limits.md`, "Cost of requests").
//!
//! Deliberately absent: how often somebody may ask, which the rate limit counts.

use crate::{Caller, Control, Result};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::Lane;
use tokio::sync::Semaphore;
use types::Problem;
use types::id::UserId;

/// Database connections that one person's requests use at the same time: a page asks for its rows and their number at once.
const CONNECTIONS: usize = 2;
/// The longest wait for one's own earlier document.
const WAIT: Duration = Duration::from_secs(30);
/// Seconds after which somebody refused may try again.
const AGAIN: u32 = 5;
/// The number of people above which entries that nobody uses are removed.
const MANY: usize = 1_000;

/// The turns of everybody.
#[derive(Default)]
pub(crate) struct Turns {
    lanes: Mutex<HashMap<UserId, Lane>>,
    documents: Mutex<HashMap<UserId, Arc<Semaphore>>>,
    downloading: Arc<Mutex<HashSet<UserId>>>,
}

/// The right to one long download, held until it has ended. A person has one at a time.
pub struct DownloadTurn {
    who: UserId,
    downloading: Arc<Mutex<HashSet<UserId>>>,
}

/// The right to run one export, with its connection.
pub struct ExportTurn {
    _turn: store::ExportTurn,
    _download: DownloadTurn,
}

impl Drop for DownloadTurn {
    fn drop(&mut self) {
        self.downloading.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.who);
    }
}

fn one_of<T: Clone>(all: &Mutex<HashMap<UserId, T>>, id: UserId, unused: impl Fn(&T) -> bool, new: impl Fn() -> T) -> T {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() > MANY {
        all.retain(|_, one| !unused(one));
    }
    all.entry(id).or_insert_with(new).clone()
}

impl Control {
    /// Answers a request of the caller, whose reads share a few connections with their other requests.
    pub async fn fairly<F: Future>(&self, caller: &Caller, work: F) -> F::Output {
        match caller.me() {
            Some(me) => {
                let lane = one_of(&self.shared.turns.lanes, me.id, Lane::unused, || Lane::new(CONNECTIONS));
                lane.run(work).await
            }
            None => work.await,
        }
    }

    /// Runs one document of the caller after the other, each with one connection.
    ///
    /// # Errors
    /// [`Problem::TooMany`] if the caller's earlier documents take too long.
    pub async fn one_document<F: Future>(&self, caller: &Caller, work: F) -> Result<F::Output> {
        let (me, _) = caller.person()?;
        let unused = |turn: &Arc<Semaphore>| Arc::strong_count(turn) == 1;
        let turn = one_of(&self.shared.turns.documents, me.id, unused, || Arc::new(Semaphore::new(1)));
        let turn = tokio::time::timeout(WAIT, turn.acquire_owned()).await;
        let Ok(Ok(_turn)) = turn else { return Err(Problem::TooMany(AGAIN)) };
        Ok(Lane::new(1).run(work).await)
    }

    /// A turn for an export, which has its connection from now on.
    ///
    /// # Errors
    /// [`Problem::TooMany`] while another download of the caller runs, [`Problem::Unavailable`] while those of others use all
    /// connections for exports.
    pub fn export_turn(&self, caller: &Caller) -> Result<ExportTurn> {
        let download = self.download_turn(caller)?;
        let turn = self.store.export_turn().ok_or_else(|| Problem::Unavailable("The export service".into()))?;
        Ok(ExportTurn { _turn: turn, _download: download })
    }

    /// A turn for a long download.
    ///
    /// # Errors
    /// [`Problem::TooMany`] while another download of the caller runs.
    pub(crate) fn download_turn(&self, caller: &Caller) -> Result<DownloadTurn> {
        let (me, _) = caller.person()?;
        let downloading = self.shared.turns.downloading.clone();
        let first = downloading.lock().unwrap_or_else(PoisonError::into_inner).insert(me.id);
        if first { Ok(DownloadTurn { who: me.id, downloading }) } else { Err(Problem::TooMany(AGAIN)) }
    }
}
