//! The requests of each session, with its credentials: its first bytes, and what follows where those are not
//! all.

use std::{collections::HashMap, time::Duration};

use client::{
    handshake::Key,
    opening::{self, Credentials, Place, percent_encode},
};
use protocol::{SessionId, Transport, UserId, claims::Claims};
use tokens::{Algorithm, Signer};

use super::identity::{Identity, Signing};
use crate::settings::targets::Target;

/// Stands for the user id in a target's path.
const USER: &str = "{user}";

/// Writes opening bytes; one per worker.
pub(crate) struct Openings {
    identity: Identity,
    key: Key,
    signer: Option<Signer>,
    /// Tokens of sessions that show theirs again and again, by their numbers, where they cannot be made
    /// again: a signature by a private key takes time, and may be another one each time.
    kept: HashMap<u32, Box<str>>,
}

/// A session that has begun, as requests for it name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun<'a> {
    /// Its number.
    pub(crate) number: u32,
    /// Where it was opened.
    pub(crate) target: &'a Target,
    /// The server's port.
    pub(crate) port: u16,
    /// What the server calls it.
    pub(crate) name: SessionId,
}

impl Openings {
    /// Opens sessions as these users.
    pub(crate) fn new(identity: Identity) -> Self {
        let signer = identity.signing.as_ref().map(Signing::signer);
        let key = Key::new(fastrand::u128(..).to_ne_bytes());
        Self { identity, signer, key, kept: HashMap::new() }
    }

    /// The `Sec-WebSocket-Accept` that answers these requests.
    pub(crate) fn accept(&self) -> &str {
        &self.key.accept
    }

    /// The opening bytes of one session.
    pub(crate) fn bytes(&mut self, number: u32, target: &Target, port: u16) -> String {
        let shows_again = target.transport == Transport::Poll;
        self.with(number, (target, port), shows_again, opening::bytes)
    }

    /// The request that posts frames for one.
    pub(crate) fn post(&mut self, begun: Begun<'_>, frames: &str) -> String {
        let Begun { number, target, port, name } = begun;
        self.with(number, (target, port), true, |place, who, _| {
            opening::post(place, who, name, frames)
        })
    }

    /// The request that asks one, of which so many answers have been seen, for what is new.
    pub(crate) fn poll(&mut self, begun: Begun<'_>, seen: u32, wait: Duration) -> String {
        let Begun { number, target, port, name } = begun;
        self.with(number, (target, port), true, |place, who, _| {
            opening::poll(place, who, name, seen, wait)
        })
    }

    /// What is written for a session, by its place and its credentials, which it may show again.
    fn with(
        &mut self,
        number: u32,
        (target, port): (&Target, u16),
        shows_again: bool,
        write: impl FnOnce(Place<'_>, Credentials<'_>, &Key) -> String,
    ) -> String {
        let user = format!("{}{number}", self.identity.user_prefix);
        let made = self.token(number, &user, shows_again);
        let token = made.as_deref().or_else(|| self.kept.get(&number).map(|kept| &**kept));
        let mut encoded = String::new();
        percent_encode(&user, &mut encoded);
        let path = target.path.replace(USER, &encoded);
        let place = Place { transport: target.transport, host: &target.host, port, path: &path };
        let is_named = target.path.contains(USER);
        write(place, Credentials::new(token, (!is_named).then_some(&user)), &self.key)
    }

    /// A token, unless it is one of those that are kept.
    fn token(&mut self, number: u32, user: &str, shows_again: bool) -> Option<String> {
        let signer = self.signer.as_ref().filter(|_| !self.kept.contains_key(&number))?;
        let user = UserId::new(user).expect("the last and longest one is checked");
        let device = Some(self.identity.device.clone());
        let topics = self.identity.topic.iter().cloned().collect();
        let claims = Claims { device, topics, ..Claims::new(user, self.identity.expires) };
        let token = signer.sign(&claims).expect("a secret always signs");
        if shows_again && signer.algorithm() != Algorithm::Hs256 {
            self.kept.insert(number, token.into());
            return None;
        }
        Some(token)
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
        Target { address, first_port: 1, last_port: 1, host, path, transport, tls_name: None }
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
        let mut openings = Openings::new(Identity { topic, signing, ..openings(None).identity });
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

    #[test]
    fn who_asks_again_and_again_shows_the_same_token() {
        fn token(request: &str) -> &str {
            let rest = request.split("Bearer ").nth(1).expect("a token");
            rest.split("\r\n").next().expect("an end")
        }
        let key = include_str!("../../../tests/keys/ec.pem");
        for (signing, kept) in
            [(Signing::PrivateKey(key.into()), 1), (Signing::Secret("s".into()), 0)]
        {
            let signing = Some(signing);
            let mut openings = Openings::new(Identity { signing, ..openings(None).identity });
            let target = Target { path: "/v1/poll".into(), ..target(Transport::Poll) };
            let first = openings.bytes(7, &target, 1);
            let begun = Begun { number: 7, target: &target, port: 1, name: SessionId(255) };
            let next = openings.poll(begun, 1, Duration::from_secs(30));
            assert!(next.starts_with("GET /v1/poll?session=00000000000000ff&seen=1&wait=30000ms "));
            let post = openings.post(begun, "{}");
            assert!(post.starts_with("POST /v1/frames?session=00000000000000ff "), "{post}");
            assert_eq!([token(&next), token(&post)], [token(&first); 2]);
            assert_eq!(openings.kept.len(), kept);
        }
    }
}
