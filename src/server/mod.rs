//! The wire: bytes of clients to complete, bounded requests, answers to bytes.
pub mod chunks;
pub mod connection;
pub mod framing;
pub mod lanes;
pub mod listener;
pub mod table;
pub mod workers;
