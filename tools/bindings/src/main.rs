//! Makes the JavaScript bindings of the compiled worker: the one part of the program `wasm-bindgen` that the build
//! needs. Compiled from here it takes half a minute, in the version of Cargo.lock.
//!
//! ```text
//! bindings <compiled module> <folder>     writes index.js and index_bg.wasm
//! ```
//!
//! Not for: what JavaScript can do as well. That is in `scripts/`.

use std::env;
use std::error::Error;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let [module, folder] = env::args_os()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "two arguments are needed: the compiled module and a folder")?;
    Bindgen::new()
        .input_path(module)
        .out_name("index")
        .module(true)?
        .typescript(false)
        // What the crate `worker` begins anew with after a panic.
        .reset_state_function(true)
        .generate(folder)?;
    Ok(())
}
