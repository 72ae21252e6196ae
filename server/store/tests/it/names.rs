//! Names: found and ordered regardless of case and normal form.

use super::*;

#[tokio::test]
async fn names_are_found_and_ordered_regardless_of_case_and_normal_form() {
    let yard = Yard::new().await;
    for (number, full_name) in ["adam", "Zoe", "Émile", "Ömer Ünal", "İstanbul Işık", "Straße"].into_iter().enumerate() {
        let mut change = yard.store.change().await.unwrap();
        let name = format!("person{number}");
        let account = CreateUser {
            full_name: full_name.into(),
            description: format!("{full_name} at the desk"),
            policy: "default".into(),
            ..CreateUser::example(&name, yard.domain)
        };
        let id = UserId(Uuid::now_v7());
        let new = NewUser {
            id,
            account: &account,
            password_hash: "x",
            access_key: &name,
            secret: b"sealed",
            keypair_policy: "default",
            at: Millis(1),
        };
        change.insert_user(&new).await.unwrap();
        change.commit().await.unwrap();
    }
    let found = async |key: &str, op: Op, value: &str| {
        let condition = Condition { key: key.into(), op, value: value.into() };
        let query = ListQuery::new(&USERS).with(&USERS, condition).unwrap();
        let page = yard.store.users(&query, Scope::Everything).await.unwrap();
        assert_eq!(page.rows.len() as u64, page.total);
        page.rows.into_iter().map(|row| row.full_name).collect::<Vec<_>>()
    };
    for text in ["Ömer", "ömer", "ÖMER", "o\u{308}mer", "ünal", "Ü"] {
        assert_eq!(found("full_name", Op::Contains, text).await, ["Ömer Ünal"], "{text}");
        assert_eq!(found("description", Op::Contains, text).await, ["Ömer Ünal"], "{text}");
    }
    assert_eq!(found("full_name", Op::Equals, "ÖMER ünal").await, ["Ömer Ünal"]);
    for text in ["istanbul", "IŞIK", "ışık"] {
        assert_eq!(found("full_name", Op::Contains, text).await, ["İstanbul Işık"], "{text}");
    }
    assert_eq!(found("full_name", Op::Equals, "STRASSE").await, ["Straße"]);
    assert_eq!(found("policy", Op::Equals, "DEFAULT").await.len(), 6);
    let by_name = ListQuery { sort: "full_name".into(), descending: false, ..ListQuery::new(&USERS) };
    let page = yard.store.users(&by_name, Scope::Everything).await.unwrap();
    let order: Vec<_> = page.rows.into_iter().map(|row| row.full_name).collect();
    assert_eq!(order, ["adam", "İstanbul Işık", "Straße", "Zoe", "Émile", "Ömer Ünal"]);
}

#[tokio::test]
async fn a_login_finds_its_account_in_either_normal_form() {
    let yard = Yard::new().await;
    let id = yard.person("Ömer", 1).await.unwrap();
    for login in ["ömer", "O\u{308}MER", "o\u{308}mer@example.org", "ÖMER@EXAMPLE.ORG"] {
        assert_eq!(yard.store.account_by_login(login).await.unwrap().map(|account| account.id), Some(id), "{login}");
    }
    let again = yard.person("o\u{308}mer", 2).await.unwrap_err();
    assert!(matches!(again.taken(), Some(Taken::Email | Taken::Username)), "{again}");
}

#[tokio::test]
async fn names_from_before_are_folded_when_the_database_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("yard.db");
    let options = sqlx_sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let pool = sqlx_sqlite::SqlitePool::connect_with(options).await.unwrap();
    let mut before = sqlx::migrate!("./migrations");
    before.migrations = before.migrations.iter().filter(|one| one.version < 14).cloned().collect::<Vec<_>>().into();
    before.run(&pool).await.unwrap();
    sqlx::query("INSERT INTO domains (id, name, name_key, created_at) VALUES (zeroblob(16), 'default', 'default', 0)")
        .execute(&pool)
        .await
        .unwrap();
    // The last two were two accounts, and are one name now.
    for (number, name) in [(1, "Ömer"), (2, "straße"), (3, "strasse")] {
        sqlx::query(
            "INSERT INTO users (id, email, email_key, username, username_key, full_name, password_hash, role, status, domain_id, \
             description, created_at, modified_at) VALUES (unhex(?1), ?2 || '@x.org', ?3 || '@x.org', ?2, ?3, ?2, 'x', 'user', \
             'active', zeroblob(16), 'Über ' || ?2, 0, 0)",
        )
        .bind(format!("{number:032x}"))
        .bind(name)
        .bind(name.to_lowercase())
        .execute(&pool)
        .await
        .unwrap();
    }
    sqlx::query("ANALYZE").execute(&pool).await.unwrap();
    pool.close().await;
    let store = Store::open(&file).await.unwrap();
    let who = async |login: &str| store.account_by_login(login).await.unwrap().map(|account| account.username);
    assert_eq!(who("O\u{308}MER").await.as_deref(), Some("Ömer"));
    assert_eq!(who("straße").await.as_deref(), Some("straße"), "by its old key");
    assert_eq!(who("strasse").await.as_deref(), Some("strasse"));
    let condition = Condition { key: "description".into(), op: Op::Contains, value: "über".into() };
    let query = ListQuery::new(&USERS).with(&USERS, condition).unwrap();
    assert_eq!(store.users(&query, Scope::Everything).await.unwrap().total, 3);
    store.close().await;
    let pool = sqlx_sqlite::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let sql = "SELECT count(*) FROM sqlite_stat1 WHERE idx IN ('users_full_name', 'users_policy', 'users_email')";
    let known: i64 = sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap();
    assert_eq!(known, 3, "the planner knows the new indexes like the old ones");
}
