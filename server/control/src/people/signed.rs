//! Requests that are signed with a keypair instead of carrying a cookie.
//!
//! Deliberately absent: how a signature is made and where a request carries it, which is up to the API.

use crate::caller::Credential;
use crate::limits::rates::Allowance;
use crate::people::accounts::{Closed, closed};
use crate::people::attempts::Who;
use crate::people::sign_in::me_of;
use crate::{Caller, Control, Result};
use types::Problem;

impl Control {
    /// The caller behind a signed request, which is counted against its keypair. `fits` gets the keypair's secret key and returns
    /// whether the signature was made with it.
    ///
    /// # Errors
    /// [`Problem::SignInRequired`] for an unknown, inactive or deleted keypair, a wrong signature, and a person who is not active
    /// or may not sign in from this address. The answer does not tell which. [`Problem::Forbidden`] after a right signature if the
    /// person's domain is deactivated.
    pub async fn signed_caller(
        &self,
        from: &Caller,
        access_key: &str,
        fits: impl FnOnce(&str) -> bool,
    ) -> Result<(Caller, Allowance)> {
        let refused = || {
            // Limited, so that somebody who tries out keys does not fill the audit trail.
            let who = Who::Name(access_key.to_owned());
            if let Ok(attempt) = self.shared.bad_signatures.take(&who, &from.address, self.steady()) {
                attempt.failed();
                from.note_refusal(format!("sign requests with {}", access_key.chars().take(20).collect::<String>()));
            }
            Problem::SignInRequired
        };
        if !types::rules::is_access_key(access_key) {
            return Err(refused());
        }
        let signer = self.store.signer(access_key).await?;
        let Some(signer) = signer.filter(|signer| signer.active) else { return Err(refused()) };
        let Some(sealed) = &signer.secret else { return Err(refused()) };
        let secret = self.shared.vault.read(sealed, access_key)?;
        let account = &signer.account;
        match closed(account, &from.address) {
            _ if !fits(&secret) => return Err(refused()),
            Some(closed @ Closed::Domain(_)) => return Err(closed.problem()),
            Some(_) => return Err(refused()),
            None => {}
        }
        let allowance = self.count_request(account.id, access_key, signer.rate_limit, signer.ceiling);
        Ok((from.clone().signed_in(me_of(account), Credential::Keypair(access_key.to_owned())), allowance))
    }
}
