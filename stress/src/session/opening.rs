//! The first bytes of each session, with its credentials.

use client::{
    handshake::Key,
    opening::{self, Credentials, Place, percent_encode},
};
use protocol::{SessionId, UserId, claims::Claims};
use tokens::Signer;

use super::identity::{Identity, Signing};
use crate::settings::targets::Target;

/// Stands for the user id in a target's path.
const USER: &str = "{user}";

/// Writes opening bytes; one per worker.
pub(crate) struct Openings {
    identity: Identity,
    key: Key,
    signer: Option<Signer>,
}

impl Openings {
    /// Opens sessions as these users.
    pub(crate) fn new(identity: Identity) -> Self {
        let signer = identity.signing.as_ref().map(Signing::signer);
        Self { identity, signer, key: Key::new(fastrand::u128(..).to_ne_bytes()) }
    }

    /// The `Sec-WebSocket-Accept` that answers these requests.
    pub(crate) fn accept(&self) -> &str {
        &self.key.accept
    }

    /// The opening bytes of one session.
    pub(crate) fn bytes(&self, number: u32, target: &Target, port: u16) -> String {
        self.with(number, target, port, |place, who| opening::bytes(place, who, &self.key))
    }

    /// The request that posts frames for it.
    pub(crate) fn post(
        &self,
        number: u32,
        (target, port): (&Target, u16),
        session: SessionId,
        frames: &str,
    ) -> String {
        self.with(number, target, port, |place, who| opening::post(place, who, session, frames))
    }

    /// What is written for a session, by its place and its credentials.
    fn with(
        &self,
        number: u32,
        target: &Target,
        port: u16,
        write: impl FnOnce(Place<'_>, Credentials<'_>) -> String,
    ) -> String {
        let user = format!("{}{number}", self.identity.user_prefix);
        let token = self.signer.as_ref().map(|signer| self.token(signer, &user));
        let mut encoded = String::new();
        percent_encode(&user, &mut encoded);
        let path = target.path.replace(USER, &encoded);
        let place = Place { transport: target.transport, host: &target.host, port, path: &path };
        let is_named = target.path.contains(USER);
        write(place, Credentials::new(token.as_deref(), (!is_named).then_some(&user)))
    }

    fn token(&self, signer: &Signer, user: &str) -> String {
        let user = UserId::new(user).expect("the last and longest one is checked");
        let device = Some(self.identity.device.clone());
        let topics = self.identity.topic.iter().cloned().collect();
        let claims = Claims { device, topics, ..Claims::new(user, self.identity.expires) };
        signer.sign(&claims).expect("a secret always signs")
    }
}

#[cfg(test)]
mod tests {
    use protocol::Transport;

    use super::*;

    fn openings(secret: Option<&str>) -> Openings {
        Openings::new(Identity {
            user_prefix: "ä ".into(),
            device: "d".parse().expect("a device"),
            topic: None,
            signing: secret.map(|secret| Signing::Secret(secret.into())),
            expires: 32_503_680_000,
        })
    }

    fn target(transport: Transport) -> Target {
        let address = "127.0.0.1".parse().expect("an address");
        let (host, path) = ("h".into(), "/v1/ws".into());
        Target { address, first_port: 1, last_port: 1, host, path, transport }
    }

    #[test]
    fn a_path_can_name_the_user() {
        let path = "/sub/{user}?x=1".into();
        let target = Target { path, ..target(Transport::WebSocket) };
        let request = openings(None).bytes(7, &target, 1);
        assert!(request.starts_with("GET /sub/%C3%A4%207?x=1 HTTP/1.1\r\n"), "{request}");
    }

    #[test]
    fn tokens_name_user_device_and_end() {
        let request = openings(Some("s")).bytes(7, &target(Transport::WebSocket), 1);
        assert!(request.starts_with("GET /v1/ws HTTP/1.1\r\n"), "{request}");
        let line = openings(Some("s")).bytes(7, &target(Transport::Tcp), 1);
        let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let token = line["token"].as_str().expect("a token");
        assert!(request.contains(&format!("Authorization: Bearer {token}\r\n")));
        let token = tokens::Token::parse(token).expect("a token");
        let ring = tokens::Ring::from_iter([tokens::Key::secret(b"s")]);
        ring.check(&token).expect("signed with the secret");
        let claims = token.claims().expect("base64url");
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&claims).expect("JSON"),
            serde_json::json!({"sub": "ä 7", "device": "d", "exp": 32_503_680_000_u64})
        );
    }

    #[test]
    fn tokens_name_the_topic_and_are_signed_with_a_private_key() {
        let key = include_str!("../../../tests/keys/ec.pem");
        let topic = Some("news".parse().expect("a topic"));
        let signing = Some(Signing::PrivateKey(key.into()));
        let openings = Openings::new(Identity { topic, signing, ..openings(None).identity });
        let line = openings.bytes(7, &target(Transport::Tcp), 1);
        let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let token =
            tokens::Token::parse(line["token"].as_str().expect("a token")).expect("a token");
        let public = include_str!("../../../tests/keys/ec.public.pem");
        let public = tokens::pem::public_key(public).expect("a public key");
        tokens::Ring::from_iter([public]).check(&token).expect("signed with the key");
        let claims = token.claims().expect("base64url");
        let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(claims["topics"], serde_json::json!(["news"]));
    }
}
