"""Celery workers: they look at shoppers' pictures and do the catalogue's work."""
