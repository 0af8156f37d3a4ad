//! How these commands ask a server over HTTP.

use std::time::Duration;

use ureq::Agent;

/// Asks the server that is named, without a proxy of the environment and without a redirect elsewhere; every
/// status is an answer, and all of it has to come within this time.
pub(crate) fn agent(within: Duration) -> Agent {
    let settings = Agent::config_builder().http_status_as_error(false);
    settings.timeout_global(Some(within)).proxy(None).max_redirects(0).build().into()
}
