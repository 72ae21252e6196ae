//! Forgotten passwords: a link with which a person chooses a new one (`docs/spec/people.md`, "Forgotten password").
//!
//! The link is mailed to the person if a mail server is configured. Otherwise an administrator passes it on. Asking for a link
//! does not reveal who has an account.

use crate::mail::Mail;
use crate::people::accounts::{Closed, closed_everywhere};
use crate::people::attempts::Who;
use crate::people::sign_in::sha256;
use crate::{Caller, Control, Result, internal};
use serde_json::json;
use store::{Account, NewPasswordLink, fold};
use types::Problem;
use types::id::UserId;
use types::people::permissions::Permission;
use types::people::two_factor::PasswordLink;
use types::people::users::EditUser;
use types::system::events::{Audience, Topic};
use types::time::{Millis, duration};

/// Milliseconds that a link is valid if it was asked for and mailed.
const ASKED_LASTS: i64 = 3_600_000;
/// Milliseconds that a link is valid if an administrator made it to pass it on.
const MADE_LASTS: i64 = 86_400_000;
/// Milliseconds between two requests for one person's link that are handled, from any address.
const ASK_EVERY: i64 = 5 * 60_000;

/// The mail server, and the beginning of links in mail.
pub(crate) struct Outbox {
    mail: Mail,
    address: String,
}

fn link_path(token: &str) -> String {
    format!("/new-password?token={token}")
}

impl Control {
    /// Gives the control plane a way to send mail. `address` is the console's address as people reach it, without a trailing
    /// slash.
    pub fn with_mail(self, mail: Mail, address: String) -> Self {
        // Set only once, at start.
        let _ = self.shared.outbox.set(Outbox { mail, address });
        self
    }

    /// Whether links can be sent by mail.
    pub fn sends_mail(&self) -> bool {
        self.shared.outbox.get().is_some()
    }

    /// Handles a forgotten password. The answer is the same whether or not there is such an account.
    pub async fn ask_password_link(&self, caller: &Caller, login: &str) -> Result<()> {
        let (login, at) = (login.trim().to_owned(), self.now());
        if login.is_empty() || login.len() > 256 {
            return Err(Problem::field("login", "Type your email or username."));
        }
        // Every request counts, and none is forgiven: nobody needs many links.
        self.shared.links.take(&Who::Name(fold(&login)), &caller.address, self.steady())?.failed();
        let (control, address) = (self.clone(), caller.address.clone());
        // In the background, so that the answer takes equally long if there is no account.
        tokio::spawn(async move {
            if let Err(problem) = control.answer_request(&login, &address, at).await {
                tracing::warn!(%problem, "a forgotten password was left unanswered");
            }
        });
        Ok(())
    }

    /// Mails a link to an active account, or tells its administrators.
    async fn answer_request(&self, login: &str, address: &str, at: Millis) -> Result<()> {
        let account = self.store.account_by_login(login).await?;
        let Some(account) = account.filter(|account| closed_everywhere(account).is_none()) else { return Ok(()) };
        let mut change = self.change_from(address).await?;
        let first = change.ask_link(account.id, at, Millis(at.0 - ASK_EVERY)).await?;
        change.commit().await?;
        if !first {
            return Ok(());
        }
        if self.sends_mail() {
            let link = self.write_link(&account, None, address, Millis(at.0 + ASKED_LASTS)).await?;
            if self.mail_link(&account, &link).await {
                return Ok(());
            }
        }
        self.notify_administrators(&account, address).await
    }

    /// Tells the person's administrators about a request for which no mail could be sent, and keeps it with the account.
    async fn notify_administrators(&self, account: &Account, address: &str) -> Result<()> {
        let helpers = self.store.helpers(account.domain).await?;
        let mut change = self.change_from(address).await?;
        let at = change.at;
        change.set_link_asked(account.id, Some(at)).await?;
        change.record("ask for a password link", account.id, json!({})).await?;
        let notice = format!("{} requested a password link.", account.email);
        for helper in helpers {
            change.notify(Topic::User, account.id, Audience::person(helper, account.domain), &notice).await?;
        }
        change.commit().await
    }

