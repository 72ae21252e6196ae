//! Two-factor authentication of the caller's own account, and links for forgotten passwords.

use crate::call::Call;
use leptos::prelude::*;
use types::Problem;
use types::id::UserId;
use types::people::two_factor::{PasswordLink, TwoFactorSetup, TwoFactorState};

#[server(prefix = "/call", endpoint = "two_factor", protocol = Call)]
pub async fn two_factor() -> Result<TwoFactorState, Problem> {
    crate::api::run(|control, caller| async move { control.two_factor(&caller).await }).await
}

#[server(prefix = "/call", endpoint = "begin_two_factor", protocol = Call)]
pub async fn begin_two_factor(password: String) -> Result<TwoFactorSetup, Problem> {
    crate::api::run(|control, caller| async move { control.begin_two_factor(&caller, &password).await }).await
}

#[server(prefix = "/call", endpoint = "enable_two_factor", protocol = Call)]
pub async fn enable_two_factor(code: String) -> Result<Vec<String>, Problem> {
    crate::api::run(|control, caller| async move { control.enable_two_factor(&caller, &code).await }).await
}

#[server(prefix = "/call", endpoint = "renew_recovery_codes", protocol = Call)]
pub async fn renew_recovery_codes(code: String) -> Result<Vec<String>, Problem> {
    crate::api::run(|control, caller| async move { control.renew_recovery_codes(&caller, &code).await }).await
}

#[server(prefix = "/call", endpoint = "disable_two_factor", protocol = Call)]
pub async fn disable_two_factor(password: String) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.disable_two_factor(&caller, &password).await }).await
}

#[server(prefix = "/call", endpoint = "make_password_link", protocol = Call)]
pub async fn make_password_link(user: UserId) -> Result<PasswordLink, Problem> {
    crate::api::run(|control, caller| async move { control.make_password_link(&caller, user).await }).await
}
