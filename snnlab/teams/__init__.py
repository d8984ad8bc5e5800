"""Who works here: users, teams and what each member may do."""
