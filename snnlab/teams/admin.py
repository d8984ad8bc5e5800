from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from snnlab.teams.models import Membership, Team, User


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    list_display = ("name", "slug")
    inlines = (MembershipInline,)


admin.site.register(User, UserAdmin)
