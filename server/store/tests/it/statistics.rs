//! The planner's knowledge of the tables.

use super::*;

/// The number of people that the planner counts on.
async fn known_people(yard: &Yard) -> Option<i64> {
    let file = yard.folder.path().join("yard.db");
    let pool = sqlx_sqlite::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let sql = "SELECT stat FROM sqlite_stat1 WHERE idx = 'users_email'";
    let stat: Option<String> = sqlx::query_scalar(sql).fetch_optional(&pool).await.unwrap_or(None);
    pool.close().await;
    stat.and_then(|stat| stat.split(' ').next()?.parse().ok())
}

#[tokio::test]
async fn the_planner_learns_how_many_people_there_are_as_they_come() {
    let yard = Yard::new().await;
    assert_eq!(known_people(&yard).await, None, "a new database knows nothing yet");
    for number in 0..3 {
        yard.person(&format!("early{number}"), number).await.unwrap();
    }
    yard.store.keep_statistics().await.unwrap();
    assert_eq!(known_people(&yard).await, Some(3));
    for number in 0..60 {
        yard.person(&format!("late{number}"), number).await.unwrap();
    }
    yard.store.keep_statistics().await.unwrap();
    assert_eq!(known_people(&yard).await, Some(63), "there are twenty times as many");
}
