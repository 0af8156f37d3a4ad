//! What a process knows beside its sessions, to be given to another one.

use std::time::{Duration, Instant};

use protocol::{SessionId, kept::Acknowledged};

use crate::{
    delivery::batches::BatchLog,
    gateway::{Gateway, Inherited},
    handover::records::{AcknowledgedRecord, Bytes, ProcessRecord, read, written},
    runtime::clock::Clock,
    session::{Directory, Shared},
    uplink::{deciders::Deciders, stores::HeldStore, way::Way},
};

/// As it is now. Links and workers stand still.
pub(super) fn record(gateway: &Gateway, position: Option<bytes::Bytes>) -> ProcessRecord {
    let Gateway { directory, clock, batches, deciders, fan_out, instance, .. } = gateway;
    let (began, since_epoch) = clock.beginning();
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let upcoming = directory.upcoming_session_id();
    let heard = deciders.lock().heard(|way: &Way| way.0.heard_until(upcoming));
    let store = directory.stores.held();
    let feeds = fan_out.feeds.places().into_iter();
    let acknowledged = directory.acknowledgements.all().into_iter();
    ProcessRecord {
        instance: *instance,
        clock_began: (nanos(began), nanos(since_epoch)),
        ids: directory.ids(),
        batches: batches.all(),
        linked: directory.presence.linked(),
        store: store.store,
        has_no_store: store.is_absent,
        position: position.map(|position| Bytes(position.to_vec())),
        feeds: feeds.map(|(topic, place)| (topic, written(place))).collect(),
        acknowledged: acknowledged
            .map(|Acknowledged { user, device, place }| AcknowledgedRecord {
                user,
                device,
                place: written(place),
            })
            .collect(),
        heard: heard.into_iter().map(|(gateway, session)| (gateway, session.0)).collect(),
    }
}

/// Makes it what sessions share from now on, and what a gateway begins with.
pub(super) fn inherit(record: ProcessRecord, shared: &mut Shared) -> Inherited {
    let (began, since_epoch) = record.clock_began;
    shared.clock =
        Clock::continuing((Duration::from_nanos(began), Duration::from_nanos(since_epoch)));
    let directory = Directory::continuing(record.ids);
    directory.presence.wait_for(&record.linked);
    let position = record.position.map(|position| position.0.into());
    let held = HeldStore { store: record.store, is_absent: record.has_no_store, position };
    directory.stores.resume(held, Instant::now());
    for AcknowledgedRecord { user, device, place } in record.acknowledged {
        directory.acknowledgements.take_note(&user, device.as_ref(), read(place));
    }
    for (topic, place) in record.feeds {
        shared.fan_out.feeds.begin(&topic, read(place));
    }
    shared.directory = directory.into();
    let heard = record.heard.into_iter().map(|(gateway, session)| (gateway, SessionId(session)));
    Inherited {
        instance: record.instance,
        batches: BatchLog::resumed(&record.batches),
        deciders: Deciders::resumed(heard),
    }
}
