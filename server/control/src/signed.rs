//! Requests that are signed with a keypair instead of coming with a cookie.
//!
//! Deliberately absent: how a signature is made and where it stands in a request, which is the API's business.

use crate::rate::Allowance;
use crate::sign_in::me_of;
use crate::{Caller, Control, Result, store_failed};
use types::Problem;
use types::id::SignInId;
use types::user::UserStatus;

impl Control {
    /// The caller behind a signed request, counted against its keypair. `fits` is given the keypair's secret key and says whether
    /// the signature was made with it.
    ///
    /// # Errors
    /// [`Problem::SignInRequired`] for an unknown, inactive or deleted keypair, a signature that does not fit, a person who is not
    /// active or who may not come from this address: nobody learns which.
    pub async fn signed_caller(
        &self,
        access_key: &str,
        address: &str,
        program: &str,
        fits: impl FnOnce(&str) -> bool,
    ) -> Result<(Caller, Allowance)> {
        let signer = self.store.signer(access_key).await.map_err(store_failed("checking a signature"))?;
        let Some(signer) = signer.filter(|signer| signer.active) else { return Err(Problem::SignInRequired) };
        let Some(sealed) = &signer.secret else { return Err(Problem::SignInRequired) };
        let secret = self.shared.vault.read(sealed, access_key)?;
        let account = &signer.account;
        let welcome = account.status == UserStatus::Active && types::rules::may_come_from(&account.addresses, address);
        if !fits(&secret) || !welcome {
            return Err(Problem::SignInRequired);
        }
        let allowance = self.count_request(access_key, signer.rate_limit);
        // A keypair is no signed-in browser: the id that none has.
        let none = SignInId(uuid::Uuid::nil());
        Ok((Caller::nobody(address, program).signed_in(me_of(account), none), allowance))
    }
}
