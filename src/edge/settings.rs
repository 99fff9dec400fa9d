//! The settings of this isolate, read from the environment once.

use std::cell::OnceCell;
use std::rc::Rc;

use serde_json::Value;
use worker::Env;

use crate::config::{self, Config, SettingProblem};

/// A checked configuration, or all its problems.
pub(super) type CheckedSettings = Rc<Result<Config, Vec<SettingProblem>>>;

thread_local! {
    /// An isolate's environment never changes: new settings start new isolates.
    static SETTINGS: OnceCell<CheckedSettings> = const { OnceCell::new() };
}

pub(super) fn read(env: &Env) -> CheckedSettings {
    SETTINGS.with(|settings| {
        let parse = || Rc::new(config::parse(|name| variable(env, name)));
        Rc::clone(settings.get_or_init(parse))
    })
}

/// A variable or secret. `wrangler.toml` may also have a JSON setting as a table.
pub(super) fn variable(env: &Env, name: &str) -> Option<String> {
    match env.var(name) {
        Ok(text) => Some(text.to_string()),
        Err(_) => env.object_var::<Value>(name).ok().map(|object| object.to_string()),
    }
}
