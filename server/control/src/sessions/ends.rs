//! Sessions that are ended automatically: at the end of their lifetime, when idle, or when a batch job's time is over. (The
//! scheduler cancels those that waited too long.)
//!
//! A session is idle while nobody types into it and its processes use less processor time than the cluster's settings say. A
//! batch session is never idle: it ends when its command does.

use crate::clock::LATELY;
use crate::sessions::mirror::Mirror;
use crate::sessions::places;
use crate::{Control, Result, engine_failed};
use engine::{EngineError, Place, Terminal};
use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};
use store::{LivingSession, Step};
use tokio::io::AsyncWrite;
use types::id::SessionId;
use types::limits::policies::KeypairPolicy;
use types::sessions::{CheckKind, IdleCheck, SessionType, Status, StopCause};
use types::system::events::{Audience, Topic};
use types::time::{Millis, duration};

/// Milliseconds between two looks for activity.
const LOOK_EVERY: i64 = 15_000;
/// Milliseconds without a measurement after which a session counts as busy: missing data must not end anybody's work.
const UNMEASURED: i64 = 60_000;

/// Returns how many milliseconds before an idle end its owner is told: five minutes, or a quarter of a short limit.
fn warn_before(limit: u32) -> i64 {
    (i64::from(limit) * 250).min(300_000)
}

/// When sessions last did anything, and how much processor time they had used then.
#[derive(Default)]
pub(crate) struct Activity {
    /// When activity was last looked for.
    looked: Option<Millis>,
    /// Sessions that were typed into and whose activity is not in the database yet.
    typed: HashMap<SessionId, Millis>,
    /// The last measurement seen of each container: its time, and the processor time used by then in milliseconds.
    used: HashMap<Place, (Millis, u64)>,
    active: HashMap<SessionId, Millis>,
    /// The idle ends that were warned of, by session: when it was last active.
    warned: HashMap<SessionId, Millis>,
}

impl Activity {
    fn last_active(&self, session: &LivingSession) -> Option<Millis> {
        let known = [self.active.get(&session.id).copied(), session.last_active, session.started_mark()];
        known.into_iter().flatten().max()
    }
}

/// Everything that will end this session automatically, and when.
fn idle_checks(session: &LivingSession, mirror: &Mirror, activity: &Activity) -> Vec<IdleCheck> {
    idle_checks_under(session, mirror.policies.get(&session.policy), mirror, activity)
}

/// The same under another keypair policy.
fn idle_checks_under(
    session: &LivingSession,
    policy: Option<&KeypairPolicy>,
    mirror: &Mirror,
    activity: &Activity,
) -> Vec<IdleCheck> {
    let after = |from: Millis, limit: u32, kind, policy: &str| {
        let at = Millis(from.0.saturating_add(i64::from(limit) * 1000));
        IdleCheck { kind, at, limit, policy: policy.to_owned() }
    };
    // Time before a start time that the owner chose does not count.
    let since = session.starts_at.map_or(session.created_mark(), |at| at.max(session.created_mark()));
    let mut checks = Vec::new();
    if let Some((policy, limit)) = policy.and_then(|policy| Some((policy, policy.lifetime.filter(|limit| *limit > 0)?))) {
        checks.push(after(since, limit, CheckKind::SessionLifetime, &policy.name));
    }
    if session.status == Status::Pending {
        let group = mirror.groups.get(&session.resource_group);
        if let Some(limit) = group.and_then(|group| group.pending_timeout).filter(|limit| *limit > 0) {
            checks.push(after(since, limit, CheckKind::PendingTimeout, &session.resource_group));
        }
    }
    if session.status == Status::Running {
        if let (Some(started), Some(limit)) = (session.started_mark(), session.timeout) {
            checks.push(after(started, limit, CheckKind::BatchTimeout, ""));
        }
        let idle = policy.and_then(|policy| Some((policy, policy.idle_timeout.filter(|limit| *limit > 0)?)));
        if session.kind == SessionType::Interactive
            && let (Some((policy, limit)), Some(last)) = (idle, activity.last_active(session))
        {
            checks.push(after(last, limit, CheckKind::IdleTimeout, &policy.name));
        }
    }
    checks
}

