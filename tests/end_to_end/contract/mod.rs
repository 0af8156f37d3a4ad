//! What every transport promises, tested on each of them.

/// Makes a test for each case and transport.
macro_rules! contract {
    ($($case:ident),* $(,)?) => {
        contract_of_streams!($($case),*);
        mod on_sse {
            $(#[test]
            fn $case() {
                super::$case::<crate::harness::Sse>();
            })*
        }
        mod on_poll {
            $(#[test]
            fn $case() {
                super::$case::<crate::harness::Poll>();
            })*
        }
        mod on_sse_over_tls {
            $(#[test]
            fn $case() {
                crate::harness::tunnel::sealed(super::$case::<crate::harness::Sse>);
            })*
        }
        mod on_poll_over_tls {
            $(#[test]
            fn $case() {
                crate::harness::tunnel::sealed(super::$case::<crate::harness::Poll>);
            })*
        }
    };
}

/// The same for those whose clients speak on the session's own connection.
macro_rules! contract_of_streams {
    ($($case:ident),* $(,)?) => {
        mod on_websocket {
            $(#[test]
            fn $case() {
                super::$case::<crate::harness::WebSocket>();
            })*
        }
        mod on_tcp {
            $(#[test]
            fn $case() {
                super::$case::<crate::harness::Tcp>();
            })*
        }
        mod on_websocket_over_tls {
            $(#[test]
            fn $case() {
                crate::harness::tunnel::sealed(super::$case::<crate::harness::WebSocket>);
            })*
        }
        mod on_tcp_over_tls {
            $(#[test]
            fn $case() {
                crate::harness::tunnel::sealed(super::$case::<crate::harness::Tcp>);
            })*
        }
        // What stands in front of TLS is read in one place for all transports: one of them shows that it is.
        mod on_websocket_over_tls_behind_a_proxy {
            $(#[test]
            fn $case() {
                crate::harness::tunnel::passed_on(super::$case::<crate::harness::WebSocket>);
            })*
        }
    };
}

mod endings;
mod frames;
mod kept;
mod limits;
mod presence;
mod pushes;
mod tokens;
mod topics;
mod unreadable;
mod wire;
