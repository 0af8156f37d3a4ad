//! Two networks and a cable between them.

use std::fs::File;

use crate::harness::namespace::{Namespace, enter, here, is_there, run, skip};

/// Where servers are.
pub(super) const NEAR: &str = "10.99.0.1";
const FAR: &str = "10.99.0.2";

/// This thread is at its near end while it lives, and its children stay there.
pub(super) struct Cable {
    home: File,
    near: Namespace,
    far: Namespace,
}

/// How it is cut.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    /// Further away, where what is sent does this (nft).
    Beyond(&'static str),
    /// The other end of the gateway's own cable is pulled out.
    Unplugged,
}

impl Cable {
    /// Lays one, or says why there is none.
    pub(super) fn lay(test: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skip(test, "root");
            return None;
        }
        if let Some((program, _)) =
            [("ip", "-V"), ("nft", "-v")].iter().find(|(program, flag)| !is_there(program, flag))
        {
            skip(test, &format!("the program {program}"));
            return None;
        }
        let made =
            (Namespace::new(&format!("{test}-near")), Namespace::new(&format!("{test}-far")));
        let (Some(near), Some(far)) = made else {
            skip(test, "leave to make network namespaces (CAP_SYS_ADMIN)");
            return None;
        };
        let between = ["link", "add", "near", "type", "veth", "peer", "name", "far", "netns"];
        near.ip(&[&between[..], &[&far.name]].concat());
        for (end, device, address) in [(&near, "near", NEAR), (&far, "far", FAR)] {
            end.ip(&["address", "add", &format!("{address}/24"), "dev", device]);
            end.ip(&["link", "set", device, "up"]);
        }
        let home = here();
        enter(&near.network());
        Some(Self { home, near, far })
    }

    /// Does something at the far end.
    pub(super) fn far<T>(&self, work: impl FnOnce() -> T) -> T {
        enter(&self.far.network());
        let done = work();
        enter(&self.near.network());
        done
    }

    /// Cuts it.
    pub(super) fn cut(&self, how: Cut) {
        match how {
            Cut::Unplugged => self.far.ip(&["link", "set", "far", "down"]),
            Cut::Beyond(verdict) => {
                let chain = "add chain ip cut in { type filter hook input priority 0; }";
                let rules = format!("add table ip cut; {chain}; add rule ip cut in {verdict}");
                assert!(self.far(|| run("nft", &[&rules])), "{rules}");
            }
        }
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        enter(&self.home);
    }
}
