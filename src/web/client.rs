//! Clients, requests and answers.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::Serialize;

use super::error::WebError;

/// Makes TLS work with the cipher implementation that is compiled in. May be called again.
pub fn install_tls() {
    // An error says that one is installed already, which is as good.
    rustls::crypto::ring::default_provider().install_default().ok();
}

/// Sends requests. A cheap handle; requests share its connections.
#[derive(Clone, Debug)]
pub struct Client(reqwest::Client);

/// A client in the making.
#[derive(Debug)]
pub struct Builder(reqwest::ClientBuilder);

impl Client {
    /// A request and its answer may take `timeout` together.
    #[must_use]
    pub fn builder(timeout: Duration) -> Builder {
        // reqwest is built without a provider of cryptography of its own.
        install_tls();
        let name = concat!("hoptrail/", env!("CARGO_PKG_VERSION"));
        Builder(reqwest::Client::builder().user_agent(name).timeout(timeout))
    }

    /// A request that is not sent yet. A URL that is none is told when it is sent.
    #[must_use]
    pub fn request(&self, method: Method, url: &str) -> Request {
        Request(self.0.request(method, url))
    }
}

impl Builder {
    /// Opening a connection may take only so long.
    #[must_use]
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        Builder(self.0.connect_timeout(timeout))
    }

    /// The proxies of the environment are left out: the server is near.
    #[must_use]
    pub fn without_proxy(self) -> Self {
        Builder(self.0.no_proxy())
    }

    /// A redirect is an answer like others, and is not followed.
    #[must_use]
    pub fn without_redirects(self) -> Self {
        Builder(self.0.redirect(reqwest::redirect::Policy::none()))
    }

    /// The client.
    ///
    /// # Errors
    /// The TLS library finds no certificates to trust.
    pub fn build(self) -> Result<Client, WebError> {
        Ok(Client(self.0.build()?))
    }
}

/// A request in the making.
#[derive(Debug)]
pub struct Request(reqwest::RequestBuilder);

impl Request {
    /// With user and password.
    #[must_use]
    pub fn basic_auth(self, user: &str, password: &str) -> Self {
        Request(self.0.basic_auth(user, Some(password)))
    }

    /// With a body of JSON.
    #[must_use]
    pub fn json<T: Serialize>(self, body: &T) -> Self {
        Request(self.0.json(body))
    }

    /// Sends it, and waits for the head of the answer.
    ///
    /// # Errors
    /// [`WebError`]. A status that tells of a failure is an answer.
    pub async fn send(self) -> Result<Response, WebError> {
        Ok(Response(self.0.send().await?))
    }
}

/// An answer whose body is not read yet.
#[derive(Debug)]
pub struct Response(reqwest::Response);

impl Response {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// A header's text, where there is one.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name).and_then(|text| text.to_str().ok())
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`WebError`]; also where it has more bytes than `bytes_max`.
    pub async fn body(mut self, bytes_max: usize) -> Result<Vec<u8>, WebError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.0.chunk().await? {
            if body.len() + chunk.len() > bytes_max {
                return Err(WebError::TooLong { bytes_max });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::response::Redirect;
    use axum::routing::get;

    use super::*;

    /// A server on this machine: eight bytes at `/`, a redirect to them at `/moved`, no answer at `/never`.
    async fn server() -> String {
        let router = Router::new()
            .route("/", get(async || "12345678"))
            .route("/moved", get(async || Redirect::temporary("/")))
            .route("/never", get(async || std::future::pending::<()>().await));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio_util::task::TaskTracker::new().spawn(std::future::IntoFuture::into_future(axum::serve(listener, router)));
        url
    }

    fn client(timeout: Duration) -> Builder {
        Client::builder(timeout).without_proxy()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_body_is_read_up_to_its_bound() {
        let (url, client) = (server().await, client(LONG).build().unwrap());
        let answer = client.request(Method::GET, &url).send().await.unwrap();
        assert_eq!((answer.status(), answer.header("content-length")), (StatusCode::OK, Some("8")));
        assert_eq!(answer.body(8).await.unwrap(), b"12345678");
        let answer = client.request(Method::GET, &url).send().await.unwrap();
        assert_eq!(answer.body(7).await, Err(WebError::TooLong { bytes_max: 7 }));
    }

    #[tokio::test]
    async fn redirects_are_followed_unless_switched_off() {
        let moved = format!("{}/moved", server().await);
        for (client, status) in [
            (client(LONG).build().unwrap(), StatusCode::OK),
            (client(LONG).without_redirects().build().unwrap(), StatusCode::TEMPORARY_REDIRECT),
        ] {
            assert_eq!(client.request(Method::GET, &moved).send().await.unwrap().status(), status);
        }
    }

    #[tokio::test]
    async fn an_error_names_its_innermost_cause_and_no_url() {
        let never = format!("{}/never?token=s3cret", server().await);
        let late = client(Duration::from_millis(1)).build().unwrap().request(Method::GET, &never).send().await;
        assert_eq!(late.unwrap_err(), WebError::NoAnswer("no answer in time".into()));
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = format!("http://{}/?token=s3cret", free.local_addr().unwrap());
        drop(free);
        let client = client(LONG).build().unwrap();
        let error = client.request(Method::GET, &nobody).send().await.unwrap_err();
        assert!(matches!(&error, WebError::NoAnswer(cause) if cause.starts_with("Connection refused")), "{error:?}");
        let error = client.request(Method::GET, "token=s3cret").send().await.unwrap_err();
        assert!(matches!(&error, WebError::Unmade(cause) if !cause.contains("s3cret")), "{error:?}");
    }
}
