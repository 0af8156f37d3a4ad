"""What is said about a run: counts, and where a promise was broken the story of that user."""

from collections import Counter

FIRST = 5
MOST_LINES = 60


def tell(given, ledger, judge):
    """Prints the summary, then the first broken promises; the exit code."""
    print(summary(ledger, judge))
    for broken in judge.broken[:FIRST]:
        print(f"\nBROKEN {broken.what}: {broken.user}: {broken.text}  (--seed {given.seed})")
    told = []
    for broken in judge.broken:
        if broken.user not in told and len(told) < 2:
            told.append(broken.user)
            print("\n".join(story(ledger, broken.user)))
    kinds = dict(Counter(one.what for one in judge.broken))
    print(f"\n{len(judge.broken)} broken: {kinds}" if kinds else "\nevery promise was kept")
    return 1 if judge.broken else 0


def summary(ledger, judge):
    """The counts."""
    devices, pushes = ledger.devices, ledger.pushes.values()
    visits = [visit for device in devices for visit in device.visits]
    waits = [wait for wait in ledger.waits if wait.seconds is not None]
    lines = {
        "kills": dict(Counter(kill.kind for kill in ledger.kills)),
        "sessions": f"{len(visits)} of {len(devices)} devices",
        "of them by transport": dict(Counter(device.transport for device in devices for _ in device.visits)),
        "pushes": f"{len(ledger.pushes)} {dict(Counter(push.kind for push in pushes))}",
        "promised": sum(push.promised is not None for push in pushes),
        "sent more than once": sum(push.attempts > 1 for push in pushes),
        "answers": dict(sorted(ledger.answers.items(), key=str)),
        "no answers": ledger.refusals,
        "subscriptions": sum(len(one.visits) for one in ledger.hearers()) - len(visits),
        "messages heard": judge.delivered,
        "heard again (allowed: not acknowledged, no cursor)": judge.replays - judge.again,
        "acknowledgements judged": judge.held,
        "gaps": dict(Counter(reason for visit in visits for _, reason in visit.gaps)),
        "endings": ledger.endings,
        "longest wait of a session that was there": f"{judge.longest:.2f} s",
        "committed, neither answered nor forwarded": dict(Counter(wait.of for wait in ledger.waits)),
        "longest of their waits": f"{max((wait.seconds for wait in waits), default=0):.2f} s",
        "longest standstill of this program": f"{ledger.lag:.2f} s",
        "missing": sum(one.what == "missing" for one in judge.broken),
        "duplicates": sum(one.what in ("twice", "acknowledged") for one in judge.broken),
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items())


def story(ledger, user):
    """What happened to a user, in the order in which it did, as far as it fits."""
    events = [(kill.at, f"kill {kill.number} of {kill.victim} ({kill.kind}), back "
               f"{kill.back - ledger.began if kill.back else 0:.2f}") for kill in ledger.kills]
    for push in ledger.pushes.values():
        if user in push.users:
            events.append((push.sent, f"{push.key} sent ({push.kind})"))
            if push.promised:
                events.append((push.promised, f"{push.key} answered, attempt {push.attempts}"))
    for device in ledger.hearers():
        if device.user == user:
            for number, visit in enumerate(device.visits):
                name = f"{device.name}#{number}"
                place = f"{device.transport} at {visit.gateway}"
                events.append((visit.began, f"{name} {place}, gives {visit.given}"))
                if visit.greeted:
                    events.append((visit.greeted, f"{name} {visit.hello}"))
                events += [(at, f"{name} hears {key}") for at, key in visit.heard]
                events += [(at, f"{name} gap {reason}") for at, reason in visit.gaps]
                events += [(at, f"{name} recovered") for at in visit.recovered]
                events += [(at, f"{name} acknowledges {count}, said: {said}")
                           for at, count, said in visit.acknowledged]
                if visit.ended:
                    events.append((visit.ended, f"{name} ends: {visit.why}"))
    events.sort()
    left_out = len(events) - MOST_LINES
    if left_out > 0:
        events = events[-MOST_LINES:]
    yield f"\nstory of {user}" + (f" (its first {left_out} lines left out)" if left_out > 0 else "")
    for at, text in events:
        yield f"{at - ledger.began:9.3f}  {text}"
