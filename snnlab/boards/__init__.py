"""Boards: Dash pages under the site's own navigation, sign-in and permissions. They only read."""
