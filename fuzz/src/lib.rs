//! The fuzz targets, built together with the two modules that they need: the whole program takes minutes to build for
//! a fuzzer. The targets themselves are also run by the main package's `tests/fuzz`, which owns them, on the stable toolchain.

// The targets name the library as everybody does.
extern crate self as hoptrail;

#[path = "../../src/model/mod.rs"]
pub mod model;
#[path = "../../tests/fuzz/targets/mod.rs"]
pub mod targets;
#[path = "../../src/wire/mod.rs"]
pub mod wire;
