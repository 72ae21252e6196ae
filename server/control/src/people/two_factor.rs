//! Two-factor authentication: time-based one-time codes (RFC 6238) and recovery codes (`docs/spec/people.md`, "Two-factor
//! authentication").
//!
//! Each code can be used once. Ten recovery codes replace a lost authenticator; they are shown once, and only their hashes are
//! stored.

use crate::change::Change;
use crate::people::accounts::closed_everywhere;
use crate::people::attempts::{Try, Who};
use crate::people::sign_in::sha256;
use crate::{Caller, Control, Result, internal, random_text};
use serde_json::json;
use std::sync::PoisonError;
use store::Account;
use totp_rs::{Builder, Totp};
use types::Problem;
use types::id::UserId;
use types::people::permissions::{Me, Permission};
use types::people::two_factor::{TwoFactorSetup, TwoFactorState};
use types::system::events::{Audience, Topic};
use types::time::Millis;

/// Bytes of a secret, as many as the hash function's output has.
const SECRET_BYTES: usize = 20;
/// Recovery codes of one person.
const RECOVERY_CODES: usize = 10;
/// Letters of one code: 80 random bits.
const RECOVERY_LETTERS: usize = 16;
/// Milliseconds that may pass between the password and the code.
const PROOF_LASTS: i64 = 5 * 60_000;

/// The owner under which the vault encrypts a person's one-time secret.
fn secret_owner(user: UserId) -> String {
    format!("one-time codes of {user}")
}

fn totp(secret: &str, email: &str) -> Result<Totp> {
    let secret = totp_rs::Secret::try_from_base32(secret).map_err(internal("reading a one-time secret"))?;
    // A colon separates the parts of the address that authenticators read.
    let account = email.replace(':', " ");
    Builder::new()
        .with_secret(secret)
        .with_account_name(account)
        .with_issuer(Some("Yardmaster"))
        .build()
        .map_err(internal("making one-time codes"))
}

/// Half minutes around now in which a wrong code is looked for, to say that a clock is wrong.
const CLOCK_STEPS: i64 = 10;
/// Seconds of a step.
const STEP: i64 = 30;

/// The time step of a code for this secret, if it is valid around now, or would be if a clock were not minutes off.
fn code_step(secret: &str, code: &str, at: Millis) -> Result<Option<std::result::Result<i64, i64>>> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let (totp, now) = (totp(secret, "")?, at.0.max(0) / 1000);
    // Each look covers the step before and the one after.
    let look = |steps: i64| {
        let found = totp.check(&code, (now + steps * STEP).max(0).unsigned_abs())?;
        i64::try_from(found).ok()
    };
    if let Some(step) = look(0) {
        return Ok(Some(Ok(step)));
    }
    let near = (3..=CLOCK_STEPS).step_by(3).flat_map(|steps| [-steps, steps]).find_map(look);
    Ok(near.map(Err))
}

/// A recovery code in the form that is hashed, however it was typed.
fn normalized_code(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_uppercase()
}

fn make_recovery_codes() -> Result<Vec<String>> {
    let code = || {
        let letters = random_text(RECOVERY_LETTERS)?;
        Ok((0..RECOVERY_LETTERS).step_by(4).map(|at| &letters[at..at + 4]).collect::<Vec<_>>().join("-"))
    };
    (0..RECOVERY_CODES).map(|_| code()).collect()
}

impl Control {
    /// Whether the caller uses two-factor authentication, and how many recovery codes they have left.
    pub async fn two_factor(&self, caller: &Caller) -> Result<TwoFactorState> {
        let (me, _) = caller.need(Permission::OwnSettings)?;
        let (on, codes_left) = self.store.two_factor_state(me.id).await?;
        Ok(TwoFactorState { on, codes_left })
    }

