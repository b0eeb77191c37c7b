//! The gateway: what customers and operators speak to.
//!
//! It authenticates, validates, refuses what its view surely knows, appends a command and answers
//! once the log has it. Polls and streams are answered from the status view, which tails the
//! decisions log. It must not know how a decision is made, and on the path of a purchase it never
//! touches the database.

mod accounts;
pub mod admission;
pub mod answer;
pub mod auth;
mod call;
mod commands;
mod composition;
mod config;
mod congestion;
mod demo;
mod keys;
mod limits;
mod openapi;
pub mod probe;
mod problem;
mod reading;
mod retry;
mod routes;
mod server;
pub mod signature;
pub mod status;
mod stream;
pub mod ticket;
pub mod view;
mod web;
mod written;

pub use composition::{Counter, Gateway, GatewayParts};
pub use config::{AddressRange, GatewayConfig, RateConfig};
pub use keys::{GatewayKeys, KeyWatches};
pub use openapi::document as openapi_document;
pub use server::{
    Operations, PartitionControl, PartitionRow, Ready, ResumeOptions, ResumeRefusal, ServeError,
    serve_operations,
};
