"""What the processes of one house share when it is spread over several: Redis, and Celery on it."""
