//! Signing in and out, a person's own password, and the list of their signed-in browsers.

use crate::caller::Credential;
use crate::people::accounts::{Closed, closed, closed_everywhere, domain_closed};
use crate::people::attempts::{Try, Who, network};
use crate::{Caller, Control, Result, internal};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{Account, NewSignIn, fold};
use types::Problem;
use types::id::{SignInId, UserId};
use types::people::permissions::{Me, Permission};
use types::people::users::{ChangePassword, EditUser, SignIn};
use types::time::Millis;

/// Milliseconds that a sign-in lasts after its last use: 7 days.
pub const SIGN_IN_LASTS: i64 = 7 * 86_400_000;
/// Milliseconds after which a sign-in ends even if it is used: 30 days.
const SIGN_IN_LASTS_AT_MOST: i64 = 30 * 86_400_000;
/// Milliseconds between two writes of a sign-in's last use, so that not every read costs a write.
const TOUCH_EVERY: i64 = 60_000;

/// The result of a correct password.
pub enum SignInAnswer {
    Done(SignedIn),
    /// A one-time code is needed as well. The text stands for the password until then.
    CodeNeeded(String),
}

/// A fresh sign-in.
pub struct SignedIn {
    /// The value of the cookie. It is stored nowhere else.
    pub token: String,
    pub me: Me,
}

pub(crate) fn me_of(account: &Account) -> Me {
    Me {
        id: account.id,
        email: account.email.clone(),
        username: account.username.clone(),
        full_name: account.full_name.clone(),
        role: account.role,
        domain: account.domain,
        administers: account.administers.clone(),
        must_change_password: account.must_change_password,
    }
}