/// Why a session was ended, as a sentence.
fn end_reason(check: &IdleCheck) -> String {
    let limit = duration(i64::from(check.limit) * 1000);
    match check.kind {
        CheckKind::SessionLifetime => format!("It reached its maximum lifetime: policy {} allows {limit}.", check.policy),
        CheckKind::IdleTimeout => format!("It was idle for {limit}, as long as policy {} allows.", check.policy),
        CheckKind::BatchTimeout => format!("It reached its time limit of {limit}."),
        CheckKind::PendingTimeout => format!("It waited for {limit}, as long as resource group {} allows.", check.policy),
    }
}

impl Control {
    /// Moves what counts from an earlier time, because the clock was set by this many milliseconds and shows `now`.
    pub(crate) fn move_activity(&self, by: i64, now: Millis) {
        let mut activity = self.shared.activity.lock().unwrap_or_else(PoisonError::into_inner);
        let Activity { looked, typed, used, active, warned } = &mut *activity;
        let marks = looked.iter_mut().chain(typed.values_mut()).chain(active.values_mut()).chain(warned.values_mut());
        for mark in marks.chain(used.values_mut().map(|(at, _)| at)) {
            // As in the database.
            let young = by < 0 && (0..=LATELY).contains(&(now.0 - mark.0));
            if !young {
                *mark = Millis(mark.0 + by).min(now);
            }
        }
    }

    /// Everything that will end a session automatically, for its page.
    pub(crate) fn idle_checks_of(&self, id: SessionId) -> Vec<IdleCheck> {
        let activity = self.shared.activity.lock().unwrap_or_else(PoisonError::into_inner);
        let mirror = self.mirror();
        mirror.get(id).map(|session| idle_checks(session, &mirror, &activity)).unwrap_or_default()
    }

    /// The sessions that would be ended at once if the policy were saved like this, each with the reason. Sessions that are due
    /// to end anyway are left out.
    pub(crate) async fn sessions_ended_by(&self, policy: &KeypairPolicy) -> Result<Vec<(Arc<LivingSession>, String)>> {
        self.refresh_mirror().await?;
        let now = self.now();
        let activity = self.shared.activity.lock().unwrap_or_else(PoisonError::into_inner);
        let mirror = self.mirror();
        let theirs = mirror.all().filter(|session| session.policy == policy.name && session.status != Status::Terminating);
        let over = |checks: Vec<IdleCheck>| checks.into_iter().find(|check| check.at <= now);
        let ended = theirs.filter_map(|session| {
            if let Some(why) = self.over_disk_under(session.id, policy) {
                return Some((session.clone(), why));
            }
            let check = over(idle_checks_under(session, Some(policy), &mirror, &activity))?;
            over(idle_checks(session, &mirror, &activity)).is_none().then(|| (session.clone(), end_reason(&check)))
        });
        Ok(ended.collect())
    }

    /// Notifies owners of idle sessions that will be ended soon, once for each time that they fell idle.
    async fn warn_of_idle_ends(&self) -> Result<()> {
        let now = self.now();
        let soon: Vec<(Arc<LivingSession>, IdleCheck, Millis)> = {
            let mut activity = self.shared.activity.lock().unwrap_or_else(PoisonError::into_inner);
            let mirror = self.mirror();
            let running = mirror.placed().filter(|session| session.status == Status::Running && session.stop_asked == 0);
            let soon = running.filter_map(|session| {
                let check = idle_checks(session, &mirror, &activity).into_iter().find(|c| c.kind == CheckKind::IdleTimeout)?;
                let last = activity.last_active(session)?;
                let warned = activity.warned.get(&session.id) == Some(&last);
                (!warned && check.at > now && check.at.since(now) <= warn_before(check.limit))
                    .then(|| (session.clone(), check, last))
            });
            let soon: Vec<_> = soon.collect();
            activity.warned.retain(|id, _| mirror.get(*id).is_some());
            soon
        };
        if soon.is_empty() {
            return Ok(());
        }
        let mut change = self.store.change().await?;
        for (session, check, _) in &soon {
            let notice = format!(
                "Session {} is idle and will be terminated in {}: policy {} allows {}. Use it to keep it running.",
                session.name,
                duration(check.at.since(now)),
                check.policy,
                duration(i64::from(check.limit) * 1000),
            );
            let audience = Audience { owner: Some(session.owner), domain: Some(session.domain) };
            change.tell(Topic::Session, &session.id.to_string(), audience, Some(&notice), now).await?;
        }
        change.commit().await?;
        let mut activity = self.shared.activity.lock().unwrap_or_else(PoisonError::into_inner);
        activity.warned.extend(soon.into_iter().map(|(session, _, last)| (session.id, last)));
        Ok(())
    }

