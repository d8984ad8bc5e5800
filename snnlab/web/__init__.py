"""The site's HTML pages: they show what queries say and hand what people send to actions."""