    /// Makes a secret for the caller's authenticator. Asks for their password, so that nobody else can bind an authenticator to
    /// the account. Signing in does not ask for codes until [`Control::enable_two_factor`] has confirmed the secret.
    pub async fn begin_two_factor(&self, caller: &Caller, password: &str) -> Result<TwoFactorSetup> {
        let (me, _) = caller.need(Permission::OwnSettings)?;
        self.check_own_password(caller, "password", password).await?;
        if self.two_factor(caller).await?.on {
            return Err(Problem::Conflict("Two-factor authentication is already on. Turn it off first.".into()));
        }
        let mut bytes = vec![0u8; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(internal("asking for randomness"))?;
        let secret = totp_rs::Secret::from(bytes).to_base32();
        let address = totp(&secret, &me.email)?.to_url().map_err(internal("making one-time codes"))?;
        let sealed = self.shared.vault.seal(&secret, &secret_owner(me.id))?;
        let mut change = self.change_by(caller).await?;
        change.set_pending_two_factor(me.id, &sealed).await?;
        change.commit().await?;
        let picture = qrcode::QrCode::new(address.as_bytes()).map_err(internal("drawing a QR code"))?;
        let picture = picture.render::<qrcode::render::svg::Color>().min_dimensions(200, 200).build();
        Ok(TwoFactorSetup { secret, address, picture })
    }

    /// Turns two-factor authentication on, given a valid code from the caller's authenticator. Returns the recovery codes.
    pub async fn enable_two_factor(&self, caller: &Caller, code: &str) -> Result<Vec<String>> {
        let (me, _) = caller.need(Permission::OwnSettings)?;
        let guess = self.try_code(me.id)?;
        let mut change = self.change_by(caller).await?;
        let at = change.at;
        let Some(pending) = change.two_factor(me.id).await?.pending else {
            return Err(Problem::Conflict("There is no secret to confirm. Start again.".into()));
        };
        let secret = self.shared.vault.read(&pending, &secret_owner(me.id))?;
        let step = self.check_code(me.id, &secret, code, at)??;
        change.use_code_step(me.id, step).await?;
        change.enable_two_factor(me.id, at).await?;
        let codes = self.write_recovery_codes(&mut change, me.id).await?;
        record_two_factor(&mut change, me, "turn two-factor on").await?;
        change.commit().await?;
        guess.succeeded();
        Ok(codes)
    }

    /// Replaces the caller's recovery codes by new ones. Asks for a one-time code or a recovery code.
    pub async fn renew_recovery_codes(&self, caller: &Caller, code: &str) -> Result<Vec<String>> {
        let (me, _) = caller.need(Permission::OwnSettings)?;
        let at = self.now();
        let guess = self.try_code(me.id)?;
        let mut change = self.change_by(caller).await?;
        if let Some(refusal) = self.use_code(&mut change, me.id, code, at).await? {
            return Err(refusal);
        }
        let codes = self.write_recovery_codes(&mut change, me.id).await?;
        record_two_factor(&mut change, me, "make recovery codes").await?;
        change.commit().await?;
        guess.succeeded();
        Ok(codes)
    }

    /// Turns two-factor authentication off for the caller. Asks for their password.
    pub async fn disable_two_factor(&self, caller: &Caller, password: &str) -> Result<()> {
        let (me, _) = caller.need(Permission::OwnSettings)?;
        self.check_own_password(caller, "password", password).await?;
        let mut change = self.change_by(caller).await?;
        change.end_two_factor(me.id).await?;
        record_two_factor(&mut change, me, "turn two-factor off").await?;
        change.commit().await
    }

    /// Counts a try of a code, before it is checked.
    pub(crate) fn try_code(&self, user: UserId) -> Result<Try<'_>> {
        Ok(self.shared.codes.take(&Who::Person(user), "", self.steady())?)
    }

    /// Uses up a one-time code or a recovery code. Returns the refusal of a wrong one.
    pub(crate) async fn use_code(&self, change: &mut Change, user: UserId, code: &str, at: Millis) -> Result<Option<Problem>> {
        let Some(sealed) = change.two_factor(user).await?.secret else { return Ok(Some(wrong_code())) };
        let used = match self.check_code(user, &self.shared.vault.read(&sealed, &secret_owner(user))?, code, at)? {
            Ok(step) => change.use_code_step(user, step).await?.then_some(()).ok_or_else(wrong_code),
            Err(refusal) => {
                let hash = sha256(&normalized_code(code));
                change.use_recovery_code(user, &hash).await?.then_some(()).ok_or(refusal)
            }
        };
        Ok(used.err())
    }

    /// The time step of a one-time code, or its refusal, which says so if a clock seems to be wrong.
    fn check_code(&self, user: UserId, secret: &str, code: &str, at: Millis) -> Result<std::result::Result<i64, Problem>> {
        let mut early = self.shared.early_codes.lock().unwrap_or_else(PoisonError::into_inner);
        early.retain(|(_, step)| *step >= at.0 / 1000 / STEP - 1);
        Ok(match code_step(secret, code, at)? {
            None => Err(wrong_code()),
            Some(Ok(step)) if early.contains(&(user, step)) => Err(wrong_code()),
            Some(Ok(step)) => Ok(step),
            Some(Err(step)) => {
                let of = Millis(step * STEP * 1000);
                tracing::info!(%user, code = of.utc(), "a one-time code is minutes off: is the clock right, here and there?");
                // Otherwise this answer would tell a guesser which code to come back with.
                early.insert((user, step));
                Err(wrong_clock(of, at))
            }
        })
    }

