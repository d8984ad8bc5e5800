"""When a user was here last, so that a page can tell what is new."""

from datetime import datetime

from django.db import connection

from snnlab.teams.models import User, Visit


# Who comes back sooner is still on the same visit.
VISIT = """
insert into teams_visit (user_id, last, since)
values (%(user)s, now(), now() - interval '7 days')
on conflict (user_id) do update set last = now(), since =
  case when teams_visit.last < now() - interval '30 minutes' then teams_visit.last
    else teams_visit.since end
returning greatest(since, now() - interval '30 days')"""


def visit(user: User) -> datetime:
    """Note a visit; gives the end of the one before, at most 30 days ago."""
    with connection.cursor() as cursor:
        cursor.execute(VISIT, {"user": user.pk})
        since: datetime = cursor.fetchone()[0]
    return since


def since(user: User) -> datetime | None:
    """The same, without a visit; nothing before the first one."""
    return Visit.objects.filter(user=user.pk).values_list("since", flat=True).first()
