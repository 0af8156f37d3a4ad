//! The answer to a push whose receipts were waited for.

use protocol::{
    MessageId, SessionId,
    receipt::{MAX_RECEIPT_SESSIONS, Outcome, Receipt},
};
use serde::Serialize;

use crate::{engine::contract::Handed, receipts::Collected, status::GatewayIndex};

/// The answer to a push whose receipts were waited for.
#[derive(Debug, Serialize)]
pub(crate) struct PushReceipt {
    /// The message.
    pub id: MessageId,
    /// One outcome for each session that had it, of the gateways that have answered.
    pub sessions: Vec<SessionReceipt>,
    /// Whether anybody it is for is known to be online.
    pub online: bool,
    /// Whether every gateway has answered that holds or may hold anybody it is for.
    pub complete: bool,
    /// Those that have not: nothing is said of their sessions, which may have got it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<String>,
    /// Those that had no room for it: nobody there gets it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub no_room: Vec<String>,
    /// Those of an older build that do not know what it means: nobody there gets it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unsupported: Vec<String>,
    /// Whether it is kept for sessions that have not got it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// Whether it reached more sessions than are listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// What became of a push at one session.
#[derive(Debug, Serialize)]
pub(crate) struct SessionReceipt {
    /// The session.
    pub session: SessionId,
    /// The gateway that holds it.
    pub gateway: String,
    /// The device it is of, where it has one and was still there to say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// `written`, `queued` or `dropped`.
    pub outcome: Outcome,
    /// Why it was dropped: the reason for which the session ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl PushReceipt {
    /// The same for a push that is kept.
    pub(super) fn kept(self) -> Self {
        Self { kept: true, ..self }
    }

    /// Puts together what the gateways said, whose names are asked for.
    pub(super) fn new(
        id: MessageId,
        handed: &Handed,
        collected: Collected,
        name_of: impl Fn(GatewayIndex) -> String,
    ) -> Self {
        let Collected { receipts, unanswered } = collected;
        let names = |gateways: &[GatewayIndex]| gateways.iter().copied().map(&name_of).collect();
        let total: u64 = receipts.iter().map(|(_, receipt)| receipt.total).sum();
        let mut unanswered: Vec<_> = names(&unanswered);
        unanswered.extend(handed.away.iter().copied().map(&name_of));
        let skipped = receipts.iter().filter(|(_, receipt)| receipt.skipped);
        let unsupported: Vec<_> = skipped.map(|(gateway, _)| name_of(*gateway)).collect();
        let sessions = receipts.into_iter().flat_map(|(gateway, receipt)| {
            let gateway = name_of(gateway);
            sessions_of(receipt).map(move |session| session(gateway.clone()))
        });
        let sessions: Vec<_> = sessions.take(MAX_RECEIPT_SESSIONS).collect();
        Self {
            id,
            truncated: total > sessions.len() as u64,
            sessions,
            online: total > 0 || handed.online,
            complete: unanswered.is_empty(),
            unanswered,
            no_room: names(&handed.no_room),
            unsupported,
            kept: false,
        }
    }
}

/// The sessions of one receipt, still without the gateway's name.
fn sessions_of(receipt: Receipt) -> impl Iterator<Item = impl FnOnce(String) -> SessionReceipt> {
    let Receipt { sessions, mut details, .. } = receipt;
    details.sort_unstable_by_key(|detail| detail.session);
    sessions.into_iter().map(move |(session, outcome)| {
        let found = details.binary_search_by_key(&session, |detail| detail.session);
        let detail = found.ok().map(|position| details[position].clone());
        let (device, reason) = detail.map_or((None, None), |it| (it.device, it.reason));
        move |gateway| SessionReceipt { session, gateway, device, outcome, reason }
    })
}

#[cfg(test)]
mod tests {
    use protocol::receipt::SessionDetail;
    use serde_json::json;

    use super::*;

    const GATEWAYS: [GatewayIndex; 4] =
        [GatewayIndex(0), GatewayIndex(1), GatewayIndex(2), GatewayIndex(3)];

    fn shown(handed: &Handed, collected: Collected) -> serde_json::Value {
        let id = MessageId(uuid::Uuid::from_u128(1));
        let name = |gateway: GatewayIndex| format!("g{}", gateway.0);
        serde_json::to_value(PushReceipt::new(id, handed, collected, name)).expect("plain data")
    }

    #[test]
    fn what_is_known_is_told_and_what_is_not_is_named() {
        let [first, second, third, fourth] = GATEWAYS;
        let id = MessageId::generate();
        let sessions = vec![(SessionId(9), Outcome::Dropped), (SessionId(1), Outcome::Written)];
        let detail = |session, device: Option<&str>, reason: Option<&str>| SessionDetail {
            session: SessionId(session),
            device: device.map(str::to_owned),
            reason: reason.map(str::to_owned),
        };
        let details = vec![detail(9, None, Some("client_left")), detail(1, Some("phone"), None)];
        let receipt = Receipt { details, ..Receipt::new(id, sessions, 2) };
        let handed = Handed {
            no_room: [third].into_iter().collect(),
            away: [fourth].into_iter().collect(),
            online: true,
            ..Handed::default()
        };
        let unanswered = [second].into_iter().collect();
        let collected = Collected { receipts: vec![(first, receipt)], unanswered };
        let expected = json!({
            "id": "00000000-0000-0000-0000-000000000001",
            "sessions": [
                { "session": "0000000000000009", "gateway": "g0",
                  "outcome": "dropped", "reason": "client_left" },
                { "session": "0000000000000001", "gateway": "g0", "device": "phone",
                  "outcome": "written" },
            ],
            "online": true, "complete": false, "unanswered": ["g1", "g3"], "no_room": ["g2"],
        });
        assert_eq!(shown(&handed, collected), expected);
    }

    #[test]
    fn nobody_known_and_everybody_silent_are_told_apart() {
        let expected = json!({
            "id": "00000000-0000-0000-0000-000000000001", "sessions": [], "online": false,
            "complete": true,
        });
        assert_eq!(shown(&Handed::default(), Collected::default()), expected);
        let skipped = vec![(GATEWAYS[0], Receipt::skipped(MessageId::generate()))];
        let collected = Collected { receipts: skipped, ..Collected::default() };
        let known = Handed { online: true, ..Handed::default() };
        let shown = shown(&known, collected);
        assert_eq!((&shown["online"], &shown["unsupported"]), (&json!(true), &json!(["g0"])));
    }

    #[test]
    fn more_sessions_than_are_listed_are_counted() {
        let receipt = Receipt::new(MessageId::generate(), vec![(SessionId(1), Outcome::Queued)], 7);
        let receipts = vec![(GATEWAYS[0], receipt)];
        let collected = Collected { receipts, ..Collected::default() };
        let shown = shown(&Handed::default(), collected);
        assert_eq!((&shown["truncated"], &shown["online"]), (&json!(true), &json!(true)));
    }
}
