//! The rate limit under a clock that somebody sets.

use crate::yard::Yard;
use types::people::keypairs::EditKeypair;

#[tokio::test]
async fn a_clock_that_is_set_back_holds_nobody_up() {
    let mut yard = Yard::new().await;
    let ann = yard.ann.me().unwrap().id;
    let key = yard.control.my_keypairs(&yard.ann).await.unwrap().remove(0).access_key;
    let edit = EditKeypair { rate_limit: Some(5), ..EditKeypair::default() };
    yard.control.edit_keypair(&yard.root, &key, &edit).await.unwrap();
    let wait = async |yard: &Yard| yard.control.count_console_request(ann).await.unwrap().unwrap().wait;
    assert_eq!((wait(&yard).await, wait(&yard).await), (None, None));
    yard.control.keep_rates().await.unwrap();
    yard.set_clock(-3_600);
    assert_eq!((wait(&yard).await, wait(&yard).await, wait(&yard).await), (None, None, None));
    assert!(wait(&yard).await.is_some_and(|seconds| seconds <= 900), "no longer than the window");
    yard.control.keep_rates().await.unwrap();
    yard.restart().await;
    yard.control.recall_rates().await.unwrap();
    assert!(wait(&yard).await.is_some_and(|seconds| seconds <= 900), "not after a restart either");
}
