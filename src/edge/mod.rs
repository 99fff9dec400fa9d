//! The shell: the only place that names `worker`. Entry points, routes, authentication, calls, the Durable Objects.
//!
//! The core decides; the shell reads, sends, stores and answers.

mod accepted;
mod auth;
mod body;
mod calls;
mod check;
mod clock;
mod dashboard;
mod dead_letters;
mod delivery;
mod durable;
mod feed;
mod fetch;
mod handshake;
mod health;
mod import;
mod log;
mod memory;
mod objects;
mod outbox;
mod preview;
mod push;
mod reply;
mod route;
mod settings;
mod shared;
mod slice;
mod sql;
mod status;
mod trace;
mod watch;

use worker::{Context, Env, Request, Response, ScheduleContext, ScheduledEvent, event};

use self::auth::Operator;
use self::route::{NoRoute, Route};
use crate::config::FeedMode;

/// Chains two panic hooks: the one of the crate `worker`, which begins the recovery, and the one that logs the panic
/// with JavaScript's stack. Both run, whichever was installed first.
#[event(start)]
fn start() {
    let recovery = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        console_error_panic_hook::hook(panic);
        recovery(panic);
    }));
}

/// Answers every request. An error of the platform itself becomes a 503, since the sender of a notification has to try
/// again then.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let answered = answer(request, &env).await;
    watch::hand_over_soon(&context, &env);
    answered.or_else(|error| {
        log::failure("platform", &error.to_string());
        reply::unavailable("platform_error", "The platform failed; try again.")
    })
}

/// The cron trigger of `wrangler.toml`: wakes an object that has lost its alarm, or never had one, and starts due
/// imports.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    if let Ok(config) = settings::read(&env).as_ref() {
        outbox::OUTBOX.tick(&env, config).await;
        watch::WATCH.tick(&env, config).await;
        if config.rules.feed.mode != FeedMode::Off {
            feed::FEED.tick(&env, config).await;
        }
        if config.mode.import() {
            import::IMPORT.tick(&env, config).await;
        }
    }
}

async fn answer(mut request: Request, env: &Env) -> worker::Result<Response> {
    let settings = settings::read(env);
    let mode = settings.as_ref().as_ref().ok().map(|config| config.mode);
    let route = match route::find(request.method().as_ref(), &request.path(), mode) {
        Ok(route) => route,
        Err(NoRoute::NotFound) => return reply::error(404, "not_found", "There is nothing here."),
        Err(NoRoute::Method(allowed)) => return reply::method_not_allowed(allowed),
    };
    if route == Route::Health {
        return health::answer(env, &settings).await;
    }
    if let Route::Dashboard(file) = route {
        return dashboard::answer(&request, file, &settings);
    }
    let config = match settings.as_ref() {
        Ok(config) => config,
        Err(problems) => return reply::not_configured(problems),
    };
    match (route, auth::operator(config, &request)?) {
        (Route::Health, _) => health::answer(env, &settings).await,
        (Route::Dashboard(file), _) => dashboard::answer(&request, file, &settings),
        (Route::Push, _) => push::answer(&mut request, env, config).await,
        (Route::Consent, _) => handshake::consent(config, &request),
        (_, None) => reply::error(401, "unauthorized", "The admin token is missing or wrong."),
        (route, Some(Operator::Reader)) if !route.is_for_readers() => {
            reply::error(403, "read_only_token", "READ_TOKEN reads only; this needs ADMIN_TOKEN.")
        }
        (Route::DeadLetters(action), _) => {
            dead_letters::answer(&mut request, env, config, &action).await
        }
        (Route::Outbox(action), _) => outbox::answer(&request, env, config, action).await,
        (Route::Sequence, _) => import::start_sequence(&mut request, env, config).await,
        (Route::Sync(kind, action), Some(operator)) => {
            import::answer(&mut request, env, config, operator, kind, action).await
        }
        (Route::Status, Some(operator)) => status::answer(&request, env, config, operator).await,
        (Route::Metrics, Some(operator)) => status::metrics(env, config, operator).await,
        (Route::TestAlert, _) => watch::test_alert(env, config).await,
        (Route::Check, Some(operator)) => check::answer(env, config, operator).await,
        (Route::Feed(action), _) => feed::answer(&mut request, env, config, action).await,
        (Route::Preview, _) => preview::answer(&mut request, config).await,
        (Route::Trace, _) => trace::answer(&mut request, env, config).await,
    }
}
