//! Whether the server lives, and whether requests should be sent to it.

use std::sync::atomic::Ordering;

use serde::Serialize;

use super::call::Call;
use super::errors::Error;
use super::{Api, json};
use crate::http::Response;

#[derive(Serialize)]
struct HealthBody {
    status: &'static str,
}

impl Api {
    pub fn show_health(&self, _: &Call<'_>) -> Result<Response, Error> {
        Ok(json::ok(&HealthBody { status: "ok" }))
    }

    pub fn show_readiness(&self, _: &Call<'_>) -> Result<Response, Error> {
        if self.draining.load(Ordering::SeqCst) || !self.writer.is_healthy() {
            return Err(Error::NotReady);
        }
        self.reader.is_sound()?;
        Ok(json::ok(&HealthBody { status: "ready" }))
    }
}
