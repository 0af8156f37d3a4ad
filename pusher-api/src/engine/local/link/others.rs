//! Tells a gateway what the others have and can take, so that it asks its sessions to come back only where
//! there is room for them.

use std::{convert::Infallible, time::Duration};

use protocol::link::{OtherGateways, Terms};
use serving::changes;

use super::{gateways::Gateways, handle::Link, services::Services};

/// How often it is told while it changes.
const INTERVAL: Duration = Duration::from_millis(250);

/// Tells it whenever it has changed, for as long as it is polled.
pub(super) async fn keep_told(link: &Link, services: &Services, terms: Terms) -> Infallible {
    if !terms.tells_load() {
        std::future::pending::<()>().await;
    }
    changes::tell(INTERVAL, || others(link, &services.gateways), |it| link.tell_others(it)).await
}

/// What every other gateway that there is a link to has told last.
fn others(link: &Link, gateways: &Gateways) -> OtherGateways {
    let mut others = OtherGateways::default();
    let links = gateways.all();
    let linked = links.iter().filter(|other| other.index != link.index && other.is_connected());
    linked.filter_map(|other| other.load()).for_each(|load| others.add(load));
    others
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, sync::Arc};

    use protocol::link::Load;
    use uuid::Uuid;

    use super::*;
    use crate::engine::local::link::handle::Bounds;

    #[test]
    fn a_gateway_is_told_of_those_that_are_there_and_have_told() {
        let gateways = Gateways::default();
        let address: SocketAddr = "127.0.0.1:1".parse().expect("an address");
        let links: Vec<Arc<Link>> =
            (0..4).map(|_| gateways.add(address, Bounds::of_queue(10))).collect();
        let told = |link: &Link| {
            let others = others(link, &gateways);
            (others.gateways, others.room)
        };
        for (number, link) in links.iter().enumerate() {
            link.welcome(Uuid::from_u128(number as u128), 0, "g");
        }
        assert_eq!(told(&links[0]), (0, 0), "none has told");
        for (link, room) in links.iter().zip([1, 20, 300]) {
            link.told_load(Load { sessions: 0, room, per_second: 9 });
        }
        assert_eq!((told(&links[0]), told(&links[3])), ((2, 320), (3, 321)));
        links[2].ended();
        assert_eq!((told(&links[0]), told(&links[3])), ((1, 20), (2, 21)));
        links[2].welcome(Uuid::from_u128(2), 0, "g");
        assert_eq!(told(&links[0]), (1, 20), "it has not told on its new connection");
    }
}
