//! What is to be written to one gateway. A plain value, behind the lock of its link.

use bytes::BytesMut;
use protocol::{
    clock::micros_since_epoch,
    link::{
        ClockReading, DeviceNotice, Down, GivenUp, LinkRequest, OtherGateways, RelayAnswer,
        StoreAnswer,
    },
};
use uuid::Uuid;

use super::outbox::{Batch, Freed, Outbox};

/// Pushes, and small frames that overtake them.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) outbox: Outbox,
    control: BytesMut,
    presence_ack: Option<u64>,
    /// The time that was asked for, but for that at which it goes.
    time: Option<ClockReading>,
    /// What the others have, as it is to be told.
    others: Option<OtherGateways>,
}

/// What the writer takes at once: small frames first, then at most one batch.
#[derive(Debug)]
pub(crate) struct Writable {
    pub(crate) control: BytesMut,
    pub(crate) batch: Option<Batch>,
}

impl Outgoing {
    /// Connected: decides what is sent again, and returns what was acknowledged. Small frames are
    /// of the connection before, and go.
    pub(super) fn resume(&mut self, last_seq: u64) -> Freed {
        self.forget_control();
        self.outbox.resume(last_seq)
    }

    /// The same for another gateway process; returns what was for sessions that are gone.
    pub(super) fn restart(&mut self, last_seq: u64) -> Freed {
        self.forget_control();
        self.outbox.restart(last_seq)
    }

    fn forget_control(&mut self) {
        self.control.clear();
        (self.presence_ack, self.time, self.others) = (None, None, None);
    }

    pub(super) fn request(&mut self, request: u64, body: LinkRequest) {
        Down::Request { request, body }.encode(&mut self.control);
    }

    pub(super) fn tell(&mut self, given_up: &GivenUp) {
        Down::GivenUp(given_up.clone()).encode(&mut self.control);
    }

    pub(super) fn notice(&mut self, notice: &DeviceNotice) {
        Down::Device(notice.clone()).encode(&mut self.control);
    }

    pub(super) fn answer_relay(&mut self, relay: u64, answer: &RelayAnswer) {
        Down::RelayAnswer { relay, body: answer.clone() }.encode(&mut self.control);
    }

    pub(super) fn tell_store(&mut self, store: Option<Uuid>) {
        Down::Store(store).encode(&mut self.control);
    }

    pub(super) fn answer_store(&mut self, question: u64, body: StoreAnswer) {
        Down::StoreAnswer { question, body }.encode(&mut self.control);
    }

    /// Bytes of small frames that wait.
    pub(super) fn small_bytes(&self) -> usize {
        self.control.len()
    }

    pub(super) fn heartbeat(&mut self) {
        Down::Heartbeat.encode(&mut self.control);
    }

    /// Only the last question is answered.
    pub(super) fn answer_time(&mut self, asked_micros: u64) {
        let now = micros_since_epoch();
        let reading = ClockReading { asked_micros, received_micros: now, answered_micros: now };
        self.time = Some(reading);
    }

    /// Only what is true last is told.
    pub(super) fn tell_others(&mut self, others: OtherGateways) {
        self.others = Some(others);
    }

    /// Only the last acknowledgement counts.
    pub(super) fn acknowledge_presence(&mut self, seq: u64) {
        self.presence_ack = Some(seq);
    }

    pub(super) fn take(&mut self) -> Option<Writable> {
        if let Some(seq) = self.presence_ack.take() {
            Down::PresenceAck { seq }.encode(&mut self.control);
        }
        if let Some(reading) = self.time.take() {
            let answered_micros = micros_since_epoch();
            Down::Time(ClockReading { answered_micros, ..reading }).encode(&mut self.control);
        }
        if let Some(others) = self.others.take() {
            Down::Others(others).encode(&mut self.control);
        }
        let control = self.control.split();
        let batch = self.outbox.next_batch();
        (batch.is_some() || !control.is_empty()).then_some(Writable { control, batch })
    }
}
