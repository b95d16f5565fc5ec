//! Tests of the program `lockstep`, each command as a process.

mod bugs;
mod campaigns;
mod deploy;
mod findings;
mod nodes;
mod program;
#[cfg(unix)]
mod samples;
mod stress;
