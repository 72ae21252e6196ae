//! Limits on guessing hold however many guesses come at once, and whatever names and addresses they use.

use crate::{PASSWORD, Yard, caller};
use control::{Caller, SignInAnswer};
use futures::future::join_all;
use types::Problem;
use types::people::permissions::Role;
use types::people::users::ChangePassword;

/// The number of answers that say the guess was checked and wrong; all others must say to wait.
fn checked<T>(answers: Vec<Result<T, Problem>>) -> usize {
    let wrong = |answer: &Result<T, Problem>| match answer {
        Err(Problem::Invalid(_)) => true,
        Err(Problem::TooMany(_)) => false,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("a wrong guess was right"),
    };
    answers.iter().filter(|answer| wrong(answer)).count()
}

fn from(address: impl ToString) -> Caller {
    Caller::nobody(address.to_string(), "test")
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_wrong_passwords_at_once_ten_are_checked() {
    let yard = Yard::new().await;
    let asked = from("10.0.0.1");
    let names = ["user@example.org", "the-user", "THE-USER", "nobody"];
    for (name, same_account) in names.into_iter().zip([false, true, true, false]) {
        let guesses = (0..100).map(|n| {
            let (control, asked) = (&yard.control, &asked);
            async move { control.sign_in(asked, name, &format!("Wrong-Horse-{n}"), None).await }
        });
        // All names of an account are one, and a name that nobody has is limited alike.
        assert_eq!(checked(join_all(guesses).await), if same_account { 0 } else { 10 }, "{name}");
    }
    let trail = yard.trail().await;
    assert_eq!(trail.iter().filter(|row| row.action == "sign-in refused").count(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_codes_at_once_from_anywhere_ten_are_checked() {
    let yard = Yard::new().await;
    let cookie = yard.cookie(Role::User).await;
    yard.with_two_factor(&cookie).await;
    let asked = from("10.0.0.1");
    let Ok(SignInAnswer::CodeNeeded(proof)) = yard.control.sign_in(&asked, "the-user", PASSWORD, None).await else {
        panic!("no code is asked for");
    };
    let guesses = (0..100).map(|n| {
        let (control, proof) = (&yard.control, &proof);
        // Half of them are recovery codes.
        let code = if n % 2 == 0 { "000000".to_owned() } else { format!("AAAA-BBBB-CCCC-D{n:03}") };
        async move { control.sign_in_with_code(&from(format!("10.0.1.{n}")), proof, &code).await }
    });
    assert_eq!(checked(join_all(guesses).await), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_own_passwords_at_once_ten_are_checked() {
    let yard = Yard::new().await;
    let asked = caller(&yard.control, "the-user").await;
    let guesses = (0..100).map(|n| {
        let (control, asked) = (&yard.control, &asked);
        let old = format!("Wrong-Horse-{n}");
        async move {
            match n % 3 {
                0 => control.change_password(asked, &ChangePassword { old, new: "Another-Horse-1".into() }).await,
                1 => control.begin_two_factor(asked, &old).await.map(drop),
                _ => control.disable_two_factor(asked, &old).await,
            }
        }
    });
    assert_eq!(checked(join_all(guesses).await), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_limited_over_all_addresses_but_not_where_its_person_is_signed_in() {
    let yard = Yard::new().await;
    let home = from("2001:db8:1:2::1");
    let sign_in = async |asked: &Caller, password: &str| yard.control.sign_in(asked, "the-user", password, None).await;
    sign_in(&home, PASSWORD).await.unwrap();
    for n in 0..100 {
        assert!(matches!(sign_in(&from(format!("10.0.1.{n}")), "Wrong-Horse-9").await, Err(Problem::Invalid(_))), "{n}");
    }
    let refused = sign_in(&from("10.0.2.1"), PASSWORD).await.err().unwrap();
    assert!(matches!(refused, Problem::TooMany(seconds) if seconds > 7000), "{refused:?}");
    assert!(sign_in(&from("2001:db8:1:2::ffff"), PASSWORD).await.is_ok(), "the same network as at home");
    assert!(sign_in(&from("2001:db8:1:3::1"), PASSWORD).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_no_access_key_is_refused_like_a_wrong_signature() {
    let yard = Yard::new().await;
    for key in ["AKIANOBODYHASTHISKEY".to_owned(), "x".repeat(100_000), "no key".into(), String::new()] {
        let answer = yard.control.signed_caller(&from("10.0.0.1"), &key, |_| true).await;
        assert_eq!(answer.err(), Some(Problem::SignInRequired), "{} bytes", key.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_has_is_limited_in_all_its_spellings_like_one_that_somebody_has() {
    let yard = Yard::new().await;
    let asked = from("10.0.0.1");
    for names in [["the-user", "ＴＨＥ-ＵＳＥＲ"], ["the-ghost", "ＴＨＥ-ＧＨＯＳＴ"]] {
        let guesses = (0..20).map(|n| {
            let (control, asked) = (&yard.control, &asked);
            async move { control.sign_in(asked, names[n % 2], &format!("Wrong-Horse-{n}"), None).await }
        });
        assert_eq!(checked(join_all(guesses).await), 10, "{names:?}");
    }
}
