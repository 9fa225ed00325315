//! A webhook's receiver.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use hoptrail::model::api::AlertView;
use tokio::task::JoinHandle;

type Received = Arc<Mutex<Vec<AlertView>>>;

/// Takes alerts on a free port, and keeps them.
pub struct Receiver {
    pub url: String,
    received: Received,
    task: JoinHandle<()>,
}

impl Receiver {
    pub async fn start() -> Receiver {
        let received = Received::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/alerts", listener.local_addr().unwrap());
        let router = Router::new().route("/alerts", post(keep)).with_state(received.clone());
        let serving = async move { axum::serve(listener, router).await.unwrap() };
        Receiver { url, received, task: tokio::spawn(serving) }
    }

    pub fn alerts(&self) -> Vec<AlertView> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep(State(received): State<Received>, body: axum::Json<AlertView>) -> StatusCode {
    received.lock().unwrap().push(body.0);
    StatusCode::NO_CONTENT
}