    /// Makes a link for a person whose account the caller may change. It is also mailed, if mail is configured.
    pub async fn make_password_link(&self, caller: &Caller, user: UserId) -> Result<PasswordLink> {
        let (me, domain) = caller.need_domain(Permission::ChangeUsers)?;
        let account = self.store.account(user).await?;
        let Some(account) = account.filter(|account| domain.is_none_or(|domain| account.domain == domain)) else {
            return Err(Problem::NotFound("person".into()));
        };
        if !crate::people::accounts::may_change(me, domain.is_none(), user, account.domain, account.role) {
            return Err(caller.refuse(format!("change the account of a {}", account.role.label().to_lowercase())));
        }
        match closed_everywhere(&account) {
            Some(Closed::Domain(name)) => {
                let sentence = format!("The domain {name} is deactivated, so a link would not work. Activate it first.");
                return Err(Problem::Conflict(sentence));
            }
            Some(_) => {
                return Err(Problem::Conflict("The account is not active, so a link would not work. Activate it first.".into()));
            }
            None => {}
        }
        if user == me.id {
            return Err(Problem::Conflict("Change your own password in your account, which asks for your current one.".into()));
        }
        let link = self.write_link(&account, Some(me.id), &caller.address, Millis(self.now().0 + MADE_LASTS)).await?;
        let mailed = self.mail_link(&account, &link).await;
        Ok(PasswordLink { mailed, ..link })
    }

    /// Writes a link to the database.
    async fn write_link(
        &self,
        account: &Account,
        actor: Option<UserId>,
        address: &str,
        expires_at: Millis,
    ) -> Result<PasswordLink> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).map_err(internal("asking for randomness"))?;
        let token: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let mut change = self.change_from(address).await?.made_by(actor);
        let at = change.at;
        let token_hash = sha256(&token);
        let link = NewPasswordLink { user: account.id, token_hash: &token_hash, expires_at, made: actor.is_some(), at };
        change.add_password_link(&link).await?;
        change.set_link_asked(account.id, None).await?;
        change.record("make a password link", account.id, json!({})).await?;
        change.tell(Topic::User, account.id, Audience::domain(account.domain)).await?;
        change.commit().await?;
        Ok(PasswordLink { path: link_path(&token), expires_at, mailed: false })
    }

    /// Mails a link to its person. Returns whether the mail server accepted it.
    async fn mail_link(&self, account: &Account, link: &PasswordLink) -> bool {
        let Some(outbox) = self.shared.outbox.get() else { return false };
        let lasts = duration(link.expires_at.since(self.now()));
        let text = format!(
            "Hello,\n\nuse this link to choose a new password for your account {} at {}:\n\n{}{}\n\nThe link works once, within \
             {lasts}. If you did not ask for it, do nothing: your password stays as it is.\n",
            account.email, outbox.address, outbox.address, link.path
        );
        let sent = outbox.mail.send(&account.email, "A new password for Yardmaster", text).await;
        sent.inspect_err(|error| tracing::error!(%error, "a password link could not be sent")).is_ok()
    }

    /// The email of the person whose password a link changes, for the page that asks for the new one.
    pub async fn password_link(&self, token: &str) -> Result<String> {
        let user = self.store.password_link(&sha256(token), self.now()).await?;
        let Some(user) = user else { return Err(link_not_valid()) };
        let account = self.store.account(user).await?;
        account.filter(|account| closed_everywhere(account).is_none()).map(|account| account.email).ok_or_else(link_not_valid)
    }

    /// Sets the password that the person of a link chose, and ends their sign-ins. The link can be used once.
    pub async fn use_password_link(&self, caller: &Caller, token: &str, new: &str, again: &str) -> Result<()> {
        types::people::two_factor::check_new_password(new, again)?;
        // An invalid link must not cost a hash.
        self.password_link(token).await?;
        let password = self.shared.passwords.hash(new).await?;
        let mut change = self.change_from(&caller.address).await?;
        let at = change.at;
        let Some(user) = change.use_password_link(&sha256(token), at).await? else { return Err(link_not_valid()) };
        let edit = EditUser { must_change_password: Some(false), ..EditUser::default() };
        change.edit_user(user, &edit, Some(&password), at).await?;
        change.delete_sign_ins(user).await?;
        let mut change = change.made_by(Some(user));
        change.record("use a password link", user, json!({})).await?;
        change.touch_rights();
        change.commit().await
    }
}

fn link_not_valid() -> Problem {
    Problem::Conflict("This link has already been used or has expired. Ask for a new one.".into())
}
