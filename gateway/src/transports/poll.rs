//! Long poll: JSON frames in the answers to a row of requests. A frame stands among others in a JSON text,
//! so it is sent as it is; what is around it is made for each answer.

use std::ops::Range;

use protocol::CloseReason;

use super::{
    inbound::{Assembly, Sink},
    wire::Wire,
};

/// The transport of polls.
pub(crate) struct Poll;

impl Wire for Poll {
    fn next(
        &self,
        _: &mut [u8],
        _: &mut Option<Assembly>,
        _: usize,
        _: Sink<'_>,
    ) -> Result<Option<usize>, CloseReason> {
        // A session that is asked by requests has no connection of its own.
        Ok(None)
    }

    fn encode(&self, json: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(json);
    }

    fn slice(&self, json: Range<usize>) -> Range<usize> {
        json
    }

    fn ping(&self, _: &mut Vec<u8>) {
        // A client that is there asks.
    }

    fn ends_by_shutdown(&self) -> bool {
        true
    }
}
