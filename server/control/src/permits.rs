//! The right of a connection that stays open: an event stream, a terminal, a download, a request that waits. It ends when the
//! right ends, however that happens: by a click, on the command line of another process, or because time has passed.
//!
//! One task looks at all open connections together, each second and whenever this process has changed somebody's rights. It runs
//! only while there are any.

use crate::caller::Credential;
use crate::people::accounts::closed;
use crate::people::sign_in::me_of;
use crate::sessions::{Belongs, permission_reaches};
use crate::{Caller, Control, Result};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::Account;
use tokio::sync::watch;
use types::Problem;
use types::id::{SessionId, SignInId, UserId};
use types::people::permissions::Permission;

/// The time between two looks. A right that another process or a clock has ended is noticed after this long.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The most connections of all kinds that one person holds open.
pub const MOST_OPEN: u32 = 32;

/// The session that a connection is about, beyond being let in at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    ToSee(SessionId),
    ToControl(SessionId),
}

/// The caller with their present rights, or the refusal once the right has ended.
type State = Result<Caller>;

struct Open {
    person: UserId,
    needs: Needs,
    state: watch::Sender<State>,
}

/// All open connections.
#[derive(Default)]
pub(crate) struct Permits {
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    open: HashMap<u64, Open>,
    last: u64,
    /// Whether the task that looks at them is running.
    watched: bool,
}

impl Permits {
    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to keep a connection open. It counts as one of the person's connections until it is dropped.
pub struct Permit {
    control: Control,
    number: u64,
    state: watch::Receiver<State>,
}

impl Permit {
    /// The caller with their present rights; the refusal once the right has ended.
    pub fn caller(&self) -> Result<Caller> {
        self.state.borrow().clone()
    }

    /// Waits until the caller's rights have changed. Fails once, and for as long as, the right has ended.
    pub async fn changed(&mut self) -> Result<Caller> {
        self.caller()?;
        // The sender is kept for as long as this lives.
        let _ = self.state.changed().await;
        self.caller()
    }

    /// Waits until the right has ended.
    pub async fn ended(&mut self) -> Problem {
        loop {
            if let Err(problem) = self.changed().await {
                return problem;
            }
        }
    }

    /// Does some work, unless the right ends before it is done.
    pub async fn while_it_holds<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            problem = self.ended() => Err(problem),
            done = work => done,
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.control.shared.permits.all().open.remove(&self.number);
    }
}

/// The rows that decide about open connections.
struct Found {
    accounts: HashMap<UserId, Account>,
    sign_ins: HashSet<SignInId>,
    keypairs: HashSet<String>,
    sessions: HashMap<SessionId, Belongs>,
}

impl Found {
    /// The caller as they are now.
    fn caller(&self, caller: &Caller, needs: Needs) -> State {
        let (me, credential) = caller.proven()?;
        let account = self.accounts.get(&me.id).ok_or(Problem::SignInRequired)?;
        let proven = match credential {
            Credential::SignIn(id) => self.sign_ins.contains(id),
            Credential::Keypair(key) => self.keypairs.contains(key),
            Credential::Server => true,
        };
        if !proven {
            return Err(Problem::SignInRequired);
        }
        if let Some(closed) = closed(account, &caller.address) {
            return Err(closed.problem());
        }
        let me = me_of(account);
        let (Needs::ToSee(id) | Needs::ToControl(id)) = needs else {
            return Ok(caller.clone().signed_in(me, credential.clone()));
        };
        let unseen = || Problem::NotFound("session".into());
        let session = self.sessions.get(&id).ok_or_else(unseen)?;
        if !permission_reaches(&me, Permission::ReadSessions, session) {
            return Err(unseen());
        }
        let control = Permission::ControlSessions;
        if matches!(needs, Needs::ToControl(_)) && !permission_reaches(&me, control, session) {
            return Err(Problem::Forbidden(control.verb().into()));
        }
        Ok(caller.clone().signed_in(me, credential.clone()))
    }
}

impl Control {
    /// Opens a connection of a caller who has the right to it now.
    ///
    /// # Errors
    /// [`Problem::TooManyOpen`] if the person has [`MOST_OPEN`] already.
    pub fn permit(&self, caller: &Caller, needs: Needs) -> Result<Permit> {
        let person = caller.person()?.0.id;
        let mut all = self.shared.permits.all();
        if all.open.values().filter(|open| open.person == person).count() >= MOST_OPEN as usize {
            return Err(Problem::TooManyOpen(MOST_OPEN));
        }
        all.last += 1;
        let number = all.last;
        let (state, receiver) = watch::channel(Ok(caller.clone()));
        all.open.insert(number, Open { person, needs, state });
        if !std::mem::replace(&mut all.watched, true) {
            tokio::spawn(self.clone().watch_permits());
        }
        drop(all);
        Ok(Permit { control: self.clone(), number, state: receiver })
    }

    /// Looks at all open connections until there are none.
    async fn watch_permits(self) {
        let mut rights = self.shared.rights.subscribe();
        loop {
            tokio::select! {
                _ = rights.changed() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let open: Vec<(u64, Needs, Caller)> = {
                let mut all = self.shared.permits.all();
                if all.open.is_empty() {
                    all.watched = false;
                    return;
                }
                let holding = all.open.iter().filter_map(|(number, open)| {
                    let caller = open.state.borrow().clone().ok()?;
                    Some((*number, open.needs, caller))
                });
                holding.collect()
            };
            // While the database does not answer, everything stays as it was. The cause is in the log.
            let Ok(found) = self.rights_of(&open).await else { continue };
            let all = self.shared.permits.all();
            for (number, needs, before) in open {
                let now = found.caller(&before, needs);
                if now.as_ref().is_ok_and(|now| now.me() == before.me()) {
                    continue;
                }
                if let Some(open) = all.open.get(&number) {
                    drop(open.state.send_replace(now));
                }
            }
        }
    }

    /// Reads everything that decides about these connections, at once for all of them.
    async fn rights_of(&self, open: &[(u64, Needs, Caller)]) -> Result<Found> {
        let (mut people, mut sign_ins, mut keypairs) = (HashSet::new(), HashSet::new(), HashSet::new());
        for (me, credential) in open.iter().filter_map(|(_, _, caller)| caller.proven().ok()) {
            people.insert(me.id);
            match credential {
                Credential::SignIn(id) => drop(sign_ins.insert(*id)),
                Credential::Keypair(key) => drop(keypairs.insert(key.as_str())),
                Credential::Server => {}
            }
        }
        let sessions: HashSet<SessionId> = open
            .iter()
            .filter_map(|(_, needs, _)| match needs {
                Needs::ToSee(id) | Needs::ToControl(id) => Some(*id),
                Needs::Nothing => None,
            })
            .collect();
        let accounts = self.store.accounts_among(people).await?;
        let keypairs: Vec<&str> = keypairs.into_iter().collect();
        let places = if sessions.is_empty() { Vec::new() } else { self.store.session_places(sessions).await? };
        Ok(Found {
            accounts: accounts.into_iter().map(|account| (account.id, account)).collect(),
            sign_ins: self.store.sign_ins_among(sign_ins, self.now()).await?.into_iter().collect(),
            keypairs: self.store.active_keypairs_among(&keypairs).await?.into_iter().collect(),
            sessions: places.into_iter().map(|(id, owner, domain, project)| (id, Belongs { owner, domain, project })).collect(),
        })
    }
}