pub(crate) fn sha256(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl Control {
    /// Signs in by email or username, password and, if the account needs it, a one-time code or a recovery code. The answer does
    /// not tell whether the name or the password was wrong, and takes the same time for both.
    pub async fn sign_in(&self, caller: &Caller, login: &str, password: &str, code: Option<&str>) -> Result<SignInAnswer> {
        let (login, at) = (login.trim(), self.now());
        if login.is_empty() || password.is_empty() {
            return Err(Problem::field("login", "Type your email or username, and your password."));
        }
        if login.len() > 256 || password.len() > types::rules::MAX_PASSWORD {
            return Err(wrong_credentials());
        }
        let account = self.store.account_by_login(login).await?;
        let who = account.as_ref().map_or_else(|| Who::Name(fold(login)), |account| Who::Person(account.id));
        let attempt = self.try_password(&who, &caller.address).await?;
        let stored = account.as_ref().map(|account| account.password_hash.clone());
        let (fits, attempt) = self.check_password(attempt, password, stored).await?;
        let shut = account.as_ref().filter(|_| fits).and_then(|account| closed(account, &caller.address));
        let sentence = match &shut {
            Some(Closed::Domain(name)) => Some(domain_closed(name)),
            Some(Closed::Address) => {
                Some(format!("This account cannot be used from {}. Ask an administrator to allow it.", caller.address))
            }
            // In the same words as a wrong password, so that nobody learns whether the account exists.
            Some(Closed::Account) | None => None,
        };
        if let Some(sentence) = sentence {
            attempt.failed();
            self.record_refused_sign_in(caller).await?;
            return Err(Problem::field("login", sentence));
        }
        let Some(account) = account.filter(|_| fits && shut.is_none()) else {
            attempt.failed();
            self.record_refused_sign_in(caller).await?;
            return Err(wrong_credentials());
        };
        match code.map(str::trim).filter(|code| !code.is_empty()) {
            None if account.two_factor => {
                attempt.give_back();
                Ok(SignInAnswer::CodeNeeded(self.password_proof(&account, at)?))
            }
            code => Ok(SignInAnswer::Done(self.finish_sign_in(caller, &account, code, attempt).await?)),
        }
    }

    /// Counts a try of a password, before it is checked. Where the account must wait because of what came from elsewhere, an
    /// address at which its person is signed in may go on.
    pub(crate) async fn try_password(&self, who: &Who, address: &str) -> Result<Try<'_>> {
        let at = self.steady();
        match (self.shared.attempts.take(who, address, at), who) {
            (Err(wait), Who::Person(user)) if wait.anywhere => {
                let home = self.store.sign_in_addresses(*user, self.now()).await?;
                if !home.iter().any(|home| network(home) == network(address)) {
                    return Err(wait.into());
                }
                Ok(self.shared.attempts.take_at_home(who, address, at)?)
            }
            (tried, _) => Ok(tried?),
        }
    }

    /// Checks a password. The try is given back if it could not be checked.
    async fn check_password<'a>(&self, attempt: Try<'a>, password: &str, hash: Option<String>) -> Result<(bool, Try<'a>)> {
        match self.shared.passwords.check(password, hash).await {
            Ok(fits) => Ok((fits, attempt)),
            Err(problem) => {
                attempt.give_back();
                Err(problem)
            }
        }
    }

    /// The second step of signing in. `proof` is the text of [`SignInAnswer::CodeNeeded`].
    pub async fn sign_in_with_code(&self, caller: &Caller, proof: &str, code: &str) -> Result<SignedIn> {
        let at = self.now();
        let over = || Problem::field("login", "That took too long. Sign in again.");
        let account = self.account_of_proof(proof, at).await?.ok_or_else(over)?;
        if code.trim().is_empty() {
            return Err(Problem::field("code", "Type the code that your authenticator shows, or a recovery code."));
        }
        let attempt = self.try_password(&Who::Person(account.id), &caller.address).await?;
        self.finish_sign_in(caller, &account, Some(code), attempt).await
    }

    /// The steps after the password: checks the code if one is needed, and writes the sign-in, in one change.
    async fn finish_sign_in(&self, caller: &Caller, account: &Account, code: Option<&str>, attempt: Try<'_>) -> Result<SignedIn> {
        let at = self.now();
        // Right passwords as well write a row each.
        let counted = match self.shared.sign_ins.take(&Who::Person(account.id), &caller.address, self.steady()) {
            Ok(counted) => counted,
            Err(wait) => {
                attempt.give_back();
                return Err(wait.into());
            }
        };
        counted.failed();
        let guess = match account.two_factor.then(|| self.try_code(account.id)).transpose() {
            Ok(guess) => guess,
            Err(problem) => {
                attempt.give_back();
                return Err(problem);
            }
        };
        // A database that does not answer is no verdict about the password.
        match self.write_sign_in(caller, account, code, at).await {
            Ok(Ok(token)) => {
                attempt.succeeded();
                if let Some(guess) = guess {
                    guess.succeeded();
                }
                Ok(SignedIn { token, me: me_of(account) })
            }
            Ok(Err(refusal)) => {
                attempt.failed();
                if let Some(guess) = guess {
                    guess.failed();
                }
                self.record_refused_sign_in(caller).await?;
                Err(refusal)
            }
            Err(problem) => {
                attempt.give_back();
                if let Some(guess) = guess {
                    guess.give_back();
                }
                Err(problem)
            }
        }
    }

    /// Checks the code if one is needed, and writes the sign-in. Returns its token, or why it is refused.
    async fn write_sign_in(
        &self,
        caller: &Caller,
        account: &Account,
        code: Option<&str>,
        at: Millis,
    ) -> Result<std::result::Result<String, Problem>> {
        let mut change = self.change_from(&caller.address).await?.made_by(Some(account.id));
        // The account may have changed since the password was checked.
        let now = change.account(account.id).await?;
        let same = |now: &Account| now.password_hash == account.password_hash && now.two_factor == account.two_factor;
        if !now.is_some_and(|now| same(&now) && closed_everywhere(&now).is_none()) {
            return Ok(Err(wrong_credentials()));
        }
        if account.two_factor
            && let Some(refusal) = self.use_code(&mut change, account.id, code.unwrap_or_default(), at).await?
        {
            return Ok(Err(refusal));
        }
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).map_err(internal("asking for randomness"))?;
        let token: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let browser: String = caller.browser.chars().take(300).collect();
        let id = SignInId(uuid::Uuid::now_v7());
        let new = NewSignIn {
            id,
            token_hash: &sha256(&token),
            user: account.id,
            at,
            expires_at: Millis(at.0 + SIGN_IN_LASTS),
            address: &caller.address,
            browser: &browser,
        };
        change.insert_sign_in(&new, at).await?;
        change.record("sign-in", account.id, json!({})).await?;
        change.commit().await?;
        Ok(Ok(token))
    }

    async fn record_refused_sign_in(&self, caller: &Caller) -> Result<()> {
        let mut change = self.change_from(&caller.address).await?;
        // Without the name that was typed, because people sometimes type their password there.
        change.record("sign-in refused", "", json!({})).await?;
        change.commit().await
    }

    /// The caller behind a cookie's token, with the address and browser of `from`. A caller without a person if the token is
    /// unknown or has expired, or if its account cannot be used now or from this address.
    pub async fn caller(&self, from: Caller, token: Option<&str>) -> Result<Caller> {
        // Any other sign-in of the request is ignored: the token alone decides who the caller is.
        let nobody = from.without_person();
        let Some(token) = token.filter(|token| token.len() == 64) else { return Ok(nobody) };
        let (hash, commits) = (sha256(token), self.store.commits());
        let found = match self.shared.known.sign_ins.get(&hash, commits) {
            Some(known) => known,
            None => {
                let found = self.store.signed_in(&hash).await?;
                self.shared.known.sign_ins.put(hash, found.clone(), commits);
                found
            }
        };
        let at = self.now();
        let Some(found) = found.filter(|found| found.expires_at > at) else { return Ok(nobody) };
        if let Some(closed) = closed(&found.account, &nobody.address) {
            return Ok(nobody.shut_out(closed.problem()));
        }
        if at.apart(found.last_used) > TOUCH_EVERY {
            let until = Millis((at.0 + SIGN_IN_LASTS).min(found.created_at.0 + SIGN_IN_LASTS_AT_MOST));
            // The answer does not depend on it: a full disk signs nobody out.
            self.shared.disk.touched(self.touch_sign_in(found.account.id, found.id, at, until).await);
        }
        Ok(nobody.signed_in(me_of(&found.account), Credential::SignIn(found.id)))
    }

    async fn touch_sign_in(&self, user: UserId, id: SignInId, at: Millis, until: Millis) -> Result<()> {
        let mut change = self.store.change().await?;
        change.touch_sign_in(user, id, at, until).await?;
        Ok(change.commit().await?)
    }

    /// Ends the caller's own sign-in, if there is one.
    pub async fn sign_out(&self, caller: &Caller) -> Result<()> {
        let Ok((_, id)) = caller.person() else { return Ok(()) };
        self.end_sign_in(caller, id).await
    }

    /// The browsers in which the caller is signed in.
    pub async fn sign_ins(&self, caller: &Caller) -> Result<Vec<SignIn>> {
        let (me, current) = caller.person()?;
        Ok(self.store.sign_ins_of(me.id, self.now(), current).await?)
    }

    /// Gives the caller a new password, and ends their other sign-ins. Asks for the old password, with the same limit on failures
    /// as signing in.
    pub async fn change_password(&self, caller: &Caller, change: &ChangePassword) -> Result<()> {
        let (me, current) = caller.person()?;
        change.check()?;
        let at = self.now();
        self.check_own_password(caller, "old", &change.old).await?;
        let hash = self.shared.passwords.hash(&change.new).await?;
        let mut tx = self.change_by(caller).await?;
        let edit = EditUser { must_change_password: Some(false), ..EditUser::default() };
        tx.end_password_links(me.id).await?;
        tx.edit_user(me.id, &edit, Some(&hash), at).await?;
        tx.delete_sign_ins_but(me.id, current).await?;
        tx.record("change password", me.id, json!({})).await?;
        tx.touch_rights();
        tx.commit().await
    }

    /// Checks the caller's own password before an action that a stolen sign-in must not allow. Has the same limit on failures as
    /// signing in.
    pub(crate) async fn check_own_password(&self, caller: &Caller, field: &str, password: &str) -> Result<()> {
        let (me, _) = caller.person()?;
        let attempt = self.try_password(&Who::Person(me.id), &caller.address).await?;
        let account = match self.store.account(me.id).await {
            Ok(account) => account,
            Err(error) => {
                attempt.give_back();
                return Err(error.into());
            }
        };
        let (fits, attempt) = self.check_password(attempt, password, account.map(|account| account.password_hash)).await?;
        if !fits {
            attempt.failed();
            return Err(Problem::field(field, "Wrong password. Type your current password."));
        }
        attempt.succeeded();
        Ok(())
    }

    /// Ends one of the caller's sign-ins.
    pub async fn end_sign_in(&self, caller: &Caller, id: SignInId) -> Result<()> {
        let (me, _) = caller.need(Permission::OwnSettings)?;
        let mut change = self.change_by(caller).await?;
        if !change.delete_sign_in(me.id, id).await? {
            return Err(Problem::NotFound("sign-in".into()));
        }
        change.record("sign-out", me.id, json!({})).await?;
        change.touch_rights();
        change.commit().await
    }
}

fn wrong_credentials() -> Problem {
    Problem::field("login", "Wrong email, username or password. Check them and try again.")
}