    /// Ends every session whose time is over.
    pub(crate) async fn end_overdue_sessions(&self) -> Result<()> {
        self.look_for_activity().await?;
        self.warn_of_idle_ends().await?;
        let now = self.now();
        let over: Vec<(Arc<LivingSession>, String)> = {
            let activity = self.shared.activity.lock().unwrap_or_else(PoisonError::into_inner);
            let mirror = self.mirror();
            let living = mirror.all().filter(|session| session.stop_asked == 0 && session.status != Status::Terminating);
            living
                .filter_map(|session| {
                    let check = idle_checks(session, &mirror, &activity).into_iter().find(|check| check.at <= now)?;
                    Some((session.clone(), check))
                })
                // The scheduler cancels those that waited too long, with the rest of its queue in view.
                .filter(|(session, check)| check.kind != CheckKind::PendingTimeout || session.barred.is_some())
                .map(|(session, check)| (session, end_reason(&check)))
                .collect()
        };
        self.end_automatically(&over, StopCause::Time, now).await
    }

    /// Ends sessions, each for a reason, because of limits of one kind.
    pub(crate) async fn end_automatically(
        &self,
        over: &[(Arc<LivingSession>, String)],
        cause: StopCause,
        now: Millis,
    ) -> Result<()> {
        if over.is_empty() {
            return Ok(());
        }
        let mut change = self.store.change().await?;
        for (session, reason) in over {
            let next = match session.status {
                Status::Pending | Status::Scheduled => Status::Cancelled,
                _ => Status::Terminating,
            };
            let notice = format!("Session {} is being ended: {reason}", session.name);
            change.ask_stop(session, 1, reason, cause, now).await?;
            let step = Step { next, reason, agents: None, outcome: None, cause: None, notice: Some(&notice), at: now };
            change.move_session(session, &step).await?;
        }
        change.commit().await?;
        // Their status has changed, and the engine must be told.
        self.shared.work.notify_one();
        Ok(())
    }

    /// Checks every [`LOOK_EVERY`] which of the sessions with an idle timeout have done anything.
    async fn look_for_activity(&self) -> Result<()> {
        let now = self.now();
        let watched: Vec<Arc<LivingSession>> = {
            let mut activity = self.shared.activity.lock().unwrap_or_else(PoisonError::into_inner);
            if activity.looked.is_some_and(|looked| now.since(looked) < LOOK_EVERY) {
                return Ok(());
            }
            activity.looked = Some(now);
            let mirror = self.mirror();
            activity.active.retain(|id, _| mirror.get(*id).is_some());
            let limited = |session: &&Arc<LivingSession>| {
                mirror.policies.get(&session.policy).is_some_and(|policy| policy.idle_timeout.is_some_and(|limit| limit > 0))
            };
            let running = mirror.placed().filter(|s| s.status == Status::Running && s.kind == SessionType::Interactive);
            let watched: Vec<_> = running.filter(limited).cloned().collect();
            let containers: HashSet<_> = watched.iter().flat_map(|session| places(session.id, &session.agents)).collect();
            activity.used.retain(|place, _| containers.contains(place));
            watched
        };
        let mut active = Vec::new();
        for session in &watched {
            match self.did_something(session).await {
                Ok(Some(at)) => active.push((session.id, at)),
                Ok(None) => {}
                // A session that cannot be measured counts as busy: a fault must not end anybody's work.
                Err(_) => active.push((session.id, now)),
            }
        }
        {
            let mut activity = self.shared.activity.lock().unwrap_or_else(PoisonError::into_inner);
            let typed = std::mem::take(&mut activity.typed);
            active.extend(typed.into_iter().filter(|(id, _)| !watched.is_empty() && watched.iter().any(|s| s.id == *id)));
            for (id, at) in &active {
                let last = activity.active.entry(*id).or_insert(*at);
                *last = (*last).max(*at);
            }
        }
        if active.is_empty() {
            return Ok(());
        }
        let mut change = self.store.change().await?;
        change.keep_activity(&active).await?;
        Ok(change.commit().await?)
    }

    /// When any container of the session did something since the last look. All of them are measured, so that the next look
    /// has something to compare with.
    async fn did_something(&self, session: &LivingSession) -> Result<Option<Millis>> {
        let mut did = None;
        for place in places(session.id, &session.agents) {
            did = did.max(self.container_did_something(place, session.started_mark()).await?);
        }
        Ok(did)
    }

