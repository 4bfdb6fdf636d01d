//! Tells account lockouts from malicious-IP blocks in Microsoft Entra sign-in logs.
//!
//! ARCHITECTURE.md has the map: sources are decoded into the canonical table `signins`, SQL views
//! turn it into findings, and Rust only carries.

pub mod archive;
pub mod batch;
pub mod cli;
pub mod context;
pub mod coverage;
pub mod decode;
pub mod engine;
pub mod error;
pub mod explain;
pub mod inspect;
pub mod progress;
pub mod queries;
pub mod read;
pub mod results;
pub mod signin;
pub mod source;
pub mod store;
pub mod stream;

pub use error::{Error, Result};
