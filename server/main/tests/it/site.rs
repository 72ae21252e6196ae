//! Files of the site, from a folder and from inside the binary: every test here looks at both.

use crate::{Answer, Yard};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use server::site::{File, Site};
use types::people::permissions::Role;

const HASH: &str = "0123456789abcdef012345";
const SCRIPT: &str = "/pkg/console.0123456789abcdef012345.js";

/// Path and contents of every file; the compressed siblings only say what they are.
const FILES: [(&str, &str); 8] = [
    (
        ".names.json",
        r#"{"hashed":true,"script":"console.0123456789abcdef012345.js","module":"console.0123456789abcdef012345.wasm",
            "style":"console.abcdef.css","loader":"loader.js","chunks":{}}"#,
    ),
    ("icons.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ("robots.txt", "User-agent: *\nDisallow: /\n"),
    ("pkg/console.0123456789abcdef012345.js", "export default 1;"),
    ("pkg/console.0123456789abcdef012345.js.br", "brotli"),
    ("pkg/console.0123456789abcdef012345.js.gz", "gzip"),
    ("pkg/console.0123456789abcdef012345.wasm", "\0asm"),
    ("pkg/snippets/made/inline0.js", "export {};"),
];

fn embedded(path: &str) -> Option<File> {
    let (_, text) = FILES.iter().find(|(name, _)| *name == path)?;
    Some(File { bytes: text.as_bytes().into(), tag: format!("{path}-1") })
}

/// Both sites; the folder goes when it is dropped.
async fn both() -> (tempfile::TempDir, [Yard; 2]) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in FILES {
        let path = folder.path().join("site").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::write(folder.path().join("secret.txt"), "outside").unwrap();
    let site = Site::Folder(folder.path().join("site"));
    let yards = [Yard::with_site(site).await, Yard::with_site(Site::Embedded(embedded)).await];
    (folder, yards)
}

async fn get(yard: &Yard, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(yard, Method::GET, path, headers).await
}

async fn ask(yard: &Yard, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request =
        headers.iter().fold(Request::builder().method(method).uri(path), |request, (name, value)| request.header(*name, *value));
    yard.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_a_hash_in_its_name_may_be_kept_for_ever() {
    let (_folder, yards) = both().await;
    for yard in &yards {
        let answer = get(yard, SCRIPT, &[]).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "export default 1;"));
        assert_eq!(answer.headers["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(answer.headers["content-type"], "text/javascript; charset=utf-8");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        let module = get(yard, &format!("/pkg/console.{HASH}.wasm"), &[]).await;
        assert_eq!(module.headers["content-type"], "application/wasm", "compiled while it arrives");
        assert_eq!(get(yard, "/pkg/snippets/made/inline0.js", &[]).await.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sent_in_the_smallest_form_that_the_browser_can_read() {
    let (_folder, yards) = both().await;
    for yard in &yards {
        for (accepted, encoding, text) in [
            ("gzip, deflate, br, zstd", Some("br"), "brotli"),
            ("gzip, deflate", Some("gzip"), "gzip"),
            ("br;q=0, gzip;q=0.5", Some("gzip"), "gzip"),
            ("identity", None, "export default 1;"),
        ] {
            let answer = get(yard, SCRIPT, &[("accept-encoding", accepted)]).await;
            let sent = answer.headers.get("content-encoding").map(|value| value.to_str().unwrap());
            assert_eq!((sent, answer.text.as_str()), (encoding, text), "{accepted}");
            assert_eq!(answer.headers["content-type"], "text/javascript; charset=utf-8", "{accepted}");
            assert_eq!(answer.headers["vary"], "accept-encoding", "{accepted}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_file_is_asked_about_again_and_not_sent_again() {
    let (_folder, yards) = both().await;
    for yard in &yards {
        let first = get(yard, "/icons.svg", &[]).await;
        assert_eq!((first.status, &first.headers["content-type"]), (StatusCode::OK, &"image/svg+xml".parse().unwrap()));
        assert_eq!(first.headers["cache-control"], "no-cache");
        let tag = first.headers["etag"].to_str().unwrap();
        let again = get(yard, "/icons.svg", &[("if-none-match", tag), ("accept-encoding", "br")]).await;
        assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
        assert_eq!(again.headers["etag"], tag);
        let other = get(yard, "/icons.svg", &[("if-none-match", "\"other\"")]).await;
        assert_eq!(other.status, StatusCode::OK);
        let head = ask(yard, Method::HEAD, "/robots.txt", &[]).await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
        assert_eq!(head.headers["content-type"], "text/plain; charset=utf-8");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_the_site_and_no_hidden_file_is_served() {
    let (_folder, yards) = both().await;
    for yard in &yards {
        for path in [
            "/pkg/../../secret.txt",
            "/pkg/%2e%2e/%2e%2e/secret.txt",
            "/pkg/..%2f..%2fsecret.txt",
            "/pkg/none.js",
            "/pkg/snippets",
        ] {
            let answer = get(yard, path, &[]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert!(!answer.text.contains("outside"), "{path}");
            assert!(
                answer.headers.get("cache-control").is_none_or(|keep| !keep.to_str().unwrap().contains("immutable")),
                "{path}"
            );
        }
        for path in ["/.names.json", "/%2enames.json", "/..%2fsecret.txt", "/snippets", "/pkg"] {
            let answer = get(yard, path, &[]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert!(answer.text.contains("url-not-found"), "{path}");
        }
        assert_eq!(ask(yard, Method::POST, "/robots.txt", &[]).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_asks_for_the_files_by_their_names() {
    let (_folder, yards) = both().await;
    for yard in &yards {
        let page = yard.get("/account", &yard.cookie(Role::User).await).await.text;
        assert!(page.contains(&format!("<link rel=\"modulepreload\" href=\"{SCRIPT}\"")), "{page}");
        assert!(page.contains("<link rel=\"stylesheet\" href=\"/pkg/console.abcdef.css\""), "{page}");
        assert!(page.contains(&format!("module_or_path: \"/pkg/console.{HASH}.wasm\"")), "{page}");
    }
    let unnamed = Yard::new().await;
    let unnamed = unnamed.get("/account", &unnamed.cookie(Role::User).await).await.text;
    assert!(unnamed.contains("href=\"/pkg/console.js\""), "cargo-leptos gives no hashes: {unnamed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_plain_forms_loads_its_style_alone_and_the_code_of_the_next_page_when_it_stands() {
    let (_folder, yards) = both().await;
    for yard in &yards {
        for path in ["/sign-in", "/forgotten-password", "/new-password?token=x"] {
            let page = yard.get(path, "").await.text;
            assert!(page.contains("<link rel=\"stylesheet\" href=\"/pkg/console.abcdef.css\""), "{page}");
            assert!(
                !page.contains("modulepreload") && !page.contains("rel=\"preload\"") && !page.contains("import start"),
                "{page}"
            );
            assert!(page.contains(&format!("fetch(\"{SCRIPT}\"")), "{page}");
            assert!(page.len() < 6_000, "{}", page.len());
        }
    }
}

#[tokio::test]
async fn a_site_that_lacks_what_every_page_loads_is_refused_before_the_start() {
    let incomplete = Site::Embedded(embedded);
    let said = incomplete.check(&incomplete.names().unwrap()).await.unwrap_err().to_string();
    assert!(said.contains("pkg/console.abcdef.css is missing"), "{said}");
    let complete = Site::Embedded(|path| embedded(path).or_else(|| embedded(SCRIPT.trim_start_matches('/'))));
    complete.check(&complete.names().unwrap()).await.unwrap();
}
