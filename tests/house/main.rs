//! Holds the code to its rooms, and the pages to the code.

mod layers;
mod pages;
