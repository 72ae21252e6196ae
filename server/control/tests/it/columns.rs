//! The columns that people choose for a table (`docs/spec/system.md`, "Columns").

use crate::yard::Yard;
use types::list::ColumnLayout;

#[tokio::test]
async fn a_width_outside_the_bounds_is_refused_and_nothing_is_changed() {
    let yard = Yard::new().await;
    let layout = |width: u16| ColumnLayout { shown: vec!["email".into()], widths: [("email".to_owned(), width)].into() };
    yard.control.set_columns(&yard.ann, "users", &layout(300)).await.unwrap();
    for width in [0, 47, 1201, u16::MAX] {
        let refused = yard.control.set_columns(&yard.ann, "users", &layout(width)).await.unwrap_err();
        assert_eq!(refused.of_field("widths").as_deref(), Some("A column is 48 to 1200 pixels wide."), "{width}");
    }
    let many = ColumnLayout { widths: (0..65).map(|number| (format!("c{number}"), 100)).collect(), ..layout(300) };
    assert!(yard.control.set_columns(&yard.ann, "users", &many).await.unwrap_err().of_field("columns").is_some());
    assert_eq!(yard.control.columns(&yard.ann, "users").await.unwrap(), layout(300));
}
