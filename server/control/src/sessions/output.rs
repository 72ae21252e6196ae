//! The output of a session: its log, its usage and its terminal.

use super::places;
use crate::{Caller, Control, Needs, Permit, Result, engine_failed};
use engine::{EngineError, Terminal};
use std::time::{Duration, Instant};
use store::LivingSession;
use types::Problem;
use types::id::SessionId;
use types::people::permissions::Permission;
use types::sessions::{LogChunk, Outcome, SessionType, Status, Usage, Utilization};
use types::time::Millis;

/// The most bytes of a log in one answer.
const LOG_PIECE: usize = 256 << 10;
/// How long an answer waits for the log to grow, in seconds.
const LOG_WAIT: u64 = 10;
/// The most sessions in one request.
const MOST_AT_ONCE: usize = 200;
/// Milliseconds over which the use of processors is averaged.
const USE_WINDOW: i64 = 10_000;

impl Control {
    /// How much running sessions use of the resources they requested. Sessions that the caller may not see, or that are not
    /// running, are left out.
    pub async fn session_utilization(&self, caller: &Caller, ids: &[SessionId]) -> Result<Vec<Utilization>> {
        let (_, scope) = caller.scope(Permission::ReadSessions)?;
        let few = &ids[..ids.len().min(MOST_AT_ONCE)];
        let rows = self.store.session_rows(few, scope).await?;
        let mut all = Vec::new();
        for row in rows.iter().filter(|row| row.status == Status::Running) {
            let (mut share, mut mem) = (0, 0);
            for place in places(row.id, &row.agents) {
                let recent = Millis(self.now().0 - USE_WINDOW);
                let usage = self.engine.usage(&place, recent).await.unwrap_or_default();
                let (Some(first), Some(last)) = (usage.first(), usage.last()) else { continue };
                share += last.cpu_ms.saturating_sub(first.cpu_ms) * 1000 / last.at.since(first.at).max(1).unsigned_abs();
                mem += last.mem;
            }
            let asked_cpu = row.cpu().as_thousandths().max(1).unsigned_abs();
            let asked_mem = row.mem().max(1).unsigned_abs();
            let thousandths = |used: u64, of: u64| u32::try_from(used.saturating_mul(1000) / of).unwrap_or(u32::MAX);
            all.push(Utilization { id: row.id, cpu: thousandths(share, asked_cpu), mem: thousandths(mem, asked_mem) });
        }
        Ok(all)
    }

    /// The log of a session's container number `container`, from byte `from` on. With `wait`, waits some seconds for a log that
    /// has nothing new; the wait is one of the caller's open connections.
    pub async fn session_log(&self, caller: &Caller, id: SessionId, container: u32, from: u64, wait: bool) -> Result<LogChunk> {
        let mut permit = if wait { Some(self.permit(caller, Needs::ToSee(id))?) } else { None };
        let session = self.session(caller, id).await?;
        if container >= session.row.cluster.size {
            return Err(Problem::NotFound("container".into()));
        }
        let ran = session.row.started_at.is_some() || matches!(session.outcome, Some(Outcome::Exited(_) | Outcome::Signalled(_)));
        if !ran && session.row.status.is_final() {
            return Ok(LogChunk { next: from, end: true, ..LogChunk::default() });
        }
        let give_up = Instant::now() + Duration::from_secs(LOG_WAIT);
        let place = places(id, &session.row.agents).nth(container as usize);
        // Not started yet: nothing has been written.
        let nothing = || LogChunk { next: from, end: session.row.status.is_final(), ..LogChunk::default() };
        loop {
            let chunk = match &place {
                None => nothing(),
                Some(place) => match self.engine.log(place, from, LOG_PIECE).await {
                    Err(EngineError::UnknownContainer) => nothing(),
                    other => other.map_err(engine_failed("reading a log"))?,
                },
            };
            if !wait || chunk.end || !chunk.text.is_empty() || Instant::now() >= give_up {
                return Ok(chunk);
            }
            if let Some(permit) = &mut permit {
                let pause = async { Ok(tokio::time::sleep(Duration::from_millis(100)).await) };
                permit.while_it_holds(pause).await?;
            }
        }
    }

