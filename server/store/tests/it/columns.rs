//! A person's choice of columns, as it is stored.

use super::*;
use types::list::ColumnLayout;

#[tokio::test]
async fn a_choice_of_columns_from_before_widths_is_kept() {
    let yard = Yard::new().await;
    let file = yard.folder.path().join("yard.db");
    let person = yard.person("ann", 1).await.unwrap();
    yard.store.close().await;
    let pool = sqlx_sqlite::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    // As it was written before: the names alone.
    sqlx::query("INSERT INTO preferences (user_id, key, value) VALUES (?, 'columns.users', '[\"email\",\"role\"]')")
        .bind(person)
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version = 24").execute(&pool).await.unwrap();
    pool.close().await;
    let store = Store::open(&file).await.unwrap();
    let stored = store.preference(person, "columns.users").await.unwrap().unwrap();
    let layout: ColumnLayout = serde_json::from_str(&stored).unwrap();
    assert_eq!(layout, ColumnLayout { shown: vec!["email".into(), "role".into()], ..ColumnLayout::default() });
}
