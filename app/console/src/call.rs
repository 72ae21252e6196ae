//! How server functions travel: a POST with JSON in both directions, and a problem as the body of an answer with an error status.
//!
//! The framework's own protocol does the same, compiled anew for each of the eighty functions. Here only writing the arguments
//! and reading the answer are; the request itself is compiled once.

use http::Method;
use leptos::server_fn::client::Client;
use leptos::server_fn::codec::Json;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use leptos::server_fn::request::ClientReq;
use leptos::server_fn::response::ClientRes;
use leptos::server_fn::server::Server;
use leptos::server_fn::{Http, Protocol};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::pin::Pin;
use types::Problem;

/// The protocol of this console's server functions.
pub struct Call;

impl<Input, Output, C, S> Protocol<Input, Output, C, S, Problem> for Call
where
    Http<Json, Json>: Protocol<Input, Output, C, S, Problem>,
    Input: Serialize + Send,
    Output: DeserializeOwned + Send,
    C: Client<Problem> + 'static,
    S: Server<Problem>,
{
    const METHOD: Method = Method::POST;

    fn run_server<F, Fut>(request: S::Request, work: F) -> impl Future<Output = Result<S::Response, Problem>> + Send
    where
        F: Fn(Input) -> Fut + Send,
        Fut: Future<Output = Result<Output, Problem>> + Send,
    {
        <Http<Json, Json> as Protocol<Input, Output, C, S, Problem>>::run_server(request, work)
    }

    async fn run_client(path: &str, input: Input) -> Result<Output, Problem> {
        let body = serde_json::to_string(&input).map_err(|error| refuse(ServerFnErrorErr::Serialization(error.to_string())))?;
        let answer = send::<C>(path.to_owned(), body).await?;
        serde_json::from_str(&answer).map_err(|error| refuse(ServerFnErrorErr::Deserialization(error.to_string())))
    }
}

/// Sends a body and returns that of the answer.
fn send<C: Client<Problem> + 'static>(
    path: String,
    body: String,
) -> Pin<Box<dyn Future<Output = Result<String, Problem>> + Send>> {
    const JSON: &str = "application/json";
    Box::pin(async move {
        let request = C::Request::try_new_req_text(&path, JSON, JSON, body, Method::POST)?;
        let answer = C::send(request).await?;
        let failed = (400..=599).contains(&answer.status());
        let text = answer.try_into_string().await?;
        if failed { Err(Problem::de(text.into_bytes().into())) } else { Ok(text) }
    })
}

fn refuse(error: ServerFnErrorErr) -> Problem {
    Problem::from_server_fn_error(error)
}