    /// Measurements of a session's usage later than `after`.
    pub async fn session_usage(&self, caller: &Caller, id: SessionId, after: Millis) -> Result<Vec<Usage>> {
        let session = self.session(caller, id).await?;
        let mut each = Vec::new();
        for place in places(id, &session.row.agents) {
            match self.engine.usage(&place, after).await {
                Err(EngineError::UnknownContainer) => {}
                other => each.push(other.map_err(engine_failed("reading a session's use"))?),
            }
        }
        Ok(sum_usage(each))
    }

    /// Whether the caller could open a terminal in the session now. Opens none, and leaves no trace.
    pub async fn may_open_terminal(&self, caller: &Caller, id: SessionId) -> Result<()> {
        self.session_with_terminal(caller, id).await.map(drop)
    }

    async fn session_with_terminal(&self, caller: &Caller, id: SessionId) -> Result<LivingSession> {
        let session = self.controllable(caller, id).await?;
        if session.kind != SessionType::Interactive {
            return Err(Problem::Conflict("Only interactive sessions have a terminal.".into()));
        }
        if session.status != Status::Running {
            return Err(Problem::Conflict(format!(
                "The session is {}. A terminal opens only while it is running.",
                session.status.label().to_lowercase()
            )));
        }
        Ok(session)
    }

    /// Opens a terminal in a running interactive session. The connection that shows it ends with the right to it.
    pub async fn terminal(&self, caller: &Caller, id: SessionId, columns: u16, rows: u16) -> Result<(Terminal, Permit)> {
        let session = self.session_with_terminal(caller, id).await?;
        let permit = self.permit(caller, Needs::ToControl(id))?;
        let mut change = self.change_by(caller).await?;
        change.record("open terminal", id, serde_json::json!({})).await?;
        change.commit().await?;
        let ended = || Problem::Conflict("The session has ended.".into());
        let place = places(id, &session.agents).next().ok_or_else(ended)?;
        match self.engine.terminal(&place, columns.clamp(2, 1000), rows.clamp(2, 1000)).await {
            Err(EngineError::NotRunning | EngineError::UnknownContainer) => Err(ended()),
            other => {
                let terminal = other.map_err(engine_failed("opening a terminal"))?;
                Ok((self.watch_input(id, terminal), permit))
            }
        }
    }
}

/// Adds up the usage of several containers, at the times at which the first one was measured.
fn sum_usage(mut each: Vec<Vec<Usage>>) -> Vec<Usage> {
    let mut sums = if each.is_empty() { Vec::new() } else { each.remove(0) };
    for other in each {
        let mut measured = other.iter().peekable();
        let mut last = None;
        for sum in &mut sums {
            while let Some(one) = measured.next_if(|one| one.at <= sum.at) {
                last = Some(one);
            }
            // Before a container's first measurement, that measurement is the best estimate.
            let Some(one) = last.or(other.first()) else { continue };
            sum.cpu_ms += one.cpu_ms;
            sum.mem += one.mem;
            sum.processes += one.processes;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_usage_is_added_up_at_the_first_ones_times() {
        let one = |at, cpu_ms, mem| Usage { at: Millis(at), cpu_ms, mem, processes: 1 };
        let main = vec![one(1_000, 10, 5), one(2_000, 20, 5)];
        let sub = vec![one(900, 100, 7), one(1_900, 200, 8), one(2_900, 300, 9)];
        let expected = [(110, 12), (220, 13)];
        let sums = sum_usage(vec![main, sub]);
        assert_eq!(sums.iter().map(|sum| (sum.cpu_ms, sum.mem)).collect::<Vec<_>>(), expected);
        assert_eq!(sum_usage(Vec::new()), []);
    }
}
