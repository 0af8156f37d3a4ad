//! Asks the process before this one for everything.

use std::path::Path;

use limits::descriptors;
use rustix::process::geteuid;
use settings::Secret;
use tracing::info;

use super::{
    refusal::{TakeoverError, out_of_turn},
    successor::Offer,
};
use crate::{
    access::{admission::Admission, link_secrets::LinkSecrets},
    handover::{
        channel::Channel,
        place,
        proof::{Side, is_proof, nonce, proof},
        records::RECORDS,
        words::{Given, Taking},
    },
    settings::Settings,
};

/// Descriptors that a process needs beside those of its sessions while it takes over.
const SPARE: usize = 64;

/// Asks the process that waits at a path for everything, if one does.
///
/// # Errors
/// There is one, and it has to go on.
pub(crate) fn ask(
    path: &Path,
    settings: &Settings,
    secrets: &LinkSecrets,
) -> Result<Option<Offer>, TakeoverError> {
    let connected = place::connect(path);
    let shown = path.display();
    let connected =
        connected.map_err(|error| TakeoverError::Channel(format!("{shown}: {error}")))?;
    let Some(socket) = connected else {
        info!(path = %shown, "no gateway to take over from");
        return Ok(None);
    };
    let io = |error: std::io::Error| TakeoverError::Channel(error.to_string());
    let mut channel = Channel::new(socket).map_err(io)?;
    let (pid, theirs) = channel.peer().map_err(io)?;
    let own = geteuid().as_raw();
    if theirs != own {
        return Err(TakeoverError::OtherUser { theirs, own });
    }
    greet(&mut channel, settings, &secrets.all())?;
    info!(pid, "taking over");
    let mut offer = Offer::new(channel);
    offer.receive()?;
    Ok(Some(offer))
}

/// Both sides prove that they know the secret, and see whether there is room.
fn greet(
    channel: &mut Channel,
    settings: &Settings,
    secrets: &[Secret],
) -> Result<(), TakeoverError> {
    let (theirs, own) = (challenge(channel)?, nonce());
    let nonces = [theirs.as_str(), own.as_str()];
    let proofs = secrets.iter().map(|secret| proof(secret.expose(), Side::Takes, nonces));
    let room = Room::here(settings);
    let hello = Taking::Hello {
        nonce: own.clone(),
        proofs: proofs.collect(),
        records: RECORDS,
        sessions: room.sessions,
        descriptors: room.descriptors,
    };
    channel.send(&hello, &[])?;
    let (shown, coming) = welcome(channel)?;
    let proves = |secret: &Secret| {
        shown.as_ref().is_some_and(|it| is_proof(it, secret.expose(), Side::Gives, nonces))
    };
    if !secrets.is_empty() && !secrets.iter().any(proves) {
        return Err(TakeoverError::NoProof);
    }
    if let Some(error) = room.is_too_small_for(coming) {
        // It goes on in any case.
        let _ = channel.send(&Taking::Refused(error.to_string()), &[]);
        return Err(error);
    }
    Ok(channel.send(&Taking::Begin, &[])?)
}

/// What this process is to prove with, if it reads the records of the other one.
fn challenge(channel: &mut Channel) -> Result<String, TakeoverError> {
    match channel.receive()?.0 {
        Given::Challenge { nonce, records } if records <= RECORDS => Ok(nonce),
        Given::Challenge { records, .. } => {
            let why = format!("its records are of version {records}, this build reads {RECORDS}");
            Err(TakeoverError::Nonsense(why))
        }
        Given::Refused(why) => Err(TakeoverError::Refused(why)),
        _ => Err(out_of_turn()),
    }
}

/// What the other process proves with, and what it would give.
fn welcome(channel: &mut Channel) -> Result<(Option<String>, Room), TakeoverError> {
    match channel.receive()?.0 {
        Given::Welcome { proof, sessions, descriptors } => {
            Ok((proof, Room { sessions, descriptors }))
        }
        Given::Refused(why) => Err(TakeoverError::Refused(why)),
        _ => Err(out_of_turn()),
    }
}

/// So many sessions and descriptors: that there is room for, or that come.
#[derive(Clone, Copy)]
struct Room {
    sessions: usize,
    descriptors: usize,
}

impl Room {
    /// What there is room for in this process.
    fn here(settings: &Settings) -> Self {
        let limit = usize::try_from(descriptors::hard_limit()).unwrap_or(usize::MAX);
        Self {
            sessions: Admission::new(settings).max_sessions(),
            descriptors: limit.saturating_sub(descriptors::open_count() as usize + SPARE),
        }
    }

    /// Why these have no room in it, if they have none.
    fn is_too_small_for(self, coming: Self) -> Option<TakeoverError> {
        let Self { sessions, descriptors } = coming;
        let (most, left) = (self.sessions, self.descriptors);
        let is_full = sessions > most || descriptors > left;
        is_full.then_some(TakeoverError::NoRoom { sessions, descriptors, most, left })
    }
}
