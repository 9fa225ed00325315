//! Holds the code to its rooms, and the pages to the code.

#![allow(clippy::indexing_slicing, reason = "a test that panics has failed, as it should")]

mod layers;
mod pages;
