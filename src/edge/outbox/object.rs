//! The Durable Object itself: its paths, and nothing else. Nobody but this Worker can call it.

use serde_json::json;
use worker::{DurableObject, Env, Method, Request, Response, Result, State, durable_object};

use super::dead_letters::{self, NewDeadLetter};
use crate::edge::{log, reply};

/// The one object that keeps what could not be delivered.
#[durable_object(fetch)]
pub struct Outbox {
    state: State,
}

impl DurableObject for Outbox {
    fn new(state: State, _env: Env) -> Self {
        if let Err(error) = dead_letters::prepare(&state.storage().sql()) {
            // Every later statement fails then, and each of them is answered with an error.
            log::failure("outbox", &error.to_string());
        }
        Self { state }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let body = request.bytes().await?;
        let answer = self.answer(&request, &body);
        answer.or_else(|error| {
            log::failure("outbox", &error.to_string());
            reply::error(500, "outbox_failed", "The outbox could not do it.")
        })
    }
}

impl Outbox {
    fn answer(&self, request: &Request, body: &[u8]) -> Result<Response> {
        let sql = self.state.storage().sql();
        let url = request.url()?;
        let segments: Vec<_> = url.path().split('/').skip(1).collect();
        match (request.method(), segments.as_slice()) {
            (Method::Post, ["dead-letters"]) => {
                let (letter, content) = NewDeadLetter::split(body)?;
                let id = dead_letters::keep(&sql, &letter, content)?;
                reply::json(201, &json!({ "id": id }))
            }
            (Method::Get, ["dead-letters"]) => {
                let cursor = url.query_pairs().find(|(name, _)| name == "cursor");
                let cursor = cursor.and_then(|(_, cursor)| cursor.parse().ok());
                reply::json(200, &dead_letters::list(&sql, cursor)?)
            }
            (Method::Get, ["dead-letters", id]) => match dead_letters::read(&sql, id)? {
                Some(letter) => reply::json(200, &letter),
                None => reply::error(404, "not_found", "There is no such dead letter."),
            },
            (Method::Delete, ["dead-letters", id]) => {
                if dead_letters::delete(&sql, id)? {
                    return Ok(reply::empty(204));
                }
                reply::error(404, "not_found", "There is no such dead letter.")
            }
            _ => reply::error(404, "not_found", "There is nothing here."),
        }
    }
}
