//! One-time codes under clocks that differ.

use crate::PASSWORD;
use crate::yard::Yard;
use control::{Caller, SignInAnswer};
use types::Problem;

#[tokio::test]
async fn a_code_that_is_minutes_off_is_refused_with_both_times_and_is_not_good_later() {
    let yard = Yard::new().await;
    let setup = yard.control.begin_two_factor(&yard.ann, PASSWORD).await.unwrap();
    let secret = totp_rs::Secret::try_from_base32(&setup.secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let code = |seconds: i64| totp.generate((yard.now().0 / 1000 + seconds).unsigned_abs()).to_string();
    let minute = |seconds: i64| types::time::Millis(yard.now().0 + seconds * 1000).utc()[11..16].to_owned();
    let sentence = |seconds: i64| format!("Your code is for {}, but the server's time is {} (UTC).", minute(seconds), minute(0));

    let refused = yard.control.enable_two_factor(&yard.ann, &code(-180)).await.unwrap_err().to_string();
    assert!(refused.starts_with(&sentence(-180)), "{refused}");
    yard.control.enable_two_factor(&yard.ann, &code(0)).await.unwrap();

    let asked = Caller::nobody("10.0.0.1", "test");
    let sign_in = async |code: &str| yard.control.sign_in(&asked, "ann", PASSWORD, Some(code)).await;
    let early = code(240);
    let refused = sign_in(&early).await.err().unwrap();
    assert!(refused.to_string().starts_with(&sentence(240)) && refused.of_field("code").is_some(), "{refused}");
    let refused = sign_in(&code(3600)).await.err().unwrap().to_string();
    assert!(refused.starts_with("This code is wrong"), "{refused}");
    yard.pass(240_000).await;
    assert!(matches!(sign_in(&early).await, Err(Problem::Invalid(_))), "what was told is used up");
    yard.pass(30_000).await;
    assert!(matches!(sign_in(&code(0)).await, Ok(SignInAnswer::Done(_))));
}
