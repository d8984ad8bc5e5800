"""When a schedule falls due: moments in UTC from what people say. Pure; no clock is read here."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from snnlab.experiments.asking import Refused


Kind = Literal["cron", "every", "once"]
KINDS = ("cron", "every", "once")
SHORTEST, LONGEST = 60, 366 * 24 * 3600  # seconds
YEARS = range(1970, 3000)  # of a start: all that follows from it stays within what a clock can say


@dataclass(frozen=True)
class Timing:
    """A rule that gives slots, each a moment. Refuses, by `checked`, what gives none.

    `cron` is the five fields of cron in the time zone `zone`. Where clocks change, a job of a fixed
    time runs once: right after the gap, or the first of the two; one that says `*` or `*/n` for
    minutes or hours goes on by the hours that really pass. Nothing comes before `start`. `every`
    counts seconds from it, `once` is `start` alone; neither knows of time zones.
    """

    kind: Kind
    start: datetime
    cron: str = ""
    zone: str = "UTC"
    every: int = 0

    def checked(self) -> "Timing":
        """The same. Raises Refused in words for people."""
        if self.kind not in KINDS:
            raise Refused(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.start.tzinfo is None:
            raise Refused(f"start must say its time zone, got {self.start.isoformat()}")
        if self.start.year not in YEARS:
            raise Refused(
                f"start must be in the years {YEARS[0]} to {YEARS[-1]}, got {self.start.year}"
            )
        if self.zone not in available_timezones():
            raise Refused(f"zone must be a time zone such as Europe/Berlin, got {self.zone!r}")
        if self.kind == "every" and not SHORTEST <= self.every <= LONGEST:
            raise Refused(f"every must be {SHORTEST} s to {LONGEST} s, got {self.every} s")
        if self.kind == "cron":
            self._check_cron()
        return self

    def _check_cron(self) -> None:
        if len(self.cron.split()) != 5:
            raise Refused(
                f"cron must have five fields, as in 30 2 * * 1-5 (minute, hour, day, month, "
                f"weekday), got {self.cron!r}"
            )
        try:
            if self.after(self.start) is None:
                raise CronSimError("It never comes")
        except CronSimError as error:
            raise Refused(f"cron: {error}, got {self.cron!r}") from error

    def after(self, moment: datetime) -> datetime | None:
        """The first slot later than the moment; None if there is none."""
        return next(self.slots(moment), None)

    def upcoming(self, moment: datetime, count: int = 5) -> list[datetime]:
        """The next slots."""
        return list(itertools.islice(self.slots(moment), count))

    def slots(self, moment: datetime) -> Iterator[datetime]:
        """Every slot later than the moment, in order, in UTC."""
        if self.kind == "once":
            yield from [self.start.astimezone(UTC)] if self.start > moment else []
        elif self.kind == "every":
            yield from self._regular(moment)
        else:
            yield from self._cron(moment)

    def _regular(self, moment: datetime) -> Iterator[datetime]:
        start, step = self.start.astimezone(UTC), timedelta(seconds=self.every)
        passed = max(0, (moment - start) // step + 1)
        yield from (start + number * step for number in itertools.count(passed))

    def _cron(self, moment: datetime) -> Iterator[datetime]:
        """Once each and only forwards, whatever the clocks do."""
        last = max(moment, self.start - timedelta(microseconds=1))
        for slot in CronSim(self.cron, last.astimezone(self.clock)):
            at = slot.astimezone(UTC)
            if at > last:
                yield at
                last = at

    @cached_property
    def clock(self) -> ZoneInfo:
        """The clock on the wall that people read slots from."""
        return ZoneInfo(self.zone)


def words(length: timedelta) -> str:
    """A length of time in its two largest units."""
    seconds = int(length.total_seconds())
    units = (("d", seconds // 86400), ("h", seconds // 3600 % 24), ("min", seconds // 60 % 60))
    parts = [f"{count} {unit}" for unit, count in units if count]
    return " ".join(parts[:2]) or f"{seconds} s"
