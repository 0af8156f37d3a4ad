"""The judge is tried before each run: on a made-up run that is right, and on one for each kind of fault."""

from types import SimpleNamespace

from tests.faults.judge import Judge
from tests.faults.ledger import Kill, Ledger, Push, Visit, Wait

HELLO = {"recovered": True}


def visit(began, ended, keys, given=None):
    """A session that hears these, one each tenth of a second."""
    heard = [(began + 0.1 * number, (1, key)) for number, key in enumerate(keys, 1)]
    return Visit("g0", began, given, greeted=began, hello=HELLO, heard=heard, ended=ended)


def a_run():
    """Three pushes to a user of two devices: one gives its cursor, one acknowledges; both come twice."""
    ledger = Ledger()
    ledger.began = 0.0
    for number in (1, 2, 3):
        at = number * 0.01
        ledger.pushes[1, number] = Push((1, number), ("u",), "single", at, at + 0.001, 1)
    giver = [visit(0.0, 20.0, [1, 2, 3]), visit(30.0, None, [], given="C")]
    relying = [visit(0.0, 20.0, [1, 2, 3]), visit(30.0, None, [3])]
    relying[0].acknowledged.append([5.0, 2, True])
    for name, visits in (("d0", giver), ("d1", relying)):
        ledger.devices.append(SimpleNamespace(
            user="u", name=name, transport="tcp", gives=visits is giver, visits=visits, before_last=1,
            subscription=None))
    return ledger, giver, relying


def lose(_, giver, __):
    """One that never came."""
    del giver[0].heard[2]


def replay_to_giver(_, giver, __):
    """One again to who gave a cursor."""
    giver[1].heard.append((30.1, (1, 3)))


def double(_, giver, __):
    """One twice in a session."""
    giver[0].heard.append((1.0, (1, 1)))


def replay_acknowledged(_, __, relying):
    """One again that the store had been told of."""
    relying[1].heard.insert(0, (30.05, (1, 2)))


def leave_out(_, __, relying):
    """One that was not acknowledged and did not come again."""
    relying[1].heard.clear()


def turn_round(_, giver, __):
    """Two in another order than elsewhere."""
    first, second, third = giver[0].heard
    giver[0].heard[:] = [(first[0], second[1]), (second[0], first[1]), third]


def make_late(ledger, giver, relying):
    """One that came long after it was promised, though its session was there."""
    for one in (giver, relying):
        one[0].heard[2] = (15.0, (1, 3))
    ledger.kills.append(Kill(1, "gateway", "g0", 1.0, 1.5, 2.0))


def tell_untrue_gap(_, giver, __):
    """The store said to be away while everybody was there."""
    giver[1].gaps.append((30.0, "store_away"))
    giver[1].recovered.append(30.1)


def tell_lost(_, giver, __):
    """A kept message said to be lost."""
    giver[1].gaps.append((30.0, "lost"))


def tell_nothing(_, giver, __):
    """Not everything there, and no word why."""
    giver[1].hello = {"recovered": False}


def send_foreign(_, giver, __):
    """One that was for somebody else."""
    giver[0].heard.append((1.0, (9, 9)))


def forget_commit(ledger, _, __):
    """One that was committed and never told."""
    ledger.waits.append(Wait(10, "u", "d0", None, "commit"))


BREAKS = {
    "missing": lose, "twice": double, "acknowledged": replay_acknowledged, "left out": leave_out,
    "order": turn_round, "late": make_late, "gap": tell_untrue_gap, "untold": tell_nothing,
    "foreign": send_foreign, "commit": forget_commit,
}
ALSO = {"twice": replay_to_giver, "gap": tell_lost}


def try_judge():
    """An error unless it sees each of them, and nothing where nothing is."""
    ledger, *_ = a_run()
    found = Judge(ledger, 3.0).judge()
    if found:
        raise SystemExit(f"the judge sees what is not there: {found}")
    for what, breaking in [*BREAKS.items(), *ALSO.items()]:
        ledger, giver, relying = a_run()
        breaking(ledger, giver, relying)
        found = {broken.what for broken in Judge(ledger, 3.0).judge()}
        if what not in found:
            raise SystemExit(f"the judge does not see {breaking.__name__}: {found}")
