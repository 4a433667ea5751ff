//! What the operator types and reads.
//!
//! In: arguments, environment, credentials. Out: a server that runs, or text on a terminal and
//! an exit code. [`command`] and [`settings`] read what is wanted, [`setup`] builds the parts
//! from it, [`serve`] runs them from start to stop, [`reload`] reads files again; [`ask`] and
//! [`demo`] play a reader through [`simulator`]; [`check`], [`menu`] and [`wishes`] help the
//! operator. Only `main` imports this room.

pub mod ask;
pub mod check;
pub mod command;
pub mod demo;
pub mod environment;
pub mod menu;
pub mod reload;
pub mod serve;
pub mod settings;
pub mod setup;
pub mod simulator;
pub mod wishes;
