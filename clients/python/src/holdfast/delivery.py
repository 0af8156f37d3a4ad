"""What is done with an answer: what is sent again, when, to whom, and what is given up."""

import logging

from holdfast.outbox import Outbox, Waiting
from holdfast.pausing import full_jitter
from holdfast.pushes import GivenUp, Reason
from holdfast.sending import Answer, Elsewhere, Lost, NotSent, Reported, Sender

logger = logging.getLogger("holdfast")
# So often in a row another process than the last one may answer, until none is asked for by name any more.
MOST_STRANGERS = 3


class Delivery:
    """Batches of one outbox on their way; all but `ask` is called with the outbox locked."""

    def __init__(self, outbox: Outbox, sender: Sender) -> None:
        self.outbox, self.sender = outbox, sender
        self.process: str | None = None
        self.has_asked = False
        self.strangers = self.failures = 0
        self.not_before = 0.0
        self.given_up: list[GivenUp] = []

    def take(self, now: float) -> list[Waiting]:
        """The next batch; empty while nobody may be asked."""
        batch = self.outbox.take(now) if now >= self.not_before else []
        if batch:
            self.outbox.counts.requests += 1
            self.outbox.counts.sent_again += sum(waiting.sent > 0 for waiting in batch)
        return batch

    def pause(self, now: float, most: float) -> float:
        """Seconds until there may be a batch, at most so many."""
        until = self.not_before
        if not self.outbox.fresh:
            until = max(until, self.outbox.again_at)
        return min(most, max(0.0, until - now))

    def ask(self, batch: list[Waiting]) -> tuple[Answer, str | None]:
        """Sends a batch; its answer, and the process that it was meant for alone.

        Live pushes, whose ids only the process knows that takes them, are sent to a process by its name: then
        it is known who may have them if no answer comes.
        """
        is_live = any(not waiting.push.is_kept for waiting in batch)
        if is_live and not self.has_asked:
            answer = self.sender.process()
            if isinstance(answer, NotSent):
                return answer, None
            self.process, self.has_asked = answer, True
        process = self.process if is_live and self.strangers < MOST_STRANGERS else None
        for waiting in batch:
            waiting.sent += 1
        return self.sender.send([waiting.push.line for waiting in batch], process), process

    def on_answer(self, batch: list[Waiting], answer: Answer, process: str | None, now: float) -> None:
        """What became of a batch that was meant for this process."""
        if isinstance(answer, Reported):
            self.on_report(batch, answer, process, now)
        elif isinstance(answer, Elsewhere):
            self.on_elsewhere(batch, answer.process, now)
        else:
            self.on_failure(batch, answer, process, now)

    def on_report(self, batch: list[Waiting], answer: Reported, process: str | None, now: float) -> None:
        """Each line has its own fate; those that found no room wait, and with them what is behind them."""
        if process is not None:
            self.strangers = 0
        self.process = self.process or answer.process
        again = []
        for waiting, fate in zip(batch, answer.fates, strict=True):
            if fate.is_taken:
                self.outbox.accept(waiting)
            elif fate.may_be_sent_again:
                again.append(waiting)
            else:
                self.note(self.outbox.give_up(waiting, Reason.REJECTED, fate.detail, fate.status))
        if not again:
            self.failures = 0
            return
        self.failures += 1
        again_at = now + (answer.pause or 0.0) + full_jitter(self.failures)
        self.outbox.back(again, again_at)
        if len(again) == len(batch):
            # It has room for nobody.
            self.not_before = again_at

    def on_elsewhere(self, batch: list[Waiting], process: str | None, now: float) -> None:
        """Nothing was taken; from now on another process is meant."""
        self.strangers += 1
        if self.strangers == MOST_STRANGERS:
            logger.warning("pusher-apis take turns: live pushes that get no answer are given up at once")
        self.process = process
        self.given_up += self.outbox.elsewhere(batch, process)
        self.outbox.back(batch, now)

    def on_failure(
        self, batch: list[Waiting], answer: NotSent | Lost, process: str | None, now: float
    ) -> None:
        """Nobody was reached, or nobody knows what was taken."""
        self.failures += 1
        pause = 0.0
        if isinstance(answer, Lost):
            pause = answer.pause or 0.0
            self.given_up += self.outbox.uncertain(batch, process, now)
        self.not_before = now + pause + full_jitter(self.failures)
        self.outbox.back(batch, now)
        logger.info("a batch of %d pushes is repeated: %s", len(batch), answer.detail)

    def sweep(self, now: float) -> None:
        """Gives up what has waited too long."""
        self.given_up += self.outbox.sweep(now)

    def note(self, given_up: GivenUp | None) -> None:
        """Remembers what is to be told."""
        if given_up is not None:
            self.given_up.append(given_up)

    def has_to_tell(self) -> bool:
        """Whether something was given up that nobody was told of."""
        return bool(self.given_up)

    def to_tell(self) -> list[GivenUp]:
        """What was given up since the last call."""
        given_up, self.given_up = self.given_up, []
        return given_up