    async fn write_recovery_codes(&self, change: &mut Change, user: UserId) -> Result<Vec<String>> {
        let codes = make_recovery_codes()?;
        let hashes: Vec<_> = codes.iter().map(|code| sha256(&normalized_code(code))).collect();
        change.set_recovery_codes(user, &hashes).await?;
        Ok(codes)
    }

    /// An encrypted text that stands for a correct password until the code is given, so that nothing has to be stored.
    pub(crate) fn password_proof(&self, account: &Account, at: Millis) -> Result<String> {
        let text = format!("{} {} {}", account.id, at.0 + PROOF_LASTS, password_mark(account));
        let sealed = self.shared.vault.seal(&text, PROOF)?;
        Ok(sealed.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The account for which [`Control::password_proof`] made `proof`, if the proof is still valid.
    pub(crate) async fn account_of_proof(&self, proof: &str, at: Millis) -> Result<Option<Account>> {
        let bytes: Option<Vec<u8>> = (proof.is_ascii() && proof.len().is_multiple_of(2) && proof.len() < 1000)
            .then(|| (0..proof.len()).step_by(2).map(|i| u8::from_str_radix(&proof[i..i + 2], 16).ok()).collect())
            .flatten();
        let Some(text) = bytes.and_then(|sealed| self.shared.vault.open_text(&sealed, PROOF)) else { return Ok(None) };
        let mut parts = text.split(' ');
        let (Some(user), Some(until), Some(of)) = (parts.next(), parts.next(), parts.next()) else { return Ok(None) };
        let (Ok(user), Ok(until)) = (user.parse(), until.parse::<i64>()) else { return Ok(None) };
        if until < at.0 {
            return Ok(None);
        }
        let account = self.store.account(user).await?;
        Ok(account.filter(|account| closed_everywhere(account).is_none() && password_mark(account) == of))
    }
}

async fn record_two_factor(change: &mut Change, me: &Me, action: &str) -> Result<()> {
    change.record(action, me.id, json!({})).await?;
    change.tell(Topic::User, me.id, Audience::person(me.id, me.domain)).await
}

const PROOF: &str = "a right password";

/// Part of the password hash's hash. A proof carries it, so that a new password invalidates the proofs of the old one.
fn password_mark(account: &Account) -> String {
    sha256(&account.password_hash)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn wrong_code() -> Problem {
    Problem::field("code", "This code is wrong or was already used. Type the one that is shown now.")
}

fn wrong_clock(of: Millis, at: Millis) -> Problem {
    let minute = |time: Millis| time.utc().get(11..16).unwrap_or_default().to_owned();
    let sentence = format!(
        "Your code is for {}, but the server's time is {} (UTC). Correct the clock of your device, then type a new code.",
        minute(of),
        minute(at)
    );
    Problem::field("code", sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_valid_in_its_half_minute_and_the_adjacent_ones() {
        // The test vector of RFC 6238, appendix B: the last six of its eight digits.
        let secret = totp_rs::Secret::from(b"12345678901234567890".to_vec()).to_base32();
        assert_eq!(code_step(&secret, "287082", Millis(59_000)).unwrap(), Some(Ok(1)));
        assert_eq!(code_step(&secret, "287 082", Millis(89_000)).unwrap(), Some(Ok(1)));
        assert_eq!(code_step(&secret, "287083", Millis(59_000)).unwrap(), None);
        assert_eq!(code_step(&secret, "ABCD-EFGH", Millis(59_000)).unwrap(), None);
    }

    #[test]
    fn a_code_that_is_minutes_off_is_told_from_a_wrong_one() {
        let secret = totp_rs::Secret::from(b"12345678901234567890".to_vec()).to_base32();
        for at in [0, 90_000, 200_000, 359_000] {
            let found = code_step(&secret, "287082", Millis(at)).unwrap();
            assert_eq!(found, Some(if at == 0 { Ok(1) } else { Err(1) }), "{at}");
        }
        assert_eq!(code_step(&secret, "287082", Millis(360_000)).unwrap(), None);
        let said = wrong_clock(Millis(30_000), Millis(200_000)).to_string();
        assert!(said.starts_with("Your code is for 00:00, but the server's time is 00:03 (UTC)."), "{said}");
    }

    #[test]
    fn recovery_codes_differ_and_can_be_typed_in_any_way() {
        let codes = make_recovery_codes().unwrap();
        let different: std::collections::BTreeSet<_> = codes.iter().collect();
        assert_eq!(different.len(), RECOVERY_CODES);
        assert_eq!(normalized_code(&codes[0].to_lowercase().replace('-', " ")), codes[0].replace('-', ""));
    }
}