    async fn container_did_something(&self, place: Place, started: Option<Millis>) -> Result<Option<Millis>> {
        let before = self.shared.activity.lock().unwrap_or_else(PoisonError::into_inner).used.get(&place).copied();
        let after = before.map_or(Millis(0), |(at, _)| at);
        let usage = match self.engine.usage(&place, after).await {
            Err(EngineError::UnknownContainer) => return Ok(None),
            other => other.map_err(engine_failed("reading a session's use"))?,
        };
        let Some(newest) = usage.last() else {
            let last = before.map(|(at, _)| at).or(started);
            return Ok(last.is_some_and(|last| self.now().since(last) > UNMEASURED).then(|| self.now()));
        };
        let mut activity = self.shared.activity.lock().unwrap_or_else(PoisonError::into_inner);
        activity.used.insert(place, (newest.at, newest.cpu_ms));
        let measured: Vec<_> = before.into_iter().chain(usage.iter().map(|one| (one.at, one.cpu_ms))).collect();
        Ok(last_busy(&measured, i64::from(self.mirror().settings.idle_below)))
    }

    /// Wraps a terminal so that its input counts as activity.
    pub(crate) fn watch_input(&self, id: SessionId, terminal: Terminal) -> Terminal {
        let control = self.clone();
        let touch = Box::new(move || {
            let mut activity = control.shared.activity.lock().unwrap_or_else(PoisonError::into_inner);
            activity.typed.insert(id, control.now());
            activity.active.insert(id, control.now());
        });
        touch();
        Terminal { input: Box::new(Touching { inner: terminal.input, touch }), ..terminal }
    }
}

/// The end of the last interval between two looks in which a container used at least `percent` of a core. The first look after a
/// restart has measurements of minutes before it: they are divided into intervals like any others.
fn last_busy(measured: &[(Millis, u64)], percent: i64) -> Option<Millis> {
    let mut end = measured.len();
    while let Some((newest, used)) = end.checked_sub(1).map(|last| measured[last]) {
        let begin = measured[..end].partition_point(|(at, _)| newest.since(*at) >= LOOK_EVERY).saturating_sub(1);
        let (since, before) = measured[begin];
        let passed = newest.since(since);
        let used = i64::try_from(used.saturating_sub(before)).unwrap_or(i64::MAX);
        if passed > 0 && used.saturating_mul(100) / passed >= percent {
            return Some(newest);
        }
        end = if begin == 0 { 0 } else { begin + 1 };
    }
    None
}

/// A terminal's input that calls `touch` whenever something is typed.
struct Touching {
    inner: Box<dyn AsyncWrite + Send + Unpin>,
    touch: Box<dyn Fn() + Send>,
}

impl AsyncWrite for Touching {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        (self.touch)();
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A measurement a second, with the processor time used until then.
    fn measured(busy: impl Fn(i64) -> u64) -> Vec<(Millis, u64)> {
        let mut used = 0;
        (0..600)
            .map(|second| {
                used += busy(second);
                (Millis(second * 1_000), used)
            })
            .collect()
    }

    #[test]
    fn work_before_a_restart_counts_from_when_it_was_done() {
        let before = measured(|second| if (540..555).contains(&second) { 500 } else { 0 });
        let at = last_busy(&before, 10).unwrap();
        assert!((Millis(554_000)..=Millis(570_000)).contains(&at), "{at:?}, averaged over ten minutes it would be below 2 %");
        let long_ago = measured(|second| if second < 300 { 1_000 } else { 0 });
        let at = last_busy(&long_ago, 10).unwrap();
        assert!(at <= Millis(315_000), "{at:?}, averaged over ten minutes it would still be at 50 %");
        assert_eq!(last_busy(&measured(|_| 1), 10), None);
    }

    #[test]
    fn two_looks_that_are_close_or_far_apart_are_one_interval() {
        assert_eq!(last_busy(&[(Millis(0), 0), (Millis(5_000), 500)], 10), Some(Millis(5_000)));
        assert_eq!(last_busy(&[(Millis(0), 0), (Millis(60_000), 500)], 10), None);
        assert_eq!(last_busy(&[(Millis(0), 0)], 10), None, "nothing to compare with");
        assert_eq!(last_busy(&[], 0), None);
    }
}
